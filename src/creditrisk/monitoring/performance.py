"""How well a model did on loans whose outcome is known: ranks, losses and promises, each with its interval.

Every `y` has shape (n,), 1 = bad; every `pd` shape (n,), strictly between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creditrisk import stats
from creditrisk.errors import BadData
from creditrisk.kinds import Interval, Judgement
from creditrisk.stats.differences import normal_difference

type Floats = NDArray[np.float64]
type Labels = NDArray[np.str_]

LEAST = 10
"""Bads, and goods, without which no rank is told: an interval of fewer does not hold what it promises."""

LEVEL = 0.95
SEED = 20260101
SIGNIFICANCE = 0.05
"""A p value below it, corrected for the number of grades, says that a grade's PD is not right."""

RANKS = ("roc_auc", "normalized_gini", "ks")
LOSSES = ("brier", "log_loss")
LINE = ("calibration_slope", "calibration_intercept", "calibration_in_the_large")


def ranks(y: Floats, pd: Floats) -> dict[str, Any]:
    """AUC, Gini and KS; None each, and one reason in `notes`, where one class is absent or too few."""
    bads = int(np.count_nonzero(y == 1))
    if why := _too_few(bads, len(y) - bads):
        return {**dict.fromkeys(RANKS), "notes": dict.fromkeys(RANKS, why)}
    auc = stats.auc_interval(y, pd, level=LEVEL)
    gini = Interval(2.0 * auc.value - 1.0, 2.0 * auc.low - 1.0, 2.0 * auc.high - 1.0, LEVEL)
    ks = stats.ks_interval(y, pd, seed=SEED, level=LEVEL)
    told = zip(RANKS, (auc, gini, ks), strict=True)
    return {**{name: figure.as_json() for name, figure in told}, "notes": {}}


def _too_few(bads: int, goods: int) -> str:
    if not bads or not goods:
        return f"{bads} bads and {goods} goods: one class only"
    return f"{bads} bads and {goods} goods: a rank needs {LEAST} of each" if min(bads, goods) < LEAST else ""


def performance(y: Floats, pd: Floats) -> dict[str, Any]:
    """n, bads, and every figure as {value, low, high, level}; None with its reason in `notes` where there is none.

    Intervals: DeLong for AUC and Gini, resampling for KS, Wilson for the default rate, normal for means.
    """
    n, bads = len(y), int(np.count_nonzero(y == 1))
    ranked = ranks(y, pd)
    told: dict[str, Any] = {
        "n": n,
        "bads": bads,
        "expected_bads": float(np.sum(pd)),
        "mean_pd": float(np.mean(pd)) if n else None,
        "default_rate": stats.wilson_interval(bads, n, level=LEVEL).as_json() if n else None,
        **{name: ranked[name] for name in RANKS},
        "brier": _mean((pd - y) ** 2),
        "log_loss": _mean(stats.losses(y, pd)),
    }
    notes = dict(ranked["notes"])
    if not n:
        notes |= dict.fromkeys(("mean_pd", "default_rate", *LOSSES), "no loans with a known outcome")
    elif n == 1:
        notes |= dict.fromkeys(LOSSES, "one loan: a mean needs two")
    return {**told, "notes": notes}


def calibration(y: Floats, pd: Floats) -> dict[str, Any]:
    """Observed over expected bads with its interval, and the calibration line; None and why where there is none."""
    n, bads, expected = len(y), int(np.count_nonzero(y == 1)), float(np.sum(pd))
    told: dict[str, Any] = {"observed_over_expected": None, **dict.fromkeys(LINE)}
    notes: dict[str, str] = {}
    if n:
        rate = stats.clopper_pearson_interval(bads, n, level=LEVEL)
        ratio = Interval(bads / expected, rate.low * n / expected, rate.high * n / expected, LEVEL)
        told["observed_over_expected"] = ratio.as_json()
    else:
        notes["observed_over_expected"] = "no loans with a known outcome"
    try:
        if why := _too_few(bads, n - bads):
            raise BadData(why)
        stats.need_line(y, pd)
        line = stats.calibration_line_intervals(y, pd, level=LEVEL)
        parts = (line.slope, line.intercept, line.intercept_at_slope_one)
        told |= {name: part.as_json() for name, part in zip(LINE, parts, strict=True)}
    except BadData as error:
        notes |= dict.fromkeys(LINE, error.what)
    return {**told, "notes": notes}


def by_grade(
    y: Floats, pd: Floats, grade: Labels, grades: Sequence[str], then: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """A row for each grade, best first: bads observed against expected, Jeffreys' test, Holm's correction.

    then: {grade: its row in the development figures}.
    """
    rows = [_grade(name, y[grade == name], pd[grade == name], then.get(name)) for name in grades]
    tested = [row for row in rows if row["p_value"] is not None]
    corrected = stats.holm([row["p_value"] for row in tested])
    for row, p_value in zip(tested, corrected, strict=True):
        row["p_value"] = p_value
        wrong = p_value < SIGNIFICANCE
        row["verdict"] = (Judgement.FAIL if wrong else Judgement.PASS).value
        too = "too low" if row["bads"] > row["expected_bads"] else "too high"
        row["reason"] = f"its PD is {too}" if wrong else "its PD may be right"
    return rows


def _grade(name: str, y: Floats, pd: Floats, then: Mapping[str, Any] | None) -> dict[str, Any]:
    n, bads, expected = len(y), int(np.count_nonzero(y == 1)), float(np.sum(pd))
    enough = n > 0 and min(expected, n - expected) >= LEAST
    before = then or {}
    return {
        "grade": name,
        "n": n,
        "bads": bads,
        "expected_bads": expected,
        "mean_pd": float(np.mean(pd)) if n else None,
        "default_rate": stats.wilson_interval(bads, n, level=LEVEL).as_json() if n else None,
        "development": {key: before.get(key) for key in ("n", "bads", "mean_pd", "observed")} if then else None,
        "p_value": stats.jeffreys_test(bads, n, expected / n, two_sided=True) if enough else None,
        "verdict": Judgement.NOT_ENOUGH_EVIDENCE.value,
        "reason": f"{expected:.1f} bads expected of {n:,} loans; a verdict needs {LEAST} of them and of the others",
    }


def estimated(pd: Floats) -> dict[str, Any]:
    """What the figures will come out as if the PDs are right. An estimate: no outcome is in it."""
    told: dict[str, Any] = {"n": len(pd), "default_rate": None, "roc_auc": None, "brier": None, "log_loss": None}
    if not len(pd):
        return {**told, "notes": dict.fromkeys(("default_rate", "roc_auc", *LOSSES), "no loans")}
    notes: dict[str, str] = {}
    told["default_rate"] = float(np.mean(pd))
    try:
        told["brier"], told["log_loss"] = stats.expected_brier(pd), stats.expected_log_loss(pd)
        if why := _too_few(round(float(np.sum(pd))), round(float(np.sum(1.0 - pd)))):
            raise BadData(f"expected: {why}")
        told["roc_auc"] = stats.auc_by_chance(pd, seed=SEED, level=LEVEL).as_json()
    except BadData as error:
        notes |= {name: error.what for name in ("roc_auc", *LOSSES) if told[name] is None}
    return {**told, "notes": notes}


def against(now: Mapping[str, Any], then: Mapping[str, Any] | None, names: Sequence[str]) -> list[dict[str, Any]]:
    """Each figure now, at development, and how far apart; None where one of them is not there.

    Errors are read from the intervals, the two samples taken as independent.
    """
    return [_apart(name, now.get(name), None if then is None else then.get(name)) for name in names]


def _apart(name: str, now: Any, then: Any) -> dict[str, Any]:
    row = {"figure": name, "now": now, "development": then, "difference": None}
    if not isinstance(now, Mapping) or not isinstance(then, Mapping):
        return {**row, "why_not": "it is not known now" if now is None else "the development figure is not known"}
    error = (_error(now) ** 2 + _error(then) ** 2) ** 0.5
    if error <= 0.0:
        return {**row, "why_not": "neither figure has an error"}
    gap = normal_difference(now["value"] - then["value"], error, level=LEVEL)
    return {**row, "difference": gap.as_json(), "why_not": ""}


def _error(figure: Mapping[str, Any]) -> float:
    reach = NormalDist().inv_cdf(0.5 + float(figure["level"]) / 2.0)
    return (float(figure["high"]) - float(figure["low"])) / 2.0 / reach


def _mean(values: Floats) -> dict[str, float] | None:
    if len(values) < 2:
        return None
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / len(values) ** 0.5
    reach = NormalDist().inv_cdf(0.5 + LEVEL / 2.0) * error
    return Interval(mean, max(mean - reach, 0.0), mean + reach, LEVEL).as_json()
