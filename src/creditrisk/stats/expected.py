"""What ranks and losses will come out as, were the PDs right: no outcome is needed, and none is used.

Every `p` has shape (n,), a PD strictly between 0 and 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk.errors import BadData
from creditrisk.kinds import Interval

type Floats = NDArray[np.float64]


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


def auc_by_chance(p: ArrayLike, *, seed: int, rounds: int = 200, level: float = 0.95) -> Interval:
    """`expected_auc`, and where an AUC of these rows will lie with probability `level` while the PDs are right."""
    pd = np.sort(_checked(p))
    _, place, count = np.unique(pd, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2.0)[place]
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(rounds):
        bad = random.random(len(pd)) < pd
        bads = int(np.count_nonzero(bad))
        if 0 < bads < len(pd):
            drawn.append((float(np.sum(rank[bad])) - bads * (bads + 1) / 2.0) / (bads * (len(pd) - bads)))
    value = expected_auc(pd)
    if not drawn:
        raise BadData(f"{float(np.sum(pd)):.2g} bads expected of {len(pd)} rows: no AUC will come of them")
    low, high = np.quantile(drawn, [0.5 - level / 2.0, 0.5 + level / 2.0])
    return Interval(value, min(float(low), value), max(float(high), value), level)


def _checked(p: ArrayLike) -> Floats:
    pd = np.asarray(p, dtype=np.float64)
    if len(pd) < 2:
        raise BadData(f"{len(pd)} rows: an expectation of ranks needs two")
    if not np.all((pd > 0.0) & (pd < 1.0)):
        raise BadData("a PD is 0, 1 or no number")
    return pd
