"""calibration_report.json of a whole run: what is tested, on which rows, and what the served PD is set against."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.config import Portfolio, load_book, shipped_books
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadConfig, Refused
from creditrisk.files import read_json
from creditrisk.pipelines import evaluate_model, train_model
from creditrisk.pipelines.assessments.segments import MOST_GROUPS, segments_of
from creditrisk.pipelines.context import Context
from tests.support.schemas import faults

DUCK = DuckSettings("300MB", 1)


def test_report_keeps_to_its_schema_and_tests_the_predictions(finished: Context) -> None:
    path = finished.folder.report("calibration_report.json")
    report, figures = read_json(path), read_json(finished.folder.report("test_metrics.json"))
    assert faults(path) == []
    overall = report["overall"]
    assert (overall["n"], overall["mean_pd"]["value"]) == (figures["n"], pytest.approx(figures["mean_pd"], abs=1e-12))
    assert overall["slope"] == pytest.approx(figures["calibration_slope"])
    assert sum(row["n"] for row in report["by_grade"]) == figures["n"]
    assert set(report["inputs"]) == {"bundle", "test", "out_of_fold"}


def test_segments_of_the_book_hold_every_row(finished: Context) -> None:
    report = read_json(finished.folder.report("calibration_report.json"))
    assert list(report["by_segment"]) == ["payments", "town"]
    assert [group["group"] for group in report["by_segment"]["payments"]] == ["in time", "late"]
    for groups in report["by_segment"].values():
        assert sum(group["n"] for group in groups) == report["overall"]["n"]


def test_methods_are_set_side_by_side_and_only_one_is_served(finished: Context) -> None:
    report = read_json(finished.folder.report("calibration_report.json"))
    methods = {row["method"]: row for row in report["methods"]}
    trained = read_json(finished.folder.report("metrics.json"))["calibration"]
    assert list(methods) == ["platt", "beta", "isotonic", "plain_isotonic"]
    assert [name for name, row in methods.items() if row["served"]] == [trained["served"]]
    for name, loss in trained["log_loss_on_calibration_part"].items():
        assert methods[name]["log_loss"] == pytest.approx(loss, abs=1e-12)
    assert methods["platt"]["on_plateaus"] == 0.0
    plain = methods["plain_isotonic"]
    assert plain["on_plateaus"] > 0.5
    assert (plain["log_loss"] is None) == (plain["refuted_rows"] > 0)


def test_shift_tells_the_development_rows_out_of_fold_and_the_test_rows(finished: Context) -> None:
    report = read_json(finished.folder.report("calibration_report.json"))
    development, test = report["shift"]["development_out_of_fold"], report["shift"]["test"]
    assert [window["window"] for window in (*development, *test)] == ["all", "all"]  # the tiny book has no dates
    rows = pq.read_table(finished.folder.out_of_fold)
    assert development[0]["n"] == rows.num_rows
    assert development[0]["mean_pd"]["value"] == pytest.approx(np.mean(rows["pd"].to_numpy()), abs=1e-12)


def test_declared_long_run_rate_is_served_and_the_best_estimate_is_tested(own: Context) -> None:
    before = read_json(own.folder.report("calibration_report.json"))
    assert before["long_run_default_rate"] is None
    assert all(row["pd_with_margin"] is None for row in before["by_grade"])
    declared, margin = ({"value": value, "because": "a test", "owner": "tests"} for value in (0.1, 0.5))
    said = own.book.portfolio.model_dump(mode="json", exclude_none=True)
    said["training"]["long_run_default_rate"], said["decision"]["margin_of_conservatism"] = declared, margin
    again = replace(own, book=replace(own.book, portfolio=Portfolio.model_validate(said)))
    train_model.run(again)
    evaluate_model.run(again)
    path = again.folder.report("calibration_report.json")
    report = read_json(path)
    assert faults(path) == []
    told = report["long_run_default_rate"]
    assert told["mean_pd_of_development"]["served"] == pytest.approx(0.1, abs=1e-12)
    assert told["mean_pd_of_test"]["without_shift"] == pytest.approx(report["overall"]["mean_pd"]["value"], abs=1e-12)
    assert report["overall"]["mean_pd"] == pytest.approx(before["overall"]["mean_pd"], abs=0.01)
    for row in report["by_grade"]:
        if row["n"]:
            assert row["pd_with_margin"] == pytest.approx(1.5 * row["mean_pd_served"])


def test_out_of_fold_rows_that_somebody_changed_are_refused(own: Context) -> None:
    path = own.folder.out_of_fold
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(Refused, match="not what the stage train made last"):
        evaluate_model.run(own)


def test_groups_beyond_the_largest_stand_together_and_no_word_is_unknown() -> None:
    rows = pa.table({"place": [None, *range(60), *range(MOST_GROUPS - 2)]})
    (words,) = segments_of({"place": "place"}, rows, DUCK).values()
    assert words[0] == "other"
    assert len(set(words.tolist())) == MOST_GROUPS
    (few,) = segments_of({"place": "case when place = 1 then 'one' end"}, rows, DUCK).values()
    assert sorted(set(few.tolist())) == ["one", "unknown"]


def test_wrong_segment_is_named_with_the_columns_there_are() -> None:
    with pytest.raises(BadConfig, match="Referenced column") as told:
        segments_of({"term": "trem > 36"}, pa.table({"term": [36]}), DUCK)
    assert "assessment.segments.term" in str(told.value)


@pytest.mark.parametrize("name", shipped_books())
def test_segments_of_each_shipped_book_are_told_from_its_features(name: str) -> None:
    book = load_book(name)
    features = {word: pa.array([None, None], pa.float64()) for word in set(re.findall(r"\w+", book.sql[-1].text))}
    words = segments_of(book.portfolio.assessment.segments, pa.table(features), DUCK)
    assert words
    assert all(len(word) == 2 for word in words.values())
