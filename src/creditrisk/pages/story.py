"""What the figures of one run mean, in sentences: what a reader may take away, and where they should be careful."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from creditrisk.pages.context import RunContext
from creditrisk.pages.formats import as_number, confidence, count, decimals, interval, interval_of, percent

METRICS = (
    # name in test_metrics.json, words, spelling, what it says
    ("roc_auc", "Area under the ROC curve", "decimals", "how often the bad one of a pair is seen as riskier"),
    ("normalized_gini", "Gini", "decimals", "the same, from 0 (coin) to 1 (perfect)"),
    ("ks", "Kolmogorov-Smirnov", "decimals", "largest gap between the outcomes' cumulative shares"),
    ("pr_auc", "Average precision", "decimals", "a coin gives the default rate"),
    ("brier", "Brier", "four", "mean squared error of the PD; less is better"),
    ("brier_of_mean", "Brier of the mean", "four", "of giving everybody the default rate"),
    ("brier_skill", "Brier skill", "percent", "share of the mean's Brier that the PDs take away; 0% is no better"),
    ("log_loss", "Log loss", "four", "less is better"),
    ("default_rate", "Default rate", "percent", "observed"),
    ("mean_pd", "Mean PD", "percent", "promised"),
    ("ece", "Expected calibration error", "four", "mean distance of promise and outcome over groups"),
    ("ece_by_chance", "... by chance alone", "four", "what honest PDs stay under on this many rows, 95 times in 100"),
    ("calibration_slope", "Calibration slope", "decimals", "1 is right; below 1, PDs are too extreme"),
    ("calibration_intercept", "Calibration intercept", "decimals", "0 is right; above 0, PDs are too low"),
    ("approval_rate", "Approved", "percent", "share of applications"),
    ("refer_rate", "Referred", "percent", "share of applications that go to a person"),
    ("decline_rate", "Declined", "percent", "share of applications"),
    ("bad_rate_of_approved", "Bads among the approved", "percent", "default rate of those who get the loan"),
    ("precision", "Precision", "percent", "of those declined, how many turned bad"),
    ("recall", "Recall", "percent", "of those who turned bad, how many were declined"),
    ("f1", "F1", "decimals", "harmonic mean of both"),
)
"""Every figure that the page shows, in the order in which it is read."""


def in_plain_words(context: RunContext) -> list[str]:
    """Sentences for a reader who has never seen an AUC."""
    metrics = context.get("metrics", {})
    told = [_promise(metrics), _ranking(metrics), _closeness(metrics), _decisions(metrics)]
    return [sentence for sentence in told if sentence]


def cautions(context: RunContext) -> list[str]:
    """What the figures themselves warn of. No thresholds for going live: those belong to governance."""
    metrics = context.get("metrics", {})
    found = [_calibration_caution(metrics), _slope_caution(metrics), _brier_caution(metrics), _small_caution(metrics)]
    notes = metrics.get("notes")
    words = {name: shown for name, shown, _, _ in METRICS}
    told = [f"{words.get(name, name)}: {why}" for name, why in notes.items()] if isinstance(notes, Mapping) else []
    return [sentence for sentence in (*found, *told) if sentence]


def reading_aid(name: str, metrics: Mapping[str, Any]) -> str:
    """One sentence on how to read a plot, with the figure that belongs to it."""
    return _AIDS[name].format(
        auc=decimals(metrics.get("roc_auc")),
        ap=decimals(metrics.get("pr_auc")),
        ks=decimals(metrics.get("ks")),
        rate=percent(metrics.get("default_rate")),
        mean=percent(metrics.get("mean_pd")),
        slope=decimals(metrics.get("calibration_slope"), 2),
    )


_AIDS = {
    "roc": "Share of bads caught against share of goods caught with them, for every cut-off: the further above the "
    "diagonal, the better it ranks (area {auc}).",
    "precision_recall": "Among those declined, how many were bad, as more bads are caught; the dashed line is what "
    "declining at random gives ({rate}). Average precision {ap}.",
    "calibration": "Each dot is a group of equal size: promised PD across, observed default rate up, with its 95% "
    "interval. Dots on the diagonal are honest; slope {slope}, 1 is right.",
    "calibration_by_segment": "The same within each of the book's segments, one drawing a group: where the dots of one "
    "leave the diagonal, the PDs of that group are too high (below it) or too low (above it).",
    "cut_offs": "What each cut-off would do on the tested rows: approvals, bads among the approved, and profit by the "
    "book's costs.",
    "psi": "How far each feature has moved from development to test (population stability index), beside what chance "
    "alone does on as many rows.",
    "score_distribution": "Points of those who paid and of those who did not; the further apart, the better "
    "(largest gap between their cumulative shares, KS, {ks}).",
    "gains": "Going from the riskiest applicant down: the share of all bads met so far, and how many times more than "
    "at random.",
    "pd_histogram": "How the promised PDs are spread; their mean, {mean}, should lie at the default rate, {rate}.",
    "importance": "Share of the model's total gain that each of the 25 strongest features brings; importance is not "
    "cause.",
}


def _promise(metrics: Mapping[str, Any]) -> str:
    observed, promised = as_number(metrics.get("default_rate")), as_number(metrics.get("mean_pd"))
    if observed is None or promised is None:
        return ""
    tested = count(metrics.get("n"))
    return (
        f"Of 100 applications in the test part ({tested} rows the model never saw), {100 * observed:.1f} turned bad; "
        f"the model promised {100 * promised:.1f} on average."
    )


def _ranking(metrics: Mapping[str, Any]) -> str:
    auc = as_number(metrics.get("roc_auc"))
    if auc is None:
        return ""
    limits = interval_of(metrics.get("roc_auc"))
    level = confidence(metrics.get("roc_auc"))
    between = f" (with {level} confidence {100 * limits[0]:.1f} to {100 * limits[1]:.1f})" if limits else ""
    return (
        "Given one application that turned bad and one that did not, it sees the higher risk in the bad one "
        f"{100 * auc:.1f} times out of 100{between}; tossing a coin gives 50."
    )


def _closeness(metrics: Mapping[str, Any]) -> str:
    ours, flat = as_number(metrics.get("brier")), as_number(metrics.get("brier_of_mean"))
    if ours is None or flat is None or flat <= 0 or ours >= flat:
        return ""
    return (
        f"Its PDs lie {100 * (1 - ours / flat):.1f}% closer to what happened, in squared error, than giving everybody "
        f"the average (Brier {ours:.4f} against {flat:.4f})."
    )


def _decisions(metrics: Mapping[str, Any]) -> str:
    approved, precision = as_number(metrics.get("approval_rate")), as_number(metrics.get("precision"))
    if approved is None:
        return ""
    told = f"At its cut-offs {100 * approved:.1f} of 100 applications are approved"
    referred, recall = as_number(metrics.get("refer_rate")), as_number(metrics.get("recall"))
    if referred:
        told += f" and {100 * referred:.1f} go to a person"
    if precision is not None and recall is not None:
        told += f"; of those declined {100 * precision:.1f}% did turn bad, and they are {100 * recall:.1f}% of all bads"
    return told + "."


def _calibration_caution(metrics: Mapping[str, Any]) -> str:
    rate = metrics.get("default_rate")
    promised, limits = as_number(metrics.get("mean_pd")), interval_of(rate)
    if promised is None or limits is None or limits[0] <= promised <= limits[1]:
        return ""
    side = "more" if promised > limits[1] else "less"
    return (
        f"The mean PD promises {side} risk than was observed: {percent(promised)} lies outside the "
        f"{confidence(rate)} interval of the default rate ({interval(rate, 1, as_percent=True)})."
    )


def _slope_caution(metrics: Mapping[str, Any]) -> str:
    slope, limits = metrics.get("calibration_slope"), interval_of(metrics.get("calibration_slope"))
    if limits is None or limits[0] <= 1.0 <= limits[1]:
        return ""
    why = "too extreme" if limits[1] < 1.0 else "too timid"
    return f"The PDs are {why}: calibration slope {decimals(slope, 2)} ({interval(slope, 2)}), where 1 is right."


def _brier_caution(metrics: Mapping[str, Any]) -> str:
    ours, flat = as_number(metrics.get("brier")), as_number(metrics.get("brier_of_mean"))
    if ours is None or flat is None or ours < flat:
        return ""
    return f"The PDs are no better than giving everybody the average: Brier {ours:.4f} against {flat:.4f}."


def _small_caution(metrics: Mapping[str, Any]) -> str:
    rows, rate = as_number(metrics.get("n")), as_number(metrics.get("default_rate"))
    if rows is None or rate is None or rows * rate >= 100:
        return ""
    bads = round(rows * rate)
    return f"The test part holds only {bads} bads among {count(rows)} rows: read the intervals, not the figures."
