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


def csv_reading(column: Column, name: str, *, careful: bool = False) -> Reading:
    """name: of the raw column as an SQL identifier.  careful: read numbers as text."""
    plain = column.format == "plain" and not column.missing
    if plain and column.type in ("text", "date", "boolean"):
        return Reading(sql_type(column.type), name)
    if plain and not careful:
        return _from_double(column, name)
    return _from_text(column, name)


def parquet_reading(column: Column, name: str, raw: str) -> Reading:
    """raw: the type that the file itself gives the column."""
    if raw == "VARCHAR":
        return _from_text(column, name)
    if raw in ("DOUBLE", "FLOAT") and column.type not in ("text", "date", "boolean"):
        return _from_double(column, name)
    target = sql_type(column.type)
    value = f"try_cast({name} as {target})"
    if column.type in ("text", "double") or raw == target:
        return Reading(raw, value)
    same = _or_null(name, f"{value} = {name}")
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


def _from_text(column: Column, name: str) -> Reading:
    words = ", ".join(map(quoted, column.missing))
    text = f"(case when {name} in ({words}) then null else {name} end)" if words else name
    if column.type == "text":
        return Reading("VARCHAR", text)
    if column.format == "month_year":
        value = f"cast(try_strptime({text}, '%b-%Y') as date)"
        return Reading("VARCHAR", value, *_twice(_or_null(text, f"{value} is not null")))
    digits = _digits(column, text)
    value = f"try_cast({digits} as {sql_type(column.type)})"
    if column.type == "integer":
        good = _or_null(text, f"{value} = try_cast({digits} as decimal(38, 10))")
        return Reading("VARCHAR", value, good, good)
    if column.type == "double":
        return Reading("VARCHAR", value, *_twice(_or_null(text, f"isfinite({value})")))
    good = _or_null(text, f"{value} is not null")
    wide = _wider(column)
    return Reading("VARCHAR", value, good, _or_null(text, f"{value} = try_cast({digits} as {wide})") if wide else good)


def _digits(column: Column, text: str) -> str:
    """The part of the text that is the number."""
    if column.format == "percent":
        return f"trim(rtrim(trim({text}), '%'))"
    if column.format == "months":
        return rf"regexp_extract({text}, '^\s*(\d+)(\.0*)?(\s*months?)?\s*$', 1)"
    return text


def _or_null(name: str, condition: str) -> str:
    return f"({name} is null or coalesce({condition}, false))"


def _twice(condition: str) -> tuple[str, str]:
    return condition, condition


def _scale(column: Column) -> int | None:
    return _precision_and_scale(column)[1] if column.type.startswith("decimal") else None


def _wider(column: Column) -> str | None:
    """A decimal with as many whole digits and more places, to see whether places were lost."""
    if not column.type.startswith("decimal"):
        return None
    precision, scale = _precision_and_scale(column)
    return f"decimal(38, {38 - (precision - scale)})"


def _precision_and_scale(column: Column) -> tuple[int, int]:
    precision, scale = column.type.removeprefix("decimal(").removesuffix(")").split(",")
    return int(precision), int(scale)
