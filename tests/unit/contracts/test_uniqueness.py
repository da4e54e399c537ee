"""The cheap way to find doubled keys agrees with the obvious one."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.contracts import uniqueness
from creditrisk.contracts.uniqueness import doubled_rows

NUMBERS = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([-(2**62), 2**62]))
WORDS = st.one_of(st.none(), st.sampled_from(["a", "b", "ab", ""]))


def _obvious(values: list[tuple[object, ...]]) -> int:
    known = [value for value in values if None not in value]
    return len(known) - len(set(known))


def _found(values: list[tuple[object, ...]], kinds: list[str]) -> int:
    names = [f"k{at}" for at in range(len(kinds))]
    with duckdb.connect() as con:
        con.execute(f"create table t ({', '.join(f'{name} {kind}' for name, kind in zip(names, kinds, strict=True))})")
        con.executemany(f"insert into t values ({', '.join('?' * len(kinds))})", values)
        ends = {
            name: con.execute(f"select min({name}), max({name}) from t").fetchall()[0]
            for name, kind in zip(names, kinds, strict=True)
            if kind == "bigint"
        }
        return doubled_rows(con, "t", names, ends, len(values))


@settings(max_examples=25)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=30))
def test_pairs_of_integers(values):
    assert _found(values, ["bigint", "bigint"]) == _obvious(values)


@settings(max_examples=25)
@given(st.lists(st.tuples(WORDS, NUMBERS), min_size=1, max_size=30))
def test_words_and_integers(values):
    assert _found(values, ["varchar", "bigint"]) == _obvious(values)


@pytest.mark.parametrize("kinds", [["bigint"], ["varchar"]])
def test_a_table_larger_than_one_pass(monkeypatch, kinds):
    monkeypatch.setattr(uniqueness, "_ROWS_AT_ONCE", 10)
    values = [(value if kinds == ["bigint"] else str(value),) for value in [*range(50), 7, 7, 49]]
    assert _found(values, kinds) == 3
