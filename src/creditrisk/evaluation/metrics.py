"""The figures of `test_metrics.json`: how the model ranks, whether its PDs are honest, what its cut-offs do."""
# ruff: noqa: PT028 -- `test_metrics` is named after its report; it is no test with defaults

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk import stats
from creditrisk.errors import BadData
from creditrisk.evaluation.tables import grade_table, grade_tables, group_table
from creditrisk.kinds import Interval, Verdict

type Floats = NDArray[np.float64]

_LINE = ("calibration_slope", "calibration_intercept", "calibration_in_the_large")


@dataclass(frozen=True)
class _Sample:
    """Checked inputs, each of shape (n,), and how to draw intervals from them."""

    y: Floats
    pd: Floats
    score: Floats
    decision: NDArray[np.str_]
    level: float
    resamples: int
    seed: int
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def declined(self) -> NDArray[np.bool_]:
        return self.decision == Verdict.DECLINE.value

    def bootstrap(self, figure: Callable[..., float], *columns: ArrayLike) -> Interval:
        return stats.bootstrap_interval(figure, *columns, seed=self.seed, rounds=self.resamples, level=self.level)

    def rate(self, hits: NDArray[np.bool_], among: NDArray[np.bool_] | None = None) -> Interval:
        rows = len(hits) if among is None else int(np.count_nonzero(among))
        counted = hits if among is None else hits & among
        return stats.wilson_interval(int(np.count_nonzero(counted)), rows, level=self.level)

    def told(self, name: str, figure: Callable[[], Interval | float]) -> dict[str, float] | float | None:
        """The figure for JSON; None, and the reason in `notes`, where it is not defined."""
        try:
            value = figure()
        except BadData as error:
            self.notes[name] = error.what
            return None
        numbers = value.as_json() if isinstance(value, Interval) else float(value)
        if not all(math.isfinite(n) for n in (numbers.values() if isinstance(numbers, dict) else [numbers])):
            self.notes[name] = "not a finite number on these rows"
            return None
        return numbers


def test_metrics(
    y: ArrayLike,
    pd: ArrayLike,
    score: ArrayLike,
    decision: Sequence[str] | NDArray[np.str_],
    *,
    grade: Sequence[str] | NDArray[np.str_] | None = None,
    grades: Sequence[str] = (),
    vintage: Sequence[str] | NDArray[np.str_] | None = None,
    level: float = 0.95,
    resamples: int = 200,
    seed: int = 20260101,
) -> dict[str, Any]:
    """Every figure of the test part, JSON-safe; {"value", "low", "high", "level"} where an interval is defined.

    y: shape (n,), 1 = bad.  pd: shape (n,), in [0, 1].  score: shape (n,), points.  decision: shape (n,), 'approve',
    'refer' or 'decline'.  grade, vintage: shape (n,), labels; with them come `grades` (one row per name in `grades`,
    best first) and `vintages`, `grades_by_vintage`.
    A figure that these rows cannot give (one class only, nobody declined) is None, and `notes` says why.
    Intervals: DeLong for AUC and Gini, Wilson for shares, Wald for the calibration line, else `resamples` bootstrap
    draws with `seed`.  ECE has none: resampling pushes it upwards; `ece_by_chance` is its yardstick instead.
    `precision`, `recall` and `f1` take a decline as the forecast "bad".
    Raises BadData for no rows, targets other than 0 and 1, PDs outside [0, 1], or columns of different lengths.
    """
    sample = _Sample(*_checked(y, pd, score, decision), level=level, resamples=resamples, seed=seed)
    figures = {"n": len(sample.y), **_ranking(sample), **_honesty(sample), **_decisions(sample), **_points(sample)}
    if grade is not None:
        figures["grades"] = grade_table(sample.y, sample.pd, grade, grades, level=level)
    if vintage is not None:
        figures["vintages"] = group_table(sample.y, sample.pd, vintage, level=level)
    if grade is not None and vintage is not None:
        figures["grades_by_vintage"] = grade_tables(sample.y, sample.pd, grade, vintage, grades, level=level)
    return {**figures, "notes": dict(sorted(sample.notes.items()))}


def _checked(
    y: ArrayLike, pd: ArrayLike, score: ArrayLike, decision: ArrayLike
) -> tuple[Floats, Floats, Floats, NDArray[np.str_]]:
    target, promise = np.asarray(y, dtype=np.float64), np.asarray(pd, dtype=np.float64)
    points, verdict = np.asarray(score, dtype=np.float64), np.asarray(decision, dtype=np.str_)
    lengths = {"y": len(target), "pd": len(promise), "score": len(points), "decision": len(verdict)}
    if len(set(lengths.values())) > 1:
        raise BadData(f"columns of different lengths: {lengths}", where="evaluation")
    if not len(target):
        raise BadData("no rows to evaluate", where="evaluation", hint="look at the split: the test part is empty")
    if not np.all((target == 0) | (target == 1)):
        raise BadData("the target has other values than 0 and 1", where="evaluation", hint="leave out unknown outcomes")
    if not np.all((promise >= 0) & (promise <= 1)):
        raise BadData("a PD lies outside [0, 1] or is not a number", where="evaluation", hint="score the rows again")
    return target, promise, points, verdict


def _ranking(s: _Sample) -> dict[str, Any]:
    return {
        "roc_auc": s.told("roc_auc", lambda: stats.auc_interval(s.y, s.pd, level=s.level)),
        "normalized_gini": s.told("normalized_gini", lambda: stats.gini_interval(s.y, s.pd, level=s.level)),
        "ks": s.told("ks", lambda: s.bootstrap(stats.ks, s.y, s.pd)),
        "pr_auc": s.told("pr_auc", lambda: s.bootstrap(stats.pr_auc, s.y, s.pd)),
    }


def _honesty(s: _Sample) -> dict[str, Any]:
    observed = float(np.mean(s.y))
    return {
        "default_rate": s.told("default_rate", lambda: s.rate(s.y == 1)),
        "mean_pd": float(np.mean(s.pd)),
        "brier": s.told("brier", lambda: s.bootstrap(stats.brier, s.y, s.pd)),
        # of the best constant, these rows' own default rate: the hardest flat answer to beat
        "brier_of_mean": observed * (1.0 - observed),
        "brier_skill": s.told("brier_skill", lambda: s.bootstrap(_brier_skill, s.y, s.pd)),
        "log_loss": s.told("log_loss", lambda: s.bootstrap(stats.log_loss, s.y, s.pd)),
        "ece": s.told("ece", lambda: stats.ece(s.y, s.pd)),
        "ece_by_chance": s.told("ece_by_chance", lambda: _ece_by_chance(s)),
        **_told_line(s),
    }


def _brier_skill(y: Floats, pd: Floats) -> float:
    """Share of the flat answer's Brier that the PDs take away; 0 = no better than the mean."""
    observed = float(np.mean(y))
    if observed in (0.0, 1.0):
        raise BadData("one class only: a flat answer is already perfect")
    return 1.0 - stats.brier(y, pd) / (observed * (1.0 - observed))


def _ece_by_chance(s: _Sample) -> float:
    """What honest PDs stay under, on this many rows, with probability `level`: outcomes are drawn from the PDs."""
    random = np.random.default_rng(s.seed)
    drawn = [stats.ece(random.random(len(s.pd)) < s.pd, s.pd) for _ in range(s.resamples)]
    return float(np.quantile(drawn, s.level))


def _told_line(s: _Sample) -> dict[str, Any]:
    """Slope, intercept, and calibration in the large, as JSON; None and one common reason where there is no line."""
    try:
        values = _calibration_line(s)
    except BadData as error:
        s.notes.update(dict.fromkeys(_LINE, error.what))
        return dict.fromkeys(_LINE)
    return {name: interval.as_json() for name, interval in zip(_LINE, values, strict=True)}


def _calibration_line(s: _Sample) -> tuple[Interval, Interval, Interval]:
    """Raises BadData where the likelihood has no maximum."""
    stats.need_line(s.y, s.pd)
    line = stats.calibration_line_intervals(s.y, s.pd, level=s.level)
    return line.slope, line.intercept, line.intercept_at_slope_one


def _decisions(s: _Sample) -> dict[str, Any]:
    bad, approved = s.y == 1, s.decision == Verdict.APPROVE.value
    return {
        "precision": s.told("precision", lambda: s.rate(bad, among=_some(s.declined, "nobody was declined"))),
        "recall": s.told("recall", lambda: s.rate(s.declined, among=_some(bad, "no bads"))),
        "f1": s.told("f1", lambda: s.bootstrap(_f1, bad, s.declined)),
        "approval_rate": s.told("approval_rate", lambda: s.rate(approved)),
        "refer_rate": s.told("refer_rate", lambda: s.rate(s.decision == Verdict.REFER.value)),
        "decline_rate": s.told("decline_rate", lambda: s.rate(s.declined)),
        "bad_rate_of_approved": s.told(
            "bad_rate_of_approved", lambda: s.rate(bad, among=_some(approved, "nobody was approved"))
        ),
    }


def _some(rows: NDArray[np.bool_], otherwise: str) -> NDArray[np.bool_]:
    if not np.any(rows):
        raise BadData(otherwise)
    return rows


def _f1(bad: NDArray[np.bool_], declined: NDArray[np.bool_]) -> float:
    wrong_or_right = int(np.count_nonzero(bad)) + int(np.count_nonzero(declined))
    if not wrong_or_right:
        raise BadData("no bads and nobody declined")
    return 2.0 * int(np.count_nonzero(bad & declined)) / wrong_or_right


def _points(s: _Sample) -> dict[str, Any]:
    """What whole points keep of the PD's ranking, and where the points lie."""
    by_outcome = {"good": s.score[s.y == 0], "bad": s.score[s.y == 1]}
    quantiles = {"min": 0.0, "p05": 0.05, "median": 0.5, "p95": 0.95, "max": 1.0}
    return {
        "roc_auc_of_score": s.told("roc_auc_of_score", lambda: stats.roc_auc(s.y, -s.score)),
        "score": {name: float(np.quantile(s.score, share)) for name, share in quantiles.items()},
        "mean_score": {name: float(np.mean(points)) if len(points) else None for name, points in by_outcome.items()},
    }
