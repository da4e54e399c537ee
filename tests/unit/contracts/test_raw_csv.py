"""The header, and on which line a byte stands."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from creditrisk.contracts import raw_csv
from creditrisk.contracts.raw_csv import line_of_byte, rows_with
from tests.support.small_tables import written


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_lines_are_counted_across_blocks(tmp_path, monkeypatch, name):
    monkeypatch.setattr(raw_csv, "_CHUNK", 7)
    content = b"".join(b"%d,x\n" % number for number in range(100))
    starts = [0] + [at + 1 for at, byte in enumerate(content[:-1]) if byte == 10]
    path = written(tmp_path / name, content)
    assert line_of_byte(path, starts[::-1]) == {start: line for line, start in enumerate(starts, start=1)}


@given(st.binary(max_size=60), st.data())
def test_line_of_any_byte(tmp_path_factory, content, data):
    assume(content and not content.startswith(b"\x1f\x8b"))  # gzip is unpacked first, whatever its name
    path = written(tmp_path_factory.mktemp("bytes") / "x.csv", content)
    place = data.draw(st.integers(0, len(content) - 1))
    assert line_of_byte(path, [place]) == {place: 1 + content[:place].count(b"\n")}


def test_rows_are_found_by_value_with_the_line_they_begin_on(tmp_path):
    path = written(tmp_path / "x.csv", 'a,b\n1,"p\nq"\nbad,"r\ns"\n2,bad\nbad,t\n')
    assert rows_with(path, {0: {"bad"}}, 10) == [(4, 0, "bad"), (7, 0, "bad")]
    assert rows_with(path, {0: {"bad"}}, 1) == [(4, 0, "bad")]
