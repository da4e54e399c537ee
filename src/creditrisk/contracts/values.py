"""One value of a record, read as `readings` reads the cell of a file: the same bits, or refused alike.

A decimal is held as a whole number of its last place: 12.5 of decimal(18,3) is 12500.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from creditrisk.config import Column
from creditrisk.contracts.readings import DATE, MONTHS, NUMBER, PER_CENT, largest_exact, precision_and_scale

type Value = int | float | str | date | bool | None
type Read = Callable[[object], Value]

SMALLEST, LARGEST = -(2**63), 2**63 - 1
FIRST_YEAR = 1000
WORDS_REMEMBERED = 1_000
"""Of each column of dates, or of numbers with their unit: few come again and again."""

_WIDE = Context(prec=400, rounding=ROUND_HALF_UP)
_TENTH_PLACE = Decimal("1E-10")

_number = re.compile(NUMBER, re.ASCII)
_json_number = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_json_boolean = re.compile("true|false")
_per_cent = re.compile(PER_CENT, re.ASCII)
_months = re.compile(MONTHS, re.ASCII)
_date = re.compile(DATE, re.ASCII)
_date_parts = re.compile(r"\s*(\d{4})([-/])(\d{1,2})([-/])(\d{1,2})", re.ASCII)
_month_year = re.compile(r"\s*([A-Za-z]{3})-(\d{4})\s*", re.ASCII)
_MONTHS_OF_YEAR = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class NotReadable(Exception):
    """The value is not what its column holds; the message says what is expected, never the value."""


class Rounded(Exception):
    """No failure: the value has more places than its column. `value` is what is kept."""

    def __init__(self, value: int) -> None:
        super().__init__()
        self.value = value


def _of_another_kind(expected: str, given: object, *, unquoted: re.Pattern[str] | None = None) -> NotReadable:
    """Says as which kind of JSON it came, and what to do about it; nothing of the value.

    unquoted: what text looks like that would do without its quotes; None where text is what is expected.
    """
    advice = ""
    if isinstance(given, str):
        if not given:
            advice = ", an empty one: send null where there is nothing"
        elif unquoted is not None and unquoted.fullmatch(given):
            advice = ": send it without quotes"
    elif unquoted is None and _kind(given) == "a number":
        advice = ": send it as text"
    return NotReadable(f"{expected}; it came as {_kind(given)}{advice}")


def _kind(given: object) -> str:
    if isinstance(given, bool):
        return "true or false"
    if isinstance(given, float | Decimal):
        return "a number" if Decimal(given).is_finite() else "no finite number"
    kinds = ((str, "text"), (int, "a number"), (Mapping, "an object"), (Sequence, "a list"))
    return next((word for kind, word in kinds if isinstance(given, kind)), "something else")


def value_reader(column: Column, dates: str | None = None) -> Read:
    """From a decoded JSON value (never None) to the typed one. dates: the contract's form of plain dates.

    The reader takes numbers as int, Decimal or float, and text where the file holds text: also for a number or a date
    that the contract reads from text ("13.56%", " 36 months", "Dec-2011"), and for its words that mean "no value".
    It raises NotReadable, or Rounded where the value is kept with fewer places.
    """
    missing = frozenset(column.missing)
    if column.type == "text":
        return _text_reader(missing)
    if column.type == "boolean":
        return _boolean
    if column.type == "date":
        return _date_reader(column, missing, dates)
    number = _number_reader(column)
    if column.format in ("percent", "months"):
        return _written_number_reader(column, number, missing)
    if not missing:
        return number
    return lambda given: None if isinstance(given, str) and given in missing else number(given)


def _text_reader(missing: frozenset[str]) -> Read:
    def read(given: object) -> Value:
        if type(given) is not str:
            raise _of_another_kind("expected text", given)
        if not given or given in missing:
            return None
        if not given.isascii():
            _need_text(given)
        if "\0" in given:
            raise NotReadable("expected text without NUL")
        return given

    return read


def _need_text(given: str) -> None:
    try:
        given.encode()
    except UnicodeEncodeError:
        raise NotReadable("expected text that UTF-8 can hold") from None


def _boolean(given: object) -> Value:
    if type(given) is not bool:
        raise _of_another_kind("expected true or false", given, unquoted=_json_boolean)
    return given


def _number_reader(column: Column) -> Read:
    if column.type == "integer":
        return _integer
    if column.type == "double":
        return _double
    return _decimal_reader(column)


def _finite(given: object, expected: str) -> int | Decimal:
    """Any number but NaN and the infinities; a float as its shortest digits."""
    if type(given) is int:
        return given
    if type(given) is Decimal and given.is_finite():
        return given
    if type(given) is float and math.isfinite(given):
        return Decimal(repr(given))
    raise _of_another_kind(expected, given, unquoted=_json_number)


def _integer(given: object) -> Value:
    if type(given) is int and SMALLEST <= given <= LARGEST:
        return given
    if type(given) is float and given.is_integer() and -(2.0**53) < given < 2.0**53:
        return int(given)
    number = _finite(given, "expected a whole number")
    if not SMALLEST - 1 < number < LARGEST + 1:
        raise NotReadable("expected a whole number that 64 bits hold")
    near = float(number)
    if abs(near) < 2**53 and near.is_integer():
        return int(near)
    whole = _WIDE.quantize(Decimal(number), _TENTH_PLACE)
    if whole != whole.to_integral_value() or not SMALLEST <= whole <= LARGEST:
        raise NotReadable("expected a whole number")
    return int(whole)


def _double(given: object) -> Value:
    if type(given) is float and math.isfinite(given):
        return given
    number = _finite(given, "expected a number")
    try:
        near = float(number)
    except OverflowError:
        near = math.inf
    if math.isinf(near):
        raise NotReadable("expected a number that a double holds")
    return near


def _decimal_reader(column: Column) -> Read:
    precision, scale = precision_and_scale(column)
    power, limit = 10**scale, 10**precision
    power_as_double, last_place = float(power), Decimal(1).scaleb(-scale)
    whole_limit = int(min(largest_exact(column) or 0.0, limit // power))
    """Whole numbers below it are read from a DOUBLE without any loss."""
    double_limit = (largest_exact(column) or 0.0) * power
    limit_of_both = min(double_limit, limit)

    def carefully(number: Decimal) -> int:
        if number.adjusted() <= precision:
            kept = int(_WIDE.quantize(number, last_place).scaleb(scale, _WIDE))
            if abs(kept) < limit:
                if Decimal(kept).scaleb(-scale, _WIDE) != number:
                    raise Rounded(kept)
                return kept
        raise NotReadable(f"expected a number that {column.type} holds")

    def read(given: object) -> Value:
        if type(given) is int and -whole_limit < given < whole_limit:
            return given * power
        if type(given) is float and -whole_limit < given < whole_limit:
            scaled = given * power_as_double
            kept = int(scaled) if scaled.is_integer() else _rounded(scaled)
            if -limit_of_both < kept < limit_of_both:
                if kept / power != given:
                    raise Rounded(kept)
                return kept
        number = Decimal(_finite(given, "expected a number"))
        if number.adjusted() > 20 + precision:
            raise NotReadable(f"expected a number that {column.type} holds")
        near = float(number)
        kept = _rounded(near * power_as_double)
        if abs(kept) >= double_limit or abs(kept) >= limit:
            return carefully(number)
        if kept / power != near:
            raise Rounded(kept)
        return kept

    return read


def _rounded(number: float) -> int:
    """The nearest whole number, halves away from zero, as DuckDB rounds a scaled DOUBLE."""
    below = math.floor(abs(number))
    nearest = below + (abs(number) - below >= 0.5)
    return nearest if number >= 0 else -nearest


def _written_number_reader(column: Column, number: Read, missing: frozenset[str]) -> Read:
    """A number that stands in the file with its unit; a plain number is read as its digits would be."""

    def read(given: object) -> Value:
        if type(given) is str:
            return written(given)
        number(given)  # is it a number at all?
        given = Decimal(repr(given)) if type(given) is float else given
        return written(f"{given:f}" if isinstance(given, Decimal) and given.adjusted() > -30 else str(given))

    @lru_cache(WORDS_REMEMBERED)
    def written(given: str) -> Value:
        if not given or given in missing:
            return None
        if column.format == "percent":
            digits = _per_cent.sub("", given).strip(" ")
        else:
            found = _months.match(given)
            digits = found[1] if found else ""
        if not _number.fullmatch(digits):
            raise NotReadable(f"expected {_WRITTEN[column.format]}")
        return number(Decimal(digits.strip()))

    return read


_WRITTEN = {"percent": "a number, or text like 13.56%", "months": "a whole number, or text like 36 months"}


def _date_reader(column: Column, missing: frozenset[str], dates: str | None) -> Read:
    written: Callable[[str], date | None] = _from_month_year
    if column.format != "month_year":
        written = _from_form(dates) if dates else _from_iso
    example = "Dec-2011 or 2011-12-01" if column.format == "month_year" else "2011-12-31"

    def read(given: object) -> Value:
        if type(given) is str:
            return day(given)
        if type(given) is date:
            return given
        raise _of_another_kind(f"expected a date like {example}", given)

    @lru_cache(WORDS_REMEMBERED)
    def day(given: str) -> Value:
        if not given or given in missing:
            return None
        found = written(given)
        found = _from_iso(given) if found is None else found
        if found is None:
            raise NotReadable(f"expected a date like {example}")
        return found

    return read


def _from_iso(text: str) -> date | None:
    parts = _date_parts.match(text) if _date.fullmatch(text) else None
    if parts is None or parts[2] != parts[4]:
        return None
    return _day(int(parts[1]), int(parts[3]), int(parts[5]))


def _from_month_year(text: str) -> date | None:
    parts = _month_year.fullmatch(text)
    if parts is None or parts[1].lower() not in _MONTHS_OF_YEAR:
        return None
    return _day(int(parts[2]), _MONTHS_OF_YEAR.index(parts[1].lower()) + 1, 1)


def _from_form(form: str) -> Callable[[str], date | None]:
    pattern = re.escape(form)
    for part, digits in (("%d", r"(?P<d>\d{1,2})"), ("%m", r"(?P<m>\d{1,2})"), ("%Y", r"(?P<Y>\d{4})")):
        pattern = pattern.replace(re.escape(part), digits)
    compiled = re.compile(rf"\s*{pattern}\s*", re.ASCII)

    def read(text: str) -> date | None:
        parts = compiled.fullmatch(text)
        return None if parts is None else _day(int(parts["Y"]), int(parts["m"]), int(parts["d"]))

    return read


def _day(year: int, month: int, day: int) -> date | None:
    if year < FIRST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def as_duckdb_writes(value: Value, column: Column) -> str | None:
    """The text that DuckDB makes of the typed value; None of NULL."""
    return None if value is None else text_writer(column)(value)


def text_writer(column: Column) -> Callable[[Value], str]:
    """From a typed value of the column (never None) to the text that DuckDB makes of it."""
    if column.type == "boolean":
        return lambda value: "true" if value else "false"
    if column.type == "double":
        return repr
    scale = precision_and_scale(column)[1] if column.type.startswith("decimal") else 0
    if not scale:
        return str

    def write(value: Value) -> str:
        digits = str(value)
        if len(digits) <= scale or digits[0] == "-":
            sign, digits = "-" if digits[0] == "-" else "", digits.lstrip("-").zfill(scale + 1)
            return f"{sign}{digits[:-scale]}.{digits[-scale:]}"
        return f"{digits[:-scale]}.{digits[-scale:]}"

    return write
