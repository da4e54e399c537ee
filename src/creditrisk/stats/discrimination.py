"""How well a figure ranks bads above goods.

Every `y` has shape (n,), 1 = bad; every `p` shape (n,), higher = riskier.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk.errors import BadData
from creditrisk.kinds import Interval
from creditrisk.stats.differences import Difference, normal_difference

type Floats = NDArray[np.float64]

_ROUNDING = 1e-24
"""A variance up to which the placements differ by the last bits of a sum only."""


def roc_auc(y: ArrayLike, p: ArrayLike) -> float:
    """Share of (bad, good) pairs in which the bad has the higher p; a tie counts half. In [0, 1], 0.5 = chance.

    Raises BadData when one class is absent.   Source: Mann & Whitney (1947).
    """
    bads, goods = _by_class(y, p)
    return _auc_from_ranks(_midranks(np.concatenate([bads, goods])), len(bads), len(goods))


def auc_interval(y: ArrayLike, p: ArrayLike, *, level: float = 0.95) -> Interval:
    """ROC AUC with DeLong's interval, cut at 0 and 1. O(n log n).

    Raises BadData when one class is absent.   Source: Sun & Xu (2014), fast DeLong.
    """
    of_bads, of_goods = _placements(y, p)
    auc = float(np.mean(of_bads))
    variance = _sample_variance(of_bads) / len(of_bads) + _sample_variance(of_goods) / len(of_goods)
    reach = NormalDist().inv_cdf(0.5 + level / 2.0) * variance**0.5
    return Interval(auc, max(auc - reach, 0.0), min(auc + reach, 1.0), level)


def auc_difference(y: ArrayLike, p1: ArrayLike, p2: ArrayLike, *, level: float = 0.95) -> Difference:
    """AUC of p1 less AUC of p2 on the same rows, by DeLong's paired test. O(n log n).

    y, p1, p2: shape (n,).  Two rankings that are alike differ by 0 with p value 1.
    Raises BadData for fewer than two bads or goods, or a difference that has no error to be measured by (both rank
    without a mistake, or with nothing else).   Source: DeLong, DeLong & Clarke-Pearson (1988); Sun & Xu (2014).
    """
    (bads1, goods1), (bads2, goods2) = _placements(y, p1), _placements(y, p2)
    if min(len(bads1), len(goods1)) < 2:
        raise BadData(f"{len(bads1)} bads and {len(goods1)} goods: a difference needs two of each")
    difference = float(np.mean(bads1)) - float(np.mean(bads2))
    variance = _sample_variance(bads1 - bads2) / len(bads1) + _sample_variance(goods1 - goods2) / len(goods1)
    if variance <= _ROUNDING:
        if abs(difference) > _ROUNDING**0.5:
            raise BadData("every pair of a bad and a good moves alike: the difference has no error")
        return Difference(0.0, 0.0, 0.0, 1.0)
    return normal_difference(difference, variance**0.5, level=level)


def gini(y: ArrayLike, p: ArrayLike) -> float:
    """Normalised Gini (accuracy ratio), 2 AUC - 1, in [-1, 1]."""
    return 2.0 * roc_auc(y, p) - 1.0


def gini_interval(y: ArrayLike, p: ArrayLike, *, level: float = 0.95) -> Interval:
    """Normalised Gini with DeLong's interval."""
    auc = auc_interval(y, p, level=level)
    return Interval(2.0 * auc.value - 1.0, 2.0 * auc.low - 1.0, 2.0 * auc.high - 1.0, level)


def ks(y: ArrayLike, p: ArrayLike) -> float:
    """Largest distance between the cumulative shares of bads and goods over all cut-offs, in [0, 1].

    Raises BadData when one class is absent.   Source: Kolmogorov & Smirnov.
    """
    bads_above, goods_above = roc_points(y, p)
    return float(np.max(np.abs(bads_above - goods_above)))


_GROUPS = 500
"""Quantiles of p into which `ks_interval` puts the rows: they move a KS by less than 1/500."""


def ks_interval(y: ArrayLike, p: ArrayLike, *, seed: int, rounds: int = 200, level: float = 0.95) -> Interval:
    """`ks` with a percentile interval from resampled bads and goods, each class by itself; O(n log n) at any size.

    Resampling pushes a KS upwards: the interval is widened to hold the figure itself.
    Raises BadData when one class is absent.   Source: Efron (1979).
    """
    value = ks(y, p)
    target, figure = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    edges = np.unique(np.quantile(figure, np.linspace(0.0, 1.0, min(_GROUPS, len(figure)) + 1)[1:-1]))
    group = np.searchsorted(edges, figure, side="right")
    random = np.random.default_rng(seed)
    shares = []
    for outcome in (1.0, 0.0):
        counts = np.bincount(group[target == outcome], minlength=len(edges) + 1)
        rows = int(counts.sum())
        shares.append(np.cumsum(random.multinomial(rows, counts / rows, size=rounds), axis=1) / rows)
    drawn = np.max(np.abs(shares[0] - shares[1]), axis=1)
    low, high = np.quantile(drawn, [0.5 - level / 2.0, 0.5 + level / 2.0])
    return Interval(value, min(float(low), value), max(float(high), value), level)


def roc_points(y: ArrayLike, p: ArrayLike) -> tuple[Floats, Floats]:
    """Shares of bads (true positives) and goods (false positives) at or above each distinct p; (0, 0) to (1, 1)."""
    _by_class(y, p)
    bads, rows = _counts_from_the_top(y, p)
    goods = rows - bads
    return bads / bads[-1], goods / goods[-1]


def pr_auc(y: ArrayLike, p: ArrayLike) -> float:
    """Average precision: precision at each distinct p weighted by the recall it adds, in (0, 1]; the bad rate = chance.

    Raises BadData when one class is absent.
    """
    _by_class(y, p)
    bads, rows = _counts_from_the_top(y, p)
    recall, precision = bads[1:] / bads[-1], bads[1:] / rows[1:]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def _counts_from_the_top(y: ArrayLike, p: ArrayLike) -> tuple[Floats, Floats]:
    """Bads and rows at or above each distinct p, highest p first, with a leading zero."""
    target, figure = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    order = np.argsort(-figure, kind="stable")
    last_of_tie = np.flatnonzero(np.diff(figure[order], append=np.inf))
    bads = np.cumsum(target[order])[last_of_tie]
    return np.concatenate([[0.0], bads]), np.concatenate([[0.0], last_of_tie + 1.0])


def _by_class(y: ArrayLike, p: ArrayLike) -> tuple[Floats, Floats]:
    target, figure = np.asarray(y), np.asarray(p, dtype=np.float64)
    bads, goods = figure[target == 1], figure[target == 0]
    if not len(bads) or not len(goods):
        raise BadData(f"{len(bads)} bads and {len(goods)} goods: ranking needs both", hint="use more rows")
    return bads, goods


def _auc_from_ranks(ranks: Floats, bads: int, goods: int) -> float:
    return float((np.sum(ranks[:bads]) - bads * (bads + 1) / 2.0) / (bads * goods))


def _placements(y: ArrayLike, p: ArrayLike) -> tuple[Floats, Floats]:
    """For each bad the share of goods below it, for each good the share of bads above it; a tie counts half."""
    bads, goods = _by_class(y, p)
    m, n = len(bads), len(goods)
    ranks = _midranks(np.concatenate([bads, goods]))
    return (ranks[:m] - _midranks(bads)) / n, 1.0 - (ranks[m:] - _midranks(goods)) / m


def _midranks(values: Floats) -> Floats:
    """Rank of each value, 1 = lowest; equal values share the mean of their ranks."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2.0)[place]


def _sample_variance(values: Floats) -> float:
    return float(np.var(values, ddof=1)) if len(values) > 1 else 0.0
