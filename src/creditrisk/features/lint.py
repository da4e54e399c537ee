"""Rules for a book's SQL, so that a figure is the same bits in any row order, on any engine, for any group of rows.

Floating-point sums depend on their order, ties on whoever comes first, and months on the engine. What is not allowed
here has an exact form beside it in `REMEDIES`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from creditrisk.config import SqlFile
from creditrisk.features.engine import parsed

REMEDIES = {
    "average": "write sum(x) / nullif(count(x), 0) over an integer or decimal x",
    "float-sum": "cast to decimal(18,6), or keep whole units, before summing",
    "unordered": "use max, min, or arg_max with a key in its ordering",
    "tie": "end the ordering with a key column, so that no two rows are equal",
    "clock": "take dates as of the application's own date column",
    "month": "write (extract(year from b) - extract(year from a)) * 12 + extract(month from b) - extract(month from a)",
    "division": "write x / nullif(y, 0)",
    "integer-division": "write floor(x / nullif(y, 0))",
    "list": "keep to scalar functions, filters and windows; lists do not translate to Spark",
    "star": "spell the columns out",
    "header": "begin with a comment that states the grain and the units",
}

_AVERAGES = (exp.Avg, exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop, exp.Corr,
             exp.CovarSamp, exp.CovarPop, exp.Median, exp.PercentileCont, exp.Quantile, exp.ApproxQuantile)  # fmt: skip
_UNORDERED = (exp.AnyValue, exp.First, exp.Last, exp.FirstValue, exp.LastValue, exp.Rand, exp.ApproxDistinct)
_CLOCKS = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime)
_LISTS = (exp.ArrayAgg, exp.GroupConcat, exp.List, exp.Array, exp.Explode, exp.Unnest)
_FLOATS = {exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT}
_EXACT = {*exp.DataType.INTEGER_TYPES, exp.DataType.Type.DECIMAL, exp.DataType.Type.BIGDECIMAL,
          exp.DataType.Type.BOOLEAN}  # fmt: skip


def lint_sql(
    file: SqlFile, schema: Mapping[str, Mapping[str, str]] | None = None, keys: Iterable[str] = ()
) -> list[str]:
    """What breaks the rules, each as `path:line: rule: what (remedy)`; an empty list means none.

    schema: {table: {column: type}} to tell floating-point sums; keys: columns that may break a tie.
    Raises BadConfig when the file is not one SELECT.
    """
    tree = parsed(file)
    keys = {key.lower() for key in keys}
    found: list[tuple[int, str, str]] = []
    if not re.match(r"\s*--\s*\S", file.text):
        found.append((1, "header", "no header comment"))
    for node in tree.walk():
        rule = _broken_rule(node, keys)
        if rule:
            found.append((_line(node), rule, node.sql(dialect="duckdb")[:60]))
    if schema:
        found += _float_sums(tree, schema)
    return [f"{file.path}:{line}: {rule}: {what} ({REMEDIES[rule]})" for line, rule, what in sorted(set(found))]


def _broken_rule(node: exp.Expression, keys: set[str]) -> str | None:
    simple: dict[str, tuple[type[exp.Expression], ...]] = {
        "average": _AVERAGES, "unordered": _UNORDERED, "clock": _CLOCKS, "list": _LISTS,
    }  # fmt: skip
    for rule, kinds in simple.items():
        if isinstance(node, kinds):
            return rule
    if isinstance(node, exp.IntDiv | exp.Mod):
        return "integer-division"
    if isinstance(node, exp.Div) and not _cannot_be_zero(node.expression):
        return "division"
    if isinstance(node, exp.DateDiff | exp.TimestampDiff) and str(node.args.get("unit", "day")).lower() != "day":
        return "month"
    if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
        return "star"
    if isinstance(node, exp.ArgMax | exp.ArgMin) and not _names(node.expression) & keys:
        return "tie"
    if isinstance(node, exp.Window) and isinstance(node.this, exp.RowNumber | exp.Lag | exp.Lead):
        order = node.args.get("order")
        if order is None or not _names(order.expressions[-1]) & keys:
            return "tie"
    return None


def _cannot_be_zero(divisor: exp.Expression) -> bool:
    inner = divisor.unnest()
    while isinstance(inner, exp.Cast | exp.TryCast | exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.Literal):
        return float(inner.this) != 0
    return isinstance(inner, exp.Nullif)


def _float_sums(tree: exp.Expression, schema: Mapping[str, Mapping[str, str]]) -> list[tuple[int, str, str]]:
    """Sums over anything that is not provably an integer or a decimal."""
    known = {table: dict(columns) for table, columns in schema.items()}
    try:
        typed = annotate_types(
            qualify(tree.copy(), schema=known, dialect="duckdb", validate_qualify_columns=False, identify=False),
            schema=known,
            dialect="duckdb",
        )
    except SqlglotError as error:
        return [(1, "float-sum", f"types cannot be told: {str(error).splitlines()[0]}")]
    return [
        (_line(node), "float-sum", node.sql(dialect="duckdb")[:60])
        for node in typed.find_all(exp.Sum)
        if node.this.type is not None and node.this.type.this in _FLOATS
    ]


def _names(node: exp.Expression | None) -> set[str]:
    return {column.name.lower() for column in node.find_all(exp.Column)} if node is not None else set()


def _line(node: exp.Expression) -> int:
    for inner in node.walk():
        line = inner.meta.get("line")
        if line:
            return int(line)
    parent = node.parent
    return _line(parent) if parent is not None and not isinstance(parent, exp.Select) else 1
