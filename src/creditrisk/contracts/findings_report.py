"""The body of contract_findings.json: per table every promise in words, whether it was kept, and what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from creditrisk.config import MAIN, Column, Contract, Portfolio
from creditrisk.contracts.checks import Checked, unique_sets
from creditrisk.contracts.profile import TableProfile
from creditrisk.contracts.promises import promises_of
from creditrisk.contracts.shares import as_percent, largest_moves
from creditrisk.contracts.view import hidden_columns
from creditrisk.kinds import Severity

SHOWN_CATEGORIES = 6


@dataclass(frozen=True, slots=True)
class Promised:
    """One promise of a contract, in words."""

    rule: str
    column: str | None
    says: str
    severity: Severity


def findings_report(
    contracts: Mapping[str, Contract],
    portfolio: Portfolio,
    arrived: Mapping[str, Any],
    checked: Checked,
    last: Mapping[str, TableProfile] | None,
) -> dict[str, Any]:
    """arrived: ingestion_summary.json. last: profiles of the last accepted ingestion; None = this is the first."""
    rows = {name: profile.rows for name, profile in checked.profiles.items()}
    every = [*arrived["findings"], *(finding.as_json() for finding in checked.findings)]
    findings = [{**finding, "share": _share(finding, rows, arrived["tables"])} for finding in every]
    return {
        "verdict": "accepted",
        "counts": {severity.value: sum(one["severity"] == severity for one in findings) for severity in Severity},
        "findings": findings,
        "tables": {
            name: _table(contracts[name], portfolio, profile, arrived["tables"][name], findings, (last or {}).get(name))
            for name, profile in checked.profiles.items()
        },
        "compared": last is not None,
    }


def promised(contract: Contract, portfolio: Portfolio) -> Iterator[Promised]:
    """Every promise of a contract: the table's, its rules', then the columns' in order."""
    yield from _of_table(contract, portfolio)
    made = {(promise.rule, promise.column): promise.severity for promise in _every_promise(contract, portfolio)}
    for rule in contract.rules:
        yield Promised(rule.name, None, rule.what, rule.severity)
    for column in contract.columns:
        yield from _of_column(column, made)


def _table(
    contract: Contract,
    portfolio: Portfolio,
    profile: TableProfile,
    arrived: Mapping[str, Any],
    findings: Sequence[Mapping[str, Any]],
    before: TableProfile | None,
) -> dict[str, Any]:
    own = [finding for finding in findings if finding["table"] == contract.table]
    broken = {(finding["rule"], finding["column"]): finding for finding in own}
    # The share rules tell of columns, the promise is about the table.
    broken |= {(finding["rule"], None): finding for finding in own if finding["rule"] == "share changed"}
    broken |= {("type", f["column"]): f for f in own if f["rule"] == "unreadable row" and f["column"]}
    hidden = hidden_columns(contract, portfolio)
    return {
        "grain": contract.grain,
        "file": arrived["file"],
        "rows": profile.rows,
        "rejected": arrived["rejected"],
        "rows_before": before.rows if before else None,
        "orphans": profile.orphans,
        "promises": [
            {
                "rule": promise.rule,
                "column": promise.column,
                "says": promise.says,
                "severity": promise.severity.value,
                "state": _state(promise, portfolio, contract, profile, broken, before),
            }
            for promise in promised(contract, portfolio)
        ],
        "moved": [
            {"column": column, "what": kind, "value": "" if column in hidden else value,
             "share_before": round(then, 6), "share": round(now, 6)}
            for column, kind, value, then, now in (largest_moves(before, profile) if before else [])
        ],
    }  # fmt: skip


def _state(
    promise: Promised,
    portfolio: Portfolio,
    contract: Contract,
    profile: TableProfile,
    broken: Mapping[tuple[str, str | None], Mapping[str, Any]],
    before: TableProfile | None,
) -> str:
    if portfolio.is_off(contract.table, promise.rule, promise.column):
        return "off"
    if (promise.rule, promise.column) in broken:
        return "broken"
    if promise.rule in ("rows changed", "share changed") and before is None:
        return "nothing to compare"
    if promise.column is not None and profile.nulls.get(promise.column) == profile.rows:
        return "column is empty"
    return "kept"


def _every_promise(contract: Contract, portfolio: Portfolio) -> Any:
    return promises_of(contract, portfolio.model_copy(update={"checks_off": ()}), scoring=False)


def _of_table(contract: Contract, portfolio: Portfolio) -> Iterator[Promised]:
    for keys, of_contradictions, of_duplicates in unique_sets(contract, portfolio):
        names, column = ", ".join(keys), keys[0] if len(keys) == 1 else None
        yield Promised("contradicting rows", column, f"no two different rows have the same {names}", of_contradictions)
        yield Promised("duplicate rows", column, f"no row stands twice ({names})", of_duplicates)
    table = portfolio.tables[contract.table]
    if table.parent:
        most = f", but for up to {as_percent(contract.orphans_share_max)}" if contract.orphans_share_max else ""
        says = f"every row has its row of {table.parent}{most}"
        yield Promised("orphans", table.foreign_key, says, contract.orphans_severity)
    band = contract.since_last
    says = f"{band.rows[0]:g} to {band.rows[1]:g} times the rows of the last accepted ingestion"
    yield Promised("rows changed", None, says, band.rows_severity)
    says = (
        f"shares of empty cells and sentinels within {as_percent(band.empty)}, of categories within "
        f"{as_percent(band.categories)} of the last accepted ingestion"
    )
    yield Promised("share changed", None, says, band.share_severity)
    if contract.table == MAIN and portfolio.target.column:
        yield Promised("target values", portfolio.target.column, "1, 0 or empty, and both are there", Severity.REFUSE)


def _of_column(column: Column, made: Mapping[tuple[str, str | None], Severity]) -> Iterator[Promised]:
    name = column.name
    unit = f", in {column.unit}" if column.unit else ""
    yield Promised("type", name, f"{column.type}{unit}", Severity.QUARANTINE)
    if ("not null", name) in made:
        yield Promised("not null", name, "never empty", made["not null", name])
    if column.null_share:
        says = "empty in " + " to ".join(map(as_percent, column.null_share))
        yield Promised("null share", name, says, column.share_severity)
    if ("range", name) in made:
        says = " to ".join("…" if limit is None else f"{limit:,.10g}" for limit in (column.min, column.max))
        yield Promised("range", name, says, made["range", name])
    if ("event after application", name) in made:
        says = "happened before the application"
        yield Promised("event after application", name, says, made["event after application", name])
    if column.categories:
        more = len(column.categories) - SHOWN_CATEGORIES
        says = "one of " + ", ".join(column.categories[:SHOWN_CATEGORIES]) + (f" and {more} more" if more > 0 else "")
        yield Promised("new category", name, says, Severity.WARN)
    for value, sentinel in column.sentinels.items():
        share = " to ".join(map(as_percent, sentinel.share)) if sentinel.share else ""
        says = f"{value} means {sentinel.means}" + (f"; in {share} of the rows" if share else "")
        severity = column.share_severity if share else Severity.WARN
        yield Promised("sentinel share" if share else "sentinel", name, says, severity)


def _share(finding: Mapping[str, Any], rows: Mapping[str, int], arrived: Mapping[str, Any]) -> float | None:
    """Rows of the finding to rows of the table, those left out counted; None where there is no such share."""
    table = finding["table"]
    whole = rows.get(table, 0) + (arrived[table]["rejected"] if table in arrived else 0)
    told = whole and finding["rows"] and finding["rule"] != "rows changed"
    return round(min(finding["rows"] / whole, 1.0), 6) if told else None
