"""What one column alone says about the outcome, among loans of the same vintage.

Everything here compares rows only with rows of their own vintage, so that a column which marks the era (NULL before it
was added to the file) says nothing. Codes are whole numbers from 0; a missing value is a code of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Codes = NDArray[np.int64]
type Mask = NDArray[np.bool_]

CHANCE = 0.5
_SCORES = 256
"""Distinct scores that an AUC tells apart; more are put together by rank."""


@dataclass(frozen=True)
class Outcomes:
    """The outcomes that a column is held against, each array of shape (n,).

    y: 1 = bad.  vintage: code of the as-of month; all 0 without one.  fold: code of the part that a row is scored in,
    from its key.
    """

    y: NDArray[np.int8]
    vintage: Codes
    fold: Codes

    @cached_property
    def expected(self) -> Floats:
        """Bad rate of each row's vintage."""
        rows, bads = np.bincount(self.vintage), np.bincount(self.vintage, weights=self.y)
        return (bads / np.maximum(rows, 1))[self.vintage]

    @cached_property
    def off_by_fold(self) -> Floats:
        """Shape (folds, n): each row's outcome less the bad rate of its vintage, both without the fold; 0 in it.

        Without it, because what a whole vintage deviates from its own rate is nothing: a fold's rows would be told of
        by the others, with the sign turned.
        """
        off = np.zeros((self.folds, len(self.y)))
        for fold in range(self.folds):
            others = self.fold != fold
            rows = np.bincount(self.vintage, weights=others)
            bads = np.bincount(self.vintage, weights=self.y * others)
            off[fold] = np.where(others, self.y - (bads / np.maximum(rows, 1))[self.vintage], 0.0)
        return off

    @cached_property
    def pairs(self) -> float:
        """Of a bad and a good of the same vintage."""
        return _won_and_all(self.y, self.vintage, np.zeros_like(self.vintage))[1]

    @property
    def vintages(self) -> int:
        return int(self.vintage.max()) + 1 if len(self.vintage) else 1

    @property
    def folds(self) -> int:
        return int(self.fold.max()) + 1 if len(self.fold) else 1


class Group(NamedTuple):
    """Rows that share something, and how bad they are beside others of their vintages.

    rate: share of bads.  expected: what their vintages would give.  chance: how likely a rate that far off is at least
    said to be too small (Chernoff's bound on the binomial tail).  odds_ratio: of rate against expected, or its inverse.
    """

    rows: int
    bads: int
    expected: float
    odds_ratio: float
    chance: float

    @property
    def rate(self) -> float:
        return self.bads / self.rows


class Ranked(NamedTuple):
    """Numbers sorted once. known: shape (n,), not NaN.  place: of each known number among the distinct ones, from 0.
    rows: of each distinct number, rising."""

    known: Mask
    place: Codes
    rows: Codes

    def codes(self, levels: int) -> Codes:
        """Each number's level by rank, 1 to `levels`; equal numbers share one, NaN has 0. A rising transform of the
        numbers changes nothing."""
        level = np.arange(len(self.rows))
        if len(self.rows) > levels:
            last = np.cumsum(self.rows)
            middle = (last - (self.rows + 1) / 2.0) / last[-1]
            level = np.unique((middle * levels).astype(np.int64), return_inverse=True)[1]
        codes = np.zeros(len(self.known), dtype=np.int64)
        codes[self.known] = 1 + level[self.place]
        return codes


def ranked(values: Floats) -> Ranked:
    known = ~np.isnan(values)
    _, place, count = np.unique(values[known], return_inverse=True, return_counts=True)
    return Ranked(known, place, count)


def auc_of_rank(outcomes: Outcomes, codes: Codes, *, known_min: int = 0) -> float:
    """AUC of the codes as they rise, in [0, 1].

    Of the rows that have a code above 0 (are not missing), where at least `known_min` bads and goods have one; else a
    pair with a missing one counts half, as a tie does.
    """
    known = codes > 0
    bads = int(outcomes.y[known].sum())
    if known_min and min(bads, int(known.sum()) - bads) >= known_min:
        won, every = _won_and_all(outcomes.y[known], outcomes.vintage[known], codes[known])
        return won / every if every else CHANCE
    return _auc_inside(outcomes, codes, known)


def auc_out_of_fold(outcomes: Outcomes, codes: Codes, *, smoothing: float, inside: Mask | None = None) -> float:
    """AUC of the codes' bad rates, each learnt on the other folds; 0.5 = says nothing, below = chance.

    A rate is the mean distance from the vintage's own rate, drawn to zero by `smoothing` rows, so that rare codes and
    codes that stand for an era say nothing.  inside: rows that are looked at; a pair with another one counts half.
    """
    folds, width = outcomes.folds, int(codes.max()) + 1
    inside = np.ones(len(codes), dtype=bool) if inside is None else inside
    cell = codes * folds + outcomes.fold
    rows = np.bincount(cell, weights=inside, minlength=width * folds).reshape(width, folds)
    rows = rows.sum(axis=1, keepdims=True) - rows
    off = np.stack([np.bincount(codes, weights=of * inside, minlength=width) for of in outcomes.off_by_fold], axis=1)
    score = np.round(off / (rows + smoothing), 9)  # sums in another order differ in the last bits only
    return _auc_inside(outcomes, ranked(score.ravel()).codes(_SCORES)[cell], inside)


def auc_of_missing(outcomes: Outcomes, missing: Mask, inside: Mask | None = None) -> float:
    """AUC of being missing, in the direction that tells more: 0.5 to 1."""
    codes = 1 + missing.astype(np.int64)
    auc = auc_of_rank(outcomes, codes if inside is None else codes * inside)
    return max(auc, 1.0 - auc)


def group_of(outcomes: Outcomes, inside: Mask) -> Group | None:
    """The rows `inside`, in those vintages that also hold others; None when there are no such rows."""
    within = np.bincount(outcomes.vintage, weights=inside, minlength=outcomes.vintages)
    mixed = (within > 0) & (within < np.bincount(outcomes.vintage, minlength=outcomes.vintages))
    counted = inside & mixed[outcomes.vintage]
    rows = int(counted.sum())
    if not rows:
        return None
    bads, expected = int(outcomes.y[counted].sum()), float(outcomes.expected[counted].mean())
    return Group(rows, bads, expected, _odds_ratio(bads, rows, expected), _chance(bads / rows, expected, rows))


def groups_of(outcomes: Outcomes, codes: Codes, *, rows_min: int, rate_min: float) -> Iterator[tuple[int, Group]]:
    """The codes above 0 with that many rows and at least that bad rate."""
    rows, bads = np.bincount(codes), np.bincount(codes, weights=outcomes.y)
    rows[0] = 0
    for code in np.flatnonzero((rows >= rows_min) & (bads >= rate_min * rows)):
        group = group_of(outcomes, codes == code)
        if group is not None:
            yield int(code), group


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's, over rows where both are known; 0 where one of them never changes."""
    known = ~(np.isnan(one) | np.isnan(other))
    if known.sum() < 3:
        return 0.0
    ranks = [np.unique(values[known], return_inverse=True)[1].astype(np.float64) for values in (one, other)]
    if min(rank.std() for rank in ranks) == 0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _auc_inside(outcomes: Outcomes, codes: Codes, inside: Mask) -> float:
    if not outcomes.pairs:
        return CHANCE
    won, every = _won_and_all(outcomes.y[inside], outcomes.vintage[inside], codes[inside])
    return CHANCE + (won - every / 2.0) / outcomes.pairs


def _won_and_all(y: NDArray[np.int8], vintage: Codes, codes: Codes) -> tuple[float, float]:
    """Pairs of a bad and a good of one vintage in which the bad has the higher code (a tie is half a win), and all."""
    if not len(y):
        return 0.0, 0.0
    width = int(codes.max()) + 1
    size = ((int(vintage.max()) + 1), width)
    cell = vintage * width + codes
    every = np.bincount(cell, minlength=size[0] * width).reshape(size).astype(np.float64)
    bads = np.bincount(cell, weights=y, minlength=size[0] * width).reshape(size)
    goods = every - bads
    below = np.cumsum(goods, axis=1) - goods
    won = float(np.sum(bads * (below + goods / 2.0)))
    return won, float(np.sum(bads.sum(axis=1) * goods.sum(axis=1)))


def _odds_ratio(bads: int, rows: int, expected: float) -> float:
    if not 0.0 < expected < 1.0:
        return 1.0
    if bads in (0, rows):
        return math.inf
    ratio = bads / (rows - bads) * (1.0 - expected) / expected
    return max(ratio, 1.0 / ratio)


def _chance(rate: float, expected: float, rows: int) -> float:
    """Chernoff: n draws at `expected` are as far off as `rate` with a probability of at most exp(-n KL)."""
    if not 0.0 < expected < 1.0:
        return 1.0
    parts = ((rate, expected), (1.0 - rate, 1.0 - expected))
    distance = sum(share * math.log(share / other) for share, other in parts if share > 0)
    return math.exp(-rows * max(distance, 0.0))
