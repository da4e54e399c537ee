"""A value of a record and the same text in the cell of a file: the same bits, or both refused."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.config import Column
from creditrisk.contracts.conditions import condition_of, database_condition
from creditrisk.contracts.readings import csv_reading, largest_exact, precision_and_scale
from creditrisk.contracts.values import NotReadable, Rounded, as_duckdb_writes, value_reader


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def column(**says: Any) -> Column:
    return Column.model_validate({"name": "x", "available": "application", **says})


def in_a_file(con: duckdb.DuckDBPyConnection, promised: Column, text: str) -> tuple[Any, bool] | None:
    """(typed value, is it exact?) of the cell in a file of one row; None where the row is rejected."""
    fast = csv_reading(promised, "cell", strict=True)
    first = _read(con, fast.raw, fast.value, fast.good, fast.exact, text)
    limit = largest_exact(promised)
    if fast.raw == "DOUBLE" and (first is None or (limit is not None and abs(first[0] or 0) >= limit)):
        careful = csv_reading(promised, "cell", careful=True, strict=True)
        return _read(con, careful.raw, careful.value, careful.good, careful.exact, text)
    return first


def _read(
    con: duckdb.DuckDBPyConnection, raw: str, value: str, good: str | None, exact: str | None, text: str
) -> tuple[Any, bool] | None:
    query = (
        f"select {value}, {good or 'true'}, {exact or 'true'}, cell is null from (select try_cast(? as {raw}) as cell)"
    )
    try:
        made, is_good, is_exact, unread = con.execute(query, [text]).fetchall()[0]
    except duckdb.ConversionException:  # of 1.0000000000000002e16 as decimal(18,2): the file is refused
        return None
    return (made, is_exact) if is_good and not unread else None


def in_a_record(promised: Column, given: Any) -> tuple[Any, bool] | None:
    try:
        return _plain(value_reader(promised)(given), promised), True
    except Rounded as kept:
        return _plain(kept.value, promised), False
    except NotReadable:
        return None


def _plain(value: Any, promised: Column) -> Any:
    if value is None or not promised.type.startswith("decimal"):
        return value
    return Decimal(value).scaleb(-precision_and_scale(promised)[1])


def bits(found: tuple[Any, bool] | None) -> Any:
    if found is None or not isinstance(found[0], float):
        return found
    return struct.pack("<d", found[0]), found[1]


NUMBER_TYPES = [
    "integer",
    "double",
    "decimal(18,3)",
    "decimal(18,2)",
    "decimal(9,0)",
    "decimal(28,10)",
    "decimal(18,6)",
]

digits = st.text("0123456789", min_size=1, max_size=22)
plain_numbers = st.builds(
    lambda sign, whole, point, part: f"{sign}{int(whole)}{point}{part if point else ''}",
    st.sampled_from(["", "-"]), digits, st.sampled_from(["", "."]), digits,
)  # fmt: skip
halves = st.builds(
    lambda whole, part: f"{whole}.{part}5", st.integers(-10_000, 10_000), st.text("0123456789", max_size=6)
)
# With more digits before an exponent, DuckDB's answer depends on how the number is spelt, which JSON does not keep.
scientific = st.builds(
    lambda number, power: f"{number}e{power}", st.integers(-(10**15), 10**15), st.integers(-330, 330)
)
numbers = st.one_of(plain_numbers, halves, scientific, st.floats(allow_nan=False, allow_infinity=False).map(repr))


@pytest.mark.parametrize("kind", NUMBER_TYPES)
@given(text=numbers)
def test_a_number_has_the_bits_of_its_cell(con: duckdb.DuckDBPyConnection, kind: str, text: str) -> None:
    if text == "-0":
        return  # JSON's whole number zero has no sign
    sent = json.loads(text, parse_float=Decimal)
    promised = column(type=kind)
    assert bits(in_a_record(promised, sent)) == bits(in_a_file(con, promised, text))


FORMS = [*((kind, "plain") for kind in NUMBER_TYPES), ("double", "percent"), ("integer", "months")]


@pytest.mark.parametrize(("kind", "form"), FORMS)
@given(number=st.one_of(st.floats(), numbers.map(float), st.integers(-(10**7), 10**7).map(lambda whole: whole / 1000)))
def test_a_float_is_read_as_its_shortest_digits(kind: str, form: str, number: float) -> None:
    promised = column(type=kind, format=form)
    assert bits(in_a_record(promised, number)) == bits(in_a_record(promised, Decimal(repr(number))))


written = st.one_of(
    st.builds(
        lambda number, end: f"{number}{end}", numbers, st.sampled_from(["", "%", " %", "% ", "%%", " months", "x"])
    ),
    st.text(" 0123456789.%-+eE_months", max_size=12),
)


@pytest.mark.parametrize(("kind", "form"), [("double", "percent"), ("integer", "months")])
@given(text=written)
def test_a_number_with_its_unit_has_the_bits_of_its_cell(
    con: duckdb.DuckDBPyConnection, kind: str, form: str, text: str
) -> None:
    promised = column(type=kind, format=form)
    if text:
        assert bits(in_a_record(promised, text)) == bits(in_a_file(con, promised, text))


dates = st.one_of(
    st.dates().map(lambda day: f"{day:%Y}-{day.month}-{day.day}"),
    st.dates().map(lambda day: f"{day:%Y/%m/%d} 00:00"),
    st.dates().map(lambda day: f"{day:%b-%Y}"),
    st.text("0123456789-/ T:Z", max_size=20),
    st.builds(lambda month, sign, year: f"{month}{sign}{year}", st.sampled_from(["Dec", "sep", "Sept", "May ", " Jan"]),
              st.sampled_from(["-", " ", "--"]), st.integers(0, 99999)),
)  # fmt: skip


@pytest.mark.parametrize("form", ["plain", "month_year"])
@given(text=dates)
def test_a_date_is_the_date_of_its_cell(con: duckdb.DuckDBPyConnection, form: str, text: str) -> None:
    promised = column(type="date", format=form)
    expected = in_a_file(con, promised, text)
    if text and expected is None and form == "month_year":
        expected = in_a_file(con, column(type="date"), text)  # the typed value itself is taken too
    if text:
        assert in_a_record(promised, text) == expected


@given(
    value=st.one_of(
        st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1), st.dates(), st.booleans()
    )
)
def test_a_value_is_written_as_duckdb_writes_it(con: duckdb.DuckDBPyConnection, value: Any) -> None:
    kinds = {float: "double", int: "integer", bool: "boolean"}
    promised = column(type=kinds.get(type(value), "date"))
    told = con.execute("select cast(? as varchar)", [value]).fetchall()[0][0]
    assert as_duckdb_writes(value, promised) == told


@given(whole=st.integers(-(10**17), 10**17), scale=st.integers(0, 9))
def test_a_decimal_is_written_as_duckdb_writes_it(con: duckdb.DuckDBPyConnection, whole: int, scale: int) -> None:
    promised = column(type=f"decimal(18,{scale})")
    query = f"select cast(cast(? as decimal(18,{scale})) as varchar)"
    told = con.execute(query, [str(Decimal(whole).scaleb(-scale))]).fetchall()[0][0]
    assert as_duckdb_writes(whole, promised) == told


KINDS = {"whole": "integer", "money": "decimal(18,2)", "share": "double", "word": "text", "day": "date",
         "other_day": "date"}  # fmt: skip
COLUMNS = [column(name=name, type=kind) for name, kind in KINDS.items()]

values = st.tuples(
    st.none() | st.integers(-3, 3),
    st.none() | st.integers(-300, 300),
    st.none() | st.sampled_from([0.1, -0.5, 1.0, 0.3, 2.0]),
    st.none() | st.sampled_from(["a", "b", "B", "é", ""]),
    st.none() | st.dates(),
    st.none() | st.dates(),
)
number_terms = st.sampled_from(["whole", "money", "share", "1", "0.1", "-2", "1.50", "null", "coalesce(whole, 2)"])
terms = st.one_of(
    number_terms, st.builds(lambda a, s, b: f"{a} {s} {b}", number_terms, st.sampled_from("+-"), number_terms)
)
compared = st.one_of(
    st.builds(lambda a, o, b: f"{a} {o} {b}", terms, st.sampled_from(["<", "<=", ">", ">=", "=", "<>"]), terms),
    st.sampled_from(["word = 'a'", "word <> 'B'", "word < 'b'", "word in ('a', 'é')", "word is null", "day > other_day",
                     "day is not null", "whole in (1, 2, null)", "not (share is null)", "word not in ('a')"]),
)  # fmt: skip
conditions = st.recursive(
    compared,
    lambda inner: st.one_of(
        inner.map(lambda a: f"not ({a})"),
        st.builds(lambda a, o, b: f"({a}) {o} ({b})", inner, st.sampled_from(["and", "or"]), inner),
    ),
    max_leaves=4,
)


@given(sql=conditions, row=values)
def test_a_condition_says_of_a_row_what_duckdb_says(sql: str, row: Sequence[Any]) -> None:
    condition = condition_of(sql, COLUMNS)
    assert condition is not None
    assert condition(row) == database_condition(sql, COLUMNS)(row)
