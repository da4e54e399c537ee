"""Everything a model document may be told, made up whole, in the shapes of the reports."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from creditrisk.pages.document_sections.facts import DocumentFacts
from tests.support.runs import full_run, lineage_nodes, scored_rows

BUNDLE = "5b37284c413827d4b7b421d92ba9e3731f599ecb7d3ded97cab76b883078556e"
INTERVAL = {"value": 0.71, "low": 0.68, "high": 0.74, "level": 0.95}
PORTFOLIO: dict[str, Any] = {
    "name": "home_loans",
    "title": "Home loans of an imaginary bank",
    "target": {
        "column": None,
        "sql": "target.sql",
        "bad": "charged off",
        "horizon": "the whole contract",
        "population": "funded loans only",
        "is_not": "Not a 12-month default.",
    },
    "features": {
        "preset": "application",
        "presets": {
            "application": {"sql": ["loan_features.sql"], "available": ["application", "bureau"]},
            "with_price": {"sql": ["loan_features.sql", "price.sql"], "available": ["application", "lender_decision"]},
        },
    },
    "policy": {
        "prohibited": [{"column": "sex", "ground": "the law"}],
        "rebuilders": [],
        "restricted": [{"column": "age", "ground": "never worse from 62 on"}],
        "released": [{"features": ["town"], "by": "ann", "because": "looked at"}],
        "monotone": {"income": "pd_falls"},
    },
    "training": {"seed": 7, "early_stopping_share": 0.1, "balance": {"method": "smote"}},
    "decision": {
        "cost_of_bad": {"value": 0.45, "because": "losses since 2010", "owner": "credit-policy"},
        "grades": {"A": 0.05, "B": 1.0},
        "max_reasons": 4,
    },
    "document": {"owner": "Head of retail lending", "limits_known": ["Nothing is known of the seventies."]},
}


def full_reports() -> dict[str, dict[str, Any]]:
    """One of each report that the document reads."""
    return deepcopy(_full_reports())


@cache
def _full_reports() -> dict[str, dict[str, Any]]:
    run = full_run(scored_rows(600))
    metrics: dict[str, Any] = dict(run["metrics"])
    trained = {
        **metrics,
        "estimator": "xgboost",
        "rounds": 120,
        "parameters": {"max_depth": 4, "flag": True},
        "folds": [{"fold": 0, "rounds": 118, "rows_fitted": 480}],
        "cut_off": {"decline_from_pd": 0.2, "refer_from_pd": 0.17},
        "calibration": {"served": "platt", "log_loss_on_calibration_part": {"platt": 0.21, "beta": 0.22}},
        "importance": list(run["importance"]),
        "notes_of_training": ["one column is constant"],
        "inputs": {"train": "aa" * 32, "calibration": "bb" * 32},
    }
    return {
        "ingestion_summary.json": {
            "tables": {
                "application": {
                    "file": "application.csv",
                    "bytes": 2_000,
                    "rows": 600,
                    "rejected": 1,
                    "sha256": "cd" * 32,
                }
            }
        },
        "contract_findings.json": {
            "counts": {"refuse": 0, "quarantine": 0, "warn": 1},
            "findings": [
                {
                    "severity": "warn",
                    "table": "application",
                    "column": "income",
                    "rows": 3,
                    "what": "values above the range",
                }
            ],
        },
        "leak_report.json": {
            "columns": [
                {
                    "table": "application",
                    "column": "recovered",
                    "verdict": "suspect",
                    "auc": 0.97,
                    "signals": [{"says": "it ranks too well"}],
                }
            ]
        },
        "split.json": {
            "method": "out_of_time",
            "folds": 5,
            "seed": 7,
            "after_test_window": 12,
            "observed_until": "2015-12-01",
            "label_states": {"observed": 600, "indeterminate": 2, "immature": 3},
            "knowledge": {"bads": 55, "knowable": 20, "says": "Of 55 bads 20 could be known by then."},
            "parts": {
                "train": {
                    "n": 400,
                    "bads": 40,
                    "default_rate": 0.1,
                    "first_date": "2007-06-01",
                    "last_date": "2010-12-01",
                }
            },
        },
        "metrics.json": trained,
        "test_metrics.json": {
            **metrics,
            "test_reads": {"models": 3, "says": "The third model to be tested on these rows."},
        },
        "calibration_report.json": _calibration(),
        "stability.json": _stability(),
        "policy_checks.json": {
            name: {
                "verdict": "pass",
                "reason": "all kept",
                "checked": 4,
                "exceptions": [{"feature": "income", "share": 0.01, "worst": 0.002}],
            }
            for name in ("directions", "raw_directions", "blanks", "proxies", "together", "never_worse")
        },
        "reasons_report.json": {
            "declines": 200,
            "looked_at": 100,
            "peers": 50,
            "unproved_because": None,
            "figures": {
                "reasons": 380,
                "declines_without_proved_reason": 1,
                "among_four_largest": 0.95,
                "named_by_contribution": 390,
                "dropped": 10,
                "told_by_group": {"INCOME": 99},
                "dropped_by_group": {"INCOME": 1, "TOWN": 9},
                "groups_not_asked_for": ["TOWN"],
            },
        },
        "fairness.json": {
            "verdict": "not_enough_evidence",
            "approved_means": "approved outright",
            "rows_are": "the test part",
            "limits": {"approval_ratio_min": {"value": 0.8, "because": "four fifths"}, "level": 0.95},
            "correction": "Bonferroni",
            "groups": [
                {
                    "name": "sex",
                    "verdict": "not_enough_evidence",
                    "reason": "few rows",
                    "levels": [
                        {
                            "level": "women",
                            "verdict": "pass",
                            "rows": 300,
                            "bads": 20,
                            "approval_rate": INTERVAL,
                            "tests": {
                                "approval_ratio": {"value": INTERVAL, "verdict": "pass"},
                                "equal_opportunity": {"value": None, "verdict": "not_enough_evidence"},
                            },
                        }
                    ],
                }
            ],
        },
        "comparison.json": _comparison(),
        "tuning.json": {"trials": 40},
        "data_lineage.json": {"nodes": lineage_nodes()},
        "post_training_validation.json": {
            **run["validation"],
            "inputs": {"bundle": BUNDLE, "metrics.json": "ef" * 32},
            "problems": {"stability.json": "altered"},
        },
    }


def document_facts(**changes: Any) -> DocumentFacts:
    """Facts in which no part is missing; changes over them by name."""
    told: dict[str, Any] = {
        "portfolio": PORTFOLIO,
        "bundle_sha256": BUNDLE,
        "manifest": {"estimator": "xgboost"},
        "features": [
            {
                "name": "income",
                "kind": "number",
                "code": "INCOME",
                "text": "Your income is low",
                "direction": "pd_falls",
            },
            {"name": "town", "kind": "category", "code": "TOWN", "text": "Where you live", "direction": None},
        ],
        "tables": {"application": {"grain": "one row an application", "columns": {"application": 20, "outcome": 1}}},
        "environment": {"python": "3.12.1", "creditrisk": "0.1.0", "xgboost-cpu": "3.4.0"},
        "reports": full_reports(),
        "calibration": {"method": "platt", "slope": 1.02, "intercept": 0.03},
        "invented": True,
        **changes,
    }
    return DocumentFacts(**told)


def _calibration() -> dict[str, Any]:
    test = {
        "test": "binomial",
        "verdict": "pass",
        "reason": "",
        "n": 600,
        "bads": 60,
        "expected_bads": 58.0,
        "p_value": 0.4,
        "p_value_corrected": 0.00001,
        "asked_together": 1,
        "for_information": False,
    }
    untested = {
        **test,
        "verdict": "not_enough_evidence",
        "reason": "2 bads promised",
        "p_value": None,
        "p_value_corrected": None,
    }
    row = {
        "n": 600,
        "bads": 60,
        "mean_pd": INTERVAL,
        "default_rate": INTERVAL,
        "mean_pd_over_default_rate": INTERVAL,
        "slope": INTERVAL,
        "intercept": INTERVAL,
        "in_the_large": None,
        "notes": {},
        "tests": [test, untested],
    }
    return {
        "rows_are": "the test part",
        "overall": row,
        "by_grade": [{**row, "grade": "A", "mean_pd_served": 0.05, "pd_with_margin": 0.055}],
        "by_segment": {"term": [{**row, "group": "36 months"}]},
        "shift": {"windows_are": "years", "development_out_of_fold": [{**row, "window": "2010"}], "test": []},
        "methods": [
            {
                "method": "platt",
                "served": True,
                "log_loss": 0.2,
                "loss_over_served": None,
                "on_plateaus": 0.0,
                "notes": {},
            }
        ],
        "long_run_default_rate": {"declared": {"value": 0.08, "because": "a cycle"}, "shift": 0.1},
    }


def _stability() -> dict[str, Any]:
    group = {"group": "2010", "rows": 200, "bads": 20, "default_rate": INTERVAL, "mean_pd": 0.1, "roc_auc": INTERVAL}
    group |= {"verdict": "pass", "reason": "", "corrected": INTERVAL}
    verdict = {"verdict": "pass", "reason": "nothing moved"}
    swapped = {"rows": 10, "share": 0.1, "bads": 1, "bad_rate": INTERVAL, "mean_pd": 0.1, "previous_mean_pd": None}
    return {
        **verdict,
        "limits": {"psi_max": {"value": 0.25, "because": "above it everybody looks again"}, "level": 0.95},
        "score": {**verdict, "psi": 0.01},
        "features": {
            **verdict,
            "features": [
                {
                    "feature": "income",
                    "psi": 0.02,
                    "by_chance": 0.01,
                    "missing_before": 0.0,
                    "missing_now": 0.1,
                    "importance": 0.3,
                    "verdict": "pass",
                }
            ],
        },
        "vintages": {**verdict, "development": {"groups": [group]}, "test": None, "shifts": []},
        "segments": {
            "verdict": None,
            "reason": "the book names none",
            "segments": [{"segment": "thin_file", "groups": [group]}],
        },
        "sensitivity": {
            "rows": 100,
            "steps": "a decile",
            "features": [
                {
                    "feature": "income",
                    "mean_change": 0.01,
                    "p95_change": 0.02,
                    "mean_when_raised": -0.01,
                    "mean_when_lowered": 0.01,
                    "decisions_flipped": INTERVAL,
                }
            ],
        },
        "learning_curve": {
            "reason": None,
            "points": [{"share": 0.5, "rows": 200, "bads": 20, "roc_auc": INTERVAL, "log_loss": 0.2}],
        },
        "cut_offs": {
            "note": None,
            "rows": [
                {
                    "cut_off": 0.2,
                    "approval_rate": 0.8,
                    "bad_rate": INTERVAL,
                    "expected_loss": {"per_application": 0.01},
                    "loss": None,
                    "profit": None,
                    "marks": ["best_profit"],
                }
            ],
        },
        "swap_set": {"verdict": None, "reason": "first model, no swap set", "groups": {"swapped_in": swapped}},
    }


def _comparison() -> dict[str, Any]:
    figures = {
        "roc_auc": INTERVAL,
        "brier": 0.07,
        "log_loss": 0.25,
        "calibration_slope": 1.0,
        "approval_rate": 0.8,
        "bad_rate_of_approved": None,
        "cost_per_application": 0.03,
        "mean_pd": 0.1,
        "uncalibrated": {"mean_pd": 0.3, "calibration_slope": 0.5, "brier": 0.1},
    }
    gap = {
        "roc_auc": {**INTERVAL, "value": -0.01, "low": -0.02, "high": 0.0},
        "brier": None,
        "cost_per_application": None,
    }
    rows = [
        {"name": "xgboost", "figures": figures, "difference": None, "verdict": "the book's own", "reason": None},
        {"name": "scorecard", "figures": figures, "difference": gap, "verdict": "worse by up to 0.02", "reason": None},
        {
            "name": "forest",
            "figures": None,
            "difference": None,
            "verdict": "not fitted",
            "reason": "one class in a fold",
        },
    ]
    return {
        "n": 480,
        "inputs": {"train": "aa" * 32, "calibration": "bb" * 32},
        "estimators": rows,
        "balance": rows,
        "calibration": rows,
        "prices": rows,
    }
