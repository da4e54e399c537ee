"""Rows that a contract wants out are taken out of bronze, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from creditrisk.config import Contract, Portfolio
from creditrisk.contracts.bronze import BRONZE_PARQUET
from creditrisk.contracts.checks import (
    broken_promises,
    doubles,
    files_read,
    need_sound_rules,
    own_columns,
    parent_key,
    unique_sets,
)
from creditrisk.contracts.promises import promises_of
from creditrisk.contracts.uniqueness import known_key, row_hash
from creditrisk.contracts.view import BronzeView
from creditrisk.duck import Connection, DuckSettings, locked_room, named, parquet, quoted, translated
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
        one_thread = replace(settings, threads=1)
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
    view = BronzeView.opened(con, contract, path, portfolio, own_columns(contract, portfolio))
    need_sound_rules(view)
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
    once, doubled = _once(view, portfolio)
    if kept or once:
        with whole_file(path) as partial:
            con.execute(f"copy ({_rest(path, kept, once)}) to {quoted(str(partial.resolve()))} ({BRONZE_PARQUET})")
    # A column's own words, and what may not decide about people, are no examples.
    return [
        replace(finding, examples=()) if finding.column in view.hidden else finding for finding in findings + doubled
    ]


def _rest(path: Path, kept: list[str], once: list[str]) -> str:
    rows = parquet(path, numbered=True)
    where = f" where {' and '.join(kept)}" if kept else ""
    # A window gives its rows in an order of its own, so the file's order is asked for.
    windows = f" qualify {' and '.join(once)} order by file_row_number" if once else ""
    return f"select * exclude (file_row_number) from {rows}{where}{windows}"  # noqa: S608


def _orphans(
    view: BronzeView, tables: Mapping[str, Path], contracts: Mapping[str, Contract], portfolio: Portfolio
) -> tuple[Finding, tuple[str, str, str]] | None:
    related = parent_key(portfolio, contracts, view.contract.table)
    if related is None or related[0] not in tables or view.contract.orphans_severity is not Severity.QUARANTINE:
        return None
    parent, foreign_key, key = related
    if portfolio.is_off(view.contract.table, "orphans", foreign_key):
        return None
    rows = view.orphans(tables[parent], foreign_key, key)
    what = f"rows without a row of {parent}"
    finding = Finding(view.contract.table, "orphans", Severity.QUARANTINE, what, column=foreign_key, rows=rows)
    return (finding, related) if rows else None


def _once(view: BronzeView, portfolio: Portfolio) -> tuple[list[str], list[Finding]]:
    """Window conditions that keep the first of several copies and no row that contradicts another, and the findings."""
    kept: list[str] = []
    findings: list[Finding] = []
    table = view.contract.table
    for keys, of_contradictions, of_duplicates in unique_sets(view.contract, portfolio):
        if Severity.QUARANTINE not in (of_contradictions, of_duplicates):
            continue
        found = doubles(view, portfolio, keys)
        if found is None:
            continue
        names, column = ", ".join(keys), keys[0] if len(keys) == 1 else None
        partition, value = ", ".join(map(named, keys)), row_hash(view.columns)
        unknown = f"not ({known_key(keys)})"
        off = {rule for rule in ("duplicate rows", "contradicting rows") if portfolio.is_off(table, rule, column)}
        if found.contradictions and of_contradictions is Severity.QUARANTINE and "contradicting rows" not in off:
            kept.append(f"({unknown} or min({value}) over (partition by {partition}) = "
                        f"max({value}) over (partition by {partition}))")  # fmt: skip
            what = f"different rows have the same {names}; nobody knows which is right, so all of them are out"
            findings.append(Finding(table, "contradicting rows", Severity.QUARANTINE, what, column=column,
                                    rows=found.contradictions, examples=found.contradiction_examples))  # fmt: skip
        if found.duplicates and of_duplicates is Severity.QUARANTINE and "duplicate rows" not in off:
            kept.append(f"({unknown} or row_number() over (partition by {partition}, {value} "
                        "order by file_row_number) = 1)")  # fmt: skip
            what = f"rows stand more than once, alike in every column ({names}); the first one stays"
            findings.append(Finding(table, "duplicate rows", Severity.QUARANTINE, what, column=column,
                                    rows=found.duplicates, examples=found.duplicate_examples))  # fmt: skip
    return kept, findings


def _parents_first(tables: Mapping[str, Path], portfolio: Portfolio) -> list[str]:
    def depth(name: str) -> int:
        parent = portfolio.tables[name].parent
        return 0 if parent is None else 1 + depth(parent)

    return sorted(tables, key=depth)
