"""Each ingestion is compared with the last accepted one; a refused one leaves the tables and their profile alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from creditrisk.errors import BadData
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stage
from tests.support.schemas import faults
from tests.support.tiny_run import tiny_context, write_tiny_raw


def ingested(context: Context) -> dict[str, Any]:
    context.found.clear()
    run_stage(context, "ingest")
    return run_stage(context, "check")


def rules(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(finding["table"], finding["rule"]) for finding in report["findings"]]


def states(report: dict[str, Any], rule: str) -> set[str]:
    return {one["state"] for table in report["tables"].values() for one in table["promises"] if one["rule"] == rule}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return tiny_context(tmp_path)


def test_the_first_ingestion_has_nothing_to_compare_with_and_says_so(context: Context) -> None:
    report = ingested(context)
    assert report["compared"] is False
    assert states(report, "rows changed") == {"nothing to compare"}
    assert faults(context.folder.report("contract_findings.json")) == []


def test_a_table_that_halves_is_told_and_a_second_look_says_the_same(context: Context) -> None:
    ingested(context)
    write_tiny_raw(context.raw, rows=250)
    report = ingested(context)
    assert rules(report) == [("application", "rows changed"), ("payments", "rows changed")]
    assert report["tables"]["application"]["rows_before"] == 600
    profile = (context.folder.bronze / "profile.json").read_bytes()
    again = ingested(context)
    assert {**again, "meta": 0} == {**report, "meta": 0}
    assert (context.folder.bronze / "profile.json").read_bytes() == profile


def test_the_same_table_again_has_moved_nowhere(context: Context) -> None:
    ingested(context)
    write_tiny_raw(context.raw, seed=4)
    report = ingested(context)
    assert report["compared"] is True
    assert rules(report) == []
    assert states(report, "share changed") == {"kept"}


def test_a_refused_ingestion_leaves_tables_and_profile_as_they_were(context: Context) -> None:
    ingested(context)
    before = {path: path.read_bytes() for path in context.folder.bronze.iterdir()}
    assert context.folder.bronze / "profile.json" in before
    write_tiny_raw(context.raw, rows=250)
    loans = context.raw / "applications.csv"
    lines = loans.read_text(encoding="utf-8").splitlines()
    loans.write_text("\n".join([*lines, lines[1].replace(lines[1].split(",")[2], "1", 1)]) + "\n", encoding="utf-8")
    with pytest.raises(BadData, match="different rows have the same loan_id"):
        run_stage(context, "ingest")
    assert {path: path.read_bytes() for path in context.folder.bronze.iterdir()} == before
    write_tiny_raw(context.raw, rows=600)
    assert rules(ingested(context)) == []
