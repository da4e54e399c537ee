"""Bads among the rows of a group against the PD that was promised for it.

Both tests treat the group's rows as independent with one PD, its mean: differing PDs inside a group would make the
count vary a little less, loans that fail together more.
"""

from __future__ import annotations

import math

from creditrisk.errors import BadData
from creditrisk.kinds import Interval


def binomial_test(bads: int, rows: int, pd: float, *, two_sided: bool = False) -> float:
    """p value of "the PD is not too low": how often so many bads or more come of `rows` loans with this PD.

    two_sided: of "the PD is right": twice the smaller tail, at most 1 (what Clopper and Pearson's interval inverts).
    Raises BadData for counts or a PD that cannot be.   Source: Clopper & Pearson (1934).
    """
    from scipy.special import bdtr, bdtrc

    _checked(bads, rows, pd)
    or_more = float(bdtrc(bads - 1, rows, pd)) if bads else 1.0
    if not two_sided:
        return or_more
    or_fewer = float(bdtr(bads, rows, pd))
    return min(2.0 * min(or_more, or_fewer), 1.0)


def jeffreys_test(bads: int, rows: int, pd: float, *, two_sided: bool = False) -> float:
    """p value of "the PD is not too low": how likely the true PD is at most `pd`, Beta(bads + 1/2, goods + 1/2) given.

    two_sided: of "the PD is right": twice the smaller tail.
    Raises BadData for counts or a PD that cannot be.   Source: European Central Bank (2019), instructions for reporting
    the validation results of internal models, 2.5.3.1; Jeffreys' prior.
    """
    from scipy.special import betainc, betaincc

    _checked(bads, rows, pd)
    shape = (bads + 0.5, rows - bads + 0.5)
    at_most = float(betainc(*shape, pd))
    if not two_sided:
        return at_most
    return min(2.0 * min(at_most, float(betaincc(*shape, pd))), 1.0)


def promise_test(bads: int, expected: float, variance: float, *, doubt: float = 0.0) -> tuple[float, float]:
    """p values of "the PDs are not too low" and of "they are not too high", over loans of differing PDs.

    expected: the sum of their PDs, above 0.  variance: the sum of PD (1 - PD), at most `expected`.
    doubt: squared relative error that the PDs have as a whole, because their calibration was learnt from a sample; 0
    takes them as they are. The count is taken as binomial with this mean and variance, its PD as Beta.
    Raises BadData for sums that cannot be.   Source: Ehm (1991) on sums of unequal trials.
    """
    if not (expected > 0.0 and 0.0 <= variance <= expected and bads >= 0 and doubt >= 0.0):
        raise BadData(f"{bads} bads where {expected:g} +- variance {variance:g} are promised")
    trials = max(math.ceil(expected / max(1.0 - variance / expected, 1e-9) - 1e-6), bads, 1)
    pd = expected / trials
    if pd >= 1.0:
        return 1.0, float(bads >= trials)
    spread = pd * doubt / (1.0 - pd)
    return _tails(bads, trials, pd, 1.0 / spread - 1.0 if 0.0 < spread < 1.0 else math.inf)


def _tails(bads: int, trials: int, pd: float, weight: float) -> tuple[float, float]:
    """How likely so many or more, and so many or fewer. weight: rows that the PD itself is known from."""
    import numpy as np
    from scipy.special import bdtr, bdtrc, betaln

    if math.isinf(weight):
        return (float(bdtrc(bads - 1, trials, pd)) if bads else 1.0), float(bdtr(bads, trials, pd))
    shape = (pd * weight, (1.0 - pd) * weight)
    reach = int(50.0 * math.sqrt(trials * pd * (1.0 + trials / weight)) + 50.0)  # beyond it is nothing to a double

    def between(first: int, last: int) -> float:
        k = np.arange(max(first, 0), min(last, trials) + 1, dtype=np.float64)
        ways = -np.log1p(trials) - betaln(trials - k + 1.0, k + 1.0)
        ways += betaln(k + shape[0], trials - k + shape[1]) - betaln(*shape)
        return min(float(np.sum(np.exp(ways))), 1.0)

    return between(bads, max(bads, int(trials * pd)) + reach), between(min(bads, int(trials * pd)) - reach, bads)


def clopper_pearson_interval(hits: int, rows: int, *, level: float = 0.95) -> Interval:
    """A share with its exact interval: it holds the true share at least as often as `level` says.

    Raises BadData for counts that cannot be.   Source: Clopper & Pearson (1934).
    """
    from scipy.special import betaincinv

    _checked(hits, rows, 0.0)
    tail = (1.0 - level) / 2.0
    low = float(betaincinv(hits, rows - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, rows - hits, 1.0 - tail)) if hits < rows else 1.0
    return Interval(hits / rows, low, high, level)


def _checked(hits: int, rows: int, share: float) -> None:
    if rows <= 0 or not 0 <= hits <= rows:
        raise BadData(f"{hits} of {rows} rows", hint="count the rows first")
    if not 0.0 <= share <= 1.0:
        raise BadData(f"a promised share of {share}", hint="a PD lies between 0 and 1")
