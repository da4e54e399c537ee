"""Tests of "these PDs are right", row by row. Every `y` has shape (n,), 1 = bad; every `p` shape (n,), a PD."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk.errors import BadData
from creditrisk.stats.histograms import quantile_edges
from creditrisk.stats.probability import calibration_line, log_loss

type Floats = NDArray[np.float64]


class Tested(NamedTuple):
    """A test's statistic, and how often right PDs give one at least as far off."""

    statistic: float
    p_value: float


def spiegelhalter(y: ArrayLike, p: ArrayLike) -> Tested:
    """z of the Brier score against what it would be were the PDs right, and its two-sided p value.

    Blind where over- and under-estimation cancel in the Brier score.
    Raises BadData when every PD is 0, 1/2 or 1: the score then has no variance.
    Source: Spiegelhalter (1986), Statistics in Medicine 5, 421-433.
    """
    target, pd = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    lever = 1.0 - 2.0 * pd
    variance = float(np.sum(lever * lever * pd * (1.0 - pd)))
    if variance <= 0.0:
        raise BadData("every PD is 0, 1/2 or 1: the Brier score has no variance")
    z = float(np.sum((target - pd) * lever)) / variance**0.5
    return Tested(z, math.erfc(abs(z) / math.sqrt(2.0)))


def mean_test(y: ArrayLike, p: ArrayLike) -> Tested:
    """z of the bads against the sum of the PDs, each row with its own variance, and its two-sided p value.

    z above 0: the PDs are too low.
    Raises BadData when every PD is 0 or 1.   Source: Wald's test of a Poisson-binomial count.
    """
    target, pd = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    variance = float(np.sum(pd * (1.0 - pd)))
    if variance <= 0.0:
        raise BadData("every PD is 0 or 1: the count of bads has no variance")
    z = float(np.sum(target - pd)) / variance**0.5
    return Tested(z, math.erfc(abs(z) / math.sqrt(2.0)))


def line_test(y: ArrayLike, p: ArrayLike) -> Tested:
    """Likelihood ratio of the calibration line against slope 1 and intercept 0 together; chi-squared, 2 degrees.

    Raises BadData where there is no line (see `need_line`).   Source: Cox (1958); Miller, Hui & Tierney (1991).
    """
    from scipy.special import chdtrc

    need_line(y, p)
    target, pd = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    line = calibration_line(target, pd)
    log_odds = np.log(pd) - np.log1p(-pd)
    drawn = line.slope * log_odds + line.intercept
    best = float(np.mean(np.logaddexp(0.0, drawn) - target * drawn))
    statistic = max(2.0 * len(target) * (log_loss(target, pd) - best), 0.0)
    return Tested(statistic, float(chdtrc(2, statistic)))


def hosmer_lemeshow(y: ArrayLike, p: ArrayLike, *, groups: int = 10) -> Tested:
    """Chi-squared over groups of equal size by PD, one degree of freedom each: the rows are not those of the fit.

    It asks whether PDs are exact, and so rejects any model once rows are many: 60,000 rows see half a percentage point
    in each group. For information, never for a gate.
    Raises BadData when all rows of a group are certain, or there are fewer than three groups.
    Source: Hosmer & Lemeshow (1980); degrees of freedom for new rows: Hosmer, Lemeshow & Sturdivant (2013).
    """
    from scipy.special import chdtrc

    target, pd = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    edges = quantile_edges(pd, groups)
    group = np.searchsorted(edges, pd, side="right")
    rows, bads, expected = (np.bincount(group, weights=what) for what in (np.ones_like(pd), target, pd))
    filled = rows > 0
    rows, bads, expected = rows[filled], bads[filled], expected[filled]
    if len(rows) < 3:
        raise BadData(f"{len(rows)} groups of different PDs; Hosmer and Lemeshow's test needs three")
    variance = expected * (1.0 - expected / rows)
    if np.any(variance <= 0.0):
        raise BadData("every PD of a group is 0 or 1")
    statistic = float(np.sum((bads - expected) ** 2 / variance))
    return Tested(statistic, float(chdtrc(len(rows), statistic)))


def need_line(y: ArrayLike, p: ArrayLike) -> None:
    """Raises BadData where the calibration line has no slope, and says why."""
    target, pd = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    bads, goods = pd[target == 1], pd[target == 0]
    if not len(bads) or not len(goods):
        raise BadData("one class only: no calibration line")
    if np.any((pd <= 0) | (pd >= 1)):
        raise BadData("a PD of 0 or 1 has no log-odds")
    if np.ptp(pd) == 0:
        raise BadData("all PDs are equal: no calibration line")
    if np.min(bads) >= np.max(goods) or np.max(bads) <= np.min(goods):
        raise BadData("the PDs separate the outcomes perfectly: the calibration line has no slope")
