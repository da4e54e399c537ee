"""Are the PDs right, over all rows and in each group? Every test has a verdict, its counts and its reason.

Each `y` has shape (n,), 1 = bad; each `pd` shape (n,), in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk import stats
from creditrisk.errors import BadData
from creditrisk.kinds import Interval, Judgement

type Floats = NDArray[np.float64]
type Labels = Sequence[str] | NDArray[np.str_]

SIGNIFICANCE = 0.05
"""A corrected p value below it fails a test."""

LEAST_EXPECTED = 10
"""Bads, and goods, that the PDs must promise before a test has a verdict."""

HOSMER_LEMESHOW_SAYS = "for information only: at 60,000 rows this test rejects any model, however close its PDs are"

_ROW_TESTS: dict[str, Callable[..., Any]] = {
    "spiegelhalter": stats.spiegelhalter,
    "slope_and_intercept": stats.line_test,
    "in_the_large": stats.mean_test,
    "hosmer_lemeshow": stats.hosmer_lemeshow,
}
_COUNT_TESTS: dict[str, Callable[..., Any]] = {
    "binomial_too_low": stats.binomial_test,
    "binomial": lambda bads, rows, pd: stats.binomial_test(bads, rows, pd, two_sided=True),
    "jeffreys_too_low": stats.jeffreys_test,
    "jeffreys": lambda bads, rows, pd: stats.jeffreys_test(bads, rows, pd, two_sided=True),
}
"""`too_low` asks one-sidedly whether the PD is too low; the others whether it is right."""


def overall(y: ArrayLike, pd: ArrayLike, *, level: float = 0.95) -> dict[str, Any]:
    """Figures of all rows, and every test of them. Each test answers a question of its own: nothing is corrected."""
    target, promise = _checked(y, pd)
    told = {**figures(target, promise, level=level), "tests": _tests(target, promise, {**_ROW_TESTS, **_COUNT_TESTS})}
    _judge([told])
    return told


def by_grade(
    y: ArrayLike, pd: ArrayLike, grade: Labels, grades: Sequence[str], *, served: ArrayLike | None = None,
    margin: float | None = None, level: float = 0.95,
) -> list[dict[str, Any]]:  # fmt: skip
    """One row per grade, best first: figures, the mean PD served, that with the margin, and the tests of the count.

    served: the PDs as served, where they differ from those tested.  margin: relative add-on to what is served, shown
    beside it.  Holm's correction over the grades of each test.
    """
    target, promise = _checked(y, pd)
    given, shown = np.asarray(grade, dtype=np.str_), promise if served is None else np.asarray(served, dtype=np.float64)
    rows = []
    for name in grades:
        inside = given == name
        told: dict[str, Any] = {"grade": name, **_group(target[inside], promise[inside], _COUNT_TESTS, level)}
        best = float(np.mean(shown[inside])) if np.any(inside) else None
        told["mean_pd_served"] = best
        told["pd_with_margin"] = min(best * (1.0 + margin), 1.0) if best is not None and margin is not None else None
        rows.append(told)
    _judge(rows)
    return rows


def by_segment(
    y: ArrayLike, pd: ArrayLike, segments: Mapping[str, Labels], *, level: float = 0.95
) -> dict[str, list[dict[str, Any]]]:
    """For each segment its groups in sorted order, with figures and tests. Holm's correction over all of them."""
    target, promise = _checked(y, pd)
    tests = {name: test for name, test in {**_ROW_TESTS, **_COUNT_TESTS}.items() if name != "hosmer_lemeshow"}
    told = {
        segment: [
            {"group": name, **_group(target[groups == name], promise[groups == name], tests, level)}
            for name in np.unique(groups).tolist()
        ]
        for segment, groups in ((name, np.asarray(words, dtype=np.str_)) for name, words in sorted(segments.items()))
    }
    _judge([group for groups in told.values() for group in groups])
    return told


def shift(y: ArrayLike, pd: ArrayLike, window: Labels, *, level: float = 0.95) -> list[dict[str, Any]]:
    """Mean PD against default rate in each window, by its name in sorted order."""
    target, promise = _checked(y, pd)
    named = np.asarray(window, dtype=np.str_)
    return [
        {"window": name, **figures(target[named == name], promise[named == name], level=level)}
        for name in np.unique(named).tolist()
    ]


def figures(y: ArrayLike, pd: ArrayLike, *, level: float = 0.95) -> dict[str, Any]:
    """n, bads, mean PD, default rate, their ratio, and the calibration line; {value, low, high, level} each.

    What these rows cannot tell is None, and `notes` says why.
    """
    target, promise = _checked(y, pd)
    n, bads = len(target), int(np.count_nonzero(target == 1))
    mean = _mean(promise, level)
    rate = stats.wilson_interval(bads, n, level=level)
    told: dict[str, Any] = {"n": n, "bads": bads, "mean_pd": mean.as_json(), "default_rate": rate.as_json()}
    notes: dict[str, str] = {}
    told["mean_pd_over_default_rate"] = None
    if bads:
        ratio = Interval(mean.value / rate.value, mean.value / rate.high, mean.value / rate.low, level)
        told["mean_pd_over_default_rate"] = ratio.as_json()
    else:
        notes["mean_pd_over_default_rate"] = "no bads"
    told.update(dict.fromkeys(("slope", "intercept", "in_the_large")))
    try:
        stats.need_line(target, promise)
        line = stats.calibration_line_intervals(target, promise, level=level)
    except BadData as error:
        notes.update(dict.fromkeys(("slope", "intercept", "in_the_large"), error.what))
    else:
        for name, interval in (
            ("slope", line.slope), ("intercept", line.intercept), ("in_the_large", line.intercept_at_slope_one),
        ):  # fmt: skip
            if all(math.isfinite(number) for number in (interval.value, interval.low, interval.high)):
                told[name] = interval.as_json()
            else:
                notes[name] = "not a finite number on these rows"
    return {**told, "notes": notes}


def _group(y: Floats, pd: Floats, tests: Mapping[str, Callable[..., Any]], level: float) -> dict[str, Any]:
    if len(y):
        return {**figures(y, pd, level=level), "tests": _tests(y, pd, tests)}
    absent = ("mean_pd", "default_rate", "mean_pd_over_default_rate", "slope", "intercept", "in_the_large")
    return {
        "n": 0,
        "bads": 0,
        **dict.fromkeys(absent),
        "notes": dict.fromkeys(absent, "no rows"),
        "tests": [_untested(name, 0, 0, 0.0, Judgement.NOT_ENOUGH_EVIDENCE, "no rows") for name in tests],
    }


def _tests(y: Floats, pd: Floats, tests: Mapping[str, Callable[..., Any]]) -> list[dict[str, Any]]:
    """Each test of these rows, with its p value and no verdict yet where it has one."""
    n, bads, expected = len(y), int(np.count_nonzero(y == 1)), float(np.sum(pd))
    refuted = int(np.count_nonzero(((pd == 0.0) & (y == 1)) | ((pd == 1.0) & (y == 0))))
    told = []
    for name, test in tests.items():
        if refuted:
            reason = f"{refuted} rows had a PD of 0 or 1 and did the other: an infinite loss"
            told.append(_untested(name, n, bads, expected, Judgement.FAIL, reason))
        elif min(expected, n - expected) < LEAST_EXPECTED:
            reason = (
                f"{expected:.1f} bads and {n - expected:.1f} goods expected of {n} rows; "
                f"a verdict needs {LEAST_EXPECTED} of each"
            )
            told.append(_untested(name, n, bads, expected, Judgement.NOT_ENOUGH_EVIDENCE, reason))
        else:
            told.append(_asked(name, test, y, pd))
    return told


def _asked(name: str, test: Callable[..., Any], y: Floats, pd: Floats) -> dict[str, Any]:
    n, bads, expected = len(y), int(np.count_nonzero(y == 1)), float(np.sum(pd))
    row = _untested(name, n, bads, expected, Judgement.NOT_ENOUGH_EVIDENCE, "not judged yet")
    try:
        found = test(bads, n, expected / n) if name in _COUNT_TESTS else test(y, pd)
    except BadData as error:
        return {**row, "reason": error.what}
    if isinstance(found, stats.Tested):
        return {**row, "statistic": found.statistic, "p_value": found.p_value}
    return {**row, "p_value": float(found)}


def _untested(name: str, n: int, bads: int, expected: float, verdict: Judgement, reason: str) -> dict[str, Any]:
    return {
        "test": name,
        "verdict": verdict.value,
        "reason": reason,
        "n": n,
        "bads": bads,
        "expected_bads": expected,
        "statistic": None,
        "p_value": None,
        "p_value_corrected": None,
        "asked_together": 1,
        "for_information": name == "hosmer_lemeshow",
    }


def _judge(groups: Sequence[dict[str, Any]]) -> None:
    """Corrects each test's p values over the groups that have one, and gives the verdicts."""
    rows = [row for group in groups for row in group["tests"]]
    for name in dict.fromkeys(row["test"] for row in rows):
        open_rows = [row for row in rows if row["test"] == name and row["p_value"] is not None]
        corrected = stats.holm([row["p_value"] for row in open_rows])
        for row, p_value in zip(open_rows, corrected, strict=True):
            row["p_value_corrected"], row["asked_together"] = p_value, len(open_rows)
            row["verdict"] = (Judgement.FAIL if p_value < SIGNIFICANCE else Judgement.PASS).value
            row["reason"] = _reason(row)


def _reason(row: Mapping[str, Any]) -> str:
    promised, seen = row["expected_bads"] / row["n"], row["bads"] / row["n"]
    together = f", corrected for {row['asked_together']} groups" if row["asked_together"] > 1 else ""
    words = (
        f"mean PD {100 * promised:.2f} %, default rate {100 * seen:.2f} % of {row['n']} rows; "
        f"p value {row['p_value_corrected']:.3g}{together}"
    )
    return f"{words}; {HOSMER_LEMESHOW_SAYS}" if row["for_information"] else words


def _mean(pd: Floats, level: float) -> Interval:
    """Mean PD with the normal interval for rows drawn anew."""
    mean = float(np.mean(pd))
    error = float(np.std(pd, ddof=1)) / len(pd) ** 0.5 if len(pd) > 1 else 0.0
    reach = NormalDist().inv_cdf(0.5 + level / 2.0) * error
    return Interval(mean, max(mean - reach, 0.0), min(mean + reach, 1.0), level)


def _checked(y: ArrayLike, pd: ArrayLike) -> tuple[Floats, Floats]:
    target, promise = np.asarray(y, dtype=np.float64), np.asarray(pd, dtype=np.float64)
    if target.shape != promise.shape or not len(target):
        raise BadData(f"{len(target)} outcomes and {len(promise)} PDs", where="calibration tests")
    if not np.all((target == 0) | (target == 1)):
        raise BadData("the target has other values than 0 and 1", where="calibration tests")
    if not np.all((promise >= 0) & (promise <= 1)):
        raise BadData("a PD lies outside [0, 1] or is not a number", where="calibration tests")
    return target, promise
