"""The page tells every finding and every promise, escapes what comes from data, and depends on nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from creditrisk.pages.contract_findings import render_contract_findings
from tests.support.runs import findings_report
from tests.unit.pages.test_run_summary import HOSTILE, Page


@pytest.fixture
def report() -> dict[str, Any]:
    return findings_report()


def text(report: dict[str, Any]) -> str:
    return Page(render_contract_findings(report, "Tiny book")).text


def test_every_finding_is_told_with_severity_rows_share_examples_and_hint(report: dict[str, Any]) -> None:
    told = text(report)
    for words in (
        "▲ quarantine", "event after application", "the event lies after the application", "12", "2.00%", "3",
        "remove these",        "● warn", "null share", "30% of the cells are empty; expected 0% to 10%",
    ):  # fmt: skip
        assert words in told, words


def test_every_promise_stands_under_its_column_with_its_state(report: dict[str, Any]) -> None:
    told = text(report)
    for words in ("never empty", "✓ kept", "✗ broken", "– nothing to compare", "1 of 3", "All 3 promises"):
        assert words in told, words
    assert told.index("the table") < told.index("never empty")


def test_a_missing_table_has_its_place(report: dict[str, Any]) -> None:
    assert "cards" in text(report)
    assert "missing" in text(report)


def test_rows_then_and_now_are_told(report: dict[str, Any]) -> None:
    told = text(report)
    assert "Compared with the last accepted ingestion" in told
    assert "0.50 times the 1,200" in told
    report["compared"] = False
    assert "nothing to compare it with yet" in text(report)


def test_checks_that_were_off_stand_at_the_top(report: dict[str, Any]) -> None:
    assert "switched off" not in text(report)
    report["checks_off"] = [{"table": "payments", "rule": "range", "column": "paid", "because": "to look around"}]
    told = text(report)
    assert told.index("1 check was switched off") < told.index("Findings")
    assert "to look around" in told


def test_texts_from_data_run_nothing(report: dict[str, Any]) -> None:
    for finding in report["findings"]:
        finding |= {"what": HOSTILE, "examples": [HOSTILE], "hint": HOSTILE, "column": HOSTILE}
    report["tables"]["application"]["grain"] = HOSTILE
    page = Page(render_contract_findings(report, HOSTILE))
    assert not [tag for tag, _ in page.elements if tag in ("script", "img")]


def test_the_same_findings_give_the_same_bytes_whatever_the_time(report: dict[str, Any]) -> None:
    page = render_contract_findings(report, "Tiny book")
    assert render_contract_findings({**report, "meta": {"created_at": "later", "actor": "bob"}}, "Tiny book") == page


def test_invented_data_are_said(report: dict[str, Any]) -> None:
    assert "Invented data" not in text(report)
    assert text({**report, "invented_data": True}).count("Invented data") >= 3
