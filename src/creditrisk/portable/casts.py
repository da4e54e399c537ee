"""DuckDB's conversions between types, written in Spark's SQL so that they give the same value or the same error.

Spark truncates where DuckDB rounds, rounds a double's shortest spelling where DuckDB rounds the double, and reads text
as numbers by another grammar. What cannot be made equal raises `Unportable`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

INTEGERS = {"TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "int", "BIGINT": "bigint"}
_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "HUGEINT": 38}
_PLAIN = {
    **INTEGERS, "HUGEINT": "decimal(38,0)", "DOUBLE": "double", "VARCHAR": "string", "BOOLEAN": "boolean",
    "DATE": "date", "TIMESTAMP": "timestamp_ntz",
}  # fmt: skip
_BLANK = r"[ \\t\\n\\x0B\\f\\r]*"
NOTHING = "NULL"
"""The type of a bare NULL."""


class Unportable(Exception):
    """No form in Spark gives what DuckDB gives. rule: its name in `lint.REMEDIES`; what: the types, if they say it."""

    def __init__(self, rule: str, what: str = "") -> None:
        super().__init__(rule, what)
        self.rule = rule
        self.what = what


@dataclass(frozen=True)
class Decimal:
    width: int
    scale: int

    def __str__(self) -> str:
        return f"DECIMAL({self.width},{self.scale})"


def as_decimal(kind: str) -> Decimal | None:
    """The decimal that a type is, or that DuckDB makes of an integer type beside a decimal."""
    found = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)
    if found:
        return Decimal(int(found[1]), int(found[2]))
    return Decimal(_DIGITS[kind], 0) if kind in _DIGITS else None


def is_decimal(kind: str) -> bool:
    return kind.startswith("DECIMAL(")


def is_whole(kind: str) -> bool:
    return kind in INTEGERS or kind == "HUGEINT"


def is_long_to_double(kind: str) -> bool:
    """Is the conversion of this type to a double a formula that names its value many times?"""
    own = as_decimal(kind) if is_decimal(kind) else None
    return kind == "HUGEINT" or (own is not None and own.width > 15)


def spark_type(kind: str) -> str:
    """Raises Unportable for a type that has no equal in Spark."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == NOTHING:
        return "int"
    if is_decimal(kind):
        return kind.lower()
    raise Unportable("type", kind or "unknown")


def converted(sql: str, have: str, want: str, *, try_: bool = False) -> str:
    """An expression of DuckDB's type `have` as `want`. try_: NULL where it cannot be, else an error."""
    spark_type(have)
    wanted, cast = spark_type(want), "try_cast" if try_ else "cast"
    if have == want:
        return sql
    plain = f"{cast}({sql} as {wanted})"
    if have == NOTHING:
        return f"cast(null as {wanted})"
    if want == "BOOLEAN" and is_whole(have):
        return f"({sql} <> 0)"
    if have == "BOOLEAN" and (is_whole(want) or is_decimal(want) or want == "DOUBLE"):
        return f"cast(cast({sql} as int) as {wanted})"
    if is_whole(have) and want == "DOUBLE":
        return _huge_to_double(sql) if have == "HUGEINT" else plain
    if is_whole(have) and (is_whole(want) or is_decimal(want) or want == "VARCHAR"):
        return plain
    if is_decimal(have):
        return _from_decimal(sql, have, want, cast)
    if have == "DOUBLE":
        return _from_double(sql, want, try_=try_)
    if (have, want) in {("DATE", "TIMESTAMP"), ("TIMESTAMP", "DATE"), ("BOOLEAN", "VARCHAR")}:
        return plain
    if have == "VARCHAR" and want in INTEGERS:
        return _text_to_whole(sql, wanted, try_=try_)
    raise Unportable("conversion", f"{have} to {want}")


def _from_decimal(sql: str, have: str, want: str, cast: str) -> str:
    kind, wanted = as_decimal(have), spark_type(want)
    assert kind is not None
    if is_decimal(want):
        return f"{cast}({sql} as {wanted})"
    if is_whole(want):  # DuckDB rounds half away from zero, Spark would truncate
        return f"{cast}(round({sql}, 0) as {wanted})"
    if want == "DOUBLE":
        return _decimal_to_double(sql, kind)
    raise Unportable("conversion", f"{have} to {want}")


def _from_double(sql: str, want: str, *, try_: bool) -> str:
    wanted, cast = spark_type(want), "try_cast" if try_ else "cast"
    impossible = f"cast(null as {wanted})" if try_ else f"cast(cast('Infinity' as double) as {wanted})"
    if want in INTEGERS:  # DuckDB rounds half to even, Spark would truncate
        rounded = f"{cast}(rint({sql}) as {wanted})"
        if want == "BIGINT":  # Spark takes 2^63 for the largest one
            return f"case when rint({sql}) >= 9.223372036854775807E18D then {impossible} else {rounded} end"
        return rounded
    kind = as_decimal(want) if is_decimal(want) else None
    if kind is None or kind.width > 18:
        raise Unportable("conversion", f"DOUBLE to {want}")
    # DuckDB rounds x * 10^scale half away from zero; Spark would round the shortest spelling of x.
    units = half_away(f"({sql} * 1E{kind.scale}D)")
    whole = f"cast(cast({units} as bigint) as decimal(19,0))"
    value = f"cast({whole} * {_unit(kind.scale)} as {wanted})"
    failing = impossible if try_ else f"cast(cast(cast('Infinity' as double) as bigint) as {wanted})"
    return (
        f"case when {sql} is null then cast(null as {wanted})"
        f" when abs({units}) < 1E{kind.width}D then {value} else {failing} end"
    )


def half_away(sql: str) -> str:
    """A double rounded to a whole one, halves away from zero: to no digits, the spelling that Spark rounds is exact."""
    return f"round({sql}, 0)"


def _unit(scale: int) -> str:
    return f"cast({'0.' + '0' * (scale - 1) if scale else ''}1 as decimal({max(scale, 1)},{scale}))"


_EXACT = 2**53


def _huge_to_double(sql: str) -> str:
    """As DuckDB does it: by the two halves of 64 bits, which beyond 2^53 is not always the nearest double."""
    two64 = f"{2**64}BD"
    low = f"pmod({sql}, {two64})"
    return (
        f"case when {sql} between 0BD and {2**64 - 1}BD then cast({sql} as double)"
        f" when {sql} between -{two64} and -1BD then -cast(-{sql} - 1BD as double) - 1D"
        f" when {sql} is not null then cast({low} as double)"
        f" + cast({sql} div {two64} - case when {sql} % {two64} < 0BD then 1 else 0 end as double)"
        " * 1.8446744073709552E19D end"
    )


def _decimal_to_double(sql: str, kind: Decimal) -> str:
    """As DuckDB does it: whole part and rest apart, where the digits are more than a double holds."""
    if kind.width <= 15:
        return f"cast({sql} as double)"
    if kind.scale == 0:
        return f"cast({sql} as double)" if kind.width <= 18 else _huge_to_double(sql)
    if kind.scale > 15:
        raise Unportable("conversion", f"{kind} to DOUBLE")
    whole = f"(case when {sql} < 0BD then ceil({sql}) else floor({sql}) end)"
    rest = f"cast({sql} - {whole} as double)"
    # Beyond 64 bits it has two halves, as above; a function of one row, so that its text stands there once.
    far = (
        f"cast({whole} as double)" if kind.width <= 18
        else f"element_at(transform(array({whole}), w -> {_huge_to_double('w')}), 1)"
    )  # fmt: skip
    limit = _scaled(_EXACT, kind.scale)
    return (
        f"case when {sql} between -{limit} and {limit} then cast({sql} as double)"
        f" when {sql} is not null then {far} + {rest} end"
    )


def _scaled(units: int, scale: int) -> str:
    text = str(units).rjust(scale + 1, "0")
    return f"{text[:-scale]}.{text[-scale:]}BD"


def _text_to_whole(sql: str, wanted: str, *, try_: bool) -> str:
    """Digits as both read them. `1e3`, `1_000`, `0x1F` and `1.5` DuckDB reads too: Spark then stops, and says why."""
    plain = f"try_cast(trim(BOTH ' \\t\\n\\u000B\\f\\r' FROM {sql}) as {wanted})"
    said = f"concat('only digits are a whole number on both engines, not ', {sql})"
    odd = f"cast(raise_error({said}) as {wanted})"
    otherwise = "" if try_ else f" when {sql} is not null then {odd}"
    failing = plain if try_ else plain.replace("try_cast(", "cast(", 1)
    return (
        f"case when {sql} rlike '^{_BLANK}[+-]?[0-9]+{_BLANK}$' then {failing}"
        f" when {sql} rlike '^{_BLANK}[+-]?[0-9.][0-9a-fA-FxXoObB._+-]*{_BLANK}$' and {sql} rlike '[0-9]' then {odd}"
        f"{otherwise} end"
    )
