"""A contract's SQL conditions over one row, as functions of a typed record: no database is asked.

Only what is plainly the same in both worlds is followed: and, or, not, comparisons of values of one kind, `is null`,
`in`, plus and minus, `coalesce`, columns and literals, with SQL's three values. For anything else there is no function.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import Any
from weakref import finalize

import sqlglot
from sqlglot import exp

from creditrisk.config import Column
from creditrisk.contracts.readings import precision_and_scale
from creditrisk.contracts.values import NotReadable, Value, value_reader
from creditrisk.duck import DuckSettings, locked_room, named, sql_type

type Row = Sequence[Value]
type Condition = Callable[[Row], Any]
"""The condition's value for a row whose columns stand in the order of the contract: True, False or None."""

_COMPARED: dict[type[exp.Expression], Callable[[Any, Any], bool]] = {
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
}
_KINDS = {"integer": "number", "double": "number", "decimal": "number"}


class _NotFollowed(Exception):
    """The SQL says more than this module knows."""


@dataclass(frozen=True, slots=True)
class _Part:
    """kind: number, text, date or boolean; null fits all of them."""

    value: Condition
    kind: str


def condition_of(sql: str, columns: Sequence[Column]) -> Condition | None:
    """The condition as a function; None where only a database can tell what it says."""
    try:
        part = _Compiler(columns).of(sqlglot.parse_one(sql, read="duckdb"))
    except (_NotFollowed, sqlglot.errors.SqlglotError):
        return None
    return part.value if part.kind == "boolean" else None


def limit_in_rows(limit: float, column: Column, *, lowest: bool) -> float | int:
    """A column's limit in the numbers that rows hold: a value keeps the one if and only if it keeps the other."""
    if not column.type.startswith("decimal"):
        return limit
    scaled = Decimal(repr(limit)).scaleb(precision_and_scale(column)[1])
    return int(scaled.to_integral_value("ROUND_CEILING" if lowest else "ROUND_FLOOR"))


class _Compiler:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = {column.name.lower(): (place, column) for place, column in enumerate(columns)}

    def of(self, node: exp.Expression) -> _Part:
        if isinstance(node, exp.Paren):
            return self.of(node.this)
        if isinstance(node, exp.And | exp.Or):
            return _joined(*self._alike(node.this, node.expression, kind="boolean"), settled=isinstance(node, exp.Or))
        if isinstance(node, exp.Not):
            one = self._alike(node.this, kind="boolean")[0]
            return _Part(lambda row: None if (value := one(row)) is None else not value, "boolean")
        if type(node) in _COMPARED:
            one, other = self._alike(node.this, node.expression)
            return _compared(one, other, _COMPARED[type(node)])
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            one = self.of(node.this).value
            return _Part(lambda row: one(row) is None, "boolean")
        if isinstance(node, exp.In) and node.expressions:
            one, *others = self._alike(node.this, *node.expressions)
            return _among([_compared(one, other, operator.eq).value for other in others])
        if isinstance(node, exp.Add | exp.Sub):
            one, other = self._alike(node.this, node.expression, kind="number")
            return _sum(one, other, 1 if isinstance(node, exp.Add) else -1)
        if isinstance(node, exp.Coalesce):
            values = self._alike(node.this, *node.expressions)
            kind = next((part.kind for part in map(self.of, (node.this, *node.expressions)) if part.kind != "null"), "")
            return _Part(lambda row: next((found for one in values if (found := one(row)) is not None), None), kind)
        return self._column(node) if isinstance(node, exp.Column) else _constant(node)

    def _alike(self, *nodes: exp.Expression, kind: str = "") -> list[Condition]:
        """The values of these, which are all of one kind; of that kind, where it is given."""
        parts = [self.of(node) for node in nodes]
        kinds = {part.kind for part in parts} - {"null"}
        if len(kinds) > 1 or (kind and kinds - {kind}):
            raise _NotFollowed
        return [part.value for part in parts]

    def _column(self, node: exp.Column) -> _Part:
        if node.name.lower() not in self._columns or node.table:
            raise _NotFollowed
        place, column = self._columns[node.name.lower()]
        kind = column.type.split("(")[0]
        if kind != "decimal":
            return _Part(lambda row: row[place], _KINDS.get(kind, kind))
        scale = precision_and_scale(column)[1]

        def read(row: Row) -> Any:
            value = row[place]
            return None if value is None else Decimal(value).scaleb(-scale)  # type: ignore[arg-type]

        return _Part(read, "number")


def _constant(node: exp.Expression) -> _Part:
    value, kind = _literal(node)
    return _Part(lambda _: value, kind)


def _literal(node: exp.Expression) -> tuple[Any, str]:
    if isinstance(node, exp.Null):
        return None, "null"
    if isinstance(node, exp.Boolean):
        return bool(node.this), "boolean"
    if isinstance(node, exp.Neg):
        value, kind = _literal(node.this)
        if kind != "number":
            raise _NotFollowed
        return -value, kind
    if isinstance(node, exp.Literal):
        return (str(node.this), "text") if node.is_string else (_number(str(node.this)), "number")
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal):
        try:
            return _cast(str(node.this.this), node.to)
        except (NotReadable, ValueError, ArithmeticError) as error:
            raise _NotFollowed from error
    raise _NotFollowed


def _number(text: str) -> int | float | Decimal:
    """A literal as DuckDB reads it: an exponent makes a DOUBLE, a point a decimal."""
    if "e" in text.lower():
        return float(text)
    return Decimal(text) if "." in text else int(text)


def _cast(text: str, to: exp.DataType) -> tuple[Any, str]:
    if to.this in (exp.DType.TEXT, exp.DType.VARCHAR):
        return text, "text"
    if to.this == exp.DType.DATE:
        column = Column.model_validate({"name": "x", "type": "date", "available": "application"})
        return value_reader(column)(text), "date"
    if to.this in (exp.DType.BIGINT, exp.DType.DECIMAL):
        return Decimal(text), "number"
    if to.this == exp.DType.DOUBLE:
        return float(text), "number"
    raise _NotFollowed


def _joined(one: Condition, other: Condition, *, settled: bool) -> _Part:
    """settled: the value that decides alone."""

    def read(row: Row) -> Any:
        first = one(row)
        if first is settled:
            return settled
        second = other(row)
        if second is settled:
            return settled
        return None if first is None or second is None else not settled

    return _Part(read, "boolean")


def _compared(one: Condition, other: Condition, holds: Callable[[Any, Any], bool]) -> _Part:
    def read(row: Row) -> Any:
        left, right = one(row), other(row)
        if left is None or right is None:
            return None
        if isinstance(left, float) or isinstance(right, float):  # as DuckDB compares with a DOUBLE
            return holds(float(left), float(right))
        return holds(left, right)

    return _Part(read, "boolean")


def _among(equal: Sequence[Condition]) -> _Part:
    def read(row: Row) -> Any:
        found = [same(row) for same in equal]
        return True if True in found else None if None in found else False

    return _Part(read, "boolean")


def _sum(one: Condition, other: Condition, sign: int) -> _Part:
    def read(row: Row) -> Any:
        left, right = one(row), other(row)
        if left is None or right is None:
            return None
        if isinstance(left, float) or isinstance(right, float):
            left, right = float(left), float(right)
        return left + sign * right

    return _Part(read, "number")


def database_condition(sql: str, columns: Sequence[Column]) -> Condition:
    """The same for any SQL, a row at a time, by a database of its own: a hundred times slower, never another answer."""
    columns = list(columns)
    shown = ", ".join(f"cast(? as {sql_type(column.type)}) as {named(column.name)}" for column in columns)
    query = f"select cast(({sql}) as boolean) from (select {shown})"  # noqa: S608
    room = ExitStack()
    con = room.enter_context(locked_room(DuckSettings(memory_limit="200MB", threads=1)))
    one_at_a_time = Lock()

    def read(row: Row) -> Any:
        values = [_as_sql_takes_it(value, column) for value, column in zip(row, columns, strict=True)]
        with one_at_a_time:
            return con.execute(query, values).fetchall()[0][0]

    finalize(read, room.close)
    return read


def _as_sql_takes_it(value: Value, column: Column) -> Any:
    if value is None or not column.type.startswith("decimal"):
        return value
    return Decimal(value).scaleb(-precision_and_scale(column)[1])  # type: ignore[arg-type]
