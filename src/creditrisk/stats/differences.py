"""How much one figure differs from another on the same rows, and how sure that is."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from creditrisk.errors import BadData

_ROWS_AT_ONCE = 4_000_000


class Difference(NamedTuple):
    """The first figure less the second, its confidence interval, and the two-sided p value of "there is none"."""

    difference: float
    low: float
    high: float
    p_value: float

    def as_json(self) -> dict[str, float]:
        return self._asdict()


def normal_difference(difference: float, error: float, *, level: float = 0.95) -> Difference:
    """A difference whose standard error is known, judged by the normal distribution. error: above 0."""
    reach = NormalDist().inv_cdf(0.5 + level / 2.0) * error
    p_value = math.erfc(abs(difference) / error / math.sqrt(2.0))
    return Difference(difference, difference - reach, difference + reach, p_value)


def paired_difference(
    one: ArrayLike, other: ArrayLike, *, seed: int, rounds: int = 1000, level: float = 0.95
) -> Difference:
    """Mean of `one` less mean of `other`, row by row (losses of two models, say), by resampling the rows.

    one, other: shape (n,), finite.  The interval holds the middle `level` of `rounds` resampled means, the p value
    counts those on the far side of 0, itself included, twice: it is never below 2 / (rounds + 1).
    Raises BadData for different lengths, fewer than two rows, or numbers that are not finite.
    Source: Efron & Tibshirani (1993), 13.3; Davison & Hinkley (1997), 4.2, for the one that is added.
    """
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise BadData(f"{first.shape} rows against {second.shape}", hint="a pair needs both figures of a row")
    if len(first) < 2:
        raise BadData(f"{len(first)} rows: a paired difference needs two")
    gaps = first - second
    if not np.all(np.isfinite(gaps)):
        raise BadData("a paired difference of numbers that are not finite")
    random = np.random.default_rng(seed)
    at_once = max(_ROWS_AT_ONCE // len(gaps), 1)
    means = np.concatenate(
        [
            gaps[random.integers(0, len(gaps), (min(at_once, rounds - done), len(gaps)))].mean(axis=1)
            for done in range(0, rounds, at_once)
        ]
    )
    low, high = np.quantile(means, [0.5 - level / 2.0, 0.5 + level / 2.0])
    beyond = min(int(np.count_nonzero(means <= 0)), int(np.count_nonzero(means >= 0)))
    p_value = min(2.0 * (beyond + 1) / (rounds + 1), 1.0)
    return Difference(float(np.mean(gaps)), float(low), float(high), p_value)
