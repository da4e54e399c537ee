"""Whether a PD is a probability. Every `y` has shape (n,), 1 = bad; every `p` shape (n,), a PD in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk.kinds import Interval
from creditrisk.stats.histograms import quantile_edges
from creditrisk.stats.logistic import fit_line, logit, sigmoid

type Floats = NDArray[np.float64]

_SMALLEST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """Observed log-odds = slope * predicted log-odds + intercept; a PD that is a probability has 1 and 0."""

    slope: float
    intercept: float
    intercept_at_slope_one: float
    """"Calibration in the large": above 0 the PDs are too low, below 0 too high, in log-odds."""


@dataclass(frozen=True, slots=True)
class CalibrationLineIntervals:
    """The calibration line with Wald's intervals, from the curvature of the likelihood."""

    slope: Interval
    intercept: Interval
    intercept_at_slope_one: Interval


@dataclass(frozen=True, slots=True)
class Reliability:
    """Promise against outcome in groups of about equal size, lowest PD first; each array has shape (groups,)."""

    rows: NDArray[np.int64]
    bads: NDArray[np.int64]
    mean_pd: Floats
    bad_rate: Floats


def brier(y: ArrayLike, p: ArrayLike) -> float:
    """Mean squared distance between PD and outcome; 0 is perfect. Source: Brier (1950)."""
    return float(np.mean((np.asarray(p, dtype=np.float64) - np.asarray(y, dtype=np.float64)) ** 2))


def log_loss(y: ArrayLike, p: ArrayLike) -> float:
    """Mean negative log likelihood in nats. PDs of 0 and 1 are moved inwards by 2.2e-16, as scikit-learn does."""
    return float(np.mean(losses(y, p)))


def losses(y: ArrayLike, p: ArrayLike) -> Floats:
    """Each row's part of `log_loss`, shape (n,)."""
    pd = np.clip(np.asarray(p, dtype=np.float64), _SMALLEST, 1.0 - _SMALLEST)
    target = np.asarray(y, dtype=np.float64)
    return -(target * np.log(pd) + (1.0 - target) * np.log1p(-pd))


def ece(y: ArrayLike, p: ArrayLike, *, bins: int = 10) -> float:
    """Expected calibration error: mean distance of mean PD and bad rate over groups of equal size, a share in [0, 1].

    0.02 reads "two percentage points off". Equal PDs stay in one group.   Source: Naeini, Cooper & Hauskrecht (2015).
    """
    groups = reliability(y, p, bins=bins)
    return float(np.sum(groups.rows * np.abs(groups.mean_pd - groups.bad_rate)) / np.sum(groups.rows))


def reliability(y: ArrayLike, p: ArrayLike, *, bins: int = 10) -> Reliability:
    """Rows grouped by quantiles of PD; empty groups are left out."""
    target, pd = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    edges = quantile_edges(pd, bins)
    group = np.searchsorted(edges, pd, side="right")
    rows = np.bincount(group, minlength=len(edges) + 1)
    bads = np.bincount(group, weights=target, minlength=len(edges) + 1)
    pds = np.bincount(group, weights=pd, minlength=len(edges) + 1)
    filled = rows > 0
    rows, bads, pds = rows[filled], bads[filled], pds[filled]
    return Reliability(rows.astype(np.int64), bads.astype(np.int64), pds / rows, bads / rows)


def calibration_line(y: ArrayLike, p: ArrayLike) -> CalibrationLine:
    """Slope and intercept of a logistic regression of the outcome on logit(PD). Source: Cox (1958).

    p: strictly between 0 and 1.
    """
    target, log_odds = np.asarray(y, dtype=np.float64), logit(np.asarray(p, dtype=np.float64))
    slope, intercept = fit_line(log_odds, target)
    _, in_the_large = fit_line(log_odds, target, slope=1.0)
    return CalibrationLine(slope, intercept, in_the_large)


def calibration_line_intervals(y: ArrayLike, p: ArrayLike, *, level: float = 0.95) -> CalibrationLineIntervals:
    """`calibration_line` and how sure it is. p: strictly between 0 and 1, for both classes, not all equal."""
    line, log_odds = calibration_line(y, p), logit(np.asarray(p, dtype=np.float64))
    slope_error, intercept_error = _errors_of_line(log_odds, line.slope, line.intercept)
    shifted = sigmoid(log_odds + line.intercept_at_slope_one)
    return CalibrationLineIntervals(
        _wald(line.slope, slope_error, level),
        _wald(line.intercept, intercept_error, level),
        _wald(line.intercept_at_slope_one, float(np.sum(shifted * (1.0 - shifted))) ** -0.5, level),
    )


def _errors_of_line(log_odds: Floats, slope: float, intercept: float) -> tuple[float, float]:
    """Standard errors of slope and intercept: the inverse of Fisher's information."""
    p = sigmoid(slope * log_odds + intercept)
    weight = p * (1.0 - p)
    of_slope, mixed, of_intercept = (float(np.sum(weight * log_odds**power)) for power in (2, 1, 0))
    determinant = of_slope * of_intercept - mixed * mixed
    return (of_intercept / determinant) ** 0.5, (of_slope / determinant) ** 0.5


def _wald(value: float, error: float, level: float) -> Interval:
    reach = NormalDist().inv_cdf(0.5 + level / 2.0) * error
    return Interval(value, value - reach, value + reach, level)
