"""Two shares of two samples: how many times the one is of the other, and how far they lie apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

from creditrisk.errors import BadData
from creditrisk.kinds import Interval
from creditrisk.stats.intervals import wilson_interval

_FARTHEST = 60.0
"""In the logarithm of a ratio: beyond it no two samples of any size differ."""


def share_difference_interval(
    hits: int, rows: int, other_hits: int, other_rows: int, *, level: float = 0.95
) -> Interval:
    """hits/rows less other_hits/other_rows, in [-1, 1]; honest at shares of 0 and 1.

    Raises BadData when either has no rows.   Source: Newcombe (1998), method 10: Wilson's intervals joined.
    """
    here = wilson_interval(hits, rows, level=level)
    there = wilson_interval(other_hits, other_rows, level=level)
    apart = here.value - there.value
    below = math.hypot(here.value - here.low, there.high - there.value)
    above = math.hypot(here.high - here.value, there.value - there.low)
    return Interval(apart, max(apart - below, -1.0), min(apart + above, 1.0), level)


def share_ratio_interval(hits: int, rows: int, other_hits: int, other_rows: int, *, level: float = 0.95) -> Interval:
    """hits/rows over other_hits/other_rows, 0 or more; stays honest where a share is 0 or 1, as Katz's does not.

    Raises BadData when either has no rows, or the other has no hits: the ratio is then no number.
    Source: Koopman (1984), the ratios that a score test at this level does not reject.
    """
    if rows <= 0 or other_rows <= 0:
        raise BadData("a share of no rows", hint="count the rows first")
    if other_hits <= 0:
        raise BadData(f"0 of {other_rows} to compare with: a ratio to a share of 0 is no number")
    bound = NormalDist().inv_cdf(0.5 + level / 2.0)
    ratio = (hits / rows) / (other_hits / other_rows)

    def rejected(log_ratio: float) -> bool:
        return abs(_score(hits, rows, other_hits, other_rows, math.exp(log_ratio))) > bound

    middle = math.log(ratio) if hits else -_FARTHEST
    low = math.exp(_edge(rejected, middle, -_FARTHEST)) if hits else 0.0
    return Interval(ratio, low, math.exp(_edge(rejected, middle, _FARTHEST)), level)


def shares_test(hits: int, rows: int, other_hits: int, other_rows: int) -> float:
    """p value of "both samples have the same share": twice the smaller tail of all ways to deal the hits, at most 1.

    Exact for any number of rows; it takes neither share as known. Raises BadData for counts that cannot be.
    Source: Fisher (1935).
    """
    if not (0 <= hits <= rows and 0 <= other_hits <= other_rows and rows > 0 and other_rows > 0):
        raise BadData(f"{hits} of {rows} rows against {other_hits} of {other_rows}", hint="count the rows first")
    drawn, marked, everybody = rows, hits + other_hits, rows + other_rows
    mean = drawn * marked / everybody
    if hits < mean:  # counted the other way round it is the upper tail
        return shares_test(rows - hits, rows, other_rows - other_hits, other_rows)
    return min(2.0 * _dealt_or_more(hits, drawn, marked, everybody), 1.0)


def _dealt_or_more(hits: int, drawn: int, marked: int, everybody: int) -> float:
    """Probability of so many marked ones or more among the drawn; hits: the mean or more."""
    import numpy as np
    from scipy.special import betaln

    share = marked / everybody
    deviation = math.sqrt(drawn * share * (1.0 - share)) + 1.0
    last = min(drawn, marked, hits + int(50.0 * deviation))  # what lies beyond is nothing to a double
    k = np.arange(hits, last + 1, dtype=np.float64)

    def log_choose(n: float, of: Any) -> Any:
        return -np.log1p(n) - betaln(n - of + 1.0, of + 1.0)

    ways = log_choose(marked, k) + log_choose(everybody - marked, drawn - k) - log_choose(everybody, float(drawn))
    return float(np.sum(np.exp(ways)))


def _edge(rejected: Callable[[float], bool], kept: float, out: float) -> float:
    """The last place that is not rejected on the way from `kept` to `out`; the score moves one way between them."""
    for _ in range(200):
        tried = (kept + out) / 2.0
        if tried in (kept, out):
            break
        if rejected(tried):
            out = tried
        else:
            kept = tried
    return kept


def _score(hits: int, rows: int, other_hits: int, other_rows: int, ratio: float) -> float:
    """How many standard errors the shares lie from being `ratio` to 1, were they so (Miettinen & Nurminen, 1985)."""
    a = ratio * (rows + other_rows)
    b = ratio * (rows + other_hits) + hits + other_rows
    c = float(hits + other_hits)
    there = min(2.0 * c / (b + math.sqrt(max(b * b - 4.0 * a * c, 0.0))), 1.0)  # the likeliest share under that ratio
    here = min(ratio * there, 1.0)
    variance = here * (1.0 - here) / rows + ratio * ratio * there * (1.0 - there) / other_rows
    apart = hits / rows - ratio * other_hits / other_rows
    if variance <= 0.0:
        return 0.0 if apart == 0.0 else math.copysign(math.inf, apart)
    return apart / math.sqrt(variance)
