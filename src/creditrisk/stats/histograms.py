"""Frozen bins, counts in them, and the population stability index between two sets of counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk.errors import BadData

type Floats = NDArray[np.float64]


def quantile_edges(values: ArrayLike, bins: int) -> Floats:
    """Inner edges that split the numbers into at most `bins` groups of about equal size; rising, at most bins - 1.

    NaN does not count. An edge belongs to the group above it. Where nearly all numbers are the lowest one, it gets a
    group of its own (below, equal, above); no numbers at all get no edges.
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return np.empty(0)
    edges = np.unique(np.quantile(numbers, np.linspace(0.0, 1.0, bins + 1)[1:-1], method="inverted_cdf"))
    lowest = float(np.min(numbers))
    return edges[edges > lowest] if np.any(edges > lowest) else np.array([lowest, np.nextafter(lowest, np.inf)])


def bin_counts(values: ArrayLike, edges: ArrayLike) -> NDArray[np.int64]:
    """Rows below the first edge, between edges, from the last edge on, and last the missing; shape (edges + 2,)."""
    numbers, inner = np.asarray(values, dtype=np.float64), np.asarray(edges, dtype=np.float64)
    missing = np.isnan(numbers)
    counts = np.bincount(np.searchsorted(inner, numbers[~missing], side="right"), minlength=len(inner) + 1)
    return np.append(counts, np.count_nonzero(missing)).astype(np.int64)


def psi(expected_counts: ArrayLike, actual_counts: ArrayLike) -> float:
    """Population stability index between two histograms over the same bins; 0 = the same shares, 0.25 = a large shift.

    Both shapes (bins,), rows per bin. Half a row is added to each bin, so that an empty one is finite.
    Raises BadData for different bins or no rows.   Source: Siddiqi (2006).
    """
    expected, actual = np.asarray(expected_counts, dtype=np.float64), np.asarray(actual_counts, dtype=np.float64)
    if expected.shape != actual.shape:
        raise BadData(f"{expected.shape} bins against {actual.shape}", hint="count both with the same edges")
    if not np.sum(expected) or not np.sum(actual):
        raise BadData("a histogram without rows", hint="check that the file has rows")
    e = (expected + 0.5) / np.sum(expected + 0.5)
    a = (actual + 0.5) / np.sum(actual + 0.5)
    return float(np.sum((a - e) * np.log(a / e)))
