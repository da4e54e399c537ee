"""One SELECT, written for DuckDB, as the SELECT that gives the same rows on Spark.

sqlglot reads it and resolves its names, DuckDB's binder tells the types, `expressions` has a rule for each kind of
expression. What has none is a finding, never a guess.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from creditrisk.portable.casts import Unportable
from creditrisk.portable.expressions import Expressions, backticked
from creditrisk.portable.types import Binder, CannotBind, spelt

type Bound = Mapping[str, dt.date | None]
"""{parameter: the day it stands for}."""

type Finding = tuple[int, str, str]
"""(line, rule, what)."""


@dataclass(frozen=True)
class SparkQuery:
    """columns: {name: DuckDB type}, spelt as the file spells them."""

    sql: str
    columns: Mapping[str, str]


def translated_select(
    tree: exp.Expression, schema: Mapping[str, Mapping[str, str]], bound: Bound | None = None
) -> tuple[SparkQuery | None, list[Finding]]:
    """One SELECT for Spark, and what in it has no form that gives the same there (then the query is of no use).

    schema: {table: {column: DuckDB type}} of what it reads.
    """
    tree = tree.copy()
    for parameter in list(tree.find_all(exp.Placeholder)):
        day = (bound or {}).get(parameter.name, dt.date(2000, 1, 1))
        parameter.replace(
            exp.cast(exp.Literal.string(day.isoformat()) if day else exp.Null(), "date", dialect="duckdb")
        )
    lowered = {name.lower(): _lower(columns) for name, columns in schema.items()}
    found: list[Finding] = []
    with Binder(schema) as binder:
        try:
            spelled = binder.result(tree.sql(dialect="duckdb", comments=False))
            tree = qualify(tree, schema=dict(lowered), dialect="duckdb")
            query = SparkQuery(_Selects(binder, set(lowered), found).whole(tree, spelled), spelled)
        except (CannotBind, SqlglotError) as error:
            return None, [(1, "type", f"types cannot be told: {str(error).splitlines()[0]}")]
    return query, found


def line_of(node: exp.Expression) -> int:
    for inner in node.walk():
        line = inner.meta.get("line")
        if line:
            return int(line)
    parent = node.parent
    return line_of(parent) if parent is not None and not isinstance(parent, exp.Select) else 1


def _lower(columns: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): kind for name, kind in columns.items()}


class _Selects:
    """Writes SELECTs from the inside out, and notes what cannot be written."""

    def __init__(self, binder: Binder, tables: set[str], found: list[Finding]) -> None:
        self._binder, self._tables, self._found = binder, tables, found

    def whole(self, tree: exp.Expression, spelled: Mapping[str, str]) -> str:
        """spelled: the columns of the result, named and typed as the file has them."""
        if not isinstance(tree, exp.Select):
            self._note(tree, Unportable("clause", "a set of several SELECTs"))
            return ""
        ctes = []
        for cte in tree.ctes:
            if not isinstance(cte.this, exp.Select) or cte.alias in self._tables or cte.args["alias"].columns:
                self._note(cte, Unportable("clause", "a WITH that is no SELECT, or has a table's name"))
                return ""
            ctes.append(f"{backticked(cte.alias)} as (\n{self.select(cte.this)}\n)")
            self._binder.add(cte.alias, spelt(cte.this))
        tree.set("with_", None)  # the tree is a copy already
        body = self.select(tree, list(spelled))
        for name, kind in spelled.items():
            if kind == "HUGEINT":  # DuckDB writes it to Parquet as a double
                self._found.append((_place(tree, name), "hugeint", name))
        return f"with {',\n'.join(ctes)}\n{body}" if ctes else body

    def select(self, select: exp.Select, names: list[str] | None = None) -> str:
        for part in ("limit", "offset", "qualify", "windows", "laterals", "pivots", "sample", "with_", "connect"):
            if select.args.get(part):
                self._note(select, Unportable("clause", part.strip("_")))
                return ""
        origin = self._origin(select)
        one = Expressions(self._binder.types(select), grouped=select.args.get("group") is not None)
        listed = [
            f"{self._try(lambda item=item: one.written(item.unalias()).sql, item)}"  # type: ignore[misc]
            f" as {backticked(name)}"
            for item, name in zip(
                select.expressions, names or [i.alias_or_name for i in select.expressions], strict=True
            )
        ]
        distinct = select.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            self._note(select, Unportable("clause", "distinct on"))
        lines = [f"select {'distinct ' if distinct is not None else ''}" + ",\n  ".join(listed), ""]
        where, group, having = (select.args.get(part) for part in ("where", "group", "having"))
        if where is not None:
            lines.append(f"where {self._try(lambda: one.condition(where.this), where)}")
        if group is not None:
            if any(group.args.get(part) for part in ("cube", "rollup", "grouping_sets", "all", "totals")):
                self._note(group, Unportable("clause", "group by all, cube, rollup or sets"))
            keys = [self._try(lambda key=key: one.written(key).sql, key) for key in group.expressions]  # type: ignore[misc]
            lines.append(f"group by {', '.join(keys)}")
        if having is not None:
            lines.append(f"having {self._try(lambda: one.condition(having.this), having)}")
        lines[1] = origin(one)  # last: by now all know which of its columns they want converted
        return "\n".join(line for line in lines if line)

    def _origin(self, select: exp.Select) -> Callable[[Expressions], str]:
        """The FROM and the joins, whose conditions are written when the types are known."""
        first = select.args.get("from_")
        source = self._source(first.this) if first is not None else None
        joins = []
        for join in select.args.get("joins") or []:
            words = " ".join(str(join.args.get(part) or "") for part in ("method", "side", "kind")).upper().split()
            on = join.args.get("on")
            if " ".join(words) not in ("", "INNER", "LEFT", "LEFT OUTER", "CROSS", "SEMI", "ANTI") or join.args.get(
                "using"
            ):
                self._note(join, Unportable("clause", f"{' '.join(words)} join".lower()))
            joins.append((" ".join(words) or "INNER", self._source(join.this), on))

        def written(one: Expressions) -> str:
            conditions = [
                f" on {self._try(lambda on=on: one.condition(on), on)}" if on is not None else ""  # type: ignore[misc]
                for _, _, on in joins
            ]
            lines = [f"from {_with_doubles(*source, one.doubles)}"] if source is not None else []
            for (kind, joined, on), condition in zip(joins, conditions, strict=True):
                word = kind.lower() if on is not None else "cross"
                lines.append(f"{word} join {_with_doubles(*joined, one.doubles)}{condition}")
            return "\n".join(lines)

        return written

    def _source(self, node: exp.Expression) -> tuple[str, str]:
        """(what, its name)."""
        if isinstance(node, exp.Table) and not any(node.args.get(part) for part in ("db", "pivots", "sample", "joins")):
            return backticked(node.name), node.alias_or_name
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select) and node.alias:
            return f"(\n{self.select(node.this)}\n)", node.alias
        self._note(node, Unportable("clause", "a source that is neither a table nor a SELECT"))
        return "", ""

    def _try(self, write: Callable[[], str], node: exp.Expression) -> str:
        try:
            return write()
        except Unportable as error:
            self._note(getattr(error, "node", node), error)
            return "null"

    def _note(self, node: exp.Expression, error: Unportable) -> None:
        shown = spelt(node)[:60]
        self._found.append((line_of(node), error.rule, f"{error.what}: {shown}" if error.what else shown))


def _with_doubles(source: str, name: str, doubles: Mapping[tuple[str, str], str]) -> str:
    """The source with its columns that are wanted as doubles beside them: the long formula stands there once."""
    own = [
        f", {formula} as {backticked(f'{column}__double')}"
        for (table, column), formula in doubles.items()
        if table == name
    ]
    if own:
        source = f"(select *{''.join(own)} from {source})"  # noqa: S608
    return source if source == backticked(name) else f"{source} as {backticked(name)}"


def _place(tree: exp.Select, name: str) -> int:
    return next((line_of(item) for item in tree.expressions if item.alias_or_name.lower() == name.lower()), 1)
