"""Train against test, of a whole run."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.errors import MissingInput, Refused
from creditrisk.files import read_json
from creditrisk.pipelines import monitor_drift
from creditrisk.pipelines.context import Context
from tests.support.schemas import faults


def test_the_test_part_is_told_against_the_rows_the_model_learnt_from(own: Context) -> None:
    report = monitor_drift.run(own)
    assert faults(own.folder.report("drift_report.json")) == faults(own.folder.report("drift_metrics.json")) == []
    test = pq.read_table(own.folder.part("test"))
    assert report["rows"]["now"] == test.num_rows
    assert [row["column"] for row in report["columns"][:4]] == ["score", "pd", "grade", "decision"]
    assert all(sum(row["bins"]["now"]) == test.num_rows for row in report["columns"])
    assert {row["name"] for row in report["columns"] if row["what"] == "raw"} == {
        "application.income", "application.debt", "application.town",
    }  # fmt: skip
    assert report["findings"] == []
    assert all(row["verdict"] == "pass" for row in report["columns"] if row["what"] != "answer")


def test_features_are_ranked_as_the_model_leans_on_them(own: Context) -> None:
    importance = [row["importance"] for row in monitor_drift.run(own)["columns"] if row["what"] == "feature"]
    assert importance == sorted(importance, reverse=True)


def test_machines_get_numbers_and_the_reason_why_production_has_none(own: Context) -> None:
    monitor_drift.run(own)
    told = read_json(own.folder.report("drift_metrics.json"))
    assert told["drift"]["rows"] == told["drift"]["latest.rows"] > 0
    assert told["production"] is None
    assert told["untold"] == {"production": "creditrisk monitor production has not run"}


def test_the_same_run_gives_the_same_bytes_but_for_meta(own: Context) -> None:
    first, again = monitor_drift.run(own), monitor_drift.run(own)
    assert {**first, "meta": None} == {**again, "meta": None}


def test_the_page_is_one_file_without_a_script(own: Context) -> None:
    monitor_drift.run(own)
    page = own.folder.report("drift_report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "://" not in page
    assert "Tiny book: drift" in page


def test_without_a_tested_model_it_says_what_to_run(own: Context) -> None:
    own.folder.report("test_predictions.parquet").unlink()
    with pytest.raises(MissingInput, match="nothing was tested"):
        monitor_drift.run(own)


def test_a_test_part_that_the_split_did_not_make_is_refused(own: Context) -> None:
    part = own.folder.part("test")
    pq.write_table(pq.read_table(part).slice(1), part)
    with pytest.raises(Refused, match="not what the stage split made"):
        monitor_drift.run(own)


def test_a_raw_column_that_is_gone_is_a_finding(own: Context) -> None:
    path = own.folder.table("application")
    pq.write_table(pq.read_table(path).drop_columns(["debt"]), path)
    report = monitor_drift.run(own)
    (found,) = report["findings"]
    assert (found["column"], found["rule"]) == ("raw:application.debt", "not counted")


def test_nothing_of_a_person_stands_in_the_report(own: Context) -> None:
    text = json.dumps(monitor_drift.run(own))
    assert "loan_id" not in text
    assert str(Path.cwd()) not in text


def test_an_extra_page_is_given_the_rows_of_then_and_now(own: Context) -> None:
    seen: list[tuple[int, int, str, float]] = []

    def draw(then: pa.Table, now: pa.Table, page: Path, limit: float) -> list[str]:
        assert then.column_names == now.column_names
        seen.append((then.num_rows, now.num_rows, page.name, limit))
        return []

    report = monitor_drift.run(own, draw)
    rows = (report["rows"]["before"], report["rows"]["now"])
    assert seen == [(*rows, "drift_report_evidently.html", 0.25)]
