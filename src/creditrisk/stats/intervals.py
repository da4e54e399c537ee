"""How sure a figure is."""

from __future__ import annotations

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
