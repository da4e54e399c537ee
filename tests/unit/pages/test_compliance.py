"""The compliance report for people: no legal advice, each duty with source and date, what is in the way."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from creditrisk.pages.compliance import compliance_tables

DUTY = {
    "id": "kept", "text": "Records are kept.", "source": "Act 1, section 2", "read": "text",
    "source_date": "2026-11-22", "in_force_from": None, "in_force_until": None, "check": "retention", "result": "fail",
    "seen": [
        {"result": "fail", "what": "decline: [red]deleted[/red] early"}, {"result": "pass", "what": "approve: kept"},
    ],
}  # fmt: skip


def shown(**changes: Any) -> str:
    report = {
        "book": "tiny", "version": 3, "on": "2026-12-01", "notice": "This is no legal advice.",
        "counts": {"pass": 0, "fail": 1, "lender_states": 0, "not_in_force": 0},
        "profiles": [{"name": "here", "title": "Here", "notes": ["a note"], "not_covered": ["boats"],
                      "duties": [{**DUTY, **changes}]}],
    }  # fmt: skip
    console = Console(width=100, record=True, no_color=True)
    with console.capture() as capture:
        console.print(compliance_tables(report))
    return capture.get()


def test_it_begins_with_what_it_is_not() -> None:
    assert "This is no legal advice." in shown().splitlines()[1]


def test_a_duty_is_told_with_source_date_result_and_what_is_in_the_way() -> None:
    told = shown()
    assert all(word in told for word in ("kept", "Act 1, section 2", "text read 2026-11-22", "FAIL", "and 1 more"))
    assert "[red]deleted[/red]" in told
    assert "approve: kept" not in told
    assert "not covered: boats" in told


def test_a_source_that_nobody_read_is_told_as_such() -> None:
    asked = {"read": None, "source_date": None, "result": "lender_states"}
    assert "nobody read the source" in " ".join(shown(**asked).split())
