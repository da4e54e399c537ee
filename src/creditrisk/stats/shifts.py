"""How far two histograms over the same bins lie apart: Kolmogorov-Smirnov, Jensen-Shannon, Wasserstein, chi-square."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk.errors import BadData

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """degrees: of freedom.  p: how often rows of one and the same origin lie at least so far apart."""

    statistic: float
    degrees: int
    p: float


def ks_distance(before: ArrayLike, now: ArrayLike) -> float:
    """Largest distance between the cumulative shares, in [0, 1]; counts in ordered bins, shape (bins,).

    Of binned rows: what moved inside a bin is not seen. Raises BadData for different bins or no rows.
    """
    one, other = _shares(before, now)
    return float(np.max(np.abs(np.cumsum(one) - np.cumsum(other))))


def jensen_shannon_distance(before: ArrayLike, now: ArrayLike) -> float:
    """Square root of the Jensen-Shannon divergence in bits: 0 = the same shares, 1 = no bin in common.

    Raises BadData for different bins or no rows.   Source: Endres & Schindelin (2003).
    """
    one, other = _shares(before, now)
    middle = (one + other) / 2.0
    divergence = (_relative_entropy(one, middle) + _relative_entropy(other, middle)) / 2.0
    return float(np.sqrt(max(divergence, 0.0) / np.log(2.0)))


def wasserstein_distance(centres: ArrayLike, before: ArrayLike, now: ArrayLike) -> float:
    """How far the rows must be carried on average, in the unit of the centres, when each stands at its bin's centre.

    centres: rising, shape (bins,). Raises BadData for different bins or no rows.
    """
    places = np.asarray(centres, dtype=np.float64)
    one, other = _shares(before, now)
    if places.shape != one.shape:
        raise BadData(f"{len(places)} centres for {len(one)} bins", hint="take both from the same reference")
    return float(np.sum(np.abs(np.cumsum(one - other))[:-1] * np.diff(places)))


def chi_square(before: ArrayLike, now: ArrayLike) -> ChiSquare | None:
    """Of a table of two rows without the bins that nobody is in; None where fewer than two bins have rows.

    Raises BadData for different bins or no rows.   Source: Pearson (1900).
    """
    from scipy.special import chdtrc

    _shares(before, now)
    table = np.array([before, now], dtype=np.float64)
    table = table[:, np.sum(table, axis=0) > 0]
    degrees = table.shape[1] - 1
    if degrees < 1:
        return None
    expected = np.outer(np.sum(table, axis=1), np.sum(table, axis=0)) / np.sum(table)
    statistic = float(np.sum((table - expected) ** 2 / expected))
    return ChiSquare(statistic, degrees, float(chdtrc(degrees, statistic)))


def _shares(before: ArrayLike, now: ArrayLike) -> tuple[Floats, Floats]:
    one, other = np.asarray(before, dtype=np.float64), np.asarray(now, dtype=np.float64)
    if one.shape != other.shape:
        raise BadData(f"{one.shape} bins against {other.shape}", hint="count both with the same edges")
    if not np.sum(one) or not np.sum(other):
        raise BadData("a histogram without rows", hint="check that the file has rows")
    return one / np.sum(one), other / np.sum(other)


def _relative_entropy(share: Floats, of: Floats) -> float:
    held = share > 0.0
    return float(np.sum(share[held] * np.log(share[held] / of[held])))
