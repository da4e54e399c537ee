"""The type of every expression of a SELECT, as DuckDB's own binder gives it.

Both engines convert types in silence, each in its own way; whoever translates must know every one of them. To work
them out a second time would be to guess, so DuckDB is asked, by describing the expressions over empty tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack

from sqlglot import exp

from creditrisk.duck import Connection, DuckSettings, locked_room, named

BOOLEAN_NODES = (exp.Predicate, exp.Not, exp.And, exp.Or, exp.Boolean)
_COMPARISONS = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Nullif,
)  # fmt: skip
_CLAUSES = ("expressions", "where", "group", "having", "joins")
_NOT_ASKED = (
    exp.Alias, exp.Ordered, exp.Order, exp.Where, exp.Group, exp.Having, exp.Join, exp.Identifier, exp.DataType,
    exp.Var, exp.Star, exp.DataTypeParam, exp.Table,
    exp.TableAlias, exp.Interval, exp.WindowSpec, exp.Tuple, exp.Placeholder,
    exp.Distinct,
)  # fmt: skip


class CannotBind(Exception):
    """DuckDB does not bind an expression that the translator asks about."""


class Binder:
    """A DuckDB of empty tables, in which names of results are added as they come. Close it."""

    def __init__(self, schema: Mapping[str, Mapping[str, str]]) -> None:
        self._stack = ExitStack()
        self._con: Connection = self._stack.enter_context(locked_room(DuckSettings(memory_limit="200MB", threads=1)))
        for name, columns in schema.items():
            listed = ", ".join(f"cast(null as {kind}) as {named(column)}" for column, kind in columns.items())
            self._con.execute(f"create temp view {named(name)} as select {listed} limit 0")

    def __enter__(self) -> Binder:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def result(self, query: str) -> dict[str, str]:
        """{column: type} of a query."""
        return dict(self._described(query))

    def add(self, name: str, query: str) -> None:
        """From now on the query's result has that name."""
        columns = self._described(query)
        listed = ", ".join(f"cast(null as {kind}) as {named(column)}" for column, kind in columns)
        self._con.execute(f"create or replace temp view {named(name)} as select {listed} limit 0")

    def types(self, select: exp.Select) -> dict[str, str]:
        """{expression, as `spelt`: type} of what stands in this SELECT, not in those inside it.

        What is compared is there as the coalesce of its sides, so with the type that they are compared in.
        """
        asked: dict[str, bool] = {}
        for node in _nodes(select):
            if not isinstance(node, exp.Null):
                asked.setdefault(spelt(node), _grouped(node))
            sides = compared(node)
            if sides:
                asked.setdefault(merged(sides), any(map(_grouped, sides)))
        origin = "".join(
            " " + spelt(part)
            for part in (select.args.get("from_"), *map(_open, select.args.get("joins", [])))
            if part is not None
        )
        group = select.args.get("group")
        by = f" {spelt(group)}" if group is not None else ""
        rows = self._of([one for one, grouped in asked.items() if not grouped], origin)
        return rows | self._of([one for one, grouped in asked.items() if grouped], origin + by)

    def _of(self, asked: list[str], origin: str) -> dict[str, str]:
        if not asked:
            return {}
        listed = ", ".join(f"{one} as c{place}" for place, one in enumerate(asked))
        try:
            kinds = [kind for _, kind in self._described(f"select {listed}{origin}")]
        except CannotBind:
            kinds = [self._one(one, origin) for one in asked]
        return dict(zip(asked, kinds, strict=True))

    def _one(self, asked: str, origin: str) -> str:
        try:
            return self._described(f"select {asked} as c{origin}")[0][1]
        except CannotBind:
            return ""  # no type: whoever needs it says what is wrong

    def _described(self, query: str) -> list[tuple[str, str]]:
        import duckdb

        try:
            return [(str(row[0]), str(row[1]).strip('"')) for row in self._con.execute(f"describe {query}").fetchall()]
        except duckdb.Error as error:
            raise CannotBind(str(error).splitlines()[0]) from error


def spelt(node: exp.Expression) -> str:
    return str(node.sql(dialect="duckdb", comments=False, copy=False))


def compared(node: exp.Expression) -> tuple[exp.Expression, ...]:
    """The sides of a comparison; () of anything else."""
    if isinstance(node, exp.In):
        return (node.this, *node.expressions) if node.expressions else ()
    if isinstance(node, exp.Between):
        return node.this, node.args["low"], node.args["high"]
    if isinstance(node, exp.Case) and node.this is not None:
        return node.this, *(one.this for one in node.args["ifs"])
    if isinstance(node, _COMPARISONS):
        return node.this, node.expression
    return ()


def merged(sides: Iterable[exp.Expression]) -> str:
    """SQL that has the type in which these are compared."""
    return f"coalesce({', '.join(map(spelt, sides))})"


def _open(join: exp.Join) -> exp.Join:
    """The join with both sides in sight: a semi join's condition sees the other side, its SELECT does not."""
    if str(join.args.get("kind")).upper() not in ("SEMI", "ANTI"):
        return join
    both = join.copy()
    both.set("kind", None)
    return both


def _nodes(select: exp.Select) -> Iterable[exp.Expression]:
    waiting: list[exp.Expression] = []
    for clause in _CLAUSES:
        held = select.args.get(clause)
        waiting += held if isinstance(held, list) else [held] if held is not None else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Query | exp.Table | exp.Subquery):
            continue
        is_branch = isinstance(node, exp.If) and isinstance(node.parent, exp.Case)
        is_column_part = isinstance(node.parent, exp.Column)
        if not isinstance(node, _NOT_ASKED) and not is_branch and not is_column_part:
            yield node
        if not isinstance(node, exp.Column | exp.DataType):
            waiting += [child for child in node.iter_expressions() if isinstance(child, exp.Expression)]


def _grouped(node: exp.Expression) -> bool:
    """Is it an aggregate of a group, or made of some? A window's own function is neither."""
    if isinstance(node, exp.Window):
        return any(_grouped(part) for part in node.iter_expressions() if part is not node.this)
    if isinstance(node, exp.AggFunc):
        return not isinstance(node.parent, exp.Window)
    return any(_grouped(child) for child in node.iter_expressions())
