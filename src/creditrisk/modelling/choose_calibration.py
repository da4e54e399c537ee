"""Which calibration is served: each candidate is fitted on the other folds' rows and judged on the calibration part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BadData
from creditrisk.modelling.calibration import CALIBRATORS, COMPARED, Calibrator, Platt, shifted_to
from creditrisk.modelling.estimators import CalibratedInside, Estimator
from creditrisk.modelling.levels import LevelLines, RowLevels, told_levels
from creditrisk.modelling.out_of_fold import Development
from creditrisk.stats import log_loss, logit, losses, sigmoid

if TYPE_CHECKING:
    from creditrisk.config import Number, Training

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """method: what is served.  losses: mean log loss of each method on the calibration part.

    pds: each row's PD by each method, cross-fitted, shape (n,).  failed: why a method could not be tried.
    gains: for each method that was set against a simpler one, the mean loss it saves and that mean's standard error.
    """

    method: str
    losses: Mapping[str, float]
    pds: Mapping[str, Floats]
    failed: Mapping[str, str]
    gains: Mapping[str, Mapping[str, Any]]


def methods_for(estimator: type[Estimator], training: Training) -> tuple[str, ...]:
    """The calibrations to choose from: the book's, or the one straight line that the estimator takes in."""
    return (Platt.method,) if issubclass(estimator, CalibratedInside) else training.calibration


def choose_calibration(methods: Sequence[str], margins: Floats, development: Development) -> Choice:
    """The simplest method, unless one with more freedom beats it beyond noise.

    Simplest first (platt, beta, isotonic), a method takes the place of the one chosen so far when it lowers the mean
    log loss of the calibration part by more than one standard error of the rows' paired differences.
    Raises BadData when no method can be fitted.   Source: the one-standard-error rule, Breiman et al. (1984).
    """
    losses_of, pds, failed = calibration_losses(methods, margins, development)
    part = development.in_calibration
    chosen, *others = [method for method in CALIBRATORS if method in losses_of]
    gains = {}
    for method in others:
        saved = losses(development.target[part], pds[chosen][part]) - losses(
            development.target[part], pds[method][part]
        )
        gain = float(np.mean(saved))
        error = float(np.std(saved, ddof=1)) / len(saved) ** 0.5 if len(saved) > 1 else 0.0
        gains[method] = {"against": chosen, "loss_saved": gain, "standard_error": error, "won": gain > error}
        if gain > error:
            chosen = method
    return Choice(chosen, losses_of, pds, failed, gains)


@dataclass(frozen=True)
class Calibrated:
    """One method's calibration of a model, as it is served.

    pds: by the calibration fitted on all rows.  out_of_fold: each row's by one that never saw its fold; both of shape
    (n,).  levels: the lines of the book's levels, applied before `calibrator`; None without any.
    by_level: each level with its rows, bads and line, and the mean log loss that the lines save out of fold.
    """

    calibrator: Calibrator
    pds: Floats
    out_of_fold: Floats
    levels: LevelLines | None = None
    by_level: Mapping[str, Any] | None = None


def calibrate(
    method: str, margins: Floats, rows: Development, long_run: Number | None, levels: RowLevels | None
) -> Calibrated:
    """The method on all rows, by level where there are any, moved to the long-run default rate where one is declared.

    Raises BadData when the rows are too few for it.
    """
    calibrator: Calibrator = CALIBRATORS[method].fit(margins, rows.target)
    out_of_fold = cross_fitted(method, margins, rows, levels)
    lines, by_level = None, None
    if levels is not None:
        lines = LevelLines.fit(calibrator, margins, rows.target, levels, np.ones(len(margins), dtype=np.bool_))
        saved = losses(rows.target, cross_fitted(method, margins, rows)) - losses(rows.target, out_of_fold)
        by_level = {
            "feature": levels.feature,
            "levels": told_levels(levels, lines, rows.target),
            "loss_saved": float(np.mean(saved)),
            "standard_error": float(np.std(saved, ddof=1)) / len(saved) ** 0.5,
        }
        margins, calibrator = lines.log_odds(margins, levels.values), Platt(slope=1.0, intercept=0.0)
    if long_run is not None:
        calibrator = shifted_to(calibrator, margins, long_run.value)
        out_of_fold = sigmoid(logit(out_of_fold) + calibrator.shift)
    return Calibrated(calibrator, calibrator(margins), out_of_fold, lines, by_level)


def cross_fitted(method: str, margins: Floats, rows: Development, levels: RowLevels | None = None) -> Floats:
    """`cross_fitted_pds` of the development rows."""
    return cross_fitted_pds(method, margins, rows.target, rows.fold, levels)


def cross_fitted_pds(
    method: str, margins: Floats, target: Floats, fold: NDArray[np.int64], levels: RowLevels | None = None
) -> Floats:
    """PDs, shape (n,): each row's by a calibrator fitted on the other folds' rows. Raises BadData for too few rows.

    method: of `COMPARED`; one that can be served is fitted by level where levels are given.
    margins, target, fold: shape (n,).
    """
    pds = np.empty(len(margins))
    for number in np.unique(fold).tolist():
        inside = fold == number
        curve = COMPARED[method].fit(margins[~inside], target[~inside])
        if levels is None or not isinstance(curve, Calibrator):
            pds[inside] = curve(margins[inside])
        else:
            lines = LevelLines.fit(curve, margins, target, levels, ~inside)
            pds[inside] = sigmoid(lines.log_odds(margins[inside], levels.values[inside]))
    return pds


def calibration_losses(
    methods: Sequence[str], margins: Floats, development: Development
) -> tuple[dict[str, float], dict[str, Floats], dict[str, str]]:
    """Log loss of each method on the calibration part, the PDs behind it, and why a method could not be tried."""
    told: dict[str, float] = {}
    pds: dict[str, Floats] = {}
    failed: dict[str, str] = {}
    part = development.in_calibration
    for method in methods:
        try:
            pds[method] = cross_fitted(method, margins, development)
        except BadData as error:
            failed[method] = error.what
        else:
            told[method] = log_loss(development.target[part], pds[method][part])
    if not told:
        reasons = "; ".join(f"{method}: {reason}" for method, reason in failed.items())
        raise BadData(f"no calibration can be fitted ({reasons})", where="training.calibration", hint="more rows")
    return told, pds, failed
