"""Bads among the rows of a group against the PD that was promised for it.

Both tests treat the group's rows as independent with one PD, its mean: differing PDs inside a group would make the
count vary a little less, loans that fail together more.
"""

from __future__ import annotations

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
