"""How sure a figure is."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from creditrisk.errors import BadData
from creditrisk.kinds import Interval


def wilson_interval(hits: int, rows: int, *, level: float = 0.95) -> Interval:
    """A share with its interval; stays within [0, 1] and is honest at 0 hits. Source: Wilson (1927).

    Raises BadData when rows is 0.
    """
    if rows <= 0:
        raise BadData("a share of no rows", hint="count the rows first")
    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    share = hits / rows
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    reach = z * ((share * (1 - share) + z * z / (4 * rows)) / rows) ** 0.5 / (1 + z * z / rows)
    return Interval(share, max(centre - reach, 0.0), min(centre + reach, 1.0), level)


SURE = 1e-4
"""How often chance alone may raise an alarm about one share: one time in ten thousand, at most."""


def surely_outside(hits: float, rows: float, low: float, high: float) -> bool:
    """Does the share of hits lie outside [low, high] further than chance brings it there on so few rows?

    By Chernoff's bound (1952), which holds for any number of rows: a single hit may be chance under a limit of 1 in
    1,000, and never is under a limit of 0.
    """
    if rows <= 0:
        return False
    share = hits / rows
    if low <= share <= high:
        return False
    return rows * _divergence(share, low if share < low else high) > -math.log(SURE)


def surely_moved(before: tuple[float, float], now: tuple[float, float], by: float) -> bool:
    """Did a share move by more than `by`, further than chance moves it? Each is (hits, rows).

    The two samples' best common explanation within `by` of each other must be too unlikely.
    """
    if before[1] <= 0 or now[1] <= 0:
        return False
    first, second = before[0] / before[1], now[0] / now[1]
    if abs(second - first) <= by:
        return False
    step = by if second > first else -by
    low, high = max(0.0, -step), min(1.0, 1.0 - step)

    def unlikely(share: float) -> float:
        return before[1] * _divergence(first, share) + now[1] * _divergence(second, share + step)

    for _ in range(60):  # the sum is convex: thirds of the interval are cut off until none is left
        third = (high - low) / 3
        if unlikely(low + third) < unlikely(high - third):
            high -= third
        else:
            low += third
    return unlikely((low + high) / 2) > -math.log(SURE)


def _divergence(share: float, promised: float) -> float:
    """Kullback and Leibler's, of a share seen from a share promised."""
    told = 0.0
    for seen, said in ((share, promised), (1.0 - share, 1.0 - promised)):
        if seen > 0:
            if said <= 0:
                return math.inf
            told += seen * math.log(seen / said)
    return told


def bootstrap_interval(
    figure: Callable[..., float], *columns: ArrayLike, seed: int, rounds: int = 200, level: float = 0.95
) -> Interval:
    """`figure(*columns)` with a percentile interval from `rounds` resamples of the rows, the same for the same seed.

    columns: each of shape (n, ...); rows are drawn together. A resample for which `figure` raises BadData (one class
    only) is left out.   Source: Efron (1979).
    """
    arrays = [np.asarray(column) for column in columns]
    rows = len(arrays[0])
    random = np.random.default_rng(seed)
    drawn: list[float] = []
    for _ in range(rounds):
        rows_drawn = random.integers(0, rows, rows)
        try:
            drawn.append(figure(*(array[rows_drawn] for array in arrays)))
        except BadData:
            continue
    value = figure(*arrays)
    if not drawn:
        return Interval(value, value, value, level)
    low, high = np.quantile(drawn, [0.5 - level / 2.0, 0.5 + level / 2.0])
    return Interval(value, float(low), float(high), level)
