"""What each table promised and what was found: one page that can be mailed, opened without a network, and printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from creditrisk.pages.environment import environment
from creditrisk.pages.formats import share_of

MAIN = "application"
SEVERITIES = ("refuse", "quarantine", "warn")
STATES = ("broken", "off", "nothing to compare", "column is empty", "kept")
"""As they are counted, worst first."""


def render_contract_findings(report: Mapping[str, Any], title: str) -> str:
    """The page as HTML text, from contract_findings.json as it stands. Times are left out: same findings, same bytes.

    title: the book's, for people.
    """
    tables = [_table(name, report) for name in _names(report)]
    promises = [promise for table in report["tables"].values() for promise in table["promises"]]
    view = {
        "title": title,
        "invented": bool(report["invented_data"]),
        "checks_off": list(report["checks_off"]),
        "code_version": report["code_version"],
        "compared": report["compared"],
        "counts": report["counts"],
        "total": len(report["findings"]),
        "promises": len(promises),
        "states": {state: sum(one["state"] == state for one in promises) for state in STATES},
        "rows": sum(table["rows"] for table in report["tables"].values()),
        "tables": tables,
        "tables_read": len(report["tables"]),
    }
    return environment().get_template("contract_findings.html.j2").render(view)


def _names(report: Mapping[str, Any]) -> list[str]:
    """The main table, the others, then those that are missing."""
    found = sorted(report["tables"], key=lambda name: (name != MAIN, name.lower()))
    missing = {finding["table"] for finding in report["findings"]} - set(found)
    return [*found, *sorted(missing)]


def _table(name: str, report: Mapping[str, Any]) -> dict[str, Any]:
    table: Mapping[str, Any] = report["tables"].get(name, {})
    promises: Sequence[Mapping[str, Any]] = table.get("promises", ())
    findings = [finding for finding in report["findings"] if finding["table"] == name]
    findings.sort(key=lambda finding: (SEVERITIES.index(finding["severity"]), -finding["rows"]))
    columns = dict.fromkeys([None, *_columns(promises), *(promise["column"] for promise in promises)])
    says = {(promise["rule"], promise["column"]): promise["says"] for promise in promises}
    return {
        "name": name,
        "missing": not table,
        **{of: table.get(of) for of in ("grain", "file", "rows", "rows_before", "rejected", "orphans")},
        "ratio": _ratio(table.get("rows"), table.get("rows_before")),
        "orphan_share": share_of(table.get("orphans"), table.get("rows")),
        "findings": [{**finding, "promised": _promised(finding, says)} for finding in findings],
        "worst": findings[0]["severity"] if findings else "",
        "states": {state: sum(one["state"] == state for one in promises) for state in STATES},
        "groups": [
            {"column": column, "promises": [promise for promise in promises if promise["column"] == column]}
            for column in columns
            if promises
        ],
        "promises": len(promises),
        "moved": table.get("moved", ()),
    }


def _columns(promises: Sequence[Mapping[str, Any]]) -> list[str]:
    """As they stand in the contract: every column has a type."""
    return [promise["column"] for promise in promises if promise["rule"] == "type"]


def _promised(finding: Mapping[str, Any], says: Mapping[tuple[str, str | None], str]) -> str:
    """The promise that a finding is about; a share that changed is promised of the whole table."""
    rule, column = finding["rule"], finding["column"]
    if "expected" in finding["what"]:  # the sentence tells it already
        return ""
    if rule == "unreadable row":
        return says.get(("type", column), "")
    return says.get((rule, column)) or says.get((rule, None), "")


def _ratio(now: Any, before: Any) -> str:
    return f"{now / before:.2f} times" if now is not None and before else ""
