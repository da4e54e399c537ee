"""Every promise of every contract, checked on the bronze tables. Findings are data; nothing is raised for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from creditrisk.config import MAIN, Contract, Portfolio
from creditrisk.contracts.promises import NUMBERS, Promise, promises_of, sentinel_condition
from creditrisk.contracts.uniqueness import doubled_rows
from creditrisk.duck import Connection, DuckSettings, first_line, locked_room, named, quoted, translated
from creditrisk.errors import BadConfig, BadData
from creditrisk.kinds import Finding, Severity, refusals

type Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class BronzeView:
    """One bronze table under a connection, and what its file already says of itself.

    ends: {column of numbers: (smallest, largest)}; nulls: {column: how many}.
    """

    con: Connection
    contract: Contract
    source: str
    rows: int
    ends: Mapping[str, tuple[object, object]]
    nulls: Mapping[str, int]

    @classmethod
    def opened(cls, con: Connection, contract: Contract, path: Path, extra: Sequence[str] = ()) -> BronzeView:
        """extra: columns of the file besides the contract's (an entity key made by us)."""
        source = parquet(path)
        names = [*contract.names, *extra]
        numbers = [column.name for column in contract.columns if column.type.startswith(NUMBERS)]
        # Asked in two queries, DuckDB answers from the file's footer and reads no row; asked in one, it reads them.
        counted = ", ".join(f"count({named(name)})" for name in names)
        rows, *known = con.sql(f"select count(*), {counted} from {source}").fetchall()[0]  # noqa: S608
        limits = ", ".join(f"min({named(name)}), max({named(name)})" for name in numbers) or "null"
        ends = con.sql(f"select {limits} from {source}").fetchall()[0]  # noqa: S608
        return cls(
            con,
            contract,
            source,
            rows,
            dict(zip(numbers, zip(ends[::2], ends[1::2], strict=False), strict=False)),
            {name: rows - count for name, count in zip(names, known, strict=True)},
        )


def check(
    tables: Mapping[str, Path],
    contracts: Mapping[str, Contract],
    portfolio: Portfolio,
    *,
    settings: DuckSettings,
    scoring: bool = False,
    progress: Progress | None = None,
) -> list[Finding]:
    """Check bronze tables {logical name: file}; a table of the book that is not among them is a finding.

    scoring: no outcome is expected, so nothing is asked of the target.
    Raises BadConfig when a rule's SQL is wrong, OutsideFailed when memory or disk run out.
    """
    findings = missing_tables(tables, portfolio)
    for index, name in enumerate(tables):
        if progress:
            progress(name, index / len(tables))
        with locked_room(settings, reads=files_read(name, tables, portfolio)) as con, translated(f"contract of {name}"):
            findings += _check_table(con, name, tables, contracts, portfolio, scoring=scoring)
    return [finding for finding in findings if not portfolio.is_off(finding.table, finding.rule, finding.column)]


def missing_tables(tables: Mapping[str, Path], portfolio: Portfolio) -> list[Finding]:
    return [
        Finding(
            name,
            "missing table",
            Severity.REFUSE if name == MAIN or table.required else Severity.WARN,
            f'the table "{table.file}" is missing; what is made from it is not known' if name != MAIN
            else "the main table is missing",
            hint=f"add {table.file}.csv, .csv.gz, .zip or .parquet to the raw folder",
        )
        for name, table in portfolio.tables.items()
        if name not in tables
    ]  # fmt: skip


def refuse_if_needed(findings: Sequence[Finding]) -> None:
    """Raises BadData with the first finding that refuses, and how many more there are."""
    refused = refusals(findings)
    if refused:
        first = refused[0]
        more = f" (and {len(refused) - 1} more refusals)" if refused[1:] else ""
        rows = f", in {first.rows:,} rows" if first.rows else ""
        seen = f", e.g. {', '.join(first.examples)}" if first.examples else ""
        raise BadData(f"{first.rule}: {first.what}{rows}{seen}{more}", where=first.where, hint=first.hint)


def files_read(name: str, tables: Mapping[str, Path], portfolio: Portfolio) -> list[Path]:
    """The bronze file of a table and, where there is one, of its parent."""
    parent = portfolio.tables[name].parent
    return [tables[table] for table in (name, parent) if table is not None and table in tables]


def parquet(path: Path) -> str:
    return f"read_parquet({quoted(str(path.resolve()))})"


def broken_promises(view: BronzeView, promises: Sequence[Promise]) -> list[Finding]:
    """One pass over the columns concerned; promises that the footer already proves are not looked at."""
    open_ones = [promise for promise in promises if not _proved(promise, view)]
    if not open_ones or not view.rows:
        return []
    counts = ", ".join(f"count(*) filter ({promise.broken})" for promise in open_ones)
    told = view.con.sql(f"select {counts} from {view.source}").fetchall()[0]  # noqa: S608
    return [
        Finding(
            view.contract.table, promise.rule, promise.severity, promise.what, column=promise.column, rows=rows,
            examples=_examples(view, promise), hint=promise.hint,
        )
        for promise, rows in zip(open_ones, told, strict=True)
        if rows
    ]  # fmt: skip


def need_sound_rules(con: Connection, contract: Contract, source: str) -> None:
    """Raises BadConfig for the first rule whose SQL does not fit the table."""
    for rule in contract.rules:
        try:
            con.sql(f"select cast(({rule.sql}) as boolean) from {source} limit 0").fetchall()  # noqa: S608
        except duckdb.Error as error:
            raise BadConfig(
                first_line(error),
                where=f"contracts/{contract.table}.yaml, rule {rule.name}",
                hint="a rule is a condition over the columns of this contract",
            ) from error


def count_orphans(con: Connection, child: str, parent: str, foreign_key: str, key: str) -> int:
    """Rows of `child` whose parent is not there."""
    return int(
        con.sql(
            f"select count(*) from {child} as c anti join {parent} as p on c.{named(foreign_key)} = p.{named(key)} "  # noqa: S608
            f"where c.{named(foreign_key)} is not null"
        ).fetchall()[0][0]
    )


def parent_key(portfolio: Portfolio, contracts: Mapping[str, Contract], name: str) -> tuple[str, str, str] | None:
    """(parent, foreign key, the parent's key) of a child table."""
    table = portfolio.tables[name]
    if table.parent is None or table.foreign_key is None:
        return None
    known = {*contracts[table.parent].names, portfolio.entity.key}
    keys = portfolio.tables[table.parent].key
    key = table.foreign_key if table.foreign_key in known or not keys else keys[0]
    return table.parent, table.foreign_key, key


def unique_sets(contract: Contract, portfolio: Portfolio) -> list[tuple[tuple[str, ...], Severity]]:
    """Sets of columns that name a row; the entity's key always names a row of the main table."""
    sets = [(names, contract.unique_severity) for names in contract.unique]
    key = (portfolio.entity.key,)
    if contract.table == MAIN:
        sets = [(key, Severity.REFUSE), *(one for one in sets if one[0] != key)]
    return sets


def own_columns(contract: Contract, portfolio: Portfolio) -> tuple[str, ...]:
    """Columns of the bronze file that the contract does not list: the hashed key."""
    hashed = contract.table == MAIN and portfolio.entity.hash_of
    return (portfolio.entity.key,) if hashed else ()


def _check_table(
    con: Connection,
    name: str,
    tables: Mapping[str, Path],
    contracts: Mapping[str, Contract],
    portfolio: Portfolio,
    *,
    scoring: bool,
) -> list[Finding]:
    contract = contracts[name]
    view = BronzeView.opened(con, contract, tables[name], own_columns(contract, portfolio))
    need_sound_rules(con, contract, view.source)
    findings = broken_promises(view, promises_of(contract, portfolio, scoring=scoring))
    findings += _new_categories(view)
    findings += _sentinels(view)
    findings += _doubled(view, portfolio)
    findings += _orphans(view, tables, contracts, portfolio)
    if name == MAIN:
        findings += _target(view, portfolio, scoring=scoring)
    return findings


def _proved(promise: Promise, view: BronzeView) -> bool:
    if promise.column is None:
        return False
    low, high = view.ends.get(promise.column, (None, None))
    return promise.kept_by(low, high, view.nulls[promise.column])


def _examples(view: BronzeView, promise: Promise) -> tuple[str, ...]:
    if promise.column is None or promise.never_null:
        return ()
    value = named(promise.column)
    query = f"select distinct {value} from {view.source} where {promise.broken} order by 1 limit 3"  # noqa: S608
    return tuple(str(row[0]) for row in view.con.sql(query).fetchall())


def _new_categories(view: BronzeView) -> Iterator[Finding]:
    for column in view.contract.columns:
        if not column.categories or view.nulls[column.name] == view.rows:
            continue
        name, known = named(column.name), ", ".join(map(quoted, column.categories))
        counted = f"select {name} as v, count(*) as n from {view.source} group by {name}"  # noqa: S608
        kinds, rows, seen = view.con.sql(
            f"select count(*), sum(n), list(v order by n desc, v)[1:3] from ({counted}) where v not in ({known})"  # noqa: S608
        ).fetchall()[0]
        if kinds:
            yield Finding(
                view.contract.table, "new category", Severity.WARN, f"{kinds} values that the contract does not know",
                column=column.name, rows=int(rows), examples=tuple(value[:60] for value in seen),
                hint="a model treats them as missing; add them to the contract's categories when they stay",
            )  # fmt: skip


def _sentinels(view: BronzeView) -> Iterator[Finding]:
    columns = [column for column in view.contract.columns if column.sentinels and view.nulls[column.name] < view.rows]
    if not columns:
        return
    counts = ", ".join(f"count(*) filter ({sentinel_condition(column)})" for column in columns)
    told = view.con.sql(f"select {counts} from {view.source}").fetchall()[0]  # noqa: S608
    for column, rows in zip(columns, told, strict=True):
        if rows:
            meaning = "; ".join(f"{value} means {says}" for value, says in column.sentinels.items())
            yield Finding(
                view.contract.table, "sentinel", Severity.WARN, meaning, column=column.name, rows=rows,
                examples=tuple(column.sentinels)[:3],
            )  # fmt: skip


def _doubled(view: BronzeView, portfolio: Portfolio) -> Iterator[Finding]:
    for keys, severity in unique_sets(view.contract, portfolio):
        doubled = doubled_rows(view.con, view.source, keys, view.ends, view.rows)
        if doubled:
            yield Finding(
                view.contract.table, "unique", severity, f"{', '.join(keys)} name more than one row",
                column=keys[0] if len(keys) == 1 else None, rows=doubled, hint="remove the doubled rows",
            )  # fmt: skip


def _orphans(
    view: BronzeView, tables: Mapping[str, Path], contracts: Mapping[str, Contract], portfolio: Portfolio
) -> Iterator[Finding]:
    related = parent_key(portfolio, contracts, view.contract.table)
    if related is None or related[0] not in tables:
        return
    parent, foreign_key, key = related
    orphans = count_orphans(view.con, view.source, parquet(tables[parent]), foreign_key, key)
    if orphans:
        yield Finding(
            view.contract.table, "orphans", view.contract.orphans_severity, f"rows without a row of {parent}",
            column=foreign_key, rows=orphans, hint=f"normal when the file also serves other rows of {parent}",
        )  # fmt: skip


def _target(view: BronzeView, portfolio: Portfolio, *, scoring: bool) -> Iterator[Finding]:
    column = portfolio.target.column
    if view.rows == 0:
        yield _refused(MAIN, "no rows", None, "the main table has no rows", "give a file with applications")
    if scoring or column is None or view.rows == 0:
        return
    name = named(column)
    counted = view.con.sql(f"select {name}, count(*) from {view.source} group by 1 order by 1 nulls last").fetchall()  # noqa: S608
    classes = {value: rows for value, rows in counted if value is not None}
    other = {value: rows for value, rows in classes.items() if value not in (0, 1)}
    if other:
        yield _refused(
            MAIN, "target values", column, "the target has values other than 0 and 1",
            "1 = bad, 0 = good, empty = not known; see target in portfolio.yaml",
            sum(other.values()), tuple(str(value) for value in list(other)[:3]),
        )  # fmt: skip
    elif len(classes) < 2:
        seen = f"only {next(iter(classes))}" if classes else "no value at all"
        yield _refused(
            MAIN, "one class", column, f"the target has {seen}: there is nothing to tell apart",
            "give a file with good and bad loans whose outcomes are known",
        )  # fmt: skip


def _refused(
    table: str, rule: str, column: str | None, what: str, hint: str, rows: int = 0, examples: tuple[str, ...] = ()
) -> Finding:
    return Finding(table, rule, Severity.REFUSE, what, column=column, rows=rows, examples=examples, hint=hint)
