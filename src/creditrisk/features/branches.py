"""The book's SQL cut in two, where child tables meet the application.

A *branch* reads child tables alone: it is the same for a person whatever their application says. The *trunk* joins the
branches to the application. So an application that is changed in a column, or is given another person's child rows,
costs a run of the trunk over a few rows, and no child row is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from creditrisk.config import MAIN, Book, SqlFile
from creditrisk.duck import named
from creditrisk.errors import BadConfig
from creditrisk.features.engine import Schema, parsed, tables_read


@dataclass(frozen=True, slots=True)
class Branch:
    """name: of the relation in the trunk.  steps: {name: SELECT} to run before it.  tables: raw ones that it reads.

    key: its column that holds the entity's key.
    """

    name: str
    steps: Mapping[str, tuple[str, frozenset[str]]]
    query: str
    tables: frozenset[str]
    key: str


@dataclass(frozen=True, slots=True)
class TrunkFile:
    """One file of SQL over the application and branches. tables: raw ones of the file, as it stands in the book."""

    name: str
    query: str
    tables: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cut:
    branches: tuple[Branch, ...]
    trunk: tuple[TrunkFile, ...]

    def families(self) -> dict[str, str]:
        """{child table: its family}: tables that meet in a branch can only be replaced together."""
        family = {table: table for branch in self.branches for table in branch.tables}
        for branch in self.branches:
            joined = {family[table] for table in branch.tables}
            for table, old in family.items():
                if old in joined:
                    family[table] = min(joined)
        return family


def cut(book: Book, schema: Schema) -> Cut:
    """Raises BadConfig, naming the file, where a child table is joined by another column than the entity's key."""
    cutter = _Cutter(book, schema)
    for file in book.sql:
        cutter.take(file)
    return Cut(tuple(cutter.branches.values()), tuple(cutter.trunk))


class _Cutter:
    def __init__(self, book: Book, schema: Schema) -> None:
        foreign = {one.foreign_key for one in book.portfolio.tables.values() if one.parent == MAIN and one.foreign_key}
        self.keys = {book.key, *foreign}
        self.schema = schema
        self.free: dict[str, tuple[str, frozenset[str]]] = {}
        """Files over child tables alone: their text, and the raw tables they read."""
        self.branches: dict[str, Branch] = {}
        self.trunk: list[TrunkFile] = []
        self.last = book.sql[-1].name

    def take(self, file: SqlFile) -> None:
        tree = parsed(file).copy()
        raw = tables_read(file) & set(self.schema)
        trunk_files = {one.name for one in self.trunk}
        if MAIN not in raw and not tables_read(file) & trunk_files and file.name != self.last:
            self.free[file.name] = (file.text.rstrip().rstrip(";"), raw)
            return
        free: dict[str, str] = {}
        """CTEs of this file over child tables alone."""
        for cte in list(tree.ctes):
            if not _tables(cte.this) - set(free) - set(self.free) - (set(self.schema) - {MAIN}):
                free[cte.alias] = cte.this.sql(dialect="duckdb")
                cte.pop()
        if not tree.ctes:
            tree.set("with_", None)
        local = {cte.alias for cte in tree.ctes}
        for table in list(tree.find_all(exp.Table)):
            if table.name not in local and (table.name in free or self._is_child(table.name)):
                branch = self._branch(file, table.name, free)
                alias = table.alias or table.name
                table.replace(exp.alias_(exp.to_table(branch.name, dialect="duckdb"), alias, table=True))
        self.trunk.append(TrunkFile(file.name, tree.sql(dialect="duckdb"), raw))

    def _is_child(self, name: str) -> bool:
        return name in self.free or (name in self.schema and name != MAIN)

    def _branch(self, file: SqlFile, name: str, free: Mapping[str, str]) -> Branch:
        full = f"{file.name}__{name}" if name in free else f"branch__{name}"
        if full not in self.branches:
            ctes = {cte: (text, frozenset[str]()) for cte, text in free.items()} if name in free else {}
            steps = {**self.free, **ctes}
            used = _needed(name, {step: text for step, (text, _) in steps.items()})
            steps = {step: one for step, one in steps.items() if step in used}
            tables = frozenset(used & set(self.schema)) | frozenset().union(*(one[1] for one in steps.values()))
            query = f"select * from {named(name)}"  # noqa: S608
            self.branches[full] = Branch(full, steps, query, tables - {MAIN}, self._key(file, name, steps))
        return self.branches[full]

    def _key(self, file: SqlFile, name: str, steps: Mapping[str, tuple[str, frozenset[str]]]) -> str:
        given = _outputs(steps[name][0]) if name in steps else list(self.schema[name])
        for column in given:
            if column in self.keys:
                return column
        raise BadConfig(
            f'"{name}" is joined to the application by another column than {" or ".join(sorted(self.keys))}',
            where=file.path,
            hint="aggregate it to one row an entity in a file or a WITH of its own, so that reasons can be proved",
        )


def _tables(tree: exp.Expression) -> set[str]:
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    return {table.name for table in tree.find_all(exp.Table)} - own


def _needed(name: str, steps: Mapping[str, str]) -> set[str]:
    """The relation and all that it reads, directly or not."""
    import sqlglot

    found, waiting = set[str](), [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += _tables(sqlglot.parse_one(steps[one], read="duckdb")) if one in steps else []
    return found


def _outputs(text: str) -> list[str]:
    import sqlglot

    tree = sqlglot.parse_one(text, read="duckdb")
    return [item.alias_or_name for item in tree.selects] if isinstance(tree, exp.Query) else []


def branch_sql(branch: Branch, present: Iterable[str]) -> str:
    """One SELECT; a file that reads a table nobody asked for has no rows, as in `compute`."""
    there = set(present)
    steps = [
        f"{named(name)} as (select * from ({text}\n) limit 0)" if raw - there else f"{named(name)} as ({text}\n)"  # noqa: S608
        for name, (text, raw) in branch.steps.items()
    ]
    return (f"with {', '.join(steps)} " if steps else "") + branch.query


def trunk_sql(cut: Cut, present: Iterable[str], features: Sequence[str], key: str) -> str:
    """One SELECT: the key and these features, of each row of the application."""
    there = {*present, MAIN}
    steps = [
        f"{named(file.name)} as (select * from ({file.query}\n) limit 0)"  # noqa: S608
        if file.tables - there
        else f"{named(file.name)} as ({file.query}\n)"
        for file in cut.trunk
    ]
    wanted = ", ".join(map(named, [key, *features]))
    return f"with {', '.join(steps)} select {wanted} from {named(cut.trunk[-1].name)}"  # noqa: S608


def pruned(cut: Cut, features: Sequence[str], key: str) -> Cut:
    """Without the columns that these features do not need: each costs time, in every step."""
    wanted = {one.lower() for one in (*features, key)}
    trunk = [TrunkFile(file.name, _without_the_rest(file.query, wanted), file.tables) for file in reversed(cut.trunk)]
    branches = []
    for branch in cut.branches:
        own = wanted | {branch.key.lower()}
        steps = {
            name: (_without_the_rest(text, own), tables)
            for name, (text, tables) in reversed(list(branch.steps.items()))
        }
        branches.append(replace(branch, steps=dict(reversed(list(steps.items())))))
    return Cut(tuple(branches), tuple(reversed(trunk)))


EVERYTHING = "*"
"""Stands among wanted columns where taking one out could change which rows there are."""


def _without_the_rest(query: str, wanted: set[str]) -> str:
    """The query with the columns that are wanted of it; adds to `wanted` what these are made from."""
    import sqlglot

    tree = sqlglot.parse_one(query, read="duckdb")
    if _depends_on_all(tree):
        wanted.add(EVERYTHING)
    for select in (tree, *(cte.this for cte in reversed(tree.ctes))):
        _prune(select, wanted)
        wanted |= {name for part in select.args if part != "with_" for name in _in(select, part)}
    return tree.sql(dialect="duckdb", comments=False)


def _depends_on_all(tree: exp.Expression) -> bool:
    """Do rows come or go with columns: sets, DISTINCT, GROUP BY ALL, columns by number, NATURAL JOIN, UNNEST?"""
    if tree.find(exp.SetOperation, exp.Pivot, exp.Unnest, exp.Explode):
        return True
    by = [one.args.get(part) for one in tree.find_all(exp.Select) for part in ("group", "order")]
    return (
        any(one.args.get("distinct") for one in tree.find_all(exp.Select))
        or any(one.args.get("all") for one in by if one)
        or any(isinstance(item, exp.Literal) for one in by if one for item in _listed(one))
        or any(join.method.upper() == "NATURAL" for join in tree.find_all(exp.Join))
    )


def _listed(by: exp.Expression) -> list[exp.Expression]:
    return [item.this if isinstance(item, exp.Ordered) else item for item in by.expressions]


def _prune(select: exp.Expression, wanted: set[str]) -> None:
    if EVERYTHING in wanted or not isinstance(select, exp.Select):
        return
    names = wanted | {
        name for part in select.args if part not in ("expressions", "with_") for name in _in(select, part)
    }
    while True:
        kept = [one for one in select.expressions if one.alias_or_name.lower() in names or one.is_star]
        used = {name for one in kept for name in _names(one)}
        if used <= names:
            break
        names |= used  # an alias may be used beside its definition
    one_row = not select.args.get("group") and any(one.find(exp.AggFunc) for one in select.expressions)
    if not one_row or any(one.find(exp.AggFunc) for one in kept):
        select.set("expressions", kept or select.expressions[:1])


def _in(select: exp.Expression, part: str) -> set[str]:
    held = select.args[part]
    among = held if isinstance(held, list) else [held]
    return {name for one in among if isinstance(one, exp.Expression) for name in _names(one)}


def _names(tree: exp.Expression) -> set[str]:
    return {one.name.lower() for one in tree.find_all(exp.Identifier)}
