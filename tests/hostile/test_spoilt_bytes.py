"""Random bytes of a small clean file are changed: nothing is ever read that the spoilt file does not say."""

from __future__ import annotations

import csv
import io
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from creditrisk.errors import BadData
from tests.support.small_tables import bronze, contract, rows

LOAN = contract(
    "loans",
    loan_id={"type": "integer", "available": "identifier"},
    income="decimal(18,3)",
    share="double",
    town={"type": "text", "categories": ["Ulm", "Bonn"]},
    job="text",
)
CLEAN = "loan_id,income,share,town,job\n" + "".join(
    f"{1000 + row},{row * 37}.5,0.{row}25,{'Ulm' if row % 2 else 'Bonn'},clerk no {row}\n" for row in range(1, 13)
)
BYTES = st.one_of(st.sampled_from(b"\0\r\n\",;\t|_+-.'eE \xef\xbb\xbf\xff\xe9\x80"), st.integers(0, 255))
CHANGES = st.lists(
    st.tuples(st.integers(0, len(CLEAN) - 1), st.sampled_from(["put", "change", "cut"]), BYTES), min_size=1, max_size=4
)


@pytest.mark.integration
@settings(max_examples=25)
@given(CHANGES)
@example([(34, "put", ord("_"))])
@example([(37, "change", ord(","))])
def test_every_row_that_is_read_says_what_the_file_says(tmp_path_factory: pytest.TempPathFactory, changes) -> None:
    content = bytearray(CLEAN.encode())
    for place, how, byte in changes:
        if place < len(content):
            content[place : place + (how != "put")] = b"" if how == "cut" else bytes([byte])
    try:
        table = bronze(Path(tmp_path_factory.mktemp("spoilt")), bytes(content), LOAN)
    except BadData:
        return
    told = {finding.rule for finding in table.findings}
    if {"separator", "decimal sign"} & told:  # read in another way, and told so
        return
    says = [cells for cells in _cells(bytes(content)) if len(cells) >= 5]
    words = "encoding" not in told  # words were read in other letters, and told so; numbers have none
    read = rows(table.path)
    for row in read:
        assert any(_same(row, cells, words=words) for cells in says), (row, told)
    if len(read) < 12:
        assert told


def _cells(content: bytes) -> list[list[str]]:
    """What an unhurried reader makes of it."""
    text = content.decode("utf-8", "replace").replace("\ufeff", "")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return list(csv.reader(io.StringIO(text, newline="")))


def _same(row, cells: list[str], *, words: bool) -> bool:
    loan_id, income, share, town, job = row
    return (
        _number(cells[0]) == loan_id
        and (income is None or abs((_number(cells[1]) or 0) - income) <= Decimal("0.0005"))
        and (share is None or float(cells[2]) == share)
        and (not words or (cells[3] or None) == town)
        and (not words or (cells[4] or None) == (job and job.replace("\r\n", "\n").replace("\r", "\n")))
    )


def _number(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        return Decimal(text.strip()) if "_" not in text else Decimal("NaN")
    except InvalidOperation:
        return Decimal("NaN")
