"""How one raw column becomes its contract's type: pure SQL text, no data.

A number is read as DOUBLE and cast to its type, with a proof that the cast lost nothing; this is as fast as reading
the type itself, which in DuckDB turns 12.7 into the integer 13 without a word. Where a DOUBLE cannot hold the digits,
the column is read again as text ("carefully").
"""

from __future__ import annotations

from dataclasses import dataclass

from creditrisk.config import Column
from creditrisk.duck import quoted, sql_type

EXACT_INTEGER = 2**53
"""From here on neighbouring integers are the same DOUBLE."""

EXACT_DIGITS = 15
"""Decimal digits that every DOUBLE keeps."""


@dataclass(frozen=True, slots=True)
class Reading:
    """raw: type to read.  value: the expression of the contract's type.

    good: is it readable?  exact: ... and unrounded?  Both are never NULL; None = always.
    """

    raw: str
    value: str
    good: str | None = None
    exact: str | None = None

    @property
    def rounds(self) -> bool:
        return self.exact is not None and self.exact != self.good


def csv_reading(
    column: Column, name: str, *, careful: bool = False, strict: bool = False, dates: str | None = None
) -> Reading:
    """name: of the raw column as an SQL identifier.  careful: read numbers as text.

    strict: ... and only what is plainly one: DuckDB also takes 1_000 and +-5.  dates: form of plain dates.
    """
    plain = column.format == "plain" and not column.missing
    if plain and column.type in ("text", "boolean"):
        return Reading(sql_type(column.type), name)
    if plain and not careful and column.type != "date":
        return _from_double(column, name)
    return _from_text(column, name, strict=strict, dates=dates)


def parquet_reading(column: Column, name: str, raw: str) -> Reading:
    """raw: the type that the file itself gives the column."""
    if raw == "VARCHAR":
        return _from_text(column, name, strict=True)
    if raw in ("DOUBLE", "FLOAT") and column.type not in ("text", "date", "boolean"):
        return _from_double(column, name)
    target = sql_type(column.type)
    value = f"try_cast({name} as {target})"
    if column.type == "text" or raw == target:
        return Reading(raw, value)
    # A whole number or decimal that a DOUBLE cannot hold comes back as another one.
    back = f"try_cast({value} as {raw}) = {name}" if column.type == "double" else f"{value} = {name}"
    same = _or_null(name, back)
    return Reading(raw, value, _or_null(name, f"{value} is not null") if _scale(column) is not None else same, same)


def largest_exact(column: Column) -> float | None:
    """Absolute values from here on cannot be trusted when read as DOUBLE; None = the type has no such limit."""
    if column.type == "integer":
        return float(EXACT_INTEGER)
    scale = _scale(column)
    return None if scale is None else 10.0 ** (EXACT_DIGITS - scale)


def _from_double(column: Column, name: str) -> Reading:
    if column.type == "double":
        return Reading("DOUBLE", name, f"isfinite({name}) is not false", f"isfinite({name}) is not false")
    value = f"try_cast({name} as {sql_type(column.type)})"
    exact = f"cast({value} as double) is not distinct from {name}"
    if column.type == "integer":
        return Reading("DOUBLE", value, exact, exact)
    return Reading("DOUBLE", value, f"({value} is not null or {name} is null)", exact)


def _from_text(column: Column, name: str, *, strict: bool = False, dates: str | None = None) -> Reading:
    words = ", ".join(map(quoted, column.missing))
    text = f"(case when {name} in ({words}) then null else {name} end)" if words else name
    if column.type in ("text", "boolean"):
        value = text if column.type == "text" else f"try_cast({text} as boolean)"
        good = None if column.type == "text" else _or_null(text, f"{value} is not null")
        return Reading("VARCHAR", value, good, good)
    if column.type == "date":
        value, condition = _date(column, text, dates)
        return Reading("VARCHAR", value, *_twice(_or_null(text, condition)))
    digits = _digits(column, text)
    value = f"try_cast({digits} as {sql_type(column.type)})"
    plainly = f" and regexp_full_match({digits}, {quoted(NUMBER)})" if strict else ""
    if column.type == "integer":
        good = _or_null(text, f"{value} = try_cast({digits} as decimal(38, 10)){plainly}")
        return Reading("VARCHAR", value, good, good)
    if column.type == "double":
        return Reading("VARCHAR", value, *_twice(_or_null(text, f"isfinite({value}){plainly}")))
    good = _or_null(text, f"{value} is not null{plainly}")
    wide = _wider(column)
    exact = _or_null(text, f"{value} = try_cast({digits} as {wide}){plainly}") if wide else good
    return Reading("VARCHAR", value, good, exact)


def _date(column: Column, text: str, dates: str | None) -> tuple[str, str]:
    """The date, and whether it is one: DuckDB also takes `infinity`, years of two digits and BC, and drops hours."""
    if column.format == "month_year":
        value = f"cast(try_strptime({text}, '%b-%Y') as date)"
        return value, f"year({value}) between 1000 and 9999"
    if dates is not None:
        value = f"cast(try_strptime({text}, {quoted(dates)}) as date)"
        return value, f"year({value}) between 1000 and 9999"
    value = f"try_cast({text} as date)"
    return value, f"regexp_full_match({text}, {quoted(DATE)}) and {value} is not null"


def _digits(column: Column, text: str) -> str:
    """The part of the text that is the number."""
    if column.format == "percent":
        return rf"trim(regexp_replace({text}, {quoted(PER_CENT)}, ''))"
    if column.format == "months":
        return rf"regexp_extract({text}, {quoted(MONTHS)}, 1)"
    return text


PER_CENT = r"\s*%\s*$"
"""What follows the number."""

MONTHS = r"^\s*(\d+)(\.0*)?(\s*months?)?\s*$"
NUMBER = r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*"
DATE = r"\s*[1-9]\d{3}([-/])\d{1,2}[-/]\d{1,2}([ T]00:00(:00(\.0+)?)?Z?)?\s*"


def _or_null(name: str, condition: str) -> str:
    return f"({name} is null or coalesce({condition}, false))"


def _twice(condition: str) -> tuple[str, str]:
    return condition, condition


def _scale(column: Column) -> int | None:
    return precision_and_scale(column)[1] if column.type.startswith("decimal") else None


def _wider(column: Column) -> str | None:
    """A decimal with as many whole digits and more places, to see whether places were lost."""
    if not column.type.startswith("decimal"):
        return None
    precision, scale = precision_and_scale(column)
    return f"decimal(38, {38 - (precision - scale)})"


def precision_and_scale(column: Column) -> tuple[int, int]:
    precision, scale = column.type.removeprefix("decimal(").removesuffix(")").split(",")
    return int(precision), int(scale)
