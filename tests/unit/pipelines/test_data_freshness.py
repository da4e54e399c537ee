"""The report's figures are the same for the same bytes; what the hour of asking decides stands under `meta`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.cli import main
from creditrisk.errors import BadUsage, MissingInput, Refused
from creditrisk.files import read_json
from creditrisk.kinds import sha256_of, sha256_of_file
from creditrisk.pipelines import data_freshness, ingest_data
from creditrisk.pipelines.context import Context
from creditrisk.sources.raw_folder import SOURCES
from tests.support.schemas import faults

START = datetime(2026, 1, 1, tzinfo=UTC)


def touch(context: Context, *, hours_before: float) -> None:
    """As if the sources had changed their files that long before the run."""
    time = START.timestamp() - 3600 * hours_before
    for path in context.raw.iterdir():
        os.utime(path, (time, time))


def later(context: Context, **spent: float) -> Context:
    return replace(context, clock=SteppingClock(START + timedelta(**spent)))


@pytest.fixture
def taken_in(fresh: Callable[..., Context]) -> Context:
    context = fresh()
    touch(context, hours_before=10)
    ingest_data.run(context)
    return context


def test_ingestion_writes_the_report_and_it_fits_its_schema(taken_in: Context) -> None:
    told = read_json(taken_in.folder.report("data_freshness.json"))
    assert told["meta"]["verdict"] == "unknown"
    assert {name: round(of["source_age_hours"]) for name, of in told["meta"]["tables"].items()} == {
        "application": 10,
        "payments": 10,
    }
    assert faults(taken_in.folder.report("data_freshness.json")) == []
    assert faults(taken_in.folder.report("ingestion_summary.json")) == []


def test_the_hour_of_asking_changes_meta_and_nothing_else(taken_in: Context) -> None:
    now = data_freshness.run(taken_in, max_age_hours=24)
    then = data_freshness.run(later(taken_in, days=3), max_age_hours=24)
    assert (now["meta"]["verdict"], then["meta"]["verdict"]) == ("fresh", "stale")
    assert sha256_of(now) == sha256_of(then)
    data_freshness.need_fresh(now)
    with pytest.raises(Refused, match=r"application \(stale\), payments \(stale\)"):
        data_freshness.need_fresh(then)


def test_the_books_own_limit_is_used_where_none_is_given(fresh: Callable[..., Context]) -> None:
    context = fresh(monitoring__max_age_hours=5)
    touch(context, hours_before=10)
    ingest_data.run(context)
    assert data_freshness.run(context)["meta"]["verdict"] == "stale"
    assert data_freshness.run(context, max_age_hours=11)["meta"]["verdict"] == "fresh"


def test_a_clock_set_back_gives_a_finding_and_no_negative_age(taken_in: Context) -> None:
    told = data_freshness.run(later(taken_in, days=-30), max_age_hours=24)
    assert told["meta"]["verdict"] == "unknown"
    assert [finding["table"] for finding in told["meta"]["findings"]] == ["application", "payments"]
    assert faults(taken_in.folder.report("data_freshness.json")) == []
    with pytest.raises(Refused, match="unknown"):
        data_freshness.need_fresh(told)


def test_what_the_source_said_counts_more_than_the_files_own_time(fresh: Callable[..., Context]) -> None:
    context = fresh()
    note = {"uri": "s3://lake/applications.csv", "version": "7", "modified": "2025-12-01T00:00:00+00:00"}
    note["sha256"] = sha256_of_file(context.raw / "applications.csv")
    (context.raw / SOURCES).write_text(json.dumps({"applications.csv": note}), encoding="utf-8")
    ingest_data.run(context)
    told = data_freshness.run(context, max_age_hours=24)["meta"]["tables"]["application"]
    assert (told["uri"], told["verdict"]) == ("s3://lake/applications.csv", "stale")
    assert told["source_modified"] == note["modified"]


@pytest.mark.parametrize(
    "notes",
    [
        "{",
        "[]",
        '{"applications.csv": 3}',
        '{"applications.csv": {"sha256": "other", "uri": "s3://x/y", "modified": 1}}',
    ],
)
def test_notes_that_do_not_fit_the_file_are_not_believed(notes: str, fresh: Callable[..., Context]) -> None:
    context = fresh()
    (context.raw / SOURCES).write_text(notes, encoding="utf-8")
    ingest_data.run(context)
    told = read_json(context.folder.report("data_freshness.json"))["meta"]["tables"]["application"]
    assert told["uri"].startswith("file:")


@pytest.mark.parametrize("modified", [None, 5, "yesterday", "2026-01-01T00:00:00"])
def test_a_time_that_nobody_can_read_is_no_time(modified: Any, taken_in: Context) -> None:
    path = taken_in.folder.report("ingestion_summary.json")
    told = read_json(path)
    told["meta"]["sources"]["payments"]["modified"] = modified
    path.write_text(json.dumps(told), encoding="utf-8")
    asked = data_freshness.run(taken_in, max_age_hours=24)["meta"]
    assert asked["tables"]["payments"]["verdict"] == "unknown"
    assert asked["verdict"] == "unknown"


def test_before_the_first_ingestion_there_is_nothing_to_ask(fresh: Callable[..., Context]) -> None:
    with pytest.raises(MissingInput):
        data_freshness.run(fresh())


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf")])
def test_a_limit_that_is_none_is_refused(limit: float, taken_in: Context) -> None:
    with pytest.raises(BadUsage, match="is no limit"):
        data_freshness.run(taken_in, max_age_hours=limit)


def test_the_command_shows_the_table_and_answers_a_scheduler(
    taken_in: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["freshness", str(taken_in.book.folder), "--workspace", str(taken_in.workspace.root)]
    assert main([*words, "--fail-on-stale"]) == 2
    assert "nobody said how old is too old" in capsys.readouterr().err
    assert main([*words, "--max-age-hours", "0.01", "--fail-on-stale"]) == 1
    told = capsys.readouterr()
    assert told.out.count("stale:") == 2
    assert "refused: not fresh within 0.01 h" in told.err
    assert main([*words, "--max-age-hours", "1e7", "--fail-on-stale", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["meta"]["verdict"] == "fresh"


def test_the_newest_as_of_date_in_the_data_is_told_where_the_book_has_one(fresh: Callable[..., Context]) -> None:
    ingest_data.run(fresh())
    context = fresh(split__date="income")
    assert data_freshness.run(context)["newest"] is None  # amounts are no dates
    pq.write_table(
        pa.table({"income": [date(2011, 12, 1), date(2010, 1, 1), None]}), context.folder.table("application")
    )
    assert data_freshness.run(context)["newest"] == {"column": "income", "date": "2011-12-01"}
