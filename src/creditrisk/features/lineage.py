"""Which raw columns a feature is made from, read from the book's SQL; and, from that, the raw factors of a reason.

Two readings of each feature. What it is a *value* of: `sum(case when is_active then debt end)` is a value of the debt.
And everything it *reads*, the conditions, windows and filters on the way included: there it also reads the status.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from creditrisk.config import MAIN, Book, SqlFile
from creditrisk.errors import BadConfig
from creditrisk.features.check import bound_columns
from creditrisk.features.engine import Schema, parsed, table_schema, tables_read
from creditrisk.kinds import Available

type RawColumn = tuple[str, str]
"""(table, column); the column ROWS stands for how many rows the table has."""

ROWS = "*"


@dataclass(frozen=True, slots=True)
class Lineage:
    """value: raw columns whose values it is made of.  reads: all that can change it; value is a part of it."""

    value: frozenset[RawColumn] = frozenset()
    reads: frozenset[RawColumn] = frozenset()

    def __or__(self, other: Lineage) -> Lineage:
        return Lineage(self.value | other.value, self.reads | other.reads)

    def of(self, table: str) -> frozenset[str]:
        """Columns of one table among all that it reads."""
        return frozenset(column for name, column in self.reads if name == table)


@dataclass(frozen=True)
class _Relation:
    """columns: by lower-cased name.  rows: what decides which rows there are.  tables: raw ones underneath."""

    columns: Mapping[str, Lineage] = field(default_factory=dict)
    rows: frozenset[RawColumn] = frozenset()
    tables: frozenset[str] = frozenset()


def identifiers(book: Book) -> frozenset[str]:
    """Columns that only name rows, in any table: they lead from table to table and are no one's factor."""
    portfolio = book.portfolio
    named = {column.name for one in book.contracts.values() for column in one.columns
             if column.available == Available.IDENTIFIER}  # fmt: skip
    foreign = {table.foreign_key for table in portfolio.tables.values() if table.foreign_key}
    return frozenset({portfolio.entity.key, *foreign, *named})


def feature_lineage(book: Book) -> dict[str, Lineage]:
    """{feature: its lineage}, for the features of the book's preset.

    Identifiers are left out; counting a child table's rows reads (table, ROWS).
    Raises BadConfig, naming the file, for SQL that cannot be followed.
    """
    schema: dict[str, dict[str, str]] = table_schema(book)
    keys = {name.lower() for name in identifiers(book)}
    known = {table.lower(): _raw_table(table, columns, keys) for table, columns in schema.items()}
    for file in book.sql:
        known[file.name.lower()] = _relation_of(file, schema, known, keys)
        schema[file.name] = bound_columns(file.text, file.path, schema, tables_read(file))
    last = known[book.sql[-1].name.lower()]
    features = [name for name in schema[book.sql[-1].name] if name != book.key]
    return {name: last.columns[name.lower()] for name in features}


def raw_factors(groups: Mapping[str, Iterable[str]], lineage: Mapping[str, Lineage]) -> dict[str, frozenset[RawColumn]]:
    """{reason group: the raw columns that stand for it}.

    groups: {code: its own features}.  Of the columns that a group's features are values of, those are its factors that
    it owns: a feature of the group is made of nothing else, or half of its features are made of it. What nobody
    owns belongs to all that use it. So a ratio to income does not make income a factor of debts: income has a group of
    its own. The number of a table's rows is a factor only where no column of that table is.
    """
    used = {code: [_told(lineage[name].value) for name in features] for code, features in groups.items()}
    owned = {code: _owned(values) for code, values in used.items()}
    somebodys = frozenset().union(*owned.values())
    return {
        code: frozenset().union(owned[code], *(value - somebodys for value in values)) or frozenset().union(*values)
        for code, values in used.items()
    }


def _told(value: frozenset[RawColumn]) -> frozenset[RawColumn]:
    """Without the number of rows of tables that a column is read of."""
    named = {table for table, column in value if column != ROWS}
    return frozenset((table, column) for table, column in value if column != ROWS or table not in named)


def _owned(values: list[frozenset[RawColumn]]) -> frozenset[RawColumn]:
    counts = Counter(column for value in values for column in value)
    often = {column for column, count in counts.items() if 2 * count >= len(values)}
    return frozenset(often.union(*(value for value in values if len(value) == 1)))


def _raw_table(table: str, columns: Mapping[str, str], keys: set[str]) -> _Relation:
    counted = frozenset() if table == MAIN else frozenset({(table, ROWS)})

    def lineage(column: str) -> Lineage:
        if column.lower() in keys:
            return Lineage(counted)
        return Lineage(frozenset({(table, column)}), frozenset({(table, column)}))

    return _Relation({name.lower(): lineage(name) for name in columns}, tables=frozenset({table}))


def _relation_of(file: SqlFile, schema: Schema, known: Mapping[str, _Relation], keys: set[str]) -> _Relation:
    read = {name: dict(schema[name]) for name in tables_read(file)}
    try:
        tree = qualify(parsed(file).copy(), schema=read, dialect="duckdb", identify=False)
        return _query(tree, known, keys)
    except (SqlglotError, KeyError) as error:
        what = str(error).splitlines()[0]
        raise BadConfig(f"its columns cannot be followed to the raw tables: {what}", where=file.path) from error


def _query(tree: exp.Expression, known: Mapping[str, _Relation], keys: set[str]) -> _Relation:
    scope = dict(known)
    for cte in tree.ctes if isinstance(tree, exp.Query) else ():
        scope[cte.alias.lower()] = _query(cte.this, scope, keys)
    if isinstance(tree, exp.Subquery):
        return _query(tree.this, scope, keys)
    if isinstance(tree, exp.SetOperation):
        return _both(_query(tree.left, scope, keys), _query(tree.right, scope, keys))
    return _select(tree, scope, keys)


def _both(left: _Relation, right: _Relation) -> _Relation:
    """A set operation: columns meet by their place."""
    pairs = zip(left.columns.items(), right.columns.values(), strict=True)
    return _Relation({name: one | other for (name, one), other in pairs}, left.rows | right.rows,
                     left.tables | right.tables)  # fmt: skip


def _select(tree: exp.Expression, scope: Mapping[str, _Relation], keys: set[str]) -> _Relation:
    start = tree.args.get("from_") or tree.args.get("from")
    joins = tree.args.get("joins") or []
    read = [*([start.this] if start else []), *(join.this for join in joins)]
    sources = {one.alias_or_name.lower(): _source(one, scope, keys) for one in read}
    tables = frozenset().union(*(source.tables for source in sources.values()))
    here = _Sources(sources, keys)
    conditions = [join.args.get("on") for join in joins]
    conditions += [tree.args.get(part) for part in ("where", "group", "having", "qualify", "distinct")]
    rows = frozenset().union(*(here.lineage(one).reads for one in conditions if one is not None))
    columns = {}
    for item in tree.expressions:
        found = here.lineage(item)
        columns[item.alias_or_name.lower()] = Lineage(found.value, found.value | found.reads | rows)
    under = frozenset().union(*(source.rows for source in sources.values()))
    return _Relation(columns, rows | under, tables)


def _source(one: exp.Expression, scope: Mapping[str, _Relation], keys: set[str]) -> _Relation:
    return scope[one.name.lower()] if isinstance(one, exp.Table) else _query(one, scope, keys)


@dataclass(frozen=True)
class _Sources:
    """What stands behind FROM and JOIN, by alias."""

    by_alias: Mapping[str, _Relation]
    keys: set[str]

    def lineage(self, node: exp.Expression) -> Lineage:
        columns = [one for one in node.find_all(exp.Column) if one.name.lower() not in self.keys]
        reads = frozenset().union(*(self._column(one).reads for one in columns))
        for star in node.find_all(exp.Star):
            if isinstance(star.parent, exp.Count):
                reads |= self._counted() | frozenset().union(*(one.rows for one in self.by_alias.values()))
        return Lineage(self._value(node), reads)

    def _value(self, node: exp.Expression) -> frozenset[RawColumn]:
        if isinstance(node, exp.Column):
            return self._column(node).value
        if isinstance(node, exp.Star):
            return self._counted()
        if isinstance(node, exp.Window | exp.ArgMax | exp.ArgMin):
            return self._value(node.this)
        if isinstance(node, exp.Case | exp.If):
            branches = node.args["ifs"] if isinstance(node, exp.Case) else [node]
            results = [*(one.args["true"] for one in branches), node.args.get("default"), node.args.get("false")]
            value = self._values(results)
            return value or self._values([node.args.get("this"), *(one.this for one in branches)])
        if isinstance(node, exp.Filter):
            return self._value(node.this) or self._value(node.expression)
        return self._values(node.iter_expressions())

    def _values(self, nodes: Iterable[exp.Expression | None]) -> frozenset[RawColumn]:
        return frozenset().union(*(self._value(one) for one in nodes if one is not None))

    def _column(self, column: exp.Column) -> Lineage:
        return self.by_alias[column.table.lower()].columns[column.name.lower()]

    def _counted(self) -> frozenset[RawColumn]:
        """Rows of the child tables underneath; the main table has one row an entity, which tells nothing."""
        tables = frozenset().union(*(source.tables for source in self.by_alias.values()))
        return frozenset((table, ROWS) for table in tables if table != MAIN)
