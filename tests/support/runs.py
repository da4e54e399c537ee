"""One run made up whole: scored rows whose PDs are honest, and everything the summary page may be told about them."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from creditrisk.evaluation import metrics
from creditrisk.evaluation.tables import quarters
from creditrisk.pages.context import RunContext

GRADES = {"A": 0.03, "B": 0.06, "C": 0.1, "D": 0.16, "E": 1.0}


class ScoredRows(NamedTuple):
    """Each of shape (n,)."""

    y: NDArray[np.int8]
    pd: NDArray[np.float64]
    score: NDArray[np.int64]
    decision: NDArray[np.str_]
    grade: NDArray[np.str_]
    as_of: NDArray[np.datetime64]


def scored_rows(n: int, *, seed: int = 7) -> ScoredRows:
    """Rows that turn bad with exactly the probability that is promised; about 9 % do."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(-2.6, 0.9, n)
    pd = 1.0 / (1.0 + np.exp(-log_odds))
    return ScoredRows(
        y=(random.random(n) < pd).astype(np.int8),
        pd=pd,
        score=np.round(600 - 20 / np.log(2) * (log_odds + np.log(50))).astype(np.int64),
        decision=np.where(pd >= 0.2, "decline", np.where(pd >= 0.17, "refer", "approve")),
        grade=np.array(list(GRADES))[np.searchsorted(list(GRADES.values()), pd, side="right")],
        as_of=np.datetime64("2011-01-01") + random.integers(0, 365, n).astype("timedelta64[D]"),
    )


def full_run(rows: ScoredRows | None = None, *, invented: bool = True) -> RunContext:
    """A context in which no part is missing."""
    rows = rows or scored_rows(3_000)
    return {
        "invented": invented,
        "book": {
            "name": "home_loans",
            "title": "Home loans of an imaginary bank",
            "currency": "USD",
            "preset": "application",
            "bad": "charged off, or more than 120 days late, at any time before the last instalment is due",
            "horizon": "the contract's term, 36 or 60 months",
            "population": "funded loans only; applications that were refused or withdrawn are not in the data",
            "is_not": "a 12-month default probability, and not the risk of those who were refused a loan",
            "observed_until": "2015-12-01",
        },
        "model": {
            "name": "home_loans-pd",
            "version": "3",
            "alias": "candidate",
            "bundle_sha256": _hash("bundle"),
            "estimator": "xgboost",
            "calibration": "platt",
            "features": 96,
        },
        "metrics": _metrics(rows),
        "split": {
            "rule": "Out of time: tested on everything from 2011-01 on; within the rest by a stable hash of the key.",
            "parts": [
                {"part": "train", "rows": 16_412, "bads": 1_455, "first": "2007-06-01", "last": "2010-12-31"},
                {"part": "calibration", "rows": 4_108, "bads": 371, "first": "2007-06-01", "last": "2010-12-31"},
                {"part": "test", "rows": 3_000, "bads": int(rows.y.sum()), "first": "2011-01-01", "last": "2011-12-31"},
            ],
            "label_states": {"observed": 23_520, "indeterminate": 61, "immature": 412},
        },
        "validation": _VALIDATION,
        "document_page": "model_document.html",
        "findings": _FINDINGS,
        "lineage": _lineage(),
        "freshness": _FRESHNESS,
        "stages": [
            {"stage": "ingest", "seconds": 6.31},
            {"stage": "check", "seconds": 1.72},
            {"stage": "features", "seconds": 4.05},
            {"stage": "split", "seconds": 0.64},
            {"stage": "train", "seconds": 21.9},
            {"stage": "evaluate", "seconds": 3.77},
            {"stage": "validate", "seconds": 0.31},
            {"stage": "register", "seconds": 8.12},
        ],
        "importance": [
            {"feature": f"share_of_payments_late_last_{90 * place}d", "share": 0.2 * 0.82**place, "reason": reason}
            for place, reason in enumerate(_REASONS * 6, start=1)
        ],
        "decision": _DECISION,
        "policy": _POLICY,
        "next_commands": [
            {"command": "creditrisk score home_loans --input DIR --output decisions.parquet --alias candidate",
             "does": "Score a batch of raw tables with this model."},
            {"command": "creditrisk serve home_loans --alias candidate", "does": "Answer single applications."},
        ],
        "meta": {
            "created_at": "2026-11-21T10:28:44Z",
            "actor": "a.modeller",
            "code_version": "0.1.0",
            "run_id": "8f2b6c0e51d94d0f",
        },
    }  # fmt: skip


def _metrics(rows: ScoredRows) -> dict[str, Any]:
    figures = metrics.test_metrics(
        rows.y, rows.pd, rows.score, rows.decision, grade=rows.grade, grades=list(GRADES), vintage=quarters(rows.as_of)
    )
    return {"schema_version": 1, "book": "home_loans", **figures}


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


TABLES = (
    "application", "POS_CASH_balance", "bureau", "bureau_balance", "credit_card_balance", "installments_payments",
    "previous_application",
)  # fmt: skip


def _lineage() -> Any:
    nodes = lineage_nodes()
    return {
        "files": [
            {"table": table, "file": nodes[f"bronze/{table}"]["made_from"][1].removeprefix("raw/"),
             "sha256": _hash(f"raw/{table}"), "bytes": 166_133_370, "rows": 3_840_312, "rejected": 2,
             "bronze_sha256": nodes[f"bronze/{table}"]["sha256"]}
            for table in TABLES
        ],
        "steps": [
            {"name": name, "sha256": node["sha256"], "what": node["kind"],
             **({"rows": node["rows"]} if "rows" in node else {})}
            for name, node in nodes.items() if not name.startswith(("raw/", "bronze/"))
        ],
        "nodes": nodes,
    }  # fmt: skip


def lineage_nodes() -> dict[str, Any]:
    """The nodes of a data_lineage.json of a book with seven tables."""
    nodes: dict[str, Any] = {}

    def add(name: str, kind: str, step: str, *made_from: str, **other: Any) -> None:
        nodes[name] = {"kind": kind, "sha256": _hash(name), "step": step, "made_from": list(made_from),
                       "file": "", **other}  # fmt: skip

    for table in TABLES:
        file = f"{table}.csv.gz" if table != "application" else "application_train.csv.gz"
        add(f"raw/{file}", "raw", "ingest", bytes=166_133_370, uri=f"s3://lender/{file}")
        add(f"contract/{table}", "contract", "ingest")
        add(f"bronze/{table}", "table", "ingest", f"contract/{table}", f"raw/{file}", rows=3_840_312)
    add("book", "book", "features")
    for place in range(9):
        add(f"sql/features_{place}", "sql", "features")
    sql = [f"sql/features_{place}" for place in range(9)]
    add("feature_store", "table", "features", "book", *sql, *(f"bronze/{table}" for table in TABLES), rows=23_993)
    for part, rows in (("train", 16_412), ("calibration", 4_108), ("test", 3_000)):
        add(part, "table", "split", "feature_store", "bronze/application", rows=rows)
    add("audit", "table", "split", "bronze/application")
    add("bundle", "bundle", "train", "train", "calibration", "book")
    add("test_predictions", "table", "evaluate", "bundle", "test", rows=3_000)
    for step, names in {
        "ingest": ("ingestion_summary.json", "data_freshness.json"), "check": ("contract_findings.json",),
        "split": ("split.json",), "train": ("metrics.json",), "evaluate": ("test_metrics.json",),
        "validate": ("post_training_validation.json",), "register": ("registry_promotion.json",),
    }.items():  # fmt: skip
        for name in names:
            add(f"reports/{name}", "report", step, file=f"reports/{name}")
    return nodes


def _gate(name: str, verdict: str, reason: str, limit: str) -> dict[str, Any]:
    return {
        "name": name, "asks": f"Is {name} as it should be?", "verdict": verdict, "reason": reason, "figure": 0.71,
        "low": 0.68, "high": 0.74, "limit": limit, "because": "a test says so", "place": "test_metrics.json: a key",
    }  # fmt: skip


_VALIDATION: dict[str, Any] = {
    "book": "home_loans",
    "bundle_sha256": _hash("bundle"),
    "verdict": "fail",
    "counts": {"pass": 1, "fail": 1, "not_enough_evidence": 1},
    "gates": [
        _gate("auc_floor", "pass", "AUC 0.710, interval 0.680 to 0.740", "at least 0.6"),
        _gate("slope", "fail", "slope 0.710, interval 0.680 to 0.740", "0.85 to 1.2"),
        _gate("fairness", "not_enough_evidence", "11 bads among the youngest", ""),
    ],
    "problems": {},
}

_FRESHNESS: dict[str, Any] = {
    "newest": {"column": "issue_d", "date": "2011-12-01"},
    "meta": {
        "as_of": "2026-11-21T10:28:40+00:00",
        "max_age_hours": 48.0,
        "verdict": "stale",
        "tables": {
            "application": {"source_modified": "2026-11-20T22:00:00+00:00", "source_age_hours": 12.5,
                            "ingestion_age_hours": 0.1, "verdict": "fresh", "why": "not older than 48 h"},
            "bureau": {"source_modified": "2026-09-01T06:00:00+00:00", "source_age_hours": 1948.5,
                       "ingestion_age_hours": 0.1, "verdict": "stale", "why": "older than 48 h"},
            "bureau_balance": {"source_modified": None, "source_age_hours": None, "ingestion_age_hours": 0.1,
                               "verdict": "unknown", "why": "nobody says when the source last changed it"},
        },
    },
}  # fmt: skip


_REASONS = (
    "Payments on earlier loans were often late",
    "The external credit bureau rates the payment history as weak",
    "The yearly payments are high for the stated income",
    "Several loans were asked for in the last year",
    "",
)
_FINDINGS = [
    {"table": "application", "rule": "range", "severity": "warn", "what": "values above the range", "column": "dti_pct",
     "file": "application_train.csv.gz", "line": 412, "rows": 4, "examples": ["999", "1001"],
     "hint": "if 999 means unknown, list it under sentinels"},
    {"table": "application", "rule": "type", "severity": "quarantine", "what": "not a number", "column": "income",
     "file": "application_train.csv.gz", "line": 17, "rows": 2, "examples": ["12,000"], "hint": "write 12000"},
    {"table": "bureau", "rule": "missing", "severity": "warn", "what": "the table is missing: its features are empty",
     "column": None, "file": None, "line": None, "rows": 0, "examples": [], "hint": ""},
]  # fmt: skip
_DECISION = {
    "decline_from_pd": {"value": 0.2, "because": "loss given default 0.45, margin 9 %", "owner": "credit-policy"},
    "refer_from_pd": {
        "value": 0.17,
        "because": "the last points before a decline deserve a look",
        "owner": "credit-policy",
    },
    "cost_of_bad": {"value": 4.0, "because": "in units of the yearly margin", "owner": "finance"},
    "cost_of_refused_good": None,
    "grades": GRADES,
    "scaling": {"base_points": 600.0, "base_odds": 50.0, "points_to_double_odds": 20.0},
}
_POLICY = {
    "prohibited": [
        {"column": "CODE_GENDER", "ground": "Sex: ECOA, 15 U.S.C. 1691(a)(1); Regulation B, 12 CFR 1002.6(b)"},
        {"column": "NAME_FAMILY_STATUS", "ground": "Marital status: ECOA, 15 U.S.C. 1691(a)(1)"},
    ],
    "rebuilders": [{"column": "CNT_FAM_MEMBERS", "ground": "less the children it gives marital status exactly"}],
    "restricted": [{"column": "DAYS_BIRTH", "ground": "Age: 12 CFR 1002.6(b)(2), no worse for 62 and over"}],
    "monotone": {"ext_source_mean": "pd_falls"},
}


def findings_report() -> dict[str, Any]:
    """contract_findings.json of three tables, one of them missing, with a finding of each kind."""
    late = {
        "table": "payments", "rule": "event after application", "severity": "quarantine", "column": "day", "file": None,
        "line": None, "rows": 12, "share": 0.02, "what": "the event lies after the application", "examples": ["3"],
        "hint": "remove these rows",
    }  # fmt: skip
    empty = {**late, "rule": "null share", "severity": "warn", "column": "paid", "rows": 180, "share": 0.3,
             "examples": [], "what": "30% of the cells are empty; expected 0% to 10%", "hint": "find out"}  # fmt: skip
    gone = {**late, "table": "cards", "rule": "missing table", "severity": "warn", "column": None, "rows": 0,
            "share": None, "what": 'the table "cards" is missing', "examples": [], "hint": "add cards.csv"}  # fmt: skip

    def promise(rule: str, column: str | None, says: str, state: str) -> dict[str, Any]:
        return {"rule": rule, "column": column, "says": says, "severity": "warn", "state": state}

    table = {"grain": "one row a payment", "file": "payments.csv", "rows": 600, "rejected": 0, "rows_before": 1200,
             "orphans": 4, "moved": [{"column": "paid", "what": "empty", "value": "",
                                          "share_before": 0.01, "share": 0.3}],
             "promises": [promise("not null", "day", "never empty", "kept"),
                          promise("event after application", "day", "happened before the application", "broken"),
                          promise("rows changed", None, "0.7 to 1.5 times", "nothing to compare")]}  # fmt: skip
    return {
        "schema_version": 1, "book": "tiny", "code_version": "0.1.0", "invented_data": False, "checks_off": [],
        "inputs": {}, "meta": {"created_at": "2026-01-01T00:00:00+00:00", "actor": "ann"}, "verdict": "accepted",
        "compared": True, "counts": {"refuse": 0, "quarantine": 1, "warn": 2}, "findings": [late, empty, gone],
        "tables": {"payments": table,
                   "application": {**table, "orphans": None, "rows_before": 600, "moved": [], "promises": []}},
    }  # fmt: skip
