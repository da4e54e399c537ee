"""How much one figure differs from another on the same rows, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk.errors import BadData
from creditrisk.kinds import Interval

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


def paired_share_difference(only_one: int, only_other: int, rows: int, *, level: float = 0.95) -> Interval:
    """How far two shares of the same rows lie apart, in [-1, 1]; honest where no row, or every row, differs.

    only_one, only_other: rows that count in one of the two shares only.  Half a row is added to each of the four cells
    for the interval, not for the figure. Raises BadData when there are no rows.   Source: Agresti & Min (2005).
    """
    if rows <= 0:
        raise BadData("a share of no rows", hint="count the rows first")
    more, less, wider = only_one + 0.5, only_other + 0.5, rows + 2.0
    centre = (more - less) / wider
    error = math.sqrt(more + less - (more - less) ** 2 / wider) / wider
    reach = NormalDist().inv_cdf(0.5 + level / 2.0) * error
    apart = (only_one - only_other) / rows
    return Interval(apart, max(min(centre - reach, apart), -1.0), min(max(centre + reach, apart), 1.0), level)


def paired_quantile_gaps(
    one: ArrayLike, other: ArrayLike, shares: Sequence[float], *, seed: int, rounds: int = 200, level: float = 0.95
) -> list[Interval]:
    """For each share, how far that quantile of `one` lies above that of `other`, as a share of the mean of the two.

    one, other: shape (n,), above 0; rows are resampled in pairs.  Raises BadData without rows.
    """
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if first.shape != second.shape or not len(first):
        raise BadData(f"{first.shape} rows against {second.shape}", hint="a pair needs both figures of a row")

    def gaps(drawn: NDArray[np.int64] | slice) -> NDArray[np.float64]:
        here, there = np.quantile(first[drawn], shares), np.quantile(second[drawn], shares)
        return 2.0 * (here - there) / (here + there)

    random = np.random.default_rng(seed)
    seen = np.stack([gaps(random.integers(0, len(first), len(first))) for _ in range(rounds)])
    low, high = np.quantile(seen, [0.5 - level / 2.0, 0.5 + level / 2.0], axis=0)
    return [
        Interval(float(value), float(down), float(up), level)
        for value, down, up in zip(gaps(slice(None)), low, high, strict=True)
    ]
