"""One rule for each kind of expression: DuckDB's meaning in Spark's words, every conversion of types spelt out.

What has no rule here is refused, so that nothing is translated by luck.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlglot import exp

from creditrisk.portable.casts import (
    INTEGERS,
    NOTHING,
    Unportable,
    as_decimal,
    converted,
    half_away,
    is_decimal,
    is_long_to_double,
    is_whole,
    spark_type,
)
from creditrisk.portable.types import BOOLEAN_NODES, compared, merged, spelt

_SIGN = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=", exp.NullSafeEQ: "<=>"}
# DuckDB's trim takes every kind of space, Spark's only the plain one.
_SPACES = "".join(chr(code) for code in (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))
_MONTHS = {"MONTH": 1, "YEAR": 12, "QUARTER": 3}
_DAYS = {"DAY": 1, "WEEK": 7}
_WINDOWED = (exp.Count, exp.Sum, exp.Min, exp.Max)


class Written(NamedTuple):
    """Spark's SQL, and DuckDB's type of what it gives."""

    sql: str
    type: str


class Expressions:
    """Of one SELECT. types: of each expression, as `Binder.types` gives them.

    doubles: {(table, column): formula} of the columns that were written as `<column>__double`.
    """

    def __init__(self, types: Mapping[str, str], *, grouped: bool = False) -> None:
        self._types, self._grouped = types, grouped
        self.doubles: dict[tuple[str, str], str] = {}

    def written(self, node: exp.Expression) -> Written:
        """Raises Unportable, with the node as its second argument."""
        try:
            rule = _RULES.get(type(node))
            if rule is None:
                raise Unportable("function", _name(node))
            return rule(self, node)
        except Unportable as error:
            if not hasattr(error, "node"):
                error.node = node  # type: ignore[attr-defined]
            raise

    def as_type(self, node: exp.Expression, want: str, *, try_: bool = False) -> str:
        if isinstance(node, exp.Null):
            return f"cast(null as {spark_type(want)})"
        if isinstance(node, exp.Literal) and node.is_string and want == "DATE":
            return _date(node.this)
        if _is_text(node) and (_is_number(want) and re.fullmatch(r"-?\d{1,18}(\.\d{1,15})?", node.this)):
            whole = re.fullmatch(r"-?\d+", node.this) is not None
            if whole or not is_whole(want):
                return f"{'try_cast' if try_ else 'cast'}({text(node.this)} as {spark_type(want)})"
        if isinstance(node, exp.Paren):
            return f"({self.as_type(node.this, want, try_=try_)})"
        sql, have = self.written(node)
        if want == "DOUBLE" and is_long_to_double(have):
            if not isinstance(node, exp.Column) or (self._grouped and node.find_ancestor(exp.AggFunc) is None):
                return f"element_at(transform(array({sql}), v -> {converted('v', have, want)}), 1)"
            self.doubles[node.table, node.name] = converted(backticked(node.name), have, want)
            return f"{backticked(node.table)}.{backticked(f'{node.name}__double')}"
        return converted(sql, have, want, try_=try_)

    def condition(self, node: exp.Expression) -> str:
        return self.as_type(node, "BOOLEAN")

    def type_of(self, node: exp.Expression) -> str:
        if isinstance(node, BOOLEAN_NODES):
            return "BOOLEAN"
        kind = self._types.get(spelt(node), "")
        spark_type(kind)
        return kind

    # Names and constants

    def column(self, node: exp.Column) -> Written:
        parts = [backticked(part) for part in (node.table, node.name) if part]
        return Written(".".join(parts), self.type_of(node))

    def literal(self, node: exp.Literal) -> Written:
        if node.is_string:
            return Written(text(node.this), "VARCHAR")
        kind = self.type_of(node)
        suffix = {"DOUBLE": "D", "BIGINT": "L", "INTEGER": ""}.get(kind, "BD" if is_decimal(kind) else None)
        if kind == "HUGEINT":
            return Written(f"cast({node.this} as decimal(38,0))", kind)
        if suffix is None:
            raise Unportable("type", kind)
        number = node.this if kind != "DOUBLE" or re.search("[.eE]", node.this) else f"{node.this}E0"
        written = f"{number}{suffix}"
        return Written(f"cast({written} as {kind.lower()})" if is_decimal(kind) else written, kind)

    def null(self, _: exp.Null) -> Written:
        return Written("cast(null as int)", NOTHING)

    def boolean(self, node: exp.Boolean) -> Written:
        return Written("true" if node.this else "false", "BOOLEAN")

    def paren(self, node: exp.Paren) -> Written:
        inner = self.written(node.this)
        return Written(f"({inner.sql})", inner.type)

    # Truth

    def both(self, node: exp.And | exp.Or) -> Written:
        word = "and" if isinstance(node, exp.And) else "or"
        return Written(f"({self.condition(node.this)} {word} {self.condition(node.expression)})", "BOOLEAN")

    def negated(self, node: exp.Not) -> Written:
        return Written(f"(not {self.condition(node.this)})", "BOOLEAN")

    def comparison(self, node: exp.Binary) -> Written:
        kind = self._common(node, node.this, node.expression)
        left, right = self.as_type(node.this, kind), self.as_type(node.expression, kind)
        if isinstance(node, exp.NullSafeNEQ):
            return Written(f"(not ({left} <=> {right}))", "BOOLEAN")
        return Written(f"({left} {_SIGN[type(node)]} {right})", "BOOLEAN")

    def between(self, node: exp.Between) -> Written:
        low, high = node.args["low"], node.args["high"]
        kind = self._common(node, node.this, low, high)
        one, first, last = (self.as_type(part, kind) for part in (node.this, low, high))
        return Written(f"({one} between {first} and {last})", "BOOLEAN")

    def among(self, node: exp.In) -> Written:
        if not node.expressions or any(node.args.get(part) for part in ("query", "unnest", "field")):
            raise Unportable("clause", "IN with a query or a list")
        kind = self._common(node, node.this, *node.expressions)
        listed = ", ".join(self.as_type(one, kind) for one in node.expressions)
        return Written(f"({self.as_type(node.this, kind)} in ({listed}))", "BOOLEAN")

    def is_(self, node: exp.Is) -> Written:
        if isinstance(node.expression, exp.Null):
            return Written(f"({self.written(node.this).sql} is null)", "BOOLEAN")
        if isinstance(node.expression, exp.Boolean):
            word = "true" if node.expression.this else "false"
            return Written(f"({self.condition(node.this)} is {word})", "BOOLEAN")
        raise Unportable("function", _name(node))

    def _common(self, node: exp.Expression, *sides: exp.Expression) -> str:
        """The type that these are compared in."""
        have = {_kind_of(self.type_of(side)) for side in sides if not _is_text(side) and not isinstance(side, exp.Null)}
        if len(have) > 1:
            raise Unportable("mixed", " with ".join(sorted(have)))
        kind = self._types.get(merged(compared(node)), "")
        spark_type(kind)
        if any(_is_text(side) for side in sides) and kind not in ("DATE", "VARCHAR"):
            raise Unportable("mixed", f"text with {kind}")
        return "INTEGER" if kind == NOTHING else kind

    # Choices

    def case(self, node: exp.Case) -> Written:
        kind = self._given(node)
        branches = []
        for branch in node.args["ifs"]:
            if node.this is None:
                condition = self.condition(branch.this)
            else:
                shared = self._common(node, node.this, *(one.this for one in node.args["ifs"]))
                condition = f"{self.as_type(node.this, shared)} = {self.as_type(branch.this, shared)}"
            branches.append(f"when {condition} then {self.as_type(branch.args['true'], kind)}")
        default = node.args.get("default")
        last = f" else {self.as_type(default, kind)}" if default is not None else ""
        return Written(f"case {' '.join(branches)}{last} end", kind)

    def if_(self, node: exp.If) -> Written:
        kind = self._given(node)
        yes, no = node.args["true"], node.args.get("false") or exp.Null()
        condition = self.condition(node.this)
        return Written(f"case when {condition} then {self.as_type(yes, kind)} else {self.as_type(no, kind)} end", kind)

    def coalesce(self, node: exp.Coalesce) -> Written:
        return self._of_all(node, "coalesce")

    def extreme(self, node: exp.Greatest | exp.Least) -> Written:
        return self._of_all(node, "greatest" if isinstance(node, exp.Greatest) else "least")

    def _of_all(self, node: exp.Expression, function: str) -> Written:
        kind = self._given(node)
        sides = [node.this, *node.expressions] if node.this is not None else list(node.expressions)
        self._unmixed(sides, kind)
        if len(sides) == 1:
            return Written(self.as_type(sides[0], kind), kind)
        return Written(f"{function}({', '.join(self.as_type(one, kind) for one in sides)})", kind)

    def nullif(self, node: exp.Nullif) -> Written:
        kind, shared = self._given(node), self._common(node, node.this, node.expression)
        left, right = self.as_type(node.this, shared), self.as_type(node.expression, shared)
        return Written(f"case when {left} = {right} then null else {self.as_type(node.this, kind)} end", kind)

    def _given(self, node: exp.Expression) -> str:
        kind = self.type_of(node)
        return "INTEGER" if kind == NOTHING else kind

    def _unmixed(self, sides: list[exp.Expression], kind: str) -> None:
        have = {_kind_of(self.type_of(one)) for one in sides if not isinstance(one, exp.Null | exp.Literal)}
        if len(have | {_kind_of(kind)}) > 1:
            raise Unportable("mixed", " with ".join(sorted(have | {_kind_of(kind)})))

    # Numbers

    def sum_or_difference(self, node: exp.Add | exp.Sub) -> Written:
        sign = "+" if isinstance(node, exp.Add) else "-"
        kind = self.type_of(node)
        if kind in ("DATE", "TIMESTAMP") or not _is_number(kind):
            return self._moved(node, sign, kind)
        sides = [self.type_of(side) for side in (node.this, node.expression) if not isinstance(side, exp.Literal)]
        if any(side in ("DATE", "TIMESTAMP") for side in sides):
            return self._days_between(node.expression, node.this)
        left, right = self.as_type(node.this, kind), self.as_type(node.expression, kind)
        return Written(_kept(f"({left} {sign} {right})", kind), kind)

    def product(self, node: exp.Mul) -> Written:
        kind = self.type_of(node)
        if is_decimal(kind):  # each side keeps its own scale: the product's is their sum
            left, right = (self._decimal(side) for side in (node.this, node.expression))
        elif _is_number(kind):
            left, right = self.as_type(node.this, kind), self.as_type(node.expression, kind)
        else:
            raise Unportable("type", kind)
        return Written(_kept(f"({left} * {right})", kind), kind)

    def _decimal(self, node: exp.Expression) -> str:
        own = as_decimal(self.type_of(node))
        if isinstance(node, exp.Literal) and re.fullmatch(r"\d+", node.this):
            return f"cast({node.this} as decimal({len(node.this)},0))"
        if own is None:
            raise Unportable("type", self.type_of(node))
        return self.as_type(node, str(own))

    def quotient(self, node: exp.Div) -> Written:
        kind = self.type_of(node)
        if kind != "DOUBLE":
            raise Unportable("type", kind)
        return Written(f"({self.as_type(node.this, kind)} / {self.as_type(node.expression, kind)})", kind)

    def minus(self, node: exp.Neg) -> Written:
        kind = self.type_of(node)
        if isinstance(node.this, exp.Literal) and not is_decimal(kind) and kind != "HUGEINT":
            return Written(f"(-{self.as_type(node.this, kind)})", kind)
        if not _is_number(kind):
            raise Unportable("type", kind)
        return Written(_kept(f"(-{self.as_type(node.this, kind)})", kind), kind)

    def absolute(self, node: exp.Abs) -> Written:
        kind = self.type_of(node)
        if not _is_number(kind):
            raise Unportable("type", kind)
        return Written(_kept(f"abs({self.as_type(node.this, kind)})", kind), kind)

    def root(self, node: exp.Sqrt) -> Written:
        return Written(f"sqrt({self.as_type(node.this, 'DOUBLE')})", "DOUBLE")

    def to_whole(self, node: exp.Ceil | exp.Floor) -> Written:
        up = isinstance(node, exp.Ceil)
        kind, (sql, have) = self.type_of(node), self.written(node.this)
        if is_decimal(have) and is_decimal(kind):
            return Written(f"cast({'ceil' if up else 'floor'}({sql}) as {spark_type(kind)})", kind)
        if kind != "DOUBLE":
            raise Unportable("type", kind)
        # Spark's own give a BIGINT, which a large double does not fit into; rint stays a double.
        sql = converted(sql, have, "DOUBLE")
        beyond, step = ("<", "+ 1D") if up else (">", "- 1D")
        zero = f"when {sql} > -1D and {sql} < 0D then -0.0D " if up else ""
        return Written(f"case {zero}when rint({sql}) {beyond} {sql} then rint({sql}) {step} else rint({sql}) end", kind)

    def round_(self, node: exp.Round) -> Written:
        kind, (sql, have), digits = self.type_of(node), self.written(node.this), node.args.get("decimals")
        places = (
            int(digits.this) if isinstance(digits, exp.Literal) and digits.is_int else 0 if digits is None else None
        )
        if is_decimal(have) and is_decimal(kind) and places is not None:
            return Written(f"cast(round({sql}, {places}) as {spark_type(kind)})", kind)
        if have == "DOUBLE" and places == 0:
            near = f"{sql} > -0.5D and {sql} <= 0D"  # the zero that this rounds to keeps its sign
            return Written(f"case when {near} then {sql} * 0D else {half_away(sql)} end", kind)
        raise Unportable("round", f"of {have}")

    def cast(self, node: exp.Cast) -> Written:
        kind = self.type_of(node)
        return Written(self.as_type(node.this, kind, try_=isinstance(node, exp.TryCast)), kind)

    # Days

    def part(self, node: exp.Extract | exp.Year | exp.Month | exp.Day) -> Written:
        if isinstance(node, exp.Extract):
            name, of = node.this.name.lower(), node.expression
        else:
            name, of = type(node).__name__.lower(), node.this
        if name not in ("year", "month", "day", "quarter"):
            raise Unportable("date", f"extract({name})")
        return Written(f"cast({name}({self._day(of)}) as bigint)", "BIGINT")

    def difference(self, node: exp.DateDiff) -> Written:
        if str(node.args.get("unit") or "DAY").upper() != "DAY":
            raise Unportable("month")
        return self._days_between(node.expression, node.this)

    def _days_between(self, first: exp.Expression, last: exp.Expression) -> Written:
        kinds = {self.type_of(side) for side in (first, last) if not _is_text(side)}
        if kinds != {"DATE"}:
            raise Unportable("date", "difference of timestamps")
        return Written(f"cast(datediff({self._day(last)}, {self._day(first)}) as bigint)", "BIGINT")

    def _day(self, node: exp.Expression) -> str:
        if _is_text(node):
            return self.as_type(node, "DATE")
        kind = self.type_of(node)
        if kind not in ("DATE", "TIMESTAMP"):
            raise Unportable("date", kind)
        return self.as_type(node, kind)

    def last_day(self, node: exp.LastDay) -> Written:
        if node.args.get("unit") is not None:
            raise Unportable("date", "last day of another unit")
        return Written(f"last_day({self._day(node.this)})", "DATE")

    def _moved(self, node: exp.Add | exp.Sub, sign: str, kind: str) -> Written:
        """A day plus days, or plus an interval (then DuckDB gives a timestamp)."""
        for day, step in ((node.this, node.expression), (node.expression, node.this)):
            interval = _interval(step)
            if interval is None or (sign == "-" and day is node.expression):
                continue
            count, unit = interval
            if unit not in _MONTHS and unit not in _DAYS:
                raise Unportable("date", f"interval {unit.lower()}")
            times = count.this if isinstance(count, exp.Literal) else self.as_type(count, "BIGINT")
            number = f"cast({sign}({times}) * {_MONTHS.get(unit) or _DAYS[unit]} as int)"
            made = f"make_ym_interval(0, {number})" if unit in _MONTHS else f"make_dt_interval({number})"
            return Written(f"({self.as_type(day, 'TIMESTAMP')} + {made})", "TIMESTAMP")
        if kind == "DATE":
            day, step = node.this, node.expression
            if sign == "+" and self.type_of(day) != "DATE":
                day, step = step, day
            return Written(f"date_add({self.as_type(day, 'DATE')}, {sign}({self.as_type(step, 'INTEGER')}))", kind)
        raise Unportable("type", kind)

    # Text

    def like(self, node: exp.Like) -> Written:
        pattern = node.expression
        if not _is_text(pattern) or "\\" in pattern.this or self.type_of(node.this) != "VARCHAR":
            raise Unportable("text", "LIKE with a pattern that is no plain text")
        return Written(f"({self.written(node.this).sql} like {text(pattern.this)})", "BOOLEAN")

    def trim(self, node: exp.Trim) -> Written:
        if node.args.get("expression") is not None or node.args.get("position"):
            raise Unportable("text", "trim of named characters")
        return Written(f"trim(both {text(_SPACES)} from {self._text(node.this)})", "VARCHAR")

    def replace(self, node: exp.Replace) -> Written:
        found, other = node.expression, node.args.get("replacement")
        if other is None:
            raise Unportable("text", "replace by nothing")
        return Written(f"replace({self._text(node.this)}, {self._text(found)}, {self._text(other)})", "VARCHAR")

    def substring(self, node: exp.Substring) -> Written:
        start, length = node.args.get("start"), node.args.get("length")
        bounds = [start, length] if length is not None else [start]
        if any(not isinstance(bound, exp.Literal) or not bound.is_int for bound in bounds) or int(start.this) < 1:
            raise Unportable("text", "substr with other than whole numbers from 1 on")
        return Written(f"substring({self._text(node.this)}, {', '.join(bound.this for bound in bounds)})", "VARCHAR")

    def joined(self, node: exp.DPipe) -> Written:
        return Written(f"({self._text(node.this)} || {self._text(node.expression)})", "VARCHAR")

    def starts_with(self, node: exp.StartsWith) -> Written:
        return Written(f"startswith({self._text(node.this)}, {self._text(node.expression)})", "BOOLEAN")

    def length(self, node: exp.Length) -> Written:
        return Written(f"cast(char_length({self._text(node.this)}) as bigint)", "BIGINT")

    def _text(self, node: exp.Expression) -> str:
        kind = self.type_of(node) if not _is_text(node) else "VARCHAR"
        if kind not in ("VARCHAR", NOTHING):
            raise Unportable("text", f"of {kind}")
        return self.as_type(node, "VARCHAR")

    # Many rows

    def aggregate(self, node: exp.AggFunc, where: str = "", over: str = "") -> Written:
        kind = self.type_of(node) if not over else ""
        kept = f" filter (where {where})" if where else ""
        if isinstance(node, exp.Count):
            return Written(f"count({self._counted(node)}){kept}{over}", "BIGINT")
        if isinstance(node, exp.Sum):
            return self._total(node, kept + over)
        if isinstance(node, exp.Min | exp.Max):
            if node.expressions:
                raise Unportable("list", "min and max of several rows")
            sql, have = self.written(node.this)
            return Written(f"{'min' if isinstance(node, exp.Min) else 'max'}({sql}){kept}{over}", have)
        if isinstance(node, exp.LogicalOr | exp.LogicalAnd):
            function = "bool_or" if isinstance(node, exp.LogicalOr) else "bool_and"
            return Written(f"{function}({self.condition(node.this)}){kept}{over}", "BOOLEAN")
        if isinstance(node, exp.ArgMax | exp.ArgMin) and not over and node.args.get("count") is None:
            function = "max_by" if isinstance(node, exp.ArgMax) else "min_by"
            value, order = self.written(node.this), self.written(node.expression)
            there = f"{value.sql} is not null" + (
                f" and {where}" if where else ""
            )  # Spark keeps a NULL of the best row
            return Written(f"{function}({value.sql}, {order.sql}) filter (where {there})", kind)
        raise Unportable("function", _name(node))

    def _counted(self, node: exp.Count) -> str:
        if isinstance(node.this, exp.Star):
            return "*"
        if isinstance(node.this, exp.Distinct):
            if len(node.this.expressions) != 1:
                raise Unportable("function", "count of several")
            return f"distinct {self.written(node.this.expressions[0]).sql}"
        return self.written(node.this).sql

    def _total(self, node: exp.Sum, rest: str) -> Written:
        if isinstance(node.this, exp.Distinct):
            raise Unportable("function", "sum of distinct ones")
        sql, have = self.written(node.this)
        if have == "BOOLEAN":
            sql, have = f"cast({sql} as int)", "INTEGER"
        if is_decimal(have):
            kind = as_decimal(have)
            assert kind is not None
            return Written(f"cast(sum({sql}){rest} as decimal(38,{kind.scale}))", f"DECIMAL(38,{kind.scale})")
        if have == "BIGINT":  # a total beyond 2^63 is one in DuckDB
            sql = f"cast({sql} as decimal(19,0))"
        elif have in INTEGERS:
            sql = f"cast({sql} as bigint)"
        elif have != "HUGEINT":
            raise Unportable("float-sum", f"sum of {have}")
        return Written(f"cast(sum({sql}){rest} as decimal(38,0))", "HUGEINT")

    def filtered(self, node: exp.Filter) -> Written:
        if not isinstance(node.this, exp.AggFunc):
            raise Unportable("function", _name(node.this))
        return self.aggregate(node.this, where=self.condition(node.expression.this))

    def window(self, node: exp.Window) -> Written:
        over = self._over(node)
        function = node.this
        if isinstance(function, exp.RowNumber | exp.Rank | exp.DenseRank):
            name = {exp.RowNumber: "row_number", exp.Rank: "rank", exp.DenseRank: "dense_rank"}[type(function)]
            return Written(f"cast({name}(){over} as bigint)", "BIGINT")
        if isinstance(function, exp.Lag | exp.Lead):
            offset, default = function.args.get("offset"), function.args.get("default")
            if default is not None or (offset is not None and not (isinstance(offset, exp.Literal) and offset.is_int)):
                raise Unportable("window", "lag or lead by other than a plain number of rows")
            value = self.written(function.this)
            name = "lag" if isinstance(function, exp.Lag) else "lead"
            return Written(f"{name}({value.sql}, {offset.this if offset is not None else 1}){over}", value.type)
        if isinstance(function, _WINDOWED):
            return self.aggregate(function, over=over)
        raise Unportable("window", _name(function))

    def _over(self, node: exp.Window) -> str:
        if node.args.get("alias") or node.args.get("exclude") or node.args.get("first") is False:
            raise Unportable("window", "a named window")
        parts = []
        if node.args.get("partition_by"):
            keys = [self.written(one).sql for one in node.args["partition_by"]]
            parts.append(f"partition by {', '.join(keys)}")
        order = node.args.get("order")
        if order is not None:
            parts.append("order by " + ", ".join(self._ordered(one) for one in order.expressions))
        spec = node.args.get("spec")
        if spec is not None:
            parts.append(_frame(spec))
        return f" over ({' '.join(parts)})"

    def _ordered(self, node: exp.Expression) -> str:
        of = node.this if isinstance(node, exp.Ordered) else node
        way = "desc" if isinstance(node, exp.Ordered) and node.args.get("desc") else "asc"
        first = isinstance(node, exp.Ordered) and node.args.get("nulls_first")
        return f"{self.written(of).sql} {way} nulls {'first' if first else 'last'}"


def text(value: str) -> str:
    """A text as Spark's literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def backticked(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _kept(sql: str, kind: str) -> str:
    """Spark widens what it adds and multiplies; DuckDB's type holds the same or is an error."""
    return f"cast({sql} as {spark_type(kind)})" if is_decimal(kind) or kind == "HUGEINT" else sql


def _is_number(kind: str) -> bool:
    return is_whole(kind) or is_decimal(kind) or kind == "DOUBLE"


def _is_text(node: exp.Expression) -> bool:
    return isinstance(node, exp.Literal) and bool(node.is_string)


def _kind_of(kind: str) -> str:
    return "number" if _is_number(kind) else "day" if kind in ("DATE", "TIMESTAMP") else kind


def _date(value: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise Unportable("conversion", f"{value!r} to DATE")
    return f"date'{dt.date.fromisoformat(value).isoformat()}'"


def _interval(node: exp.Expression) -> tuple[exp.Expression, str] | None:
    """(how many, unit) of `interval 'n unit'`, of it times a whole number, and of to_months(n) and its like."""
    node = node.unnest()
    if isinstance(node, exp.Interval) and node.this is not None and node.args.get("unit") is not None:
        count = node.this
        if isinstance(count, exp.Literal) and re.fullmatch(r"-?\d+", count.this):
            return exp.Literal.number(count.this), str(node.args["unit"]).upper().rstrip("S")
        return (count, str(node.args["unit"]).upper().rstrip("S")) if not isinstance(count, exp.Literal) else None
    if isinstance(node, exp.Mul):
        for factor, step in ((node.this, node.expression), (node.expression, node.this)):
            inner = step.unnest()
            if isinstance(inner, exp.Interval) and isinstance(inner.this, exp.Literal) and inner.this.this == "1":
                return factor, str(inner.args["unit"]).upper().rstrip("S")
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("to_months", "to_days", "to_years", "to_weeks"):
        return node.expressions[0], node.name[3:-1].upper()
    return None


def _frame(spec: exp.WindowSpec) -> str:
    if str(spec.args.get("kind")).upper() != "ROWS" or spec.args.get("exclude"):
        raise Unportable("window", "a frame of other than rows")
    sides = []
    for side in ("start", "end"):
        bound = spec.args.get(side)
        if isinstance(bound, exp.Expression) and not (isinstance(bound, exp.Literal) and bound.is_int):
            raise Unportable("window", "a frame of other than a number of rows")
        shown = bound.this if isinstance(bound, exp.Literal) else str(bound or "CURRENT ROW")
        sides.append(f"{shown} {spec.args.get(f'{side}_side') or ''}".strip())
    return f"rows between {sides[0]} and {sides[1]}"


def _name(node: exp.Expression) -> str:
    return node.name.lower() if isinstance(node, exp.Anonymous) else type(node).__name__.lower()


def _aggregate(one: Expressions, node: exp.AggFunc) -> Written:
    return one.aggregate(node)


_RULES: Mapping[type[exp.Expression], Callable[..., Written]] = {
    exp.Column: Expressions.column, exp.Literal: Expressions.literal, exp.Null: Expressions.null,
    exp.Boolean: Expressions.boolean, exp.Paren: Expressions.paren,
    exp.And: Expressions.both, exp.Or: Expressions.both, exp.Not: Expressions.negated,
    exp.EQ: Expressions.comparison, exp.NEQ: Expressions.comparison, exp.GT: Expressions.comparison,
    exp.GTE: Expressions.comparison, exp.LT: Expressions.comparison, exp.LTE: Expressions.comparison,
    exp.NullSafeEQ: Expressions.comparison, exp.NullSafeNEQ: Expressions.comparison,
    exp.Between: Expressions.between, exp.In: Expressions.among, exp.Is: Expressions.is_,
    exp.Case: Expressions.case, exp.If: Expressions.if_, exp.Coalesce: Expressions.coalesce,
    exp.Greatest: Expressions.extreme, exp.Least: Expressions.extreme, exp.Nullif: Expressions.nullif,
    exp.Add: Expressions.sum_or_difference, exp.Sub: Expressions.sum_or_difference, exp.Mul: Expressions.product,
    exp.Div: Expressions.quotient, exp.Neg: Expressions.minus, exp.Abs: Expressions.absolute,
    exp.Sqrt: Expressions.root,
    exp.Ceil: Expressions.to_whole, exp.Floor: Expressions.to_whole, exp.Round: Expressions.round_,
    exp.Cast: Expressions.cast, exp.TryCast: Expressions.cast,
    exp.Extract: Expressions.part, exp.Year: Expressions.part, exp.Month: Expressions.part, exp.Day: Expressions.part,
    exp.DateDiff: Expressions.difference, exp.LastDay: Expressions.last_day,
    exp.Like: Expressions.like, exp.Trim: Expressions.trim, exp.Replace: Expressions.replace,
    exp.Substring: Expressions.substring, exp.DPipe: Expressions.joined, exp.StartsWith: Expressions.starts_with,
    exp.Length: Expressions.length,
    exp.Count: _aggregate, exp.Sum: _aggregate, exp.Min: _aggregate, exp.Max: _aggregate, exp.LogicalOr: _aggregate,
    exp.LogicalAnd: _aggregate, exp.ArgMax: _aggregate, exp.ArgMin: _aggregate,
    exp.Filter: Expressions.filtered, exp.Window: Expressions.window,
}  # fmt: skip
