"""Reports as figures for time series: what is null gives none, what was not looked at says nothing."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

from creditrisk.monitoring import MEANINGS, figures_of
from creditrisk.monitoring.figures import PERFORMANCE
from creditrisk.ports import Figure
from tests.support.monitoring_reports import MODEL, REPORTS
from tests.support.schemas import SCHEMAS

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)


def told(*names: str) -> list[Figure]:
    return figures_of("tiny", {name: REPORTS[name] for name in names}, now=NOW)


def values(figures: list[Figure], name: str, label: str) -> dict[str, float]:
    return {each.labels[label]: each.value for each in figures if each.name == f"creditrisk_{name}"}


def test_what_figures_and_messages_are_made_of_stands_in_the_schemas_of_the_reports() -> None:
    alarms, outcomes, drift, retraining = (
        json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
        for name in ("alarms", "outcomes_report", "drift_metrics", "retrain_trigger")
    )
    for told in REPORTS["alarms.json"]["alarms"]:
        assert set(told) <= set(alarms["$defs"]["alarm"]["properties"])
    stage = alarms["properties"]["meta"]["properties"]["stages"]["items"]
    assert set(stage["required"]) == set(REPORTS["alarms.json"]["meta"]["stages"][0])
    assert set(PERFORMANCE) <= set(outcomes["properties"]["performance"]["properties"])
    assert set(REPORTS["outcomes_report.json"]["counts"]) <= set(outcomes["properties"]["counts"]["properties"])
    assert {"drift", "production"} <= set(drift["required"])
    trigger = retraining["properties"]["triggers"]["items"]
    assert set(REPORTS["retrain_trigger.json"]["triggers"][0]) <= set(trigger["properties"])


def test_every_figure_is_finite_named_explained_and_of_the_book() -> None:
    figures = told(*REPORTS)
    assert all(math.isfinite(each.value) and each.labels["book"] == "tiny" for each in figures)
    assert {each.name for each in figures} == {f"creditrisk_{name}" for name in MEANINGS}
    assert all(each.meaning == MEANINGS[each.name.removeprefix("creditrisk_")] for each in figures)


def test_no_series_is_told_twice_and_one_name_has_one_set_of_labels() -> None:
    figures = told(*REPORTS)
    series = [(each.name, tuple(sorted(each.labels.items()))) for each in figures]
    assert len(set(series)) == len(series)
    labels = {(each.name, tuple(sorted(each.labels))) for each in figures}
    assert len(labels) == len({name for name, _ in labels})


def test_without_reports_there_is_only_the_moment_of_writing() -> None:
    (figure,) = told()
    assert (figure.name, figure.value) == ("creditrisk_figures_written_timestamp_seconds", NOW.timestamp())


def test_a_table_of_which_nobody_says_when_it_changed_has_no_age_and_no_verdict() -> None:
    figures = told("data_freshness.json")
    assert list(values(figures, "table_modified_timestamp_seconds", "table")) == ["application"]
    assert values(figures, "table_stale", "table") == {"application": 1.0}


def test_drift_is_told_by_column_and_model_and_null_is_a_gap() -> None:
    figures = told("drift_metrics.json", "production_drift_report.json")
    assert values(figures, "psi", "column") == {"score": 0.12, "feature:income": 0.02, "raw:application.town": 0.01}
    assert values(figures, "missing_share", "column") == {"feature:income": 0.25}
    assert values(figures, "drift_columns", "verdict") == {"pass": 8, "fail": 1, "not_enough_evidence": 0}
    assert values(figures, "score_psi_latest", "model") == {MODEL[:16]: 0.15}


def test_train_against_test_gives_no_time_series() -> None:
    figures = figures_of("tiny", {"drift_metrics.json": {**REPORTS["drift_metrics.json"], "production": None}}, now=NOW)
    assert {each.name for each in figures} <= {
        "creditrisk_figures_written_timestamp_seconds", "creditrisk_report_timestamp_seconds"
    }  # fmt: skip


def test_performance_has_its_interval_and_the_development_figure_beside_it() -> None:
    figures = told("outcomes_report.json")
    assert values(figures, "performance", "figure")["roc_auc"] == 0.71
    assert values(figures, "performance_low", "figure")["observed_over_expected"] == 1.05
    assert values(figures, "development", "figure")["roc_auc"] == 0.72
    assert "ks" not in values(figures, "performance", "figure")
    assert values(figures, "outcomes", "state")["not_yet"] == 4_000


def test_no_alarm_is_zero_only_where_somebody_looked() -> None:
    assert values(told(), "alarms_open", "severity") == {}
    assert values(told("alarms.json"), "alarms_open", "severity") == {"info": 0, "warning": 1, "critical": 1}
    assert values(told("alarms.json"), "alarm_open", "alarm") == {"score-1": 1, "stale-1": 1}


def test_what_is_part_of_another_alarm_is_counted_and_calls_nobody() -> None:
    feed = {"id": "feed", "kind": "missing", "of": "bureau", "severity": "critical", "owner": None, "part_of": None}
    part = {**feed, "id": "part", "kind": "features", "severity": "info", "part_of": "feed"}
    figures = figures_of("tiny", {"alarms.json": {"alarms": [feed, part]}}, now=NOW)
    assert values(figures, "alarm_open", "alarm") == {"feed": 1}
    assert values(figures, "alarms_open", "severity") == {"info": 1, "warning": 0, "critical": 1}


def test_a_stage_without_a_limit_is_neither_overdue_nor_on_time() -> None:
    figures = told("alarms.json")
    assert values(figures, "stage_overdue", "stage") == {"production": 1.0}
    assert set(values(figures, "stage_last_run_timestamp_seconds", "stage")) == {"production", "ingest"}


def test_a_trigger_that_ended_is_not_open() -> None:
    report = {"triggers": [{"ended": "2026-09-01T00:00:00+00:00"}], "meta": {}}
    figures = figures_of("tiny", {"retrain_trigger.json": report}, now=NOW)
    assert values(figures, "retrain_trigger_open", "book") == {"tiny": 0.0}
