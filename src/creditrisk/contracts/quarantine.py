"""Rows that a contract wants out are taken out of bronze, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from creditrisk.config import Contract, Portfolio
from creditrisk.contracts.bronze import BRONZE_PARQUET
from creditrisk.contracts.checks import (
    BronzeView,
    broken_promises,
    count_orphans,
    files_read,
    need_sound_rules,
    own_columns,
    parent_key,
    parquet,
    unique_sets,
)
from creditrisk.contracts.promises import promises_of
from creditrisk.contracts.uniqueness import doubled_rows
from creditrisk.duck import Connection, DuckSettings, locked_room, named, quoted, translated
from creditrisk.files import whole_file
from creditrisk.kinds import Finding, Severity


def quarantine(
    tables: Mapping[str, Path],
    contracts: Mapping[str, Contract],
    portfolio: Portfolio,
    *,
    settings: DuckSettings,
    scoring: bool = False,
) -> list[Finding]:
    """Write each bronze table again without the rows that break a promise of severity `quarantine`.

    A table that keeps its promises is not touched. Parents come before their children, so that a child of a row
    taken out counts as an orphan. Returns one finding for each reason, with its number of rows.
    """
    findings: list[Finding] = []
    for name in _parents_first(tables, portfolio):
        reads = files_read(name, tables, portfolio)
        one_thread = DuckSettings(settings.memory_limit, threads=1)
        with (
            locked_room(one_thread, reads=reads, writes=tables[name].parent) as con,
            translated(f"contract of {name}"),
        ):
            findings += _take_out(con, name, tables, contracts, portfolio, scoring=scoring)
    return findings


def _take_out(
    con: Connection,
    name: str,
    tables: Mapping[str, Path],
    contracts: Mapping[str, Contract],
    portfolio: Portfolio,
    *,
    scoring: bool,
) -> list[Finding]:
    contract, path = contracts[name], tables[name]
    view = BronzeView.opened(con, contract, path, own_columns(contract, portfolio))
    need_sound_rules(con, contract, view.source)
    promises = [
        promise
        for promise in promises_of(contract, portfolio, scoring=scoring)
        if promise.severity is Severity.QUARANTINE
    ]
    findings = broken_promises(view, promises)
    told = {(finding.rule, finding.column) for finding in findings}
    kept = [f"({promise.broken}) is not true" for promise in promises if (promise.rule, promise.column) in told]
    orphans = _orphans(view, tables, contracts, portfolio)
    if orphans:
        parent, foreign_key, key = orphans[1]
        kept.append(f"{named(foreign_key)} in (select {named(key)} from {parquet(tables[parent])})")  # noqa: S608
        findings.append(orphans[0])
    doubled = _doubled(view, portfolio)
    if kept or doubled:
        firsts = [keys for keys, _ in doubled]
        with whole_file(path) as partial:
            con.execute(f"copy ({_rest(path, kept, firsts)}) to {quoted(str(partial.resolve()))} ({BRONZE_PARQUET})")
    return findings + [finding for _, finding in doubled]


def _rest(path: Path, kept: list[str], firsts: list[tuple[str, ...]]) -> str:
    rows = f"read_parquet({quoted(str(path.resolve()))}, file_row_number = true)"
    where = f" where {' and '.join(kept)}" if kept else ""
    first = " and ".join(
        f"row_number() over (partition by {', '.join(map(named, keys))} order by file_row_number) = 1"
        for keys in firsts
    )
    # A window gives its rows in an order of its own, so the file's order is asked for.
    once = f" qualify {first} order by file_row_number" if first else ""
    return f"select * exclude (file_row_number) from {rows}{where}{once}"  # noqa: S608


def _orphans(
    view: BronzeView, tables: Mapping[str, Path], contracts: Mapping[str, Contract], portfolio: Portfolio
) -> tuple[Finding, tuple[str, str, str]] | None:
    related = parent_key(portfolio, contracts, view.contract.table)
    if related is None or related[0] not in tables or view.contract.orphans_severity is not Severity.QUARANTINE:
        return None
    parent, foreign_key, key = related
    rows = count_orphans(view.con, view.source, parquet(tables[parent]), foreign_key, key)
    what = f"rows without a row of {parent}"
    finding = Finding(view.contract.table, "orphans", Severity.QUARANTINE, what, column=foreign_key, rows=rows)
    return (finding, related) if rows else None


def _doubled(view: BronzeView, portfolio: Portfolio) -> list[tuple[tuple[str, ...], Finding]]:
    found: list[tuple[tuple[str, ...], Finding]] = []
    for keys, severity in unique_sets(view.contract, portfolio):
        if severity is Severity.QUARANTINE:
            rows = doubled_rows(view.con, view.source, keys, view.ends, view.rows)
            what = f"{', '.join(keys)} name more than one row; the first one stays"
            if rows:
                found.append((keys, Finding(view.contract.table, "unique", severity, what, rows=rows)))
    return found


def _parents_first(tables: Mapping[str, Path], portfolio: Portfolio) -> list[str]:
    def depth(name: str) -> int:
        parent = portfolio.tables[name].parent
        return 0 if parent is None else 1 + depth(parent)

    return sorted(tables, key=depth)
