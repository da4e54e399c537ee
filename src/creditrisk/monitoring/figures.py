"""The figures that go to machines which keep time series, from the reports of monitoring. What is null gives no figure.

Nothing of a single applicant is among them. `MEANINGS` is what the dashboards and the alert rules may ask for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from creditrisk.monitoring.freshness import Freshness
from creditrisk.ports import URGENCIES, Figure

MEANINGS = {
    "figures_written_timestamp_seconds": "When these figures were written",
    "report_timestamp_seconds": "When the report was written, by report",
    "table_modified_timestamp_seconds": "When its source last changed the raw table, by table",
    "table_ingested_timestamp_seconds": "When the raw table was last accepted, by table",
    "table_stale": "1 if the raw table is older than the book allows, 0 if not; nothing where no limit is set",
    "stage_last_run_timestamp_seconds": "When the stage last ran, by stage",
    "stage_overdue": "1 if the stage should have run again by now, 0 if not; nothing where the book sets no limit",
    "drift_rows": "Rows decided in production that drift was told from",
    "drift_verdict": "Of production against the development rows: 0 pass, 1 not enough evidence, 2 fail",
    "drift_columns": "Columns by verdict",
    "psi": "Population stability index of a column, all periods together",
    "psi_latest": "The same of the last period that has rows",
    "missing_share": "Share of rows in which the column is missing, in [0, 1]",
    "new_words_share": "Share of rows with a word that the development rows do not have, in [0, 1]",
    "score_psi": "Population stability index of the scores, all periods together",
    "score_psi_latest": "The same of the last period that has rows",
    "outcomes": "Decisions by what is known of their loans: not_yet, unheard, judged, no_loan",
    "outcome_bads": "Loans that turned bad, among those judged",
    "performance": "Figure on loans with a known outcome: roc_auc, ks, brier, default_rate ...",
    "performance_low": "Lower end of its interval",
    "performance_high": "Upper end of its interval",
    "development": "The same figure on the test part, when the model was built",
    "alarms_open": "Open alarms, by severity",
    "alarm_open": "1 for each open alarm that is no part of another; `of` is the column, source, stage or table",
    "retrain_trigger_open": "1 while a trigger to learn anew is open, 0 if none is",
}
"""Name after `creditrisk_` -> what it says."""

PERFORMANCE = ("roc_auc", "ks", "brier", "log_loss", "default_rate", "observed_over_expected", "calibration_slope")


def figures_of(book: str, reports: Mapping[str, Mapping[str, Any]], *, now: datetime) -> list[Figure]:
    """All of them. reports: by file name, those that there are."""
    return [
        _figure("figures_written_timestamp_seconds", now.timestamp(), book=book),
        *(
            _figure("report_timestamp_seconds", written, book=book, report=name.removesuffix(".json"))
            for name, report in reports.items()
            if (written := _moment(report.get("meta", {}).get("created_at"))) is not None
        ),
        *_of_freshness(book, reports.get("data_freshness.json", {})),
        *_of_drift(
            reports.get("drift_metrics.json", {}), _about(book, reports.get("production_drift_report.json", {}))
        ),
        *_of_outcomes(reports.get("outcomes_report.json", {}), _about(book, reports.get("outcomes_report.json", {}))),
        *_of_alarms(reports.get("alarms.json"), _about(book, reports.get("alarms.json", {}))),
        *_of_stages(book, reports.get("alarms.json", {})),
        *_of_retraining(book, reports.get("retrain_trigger.json")),
    ]


def _about(book: str, report: Mapping[str, Any]) -> dict[str, str]:
    """The labels of a report on one model."""
    return {"book": book, "model": str(report.get("bundle_sha256", ""))[:16]}


def _of_drift(report: Mapping[str, Any], about: Mapping[str, str]) -> Iterator[Figure]:
    """Of production; train against test is told once and needs no time series."""
    for key, value in (report.get("production") or {}).items():
        column, _, name = key.rpartition(".")
        if value is None:
            continue
        if key in {"rows", "verdict"}:
            yield _figure(f"drift_{key}", value, **about)
        elif key.startswith("columns_"):
            yield _figure("drift_columns", value, **about, verdict=key.removeprefix("columns_"))
        elif name in _OF_COLUMNS:
            yield _figure(_OF_COLUMNS[name], value, **about, column=column)
            if column == "score" and name.startswith("psi"):
                yield _figure(f"score_{name}", value, **about)


_OF_COLUMNS = {
    "psi": "psi", "psi_latest": "psi_latest", "missing_now": "missing_share", "new_words_now": "new_words_share",
}  # fmt: skip
"""Figure of drift_metrics.json -> ours."""


def _of_outcomes(report: Mapping[str, Any], about: Mapping[str, str]) -> Iterator[Figure]:
    counts, performance = report.get("counts", {}), report.get("performance", {})
    for state in ("not_yet", "unheard", "judged", "no_loan"):
        if state in counts:
            yield _figure("outcomes", counts[state], **about, state=state)
    if "bads" in counts:
        yield _figure("outcome_bads", counts["bads"], **about)
    for figure in PERFORMANCE:
        told = performance.get(figure)
        for name, key in (("performance", "value"), ("performance_low", "low"), ("performance_high", "high")):
            if (value := _number(told, key)) is not None:
                yield _figure(name, value, **about, figure=figure)
    for told in report.get("against_development", ()):
        if told["figure"] in PERFORMANCE and (value := _number(told["development"], "value")) is not None:
            yield _figure("development", value, **about, figure=told["figure"])


def _of_freshness(book: str, report: Mapping[str, Any]) -> Iterator[Figure]:
    for table, told in report.get("meta", {}).get("tables", {}).items():
        for name, key in (("modified", "source_modified"), ("ingested", "ingested_at")):
            if (moment := _moment(told.get(key))) is not None:
                yield _figure(f"table_{name}_timestamp_seconds", moment, book=book, table=table)
        if told["verdict"] != Freshness.UNKNOWN:
            yield _figure("table_stale", told["verdict"] == Freshness.STALE, book=book, table=table)


def _of_alarms(report: Mapping[str, Any] | None, about: Mapping[str, str]) -> Iterator[Figure]:
    """Without a report nothing is said: no alarm is not the same as nobody having looked."""
    if report is None:
        return
    alarms = report["alarms"]
    for severity in URGENCIES:
        found = sum(alarm["severity"] == severity for alarm in alarms)
        yield _figure("alarms_open", found, **about, severity=severity)
    for alarm in alarms:
        if alarm.get("part_of") is not None:  # the alarm that it is a part of calls already
            continue
        told = {label: str(alarm[key] or "") for label, key in _OF_ALARMS.items()}
        yield _figure("alarm_open", 1, **about, **told)


_OF_ALARMS = {"alarm": "id", "kind": "kind", "of": "of", "severity": "severity", "owner": "owner"}
"""Label -> what it is in alarms.json."""


def _of_stages(book: str, report: Mapping[str, Any]) -> Iterator[Figure]:
    for told in report.get("meta", {}).get("stages", ()):
        if (moment := _moment(told["last"])) is not None:
            yield _figure("stage_last_run_timestamp_seconds", moment, book=book, stage=told["stage"])
        if told["due"] is not None:
            yield _figure("stage_overdue", told["verdict"] == "overdue", book=book, stage=told["stage"])


def _of_retraining(book: str, report: Mapping[str, Any] | None) -> Iterator[Figure]:
    if report is not None:
        is_open = any(trigger["ended"] is None for trigger in report["triggers"])
        yield _figure("retrain_trigger_open", is_open, book=book)


def _number(told: Any, key: str) -> float | None:
    """The figure, or an end of its interval; None where it is not known."""
    if isinstance(told, Mapping):
        told = told.get(key)
    elif key != "value":
        told = None
    return float(told) if isinstance(told, int | float) and math.isfinite(told) else None


def _figure(name: str, value: float, **labels: str) -> Figure:
    return Figure(f"creditrisk_{name}", float(value), labels, MEANINGS[name])


def _moment(text: Any) -> float | None:
    """Seconds since 1970 of a time as reports write it."""
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
