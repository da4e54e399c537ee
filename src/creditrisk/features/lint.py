"""Rules for a book's SQL, so that a figure is the same bits in any row order, on any engine, for any group of rows.

Floating-point sums depend on their order, ties on whoever comes first, and months on the engine. What is not allowed
here has an exact form beside it in `REMEDIES`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlglot import exp

from creditrisk.config import SqlFile
from creditrisk.features.engine import Schema, parsed, tables_read
from creditrisk.portable import Bound, Finding, line_of, translated_select

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
    "quantile": "row_number() over (partition by k order by x, key) numbers the rows: take the one in the middle",
    "type": "keep to bigint, integer, smallint, tinyint, double, decimal, varchar, boolean, date and timestamp",
    "hugeint": "a sum is 128 bits wide, and a file between two steps keeps it as a double: cast(sum(x) as bigint)",
    "conversion": "numbers to decimal(18,s) or narrower; text only to whole numbers, or from a literal 'YYYY-MM-DD'",
    "mixed": "cast one side to the other's type",
    "round": "cast(x as decimal(18,2)) rounds, halves away from zero",
    "date": "whole days: b - a over dates; parts: extract(year|quarter|month|day from x); intervals of days to years",
    "text": "LIKE with a plain pattern, substr(x, 1, n), trim(x), replace, ||, starts_with, length",
    "window": "row_number, rank, dense_rank, lag, lead, count, sum, min, max; frames by rows",
    "clause": "WITH, FROM, inner, left, semi and anti JOIN ... ON, WHERE, GROUP BY columns, HAVING",
    "function": "use what docs/portable-sql.md lists",
}

_AVERAGES = (exp.Avg, exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop, exp.Corr,
             exp.CovarSamp, exp.CovarPop)  # fmt: skip
_QUANTILES = (exp.Median, exp.PercentileCont, exp.PercentileDisc, exp.Quantile, exp.ApproxQuantile)
_UNORDERED = (exp.AnyValue, exp.First, exp.Last, exp.FirstValue, exp.LastValue, exp.Rand, exp.ApproxDistinct)
_CLOCKS = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime)
_LISTS = (exp.ArrayAgg, exp.GroupConcat, exp.List, exp.Array, exp.Explode, exp.Unnest)


def lint_sql(
    file: SqlFile, schema: Mapping[str, Mapping[str, str]] | None = None, keys: Iterable[str] = ()
) -> list[str]:
    """What breaks the rules, each as `path:line: rule: what (remedy)`; an empty list means none.

    schema: {table: {column: type}} to tell floating-point sums; keys: columns that may break a tie.
    Raises BadConfig when the file is not one SELECT.
    """
    tree = parsed(file)
    keys = {key.lower() for key in keys}
    found: list[Finding] = []
    if not re.match(r"\s*--\s*\S", file.text):
        found.append((1, "header", "no header comment"))
    for node in tree.walk():
        rule = _broken_rule(node, keys)
        if rule:
            found.append((line_of(node), rule, node.sql(dialect="duckdb")[:60]))
    if schema:
        lines = {line for line, _, _ in found}
        # A line that breaks a rule of its own is told by that one.
        found += [one for one in unportable(file, schema) if one[0] not in lines]
    return told(file, found)


def told(file: SqlFile, found: Iterable[Finding]) -> list[str]:
    """Each finding once, in the file's order, with the portable form."""
    return [f"{file.path}:{line}: {rule}: {what} ({REMEDIES[rule]})" for line, rule, what in sorted(set(found))]


def unportable(file: SqlFile, schema: Schema, bound: Bound | None = None) -> list[Finding]:
    """What in this file has no form that gives the same on Spark. bound: days that its parameters stand for."""
    return translated_select(parsed(file), read_by(file, schema), bound)[1]


def read_by(file: SqlFile, schema: Schema) -> dict[str, Mapping[str, str]]:
    """The tables of the schema that the file reads."""
    read = tables_read(file)
    return {name: columns for name, columns in schema.items() if name in read}


def _broken_rule(node: exp.Expression, keys: set[str]) -> str | None:
    simple: dict[str, tuple[type[exp.Expression], ...]] = {
        "average": _AVERAGES, "quantile": _QUANTILES, "unordered": _UNORDERED, "clock": _CLOCKS, "list": _LISTS,
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


def _names(node: exp.Expression | None) -> set[str]:
    return {column.name.lower() for column in node.find_all(exp.Column)} if node is not None else set()
