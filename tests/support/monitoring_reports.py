"""Reports of monitoring, invented, as far as figures and messages are made from them."""

from __future__ import annotations

from typing import Any

from creditrisk.config import BookFolder
from creditrisk.files import write_json

MODEL = "ab12" * 16
WRITTEN = "2026-10-01T06:00:00+00:00"

REPORTS: dict[str, dict[str, Any]] = {
    "data_freshness.json": {
        "meta": {
            "created_at": WRITTEN,
            "tables": {
                "application": {
                    "source_modified": "2026-09-30T00:00:00+00:00", "ingested_at": "2026-09-30T06:00:00+00:00",
                    "verdict": "stale",
                },
                "bureau": {"source_modified": None, "ingested_at": "2026-09-30T06:00:00+00:00", "verdict": "unknown"},
            },
        }
    },
    "production_drift_report.json": {"bundle_sha256": MODEL, "meta": {"created_at": WRITTEN}},
    "drift_metrics.json": {
        "meta": {"created_at": WRITTEN},
        "drift": {"rows": 7},
        "production": {
            "verdict": 2, "rows": 5_000, "columns_pass": 8, "columns_fail": 1, "columns_not_enough_evidence": 0,
            "score.psi": 0.12, "score.psi_latest": 0.15, "score.missing_now": None, "score.ks": 0.1,
            "feature:income.psi": 0.02, "feature:income.psi_latest": 0.03, "feature:income.missing_now": 0.25,
            "raw:application.town.psi": 0.01, "raw:application.town.new_words_now": 0.005, "latest.rows": 900,
            "latest.verdict": 2,
        },
    },
    "outcomes_report.json": {
        "bundle_sha256": MODEL,
        "meta": {"created_at": WRITTEN},
        "counts": {"decisions": 5_000, "not_yet": 4_000, "unheard": 10, "judged": 900, "no_loan": 90, "bads": 70},
        "performance": {
            "n": 900,
            **{
                figure: {"value": value, "low": value - 0.01, "high": value + 0.01, "level": 0.95}
                for figure, value in (("roc_auc", 0.71), ("brier", 0.07), ("default_rate", 0.078))
            },
            "observed_over_expected": {"value": 1.2, "low": 1.05, "high": 1.36, "level": 0.95},
            "ks": None,
        },
        "against_development": [
            {"figure": figure, "now": None, "development": {"value": value, "low": None, "high": None}}
            for figure, value in (("roc_auc", 0.72), ("brier", 0.066), ("default_rate", 0.075))
        ] + [{"figure": "observed_over_expected", "now": None, "development": {"value": 1.0}},
             {"figure": "ks", "now": None, "development": None}],
    },
    "alarms.json": {
        "bundle_sha256": MODEL,
        "meta": {
            "created_at": WRITTEN,
            "stages": [
                {"stage": "production", "verdict": "overdue", "last": "2026-08-01T00:00:00+00:00",
                 "due": "2026-09-10T00:00:00+00:00", "why": ""},
                {"stage": "ingest", "verdict": "no_limit", "last": WRITTEN, "due": None, "why": ""},
                {"stage": "outcomes", "verdict": "never", "last": None, "due": None, "why": ""},
            ],
        },
        "alarms": [
            {
                "id": "score-1", "kind": "score", "of": "score", "what": "the scores moved", "severity": "critical",
                "owner": "risk", "since": "2026-08", "now": 0.12, "limit": 0.04,
                "portfolio": ["approvals fall by 4 points"], "look_at": ["income first"],
            },
            {
                "id": "stale-1", "kind": "freshness", "of": "application", "what": "application is too old",
                "severity": "warning", "owner": None, "since": None, "now": None, "limit": None, "portfolio": [],
                "look_at": ["ingest again"],
            },
        ],
        "ended": [],
    },
    "retrain_trigger.json": {
        "meta": {"created_at": WRITTEN},
        "triggers": [{"id": "t1", "opened": WRITTEN, "ended": None, "bundle_sha256": MODEL}],
    },
}  # fmt: skip


def write_reports(folder: BookFolder, *names: str) -> None:
    """Those named, else all of them."""
    for name in names or REPORTS:
        write_json(folder.report(name), REPORTS[name])
