"""fairness.json: are groups of applicants treated alike, by columns that the model never saw?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from creditrisk.config import Fairness
from creditrisk.evaluation.fairness import Limits, Outcomes, assess_groups
from creditrisk.evaluation.verdicts import NOT_ENOUGH, counted, worst
from creditrisk.kinds import Verdict
from creditrisk.pipelines.assessments.groups import read_groups
from creditrisk.pipelines.assessments.tested import Tested
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import need_unchanged

APPROVED = "approved outright; referred and declined applicants count as not approved"
ROWS = "the test part: loans that were granted, so nothing is known of the applicants who were refused one"
CORRECTION = (
    "Bonferroni within each grouping: a failure needs an interval widened for every pair of its levels (calibration: "
    "for every level), a pass the plain one"
)


def assess(context: Context, tested: Tested) -> dict[str, Any]:
    """The report, written. Raises Refused where the audit table is not what the split made."""
    settings, audit = context.book.portfolio.fairness, context.folder.audit_table
    marks = need_unchanged(context, "split", {"audit": audit})
    decisions = tested.decisions
    levels = read_groups(context.book, audit, decisions[tested.bundle.key], context.duck)
    approved = np.array(decisions["decision"].to_pylist()) == Verdict.APPROVE.value
    outcomes = Outcomes.of(decisions["target"].to_numpy(), decisions["pd"].to_numpy(), approved)
    groups = [_told(by, settings, outcomes, levels) for by in _groupings(settings)]
    verdicts = [group["verdict"] for group in groups]
    body = {
        "bundle_sha256": tested.bundle.sha256,
        "rows": len(outcomes.y),
        "bads": int(np.sum(outcomes.y)),
        "rows_are": ROWS,
        "approved_means": APPROVED,
        "verdict": worst(verdicts) if groups else NOT_ENOUGH,
        "reason": _why(groups),
        "counts": counted(verdicts),
        "limits": settings.model_dump(mode="json", exclude={"groups", "crossings"}),
        "correction": CORRECTION,
        "groups": groups,
    }
    predictions = context.folder.report("test_predictions.parquet")
    return context.report(
        "fairness.json",
        body,
        inputs={"bundle": tested.bundle.sha256, "audit": marks["audit"], "test_predictions": predictions},
    )


def _groupings(settings: Fairness) -> list[tuple[str, ...]]:
    return [*((name,) for name in settings.groups), *settings.crossings]


def _told(
    by: tuple[str, ...], settings: Fairness, outcomes: Outcomes, levels: Mapping[str, Sequence[str | None]]
) -> dict[str, Any]:
    limits = Limits(
        approval_ratio_min=settings.approval_ratio_min.value,
        opportunity_difference_max=settings.opportunity_difference_max.value,
        calibration_ratio_max=settings.calibration_ratio_max.value,
        rows_min=int(settings.rows_min.value),
        level=settings.level,
    )
    known = {name: settings.groups[name].levels for name in by}
    return {
        "name": " by ".join(by),
        "by": list(by),
        "meaning": "; ".join(settings.groups[name].meaning for name in by if settings.groups[name].meaning),
        "sql": {name: settings.groups[name].sql for name in by},
        **assess_groups(outcomes, {name: levels[name] for name in by}, known, limits),
    }


def _why(groups: Sequence[Mapping[str, Any]]) -> str:
    if not groups:
        return "the book names no groups: fairness.groups in portfolio.yaml"
    worst_of = worst(group["verdict"] for group in groups)
    named = [group["name"] for group in groups if group["verdict"] == worst_of]
    words = {"pass": "all groups pass", "fail": "treated unlike", NOT_ENOUGH: "too few rows to tell"}
    return words[worst_of] + ("" if worst_of == "pass" else f": {', '.join(named)}")
