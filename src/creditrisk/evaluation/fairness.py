"""Are groups of applicants treated alike: approvals, approvals of the good, and PDs that keep their promise.

Each test has three verdicts. `fail` needs an interval beyond the limit that is widened for every pair of groups the
test could have been made on (Bonferroni), since the best-treated group is found in the same rows. `pass` needs the
plain interval within the limit: all groups must pass together, which chance makes no easier. Everything between is
`not_enough_evidence`, with its counts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk import stats
from creditrisk.errors import BadData
from creditrisk.evaluation.verdicts import FAIL, NOT_ENOUGH, PASS, counted, worst
from creditrisk.kinds import Interval
from creditrisk.stats.two_shares import share_difference_interval, share_ratio_interval

NOT_STATED = "not stated"
TESTS = ("approval_ratio", "equal_opportunity", "calibration")

type Labels = NDArray[np.object_]
type Between = Callable[[int, int, int, int, float], Interval]
"""(hits, rows, hits of the other, rows of the other, level) -> how the shares compare."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a group is treated unlike; docs/fairness.md."""

    approval_ratio_min: float = 0.8
    opportunity_difference_max: float = 0.1
    calibration_ratio_max: float = 1.25
    rows_min: int = 30
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The tested rows, each of shape (n,).  y: 1 = bad.  pd: in [0, 1].  approved: outright."""

    y: NDArray[np.int64]
    pd: NDArray[np.float64]
    approved: NDArray[np.bool_]

    @classmethod
    def of(cls, y: ArrayLike, pd: ArrayLike, approved: ArrayLike) -> Outcomes:
        """Raises BadData for columns of different lengths, targets other than 0 and 1, PDs outside [0, 1]."""
        target, promise = np.asarray(y, dtype=np.float64), np.asarray(pd, dtype=np.float64)
        chosen = np.asarray(approved, dtype=np.bool_)
        if not len(target) == len(promise) == len(chosen):
            raise BadData(f"{len(target)} outcomes, {len(promise)} PDs, {len(chosen)} decisions", where="fairness")
        if not np.all((target == 0) | (target == 1)):
            raise BadData("the target has other values than 0 and 1", where="fairness")
        if not np.all((promise >= 0) & (promise <= 1)):
            raise BadData("a PD lies outside [0, 1] or is not a number", where="fairness")
        return cls(target.astype(np.int64), promise, chosen)


@dataclass(frozen=True, slots=True)
class Level:
    """One group's counts.  values: {grouping: its level}."""

    values: Mapping[str, str]
    rows: int = 0
    bads: int = 0
    approved: int = 0
    goods_approved: int = 0
    pd_sum: float = 0.0

    @property
    def name(self) -> str:
        return ", ".join(self.values.values())

    @property
    def goods(self) -> int:
        return self.rows - self.bads

    @property
    def stated(self) -> bool:
        return NOT_STATED not in self.values.values()


def assess_groups(
    outcomes: Outcomes, groups: Mapping[str, Sequence[str | None]], known: Mapping[str, Sequence[str]], limits: Limits
) -> dict[str, Any]:
    """How one grouping, or a crossing of several, fares: verdict, reason, and a row for each of its levels.

    groups: {grouping: level of each row, shape (n,); None = not stated}.  known: {grouping: levels that are listed
    even when nobody is in them}.
    """
    given = {name: stated(column) for name, column in groups.items()}
    levels = count_levels(outcomes, given, known)
    tested = [level for level in levels if level.rows]
    chosen = {
        "approval_ratio": _references(tested, "rows", "approved", limits),
        "equal_opportunity": _references(tested, "goods", "goods_approved", limits),
    }
    told = [_level(level, tested, chosen, limits) | _inside(level, outcomes, given, limits) for level in levels]
    verdicts = [row["verdict"] for row in told]
    return {
        "verdict": worst(verdicts) if len(tested) > 1 else NOT_ENOUGH,
        "reason": _why(told, tested),
        "counts": counted(verdicts),
        "references": {
            test: {kind: level.name if level else None for kind, level in found.items()}
            for test, found in chosen.items()
        },
        "corrected_for": {"pairs": _pairs(tested), "levels": len(tested)},
        "levels": told,
    }


def stated(column: Sequence[str | None]) -> Labels:
    """Each row's level, shape (n,); what is not stated is a level of its own."""
    return np.array([NOT_STATED if level is None else level for level in column], dtype=object)


def count_levels(outcomes: Outcomes, given: Mapping[str, Labels], known: Mapping[str, Sequence[str]]) -> list[Level]:
    """Counts of every level, known ones first and in their order, then by name, `not stated` last; crossings in full.

    given: {grouping: level of each row, shape (n,)}.
    """
    if any(len(column) != len(outcomes.y) for column in given.values()):
        raise BadData("a grouping has not one level for each row", where="fairness")
    order = {name: _ordered(column, known.get(name, ())) for name, column in given.items()}
    counts = _counts(outcomes, given) if len(outcomes.y) else {}
    return [
        Level(dict(zip(given, values, strict=True)), **counts.get(values, {}))
        for values in itertools.product(*order.values())
    ]


def _ordered(column: Labels, known: Sequence[str]) -> list[str]:
    found = set(column.tolist())
    new = sorted(found - set(known) - {NOT_STATED})
    return [*known, *new, *([NOT_STATED] if NOT_STATED in found and NOT_STATED not in known else [])]


def _counts(outcomes: Outcomes, given: Mapping[str, Labels]) -> dict[tuple[str, ...], dict[str, Any]]:
    """By fairlearn's frame, which knows crossings; a level nobody is in has no counts."""
    from fairlearn.metrics import MetricFrame

    frame = MetricFrame(
        metrics={
            "rows": lambda _, approved: len(approved),
            "bads": lambda bad, _: int(np.sum(bad)),
            "approved": lambda _, approved: int(np.sum(approved)),
            "goods_approved": lambda bad, approved: int(np.sum(np.asarray(approved) * (1 - np.asarray(bad)))),
            "pd_sum": lambda _, approved, pd: math.fsum(pd) if len(approved) else 0.0,
        },
        y_true=outcomes.y,
        y_pred=outcomes.approved.astype(np.int64),
        sensitive_features=dict(given),
        sample_params={"pd_sum": {"pd": outcomes.pd}},
    ).by_group
    counts = {}
    for level, row in frame.iterrows():
        if row["rows"] > 0:  # a crossing without rows is NaN there
            values = (level,) if isinstance(level, str) else tuple(level)
            counts[values] = {name: float(n) if name == "pd_sum" else int(n) for name, n in row.items()}
    return counts


def _references(levels: Sequence[Level], rows: str, hits: str, limits: Limits) -> dict[str, Level | None]:
    """The best-treated level and the largest; None where no stated level has rows enough."""
    able = [level for level in levels if level.stated and getattr(level, rows) >= max(limits.rows_min, 1)]
    if not able:
        return {"best_treated": None, "largest": None}

    def rate(level: Level) -> float:
        return float(getattr(level, hits) / getattr(level, rows))

    return {
        "best_treated": min(able, key=lambda level: (-rate(level), -getattr(level, rows), level.name)),
        "largest": min(able, key=lambda level: (-getattr(level, rows), level.name)),
    }


def _level(
    level: Level,
    tested: Sequence[Level],
    chosen: Mapping[str, Mapping[str, Level | None]],
    limits: Limits,
) -> dict[str, Any]:
    pairs = _pairs(tested)
    tests = {
        "approval_ratio": _compared(
            level, chosen["approval_ratio"], ("rows", "approved"), _ratio, limits.approval_ratio_min, pairs, limits
        ),
        "equal_opportunity": _compared(
            level, chosen["equal_opportunity"], ("goods", "goods_approved"), _difference,
            -limits.opportunity_difference_max, pairs, limits,
        ),
        "calibration": _calibrated(level, len(tested), limits),
    }  # fmt: skip
    verdict = worst(test["verdict"] for test in tests.values())
    return {
        "level": level.name,
        "values": dict(level.values),
        "verdict": verdict,
        "reason": "; ".join(test["reason"] for test in tests.values() if test["verdict"] == verdict),
        "rows": level.rows,
        "bads": level.bads,
        "goods": level.goods,
        "approved": level.approved,
        "approval_rate": _share(level.approved, level.rows, limits),
        "approval_rate_of_goods": _share(level.goods_approved, level.goods, limits),
        "default_rate": _share(level.bads, level.rows, limits),
        "mean_pd": level.pd_sum / level.rows if level.rows else None,
        "tests": tests,
    }


def _ratio(hits: int, rows: int, other_hits: int, other_rows: int, level: float) -> Interval:
    return share_ratio_interval(hits, rows, other_hits, other_rows, level=level)


def _difference(hits: int, rows: int, other_hits: int, other_rows: int, level: float) -> Interval:
    return share_difference_interval(hits, rows, other_hits, other_rows, level=level)


def _compared(
    level: Level,
    references: Mapping[str, Level | None],
    counts: tuple[str, str],
    between: Between,
    least: float,
    pairs: int,
    limits: Limits,
) -> dict[str, Any]:
    """A level against the best-treated one and against the largest; the first decides.

    least: of the figure; below it the level is treated unlike.
    """
    best, largest = references["best_treated"], references["largest"]
    rows, hits = (int(getattr(level, name)) for name in counts)
    empty = {
        "value": None,
        "corrected": None,
        "against": best.name if best else None,
        "limit": least,
        "to_largest": None,
    }
    if best is None:
        return {
            **empty,
            **_no_evidence(f"no group has {limits.rows_min} {counts[0]}, so there is none to compare with"),
        }
    if rows == 0:
        return {**empty, **_no_evidence(f"0 {counts[0]}")}

    def against(other: Level, at: float) -> Interval | None:
        try:
            return between(hits, rows, getattr(other, counts[1]), getattr(other, counts[0]), at)
        except BadData:
            return None

    plain, corrected = against(best, limits.level), against(best, _widened(limits.level, pairs))
    of_largest = against(largest, limits.level) if largest else None
    told = {**empty, "to_largest": of_largest.as_json() if of_largest else None}
    if plain is None or corrected is None:
        return {**told, **_no_evidence(f"nobody was approved in {best.name}, the best-treated group")}
    told |= {"value": plain.as_json(), "corrected": corrected.as_json()}
    there = f"{getattr(best, counts[1])} of {getattr(best, counts[0])}"
    said = f"{hits} of {rows} {counts[0]} approved, in {best.name} {there}"
    if level.name == best.name:
        return {**told, "verdict": PASS, "reason": "the best-treated group, with which the others are compared"}
    if rows < limits.rows_min:
        return {**told, **_no_evidence(f"{said}: a test needs {limits.rows_min}")}
    return {**told, **_judged(plain, corrected, (least, math.inf), said)}


def _calibrated(level: Level, levels: int, limits: Limits) -> dict[str, Any]:
    """Default rate over mean PD; 1 = the promise is kept, above 1 the PDs are too low."""
    most = limits.calibration_ratio_max
    told: dict[str, Any] = {"value": None, "corrected": None, "limit": most}
    if level.rows == 0:
        return {**told, **_no_evidence("0 rows")}
    mean = level.pd_sum / level.rows
    if mean <= 0.0:
        return {**told, **_no_evidence("the mean PD is 0, and a ratio to it no number")}
    plain = _over(level, limits.level, mean)
    corrected = _over(level, _widened(limits.level, levels), mean)
    told |= {"value": plain.as_json(), "corrected": corrected.as_json()}
    said = f"{level.bads} of {level.rows} rows bad, {level.pd_sum:.1f} promised"
    if level.rows < limits.rows_min:
        return {**told, **_no_evidence(f"{said}: a test needs {limits.rows_min}")}
    return {**told, **_judged(plain, corrected, (1.0 / most, most), said)}


def _over(level: Level, at: float, mean_pd: float) -> Interval:
    rate = stats.wilson_interval(level.bads, level.rows, level=at)
    return Interval(rate.value / mean_pd, rate.low / mean_pd, rate.high / mean_pd, at)


def _judged(plain: Interval, corrected: Interval, allowed: tuple[float, float], said: str) -> dict[str, str]:
    """allowed: lowest and highest figure that is alike."""
    low, high = allowed
    limit = f"{low:.3g} or more" if math.isinf(high) else f"{low:.3g} to {high:.3g}"
    if low <= plain.low and plain.high <= high:
        reason = f"{said}: {_shown(plain)}, all of it within the limit of {limit}"
        return {"verdict": PASS, "reason": reason}
    if corrected.high < low or corrected.low > high:
        reason = f"{said}: {_shown(corrected)}, all of it beyond the limit of {limit}"
        return {"verdict": FAIL, "reason": reason}
    shown = corrected if plain.high < low or plain.low > high else plain
    return _no_evidence(f"{said}: {_shown(shown)} reaches across the limit of {limit}")


def _shown(interval: Interval) -> str:
    return f"{interval.value:.3f}, {100 * interval.level:.4g}% interval {interval.low:.3f} to {interval.high:.3f}"


def _no_evidence(why: str) -> dict[str, str]:
    return {"verdict": NOT_ENOUGH, "reason": why}


def _widened(level: float, tests: int) -> float:
    """Bonferroni: each of `tests` intervals this wide, all of them hold together at `level`."""
    return 1.0 - (1.0 - level) / max(tests, 1)


def _pairs(levels: Sequence[Level]) -> int:
    return math.comb(len(levels), 2)


def _share(hits: int, rows: int, limits: Limits) -> dict[str, float] | None:
    return stats.wilson_interval(hits, rows, level=limits.level).as_json() if rows else None


def _inside(level: Level, outcomes: Outcomes, given: Mapping[str, Labels], limits: Limits) -> dict[str, Any]:
    """How the PDs rank and scale within the level: AUC and calibration slope, None and a note where too few tell."""
    told: dict[str, Any] = {"roc_auc": None, "calibration_slope": None, "note": None}
    if min(level.bads, level.goods) < limits.rows_min:
        return {**told, "note": f"no AUC and no slope from {level.bads} bads and {level.goods} goods"}
    rows = np.ones(len(outcomes.y), dtype=np.bool_)
    for name, value in level.values.items():
        rows &= np.asarray(given[name] == value, dtype=np.bool_)
    y, pd = outcomes.y[rows], outcomes.pd[rows]
    told["roc_auc"] = stats.auc_interval(y, pd, level=limits.level).as_json()
    try:
        told["calibration_slope"] = _slope(y, pd, limits.level).as_json()
    except BadData as error:
        told["note"] = error.what
    return told


def _slope(y: NDArray[np.int64], pd: NDArray[np.float64], level: float) -> Interval:
    """Of the calibration line, with Wald's interval. Raises BadData where the likelihood has no maximum."""
    bads, goods = pd[y == 1], pd[y == 0]
    if np.ptp(pd) == 0 or np.any((pd <= 0) | (pd >= 1)):
        raise BadData("no slope: the PDs are all equal, or one is 0 or 1")
    if np.min(bads) >= np.max(goods) or np.max(bads) <= np.min(goods):
        raise BadData("no slope: the PDs separate the outcomes perfectly")
    line, log_odds = stats.calibration_line(y, pd), stats.logit(pd)
    p = stats.sigmoid(line.slope * log_odds + line.intercept)
    weight = p * (1.0 - p)
    centre = float(np.sum(weight * log_odds) / np.sum(weight))
    reach = NormalDist().inv_cdf(0.5 + level / 2.0) / math.sqrt(float(np.sum(weight * (log_odds - centre) ** 2)))
    return Interval(line.slope, line.slope - reach, line.slope + reach, level)


def _why(told: Sequence[Mapping[str, Any]], tested: Sequence[Level]) -> str:
    if len(tested) < 2:
        return f"{len(tested)} group with rows: there is nothing to compare"
    failed = [f"{row['level']} ({row['reason']})" for row in told if row["verdict"] == FAIL]
    if failed:
        more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
        return "; ".join(failed[:3]) + more
    counts = counted(row["verdict"] for row in told)
    if counts[NOT_ENOUGH]:
        return f"{counts[PASS]} of {len(told)} groups pass, {counts[NOT_ENOUGH]} have too few rows to tell"
    return f"all {len(told)} groups pass"
