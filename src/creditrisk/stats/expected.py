"""What ranks and losses will come out as, were the PDs right: no outcome is needed, and none is used.

Every `p` has shape (n,), a PD strictly between 0 and 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk.errors import BadData
from creditrisk.kinds import Interval

type Floats = NDArray[np.float64]

_GROUPS = 1_000


def expected_auc(p: ArrayLike) -> float:
    """The AUC to expect: every pair of rows counts with the chance that one is bad and the other good. O(n log n).

    Raises BadData for fewer than two rows.   Source: Bamber (1975), with the PDs in place of the outcomes.
    """
    pd = np.sort(_checked(p))
    values, first = np.unique(pd, return_index=True)
    count = np.diff(np.append(first, len(pd)))
    bad, good = values * count, (1.0 - values) * count
    good_below = np.cumsum(good) - good
    # Of two rows with the same PD either may be the bad one: half. A row makes no pair with itself.
    own = float(np.sum(count * values * (1.0 - values)))
    tied = float(np.sum(bad * good)) - own
    pairs = float(np.sum(bad)) * float(np.sum(good)) - own
    return (float(np.sum(bad * good_below)) + tied / 2.0) / pairs


def expected_brier(p: ArrayLike) -> float:
    """Mean of PD (1 - PD)."""
    pd = _checked(p)
    return float(np.mean(pd * (1.0 - pd)))


def expected_log_loss(p: ArrayLike) -> float:
    """Mean entropy of the PDs, in nats."""
    pd = _checked(p)
    return float(np.mean(-pd * np.log(pd) - (1.0 - pd) * np.log1p(-pd)))


def auc_by_chance(p: ArrayLike, *, seed: int, rounds: int = 1000, level: float = 0.95) -> Interval:
    """`expected_auc`, and where an AUC of these rows will lie with probability `level` while the PDs are right.

    Bads are drawn in up to 1,000 groups of rows that are neighbours in PD, each row by itself where they are few.
    """
    pd = np.sort(_checked(p))
    starts = np.linspace(0, len(pd), min(len(pd), _GROUPS), endpoint=False).astype(np.int64)
    rows = np.diff(np.append(starts, len(pd)))
    bads = np.random.default_rng(seed).binomial(rows, np.add.reduceat(pd, starts) / rows, (rounds, len(rows)))
    goods = rows - bads
    all_bads, all_goods = bads.sum(axis=1).astype(np.float64), goods.sum(axis=1).astype(np.float64)
    both = (all_bads > 0) & (all_goods > 0)
    if not np.any(both):
        raise BadData(f"{float(np.sum(pd)):.2g} bads expected of {len(pd)} rows: no AUC will come of them")
    hits = np.sum(bads * (np.cumsum(goods, axis=1) - goods / 2.0), axis=1)
    drawn = hits[both] / (all_bads[both] * all_goods[both])
    value = expected_auc(pd)
    low, high = np.quantile(drawn, [0.5 - level / 2.0, 0.5 + level / 2.0])
    return Interval(value, min(float(low), value), max(float(high), value), level)


def _checked(p: ArrayLike) -> Floats:
    pd = np.asarray(p, dtype=np.float64)
    if len(pd) < 2:
        raise BadData(f"{len(pd)} rows: an expectation of ranks needs two")
    if not np.all((pd > 0.0) & (pd < 1.0)):
        raise BadData("a PD is 0, 1 or no number")
    return pd
