"""Several ways to make a book's model, each judged on the same rows and folds by models that never saw the row.

The way from rows to PDs and a cut-off is the one that training takes. Nothing made here is kept or decides anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from creditrisk.errors import BadData
from creditrisk.kinds import Interval
from creditrisk.modelling.calibration import CALIBRATORS
from creditrisk.modelling.choose_calibration import calibrate, choose_calibration, cross_fitted, methods_for
from creditrisk.modelling.estimators import estimator_named
from creditrisk.modelling.levels import levels_for
from creditrisk.modelling.out_of_fold import Development, FoldFit, Progress, out_of_fold_margins
from creditrisk.modelling.policy import CutOff, choose_cut_off
from creditrisk.modelling.train import development_of, learning_of
from creditrisk.stats import auc_difference, auc_interval, brier, calibration_line, log_loss, sigmoid

if TYPE_CHECKING:
    from creditrisk.config import Decision, Portfolio

type Floats = NDArray[np.float64]

RESAMPLES = 500
LEVEL = 0.95
NO_DIFFERENCE = "no difference that these rows can show"
SMALLER_IS_BETTER = ("brier", "log_loss", "bad_rate_of_approved", "cost_per_application")


@dataclass(frozen=True)
class Way:
    """One way to make the model: the book's portfolio with what differs, and the rows and features to learn from.

    table: key, target, part, fold and the features, of the same rows for every way.
    """

    portfolio: Portfolio
    table: pa.Table
    features: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """What a way gives on rows that its models never saw. Arrays have shape (n,), rows sorted by key.

    margin: uncalibrated log-odds.  pd: calibrated on the other folds, by the method that the book would serve.
    """

    rows: Development
    margin: Floats
    pd: Floats
    calibration: str
    cut_off: CutOff
    folds: tuple[FoldFit, ...]
    decision: Decision


def judge(way: Way, progress: Progress) -> Judged:
    """Fit the way's models fold by fold. Raises BadData, BadConfig as training does; prohibited columns are not asked
    about here, since what they would be worth is one of the questions.
    """
    training = way.portfolio.training
    kind = estimator_named(training.estimator)
    rows = development_of(way.table, way.portfolio.entity.key, way.features, training)
    margin, folds = out_of_fold_margins(rows, kind, learning_of(kind, way.features, way.portfolio), progress)
    return served(way.portfolio, rows, margin, tuple(folds))


def served(portfolio: Portfolio, rows: Development, margin: Floats, folds: tuple[FoldFit, ...]) -> Judged:
    """Margins as the book would serve them: calibrated by the method it chooses, cut off in its own way."""
    methods = methods_for(estimator_named(portfolio.training.estimator), portfolio.training)
    method = choose_calibration(methods, margin, rows).method
    return _judged(rows, margin, _served_pd(portfolio, method, margin, rows), method, folds, portfolio.decision)


def calibrated_by(portfolio: Portfolio, judged: Judged, method: str) -> Judged:
    """The same margins with another calibration. Raises BadData where these rows cannot carry it."""
    pd = _served_pd(portfolio, method, judged.margin, judged.rows)
    return _judged(judged.rows, judged.margin, pd, method, judged.folds, judged.decision)


def _served_pd(portfolio: Portfolio, method: str, margin: Floats, rows: Development) -> Floats:
    """Each row's PD by a calibration that never saw its fold."""
    if method not in CALIBRATORS:  # never served, so neither by level nor moved to a long-run rate
        return cross_fitted(method, margin, rows)
    training = portfolio.training
    kind = estimator_named(training.estimator)
    levels = levels_for(kind, rows, training, learning_of(kind, rows.features, portfolio))
    return calibrate(method, margin, rows, training.long_run_default_rate, levels).out_of_fold


def _judged(
    rows: Development, margin: Floats, pd: Floats, method: str, folds: tuple[FoldFit, ...], decision: Decision
) -> Judged:
    in_train = ~rows.in_calibration
    cut_off = choose_cut_off(pd[in_train], rows.target[in_train], decision)
    return Judged(rows, margin, pd, method, cut_off, folds, decision)


def own_row(name: str, what: str, own: Judged) -> dict[str, Any]:
    """The book's own model among the rows of a table."""
    return {**_row(name, what, own, own), "own": True, "verdict": "the book's own model"}


def row(name: str, what: str, other: Judged, own: Judged, *, seed: int, verdict_on: str = "roc_auc") -> dict[str, Any]:
    """One way beside the book's own model, with paired differences on the same rows."""
    differences, why = _differences(other, own, seed)
    told = _row(name, what, other, own)
    told["figures"]["notes"].update(why)
    return {
        **told,
        "difference": {name: None if gap is None else gap.as_json() for name, gap in differences.items()},
        "verdict": verdict(differences[verdict_on], verdict_on),
    }


def failed_row(name: str, what: str, reason: str) -> dict[str, Any]:
    """A way that could not be tried, and why."""
    return {
        "name": name, "what": what, "own": False, "figures": None, "difference": None, "calibration": None,
        "decline_from_pd": None, "folds": [], "verdict": "could not be tried", "reason": reason,
    }  # fmt: skip


def verdict(difference: Interval | None, figure: str) -> str:
    """One line for a reader, from the paired interval of one figure.

    >>> verdict(Interval(-0.0065, -0.009, -0.004), "roc_auc")
    'worse by 0.0040 to 0.0090 AUC'
    """
    if difference is None:
        return "the difference is not defined on these rows"
    least, most = sorted((abs(difference.low), abs(difference.high)))
    if difference.low <= 0.0 <= difference.high:
        return NO_DIFFERENCE
    better = (difference.low > 0.0) != (figure in SMALLER_IS_BETTER)
    words = {"roc_auc": "AUC", "log_loss": "log loss", "brier": "Brier"}[figure]
    return f"{'better' if better else 'worse'} by {least:.4f} to {most:.4f} {words}"


def _row(name: str, what: str, judged: Judged, own: Judged) -> dict[str, Any]:
    return {
        "name": name,
        "what": what,
        "own": False,
        "figures": figures(judged, own),
        "difference": None,
        "calibration": judged.calibration,
        "decline_from_pd": judged.cut_off.decline_from_pd,
        "folds": [{"fold": fit.fold, "rounds": fit.rounds, "roc_auc": fit.roc_auc} for fit in judged.folds],
        "reason": None,
    }


def figures(judged: Judged, own: Judged) -> dict[str, Any]:
    """Figures over all rows, JSON-safe; one that is not defined is None, and `notes` says why.

    `roc_auc` comes with its interval.  `uncalibrated` takes the sigmoid of the margin for a PD.  `…_at_same_approvals`:
    the safest rows are approved and the riskiest declined, as many as the book's own model approves and declines.
    """
    y, pd = judged.rows.target, judged.pd
    ledger = _Ledger.of(judged, own)
    told = ledger.figures(ledger.values.mean(axis=0))
    notes: dict[str, str] = {}
    if told["bad_rate_of_approved"] is None:
        notes["bad_rate_of_approved"] = "nobody is approved"
    if not ledger.has_costs:
        notes["cost_per_application"] = notes["cost_at_same_approvals"] = "the book states a cut-off, and no costs"
    return {
        "n": len(y),
        "default_rate": float(np.mean(y)),
        "roc_auc": auc_interval(y, pd, level=LEVEL).as_json(),
        **told,
        **_calibration_figures(y, pd, notes),
        "uncalibrated": {
            "brier": brier(y, sigmoid(judged.margin)),
            "log_loss": log_loss(y, sigmoid(judged.margin)),
            **_calibration_figures(y, sigmoid(judged.margin), notes, of="uncalibrated."),
        },
        "distinct_pds": len(np.unique(pd)),
        "distinct_margins": len(np.unique(judged.margin)),
        "notes": notes,
    }


def _calibration_figures(y: Floats, pd: Floats, notes: dict[str, str], of: str = "") -> dict[str, float | None]:
    """Mean PD, and slope and intercept of outcome on log-odds. A PD that is a probability has 1 and 0."""
    inside = np.clip(pd, 1e-12, 1.0 - 1e-12)  # plain isotonic gives PDs of 0 and 1
    if np.ptp(inside) == 0:
        notes[f"{of}calibration_slope"] = notes[f"{of}calibration_intercept"] = "all PDs are equal"
        return {"mean_pd": float(np.mean(pd)), "calibration_slope": None, "calibration_intercept": None}
    line = calibration_line(y, inside)
    return {"mean_pd": float(np.mean(pd)), "calibration_slope": line.slope, "calibration_intercept": line.intercept}


_COLUMNS = (
    "brier", "log_loss", "approved", "declined", "bad_approved", "cost", "same_approved", "same_bad_approved",
    "same_cost",
)  # fmt: skip


@dataclass(frozen=True)
class _Ledger:
    """What each row adds to each figure, shape (n, columns): figures of resampled rows are then weighted sums."""

    values: Floats
    has_costs: bool

    @classmethod
    def of(cls, judged: Judged, own: Judged) -> _Ledger:
        y, pd, cut = judged.rows.target, judged.pd, judged.cut_off
        approved, declined = pd < cut.refer_from_pd, pd >= cut.decline_from_pd
        safest = np.argsort(pd, kind="stable")
        same_approved, same_declined = np.zeros_like(approved), np.zeros_like(declined)
        same_approved[safest[: int(np.sum(own.pd < own.cut_off.refer_from_pd))]] = True
        same_declined[safest[len(safest) - int(np.sum(own.pd >= own.cut_off.decline_from_pd)) :]] = True
        inside = np.clip(pd, np.finfo(np.float64).eps, 1.0 - np.finfo(np.float64).eps)
        columns = (
            (pd - y) ** 2,
            -(y * np.log(inside) + (1.0 - y) * np.log1p(-inside)),
            approved, declined, approved * y, _costs(y, declined, judged.decision),
            same_approved, same_approved * y, _costs(y, same_declined, judged.decision),
        )  # fmt: skip
        return cls(np.column_stack(columns).astype(np.float64), _has_costs(judged.decision))

    def figures(self, means: Floats) -> dict[str, float | None]:
        """From the (weighted) means of the columns."""
        of = dict(zip(_COLUMNS, means.tolist(), strict=True))
        return {
            "brier": of["brier"],
            "log_loss": of["log_loss"],
            "approval_rate": of["approved"],
            "decline_rate": of["declined"],
            "bad_rate_of_approved": of["bad_approved"] / of["approved"] if of["approved"] else None,
            "cost_per_application": of["cost"] if self.has_costs else None,
            "bad_rate_at_same_approvals": of["same_bad_approved"] / of["same_approved"]
            if of["same_approved"]
            else None,
            "cost_at_same_approvals": of["same_cost"] if self.has_costs else None,
        }


def _has_costs(decision: Decision) -> bool:
    return decision.cost_of_bad is not None and decision.cost_of_refused_good is not None


def _costs(y: Floats, declined: NDArray[np.bool_], decision: Decision) -> Floats:
    """As `choose_cut_off` counts them: of bads that are not declined and of goods that are."""
    if decision.cost_of_bad is None or decision.cost_of_refused_good is None:
        return np.zeros(len(y))
    return np.where(declined, (1.0 - y) * decision.cost_of_refused_good.value, y * decision.cost_of_bad.value)


def _differences(other: Judged, own: Judged, seed: int) -> tuple[dict[str, Interval | None], dict[str, str]]:
    """Other less own: DeLong's interval for the AUC, for the rest the rows resampled in pairs; and why one is None."""
    if not np.array_equal(other.rows.target, own.rows.target) or not np.array_equal(other.rows.fold, own.rows.fold):
        raise BadData("the two ways were not judged on the same rows and folds", where="comparison")
    found: dict[str, Interval | None] = {"roc_auc": None}
    why: dict[str, str] = {}
    try:
        auc = auc_difference(own.rows.target, other.pd, own.pd, level=LEVEL)
        found["roc_auc"] = Interval(auc.difference, auc.low, auc.high, LEVEL)
    except BadData as error:
        why["difference.roc_auc"] = error.what
    one, two = _Ledger.of(other, own), _Ledger.of(own, own)
    value = _gaps(one, two, one.values.mean(axis=0), two.values.mean(axis=0))
    random = np.random.default_rng(seed)
    rows = len(own.rows.target)
    drawn = []
    for _ in range(RESAMPLES):
        weights = np.bincount(random.integers(0, rows, rows), minlength=rows) / rows
        drawn.append(_gaps(one, two, _weighted(weights, one.values), _weighted(weights, two.values)))
    for name, gap in value.items():
        gaps = [each for draw in drawn if (each := draw[name]) is not None]
        found[name] = None if gap is None or not gaps else _interval(gap, gaps)
    return found, why


def _weighted(weights: Floats, values: Floats) -> Floats:
    """Not by BLAS, whose order of adding depends on its threads."""
    return np.einsum("i,ij->j", weights, values, optimize=False)


def _gaps(one: _Ledger, two: _Ledger, mean_one: Floats, mean_two: Floats) -> dict[str, float | None]:
    first, second = one.figures(mean_one), two.figures(mean_two)
    return {name: _less(first[name], second[name]) for name in first}


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _interval(gap: float, gaps: Sequence[float]) -> Interval:
    low, high = np.quantile(gaps, [0.5 - LEVEL / 2.0, 0.5 + LEVEL / 2.0])
    return Interval(gap, min(float(low), gap), max(float(high), gap), LEVEL)


def with_training(portfolio: Portfolio, **changes: Any) -> Portfolio:
    """The portfolio with other training settings."""
    return portfolio.model_copy(update={"training": portfolio.training.model_copy(update=changes)})


def without_directions(portfolio: Portfolio) -> Portfolio:
    return portfolio.model_copy(update={"policy": portfolio.policy.model_copy(update={"monotone": {}})})
