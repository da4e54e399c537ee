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
type Counts = NDArray[np.int64] | NDArray[np.float64]

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
    def bads(self) -> Codes:
        """Places of the bad rows."""
        return np.flatnonzero(self.y)

    @cached_property
    def rows_of_vintage(self) -> Codes:
        return np.bincount(self.vintage, minlength=self.vintages)

    @cached_property
    def rate_of_vintage(self) -> Floats:
        bads = np.bincount(self.vintage[self.bads], minlength=self.vintages)
        return np.asarray(bads / np.maximum(self.rows_of_vintage, 1))

    @cached_property
    def rate_without_fold(self) -> Floats:
        """Shape (folds, vintages): bad rate of each vintage among the rows of all other folds; 0 where there is none.

        Without it, because what a whole vintage deviates from its own rate is nothing: a fold's rows would be told of
        by the others, with the sign turned.
        """
        rows, bads = (counts.sum(axis=2) for counts in _by_fold(self, np.zeros_like(self.vintage)))
        rows, bads = rows.sum(axis=1, keepdims=True) - rows, bads.sum(axis=1, keepdims=True) - bads
        return np.asarray((bads / np.maximum(rows, 1)).T)

    @cached_property
    def pairs(self) -> float:
        """Of a bad and a good of the same vintage."""
        return _won_and_all(*_counts(self, np.zeros_like(self.vintage)))[1]

    @cached_property
    def vintages(self) -> int:
        return int(self.vintage.max()) + 1 if len(self.vintage) else 1

    @cached_property
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
    every, bads = (counts[:, 1:] for counts in _counts(outcomes, codes))
    if known_min and min(bads.sum(), every.sum() - bads.sum()) >= known_min:
        won, pairs = _won_and_all(every, bads)
        return won / pairs if pairs else CHANCE
    return _auc_inside(outcomes, every, bads)


def auc_out_of_fold(outcomes: Outcomes, codes: Codes, *, smoothing: float, inside: Mask | None = None) -> float:
    """AUC of the codes' bad rates, each learnt on the other folds; 0.5 = says nothing, below = chance.

    A rate is the mean distance from the vintage's own rate, drawn to zero by `smoothing` rows, so that rare codes and
    codes that stand for an era say nothing.  inside: rows that are looked at; a pair with another one counts half.
    """
    rows, bads = _by_fold(outcomes, codes, inside)
    vintages, folds, width = rows.shape
    learnt = rows.sum(axis=(0, 1)) - rows.sum(axis=0)
    # Shape (fold to score, fold to learn from, code): bads beyond what the vintages' rates without the former give.
    off = bads.sum(axis=0) - (outcomes.rate_without_fold @ rows.reshape(vintages, -1)).reshape(folds, folds, width)
    off = off.sum(axis=1) - off[np.arange(folds), np.arange(folds)]
    score = np.round(off / (learnt + smoothing), 9)  # sums in another order differ in the last bits only
    level = ranked(score.ravel()).codes(_SCORES).reshape(1, folds, width)
    cell = np.arange(vintages).reshape(-1, 1, 1) * (level.max() + 1) + level
    shape = (vintages, int(level.max()) + 1)
    every, bads = (
        np.bincount(cell.ravel(), weights=counts.ravel(), minlength=shape[0] * shape[1]).reshape(shape)
        for counts in (rows, bads)
    )
    return _auc_inside(outcomes, every, bads)


def auc_of_missing(outcomes: Outcomes, missing: Mask, inside: Mask | None = None) -> float:
    """AUC of being missing, in the direction that tells more: 0.5 to 1."""
    codes = 1 + missing.astype(np.int64)
    auc = auc_of_rank(outcomes, codes if inside is None else codes * inside)
    return max(auc, 1.0 - auc)


def group_of(outcomes: Outcomes, inside: Mask) -> Group | None:
    """The rows `inside`, in those vintages that also hold others; None when there are no such rows."""
    within = np.bincount(outcomes.vintage[inside], minlength=outcomes.vintages)
    mixed = (within > 0) & (within < outcomes.rows_of_vintage)
    rows = int(within[mixed].sum())
    if not rows:
        return None
    bad = outcomes.bads[inside[outcomes.bads]]
    bads = int(np.bincount(outcomes.vintage[bad], minlength=outcomes.vintages)[mixed].sum())
    expected = float((within * outcomes.rate_of_vintage)[mixed].sum() / rows)
    return Group(rows, bads, expected, _odds_ratio(bads, rows, expected), _chance(bads / rows, expected, rows))


def groups_of(outcomes: Outcomes, codes: Codes, *, rows_min: int, rate_min: float) -> Iterator[tuple[int, Group]]:
    """The codes above 0 with that many rows and at least that bad rate."""
    rows = np.bincount(codes)
    bads = np.bincount(codes[outcomes.bads], minlength=len(rows))
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


def _auc_inside(outcomes: Outcomes, every: Counts, bads: Counts) -> float:
    """Of the counted rows; a pair with another row counts half."""
    if not outcomes.pairs:
        return CHANCE
    won, pairs = _won_and_all(every, bads)
    return CHANCE + (won - pairs / 2.0) / outcomes.pairs


def _counts(outcomes: Outcomes, codes: Codes) -> tuple[Counts, Counts]:
    """Rows and bads, each of shape (vintages, codes)."""
    width = int(codes.max(initial=0)) + 1
    cell = codes if outcomes.vintages == 1 else outcomes.vintage * width + codes
    counted = (np.bincount(cells, minlength=outcomes.vintages * width) for cells in (cell, cell[outcomes.bads]))
    every, bads = (counts.reshape(outcomes.vintages, width) for counts in counted)
    return every, bads


def _by_fold(outcomes: Outcomes, codes: Codes, inside: Mask | None = None) -> tuple[Counts, Counts]:
    """Rows and bads, each of shape (vintages, folds, codes), of all rows or of those inside."""
    width = int(codes.max(initial=0)) + 1
    shape = (outcomes.vintages, outcomes.folds, width)
    cell = (outcomes.vintage * outcomes.folds + outcomes.fold) * width + codes
    bad = outcomes.bads if inside is None else outcomes.bads[inside[outcomes.bads]]
    counted = (np.bincount(cells, minlength=math.prod(shape)) for cells in
               (cell if inside is None else cell[inside], cell[bad]))  # fmt: skip
    every, bads = (counts.reshape(shape) for counts in counted)
    return every, bads


def _won_and_all(every: Counts, bads: Counts) -> tuple[float, float]:
    """Pairs of a bad and a good of one vintage in which the bad has the higher code (a tie is half a win), and all.

    every, bads: shape (vintages, codes).
    """
    every, bads = every.astype(np.float64), bads.astype(np.float64)
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
