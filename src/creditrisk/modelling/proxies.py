"""Features that rebuild what must not decide: one alone, the sum or difference of two, and all of them together.

A prohibited attribute is looked at group by group: each of its words against the rest, a number above each quartile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.kinds import Interval
from creditrisk.modelling.preprocess import Feature, numbers
from creditrisk.stats import auc_interval, roc_auc

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]
type Places = NDArray[np.int64]
type Values = NDArray[np.float32]
type How = Literal["alone", "sum", "difference"]

LIMIT = 0.9
"""AUC above which a feature, or two, count as the attribute itself."""

LEAST = 100
"""Rows inside a group, and outside it, that an AUC needs."""

MOST_WORDS = 20
"""Different whole numbers up to which a column is read as words; above, it is cut at its quartiles."""

MOST_GROUPS = 20
"""Groups of one attribute that are looked at, the largest ones: a book's postal areas number hundreds."""

SAMPLE = 10_000
"""Rows that features are sifted on, and some of each group; what is told of a finding is computed on all rows."""

TOGETHER = 3
"""Groups of one attribute that all features together are tried on, the largest ones."""

ROWS_TOGETHER = 3_000
"""Rows spread over all that they are tried on, beside some of each group."""

DRAWN = (100, 400)
"""Pairs of one row inside and one outside, by which sums and differences are sifted: first on few, then on more."""

SLACK = 0.03
"""How far below the limit, on the sample, a feature may lie and still be computed on all rows."""

MOST_CANDIDATES = 200
"""Sums and differences of one group that are computed on all rows, the most telling first."""


@dataclass(frozen=True, slots=True)
class Group:
    """Who belongs to one group of a prohibited attribute. Arrays have shape (n,).

    known: rows whose attribute is stated; the others are left out.
    """

    column: str
    label: str
    inside: Flags
    known: Flags

    @property
    def counts(self) -> tuple[int, int]:
        """Rows inside and outside."""
        inside = int(np.sum(self.inside & self.known))
        return inside, int(np.sum(self.known)) - inside

    @property
    def enough(self) -> bool:
        return min(self.counts) >= LEAST

    def at(self, rows: Places) -> Group:
        return Group(self.column, self.label, self.inside[rows], self.known[rows])

    def as_json(self) -> dict[str, Any]:
        inside, outside = self.counts
        return {"column": self.column, "group": self.label, "inside": inside, "outside": outside}


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How well one feature, or two, tell a group: `auc` is 0.5 for chance, 1 for certainty, whichever way round."""

    column: str
    label: str
    features: tuple[str, ...]
    how: How
    auc: float

    def as_json(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "group": self.label,
            "features": list(self.features),
            "how": self.how,
            "auc": self.auc,
        }


@dataclass(frozen=True, slots=True)
class Screen:
    """found: above the limit.  closest: the most telling feature of each group.  too_few: groups without evidence.

    pairs: sums and differences that were sifted for each group.
    """

    found: tuple[Rebuilt, ...]
    closest: tuple[Rebuilt, ...]
    too_few: tuple[Group, ...]
    pairs: int


@dataclass(frozen=True, slots=True)
class Together:
    """How far all features together tell a group, out of fold."""

    group: Group
    auc: Interval


def groups_of(audit: pa.Table, columns: Sequence[str]) -> tuple[list[Group], int]:
    """The groups of each column, largest first, and how many were left out as the smallest. No column, no group."""
    groups: list[Group] = []
    left_out = 0
    for column in columns:
        if column in audit.column_names:
            own, more = _groups(column, audit.column(column))
            groups += own
            left_out += more
    return groups, left_out


def screen(values: Values, features: Sequence[Feature], groups: Sequence[Group]) -> Screen:
    """Which features tell which group better than the limit. The same inputs give the same answer.

    values: `Preprocess.matrix` of the rows, shape (n, features); the groups' arrays have the same rows.
    """
    enough = [group for group in groups if group.enough]
    numeric = np.array([place for place, feature in enumerate(features) if feature.kind == "number"], dtype=np.int64)
    found: list[Rebuilt] = []
    closest: list[Rebuilt] = []
    rows, ranks, column = np.empty(0, dtype=np.int64), _Ranks.of(values[:0], features), ""
    for group in enough:
        if group.column != column:
            column = group.column
            rows = _sample(group.known, [one for one in enough if one.column == column])
            ranks = _Ranks.of(values[rows], features)
        alone = _alone(ranks, values[rows], features, group.at(rows))
        best = int(np.argmax(alone))
        looked_at = {best, *np.flatnonzero(alone > LIMIT - SLACK).tolist()}
        told = {place: _one(values[:, place], features[place], group) for place in sorted(looked_at)}
        closest.append(Rebuilt(group.column, group.label, (features[best].name,), "alone", told[best]))
        telling = [place for place, auc in told.items() if auc > LIMIT]
        found += [
            Rebuilt(group.column, group.label, (features[place].name,), "alone", told[place]) for place in telling
        ]
        found += _of_two(values, features, np.setdiff1d(numeric, telling), group)
    pairs = len(numeric) * (len(numeric) - 1) if enough else 0
    return Screen(tuple(found), tuple(closest), tuple(group for group in groups if not group.enough), pairs)


def told_together(values: Values, groups: Sequence[Group]) -> list[Together]:
    """AUC of a small boosted model of each group on all features, by halves out of fold, with DeLong's interval.

    Only the `TOGETHER` largest groups of an attribute, on a few thousand rows: a group tells of itself, so one of two
    need not be asked. Others are not there.
    """
    told = []
    for column in dict.fromkeys(group.column for group in groups):
        own = [group for group in groups if group.column == column and group.enough][:TOGETHER]
        if own:
            rows = _sample(own[0].known, own, spread=ROWS_TOGETHER)
            told += _together(values[rows], [group.at(rows) for group in own])
    return told


def _together(values: Values, groups: Sequence[Group]) -> list[Together]:
    import xgboost as xgb

    settings = {
        "objective": "binary:logistic", "tree_method": "hist", "max_depth": 3, "learning_rate": 0.25, "max_bin": 32,
        "colsample_bytree": 0.3, "seed": 20260101, "nthread": 1,
    }  # fmt: skip
    half = np.arange(len(values)) % 2 == 0
    margins = np.empty((len(groups), len(values)))
    for side in (half, ~half):
        table = xgb.QuantileDMatrix(values[side], max_bin=32, nthread=1)
        for number, group in enumerate(groups):
            table.set_label(group.inside[side])
            learnt = xgb.train(settings, table, 20)
            margins[number, ~side] = learnt.inplace_predict(values[~side], predict_type="margin")
    return [Together(group, auc_interval(group.inside, own)) for group, own in zip(groups, margins, strict=True)]


def _groups(column: str, cells: pa.ChunkedArray[Any]) -> tuple[list[Group], int]:
    known = cells.is_valid().to_numpy()
    if pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type) or pa.types.is_decimal(cells.type):
        figures = numbers(cells)
        if len(np.unique(figures[known])) > MOST_WORDS:
            cuts = np.unique(np.quantile(figures[known], [0.25, 0.5, 0.75]))
            return [Group(column, f"above {cut:g}", known & (figures > cut), known) for cut in cuts], 0
    words = cells.cast(pa.string())
    counted = sorted(
        (-count, word)
        for word, count in ((each["values"], each["counts"]) for each in words.value_counts().to_pylist())
        if word is not None
    )
    kept = [word for _, word in counted[:MOST_GROUPS]]
    codes = numbers(pc.index_in(words, value_set=pa.array(kept, pa.string())))
    return [Group(column, word, codes == place, known) for place, word in enumerate(kept)], len(counted) - len(kept)


def _sample(known: Flags, groups: Sequence[Group], *, spread: int = SAMPLE) -> Places:
    """Known rows spread over all of them, and of each group four times as many as an AUC needs."""
    chosen = [_spread(np.flatnonzero(known), spread)]
    chosen += [_spread(np.flatnonzero(group.inside), 4 * LEAST) for group in groups]
    return np.unique(np.concatenate(chosen))


def _spread(rows: Places, most: int) -> Places:
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


@dataclass(frozen=True, slots=True)
class _Ranks:
    """stated: midrank of each number among the stated ones of its feature, 0 where missing; both shape (n, features).

    From these any group's AUC follows, with the missing ones left out, ranked lowest or ranked highest.
    """

    stated: Floats
    missing: Floats

    @classmethod
    def of(cls, values: Values, features: Sequence[Feature]) -> _Ranks:
        stated = np.zeros(values.shape)
        missing = np.isnan(values)
        for place, feature in enumerate(features):
            if feature.kind == "number":
                known = ~missing[:, place]
                stated[known, place] = _midranks(values[known, place])
        return cls(stated, missing.astype(np.float64))

    def auc(self, inside: Flags) -> Floats:
        """Of each feature, shape (features,), the farthest from chance of its three readings; 0.5 for a category."""
        member = inside.astype(np.float64)
        n, members = len(inside), np.sum(member)
        absent, absent_inside = np.sum(self.missing, axis=0), member @ self.missing
        stated, stated_inside = n - absent, members - absent_inside
        ranks = member @ self.stated
        readings = np.array([
            _auc(ranks, stated_inside, stated),
            _auc(ranks + stated_inside * absent + absent_inside * (absent + 1) / 2, members, n),
            _auc(ranks + absent_inside * (stated + (absent + 1) / 2), members, n),
        ])  # fmt: skip
        too_few = (stated_inside < LEAST) | (stated - stated_inside < LEAST)
        readings[0, too_few] = 0.5
        return np.asarray(np.max(np.maximum(readings, 1.0 - readings), axis=0))


def _alone(ranks: _Ranks, values: Values, features: Sequence[Feature], group: Group) -> Floats:
    """AUC of each feature on the sample, shape (features,)."""
    told = ranks.auc(group.inside)
    for place, feature in enumerate(features):
        if feature.kind == "category":
            told[place] = _one(values[:, place], feature, group)
    return told


def _one(column: Values, feature: Feature, group: Group) -> float:
    """AUC of one feature on all known rows; a category's words are ordered on every other row and tried on the rest."""
    column, inside = column[group.known], group.inside[group.known]
    if feature.kind == "number":
        return float(_Ranks.of(column[:, None], (feature,)).auc(inside)[0])
    codes = np.where(np.isnan(column), len(feature.categories), column).astype(np.int64)
    learnt = np.arange(len(codes)) % 2 == 0
    size = len(feature.categories) + 1
    share = (np.bincount(codes[learnt & inside], minlength=size) + np.mean(inside)) / (
        np.bincount(codes[learnt], minlength=size) + 1.0
    )
    tried = ~learnt
    if inside[tried].all() or not inside[tried].any():
        return 0.5
    return max(0.5, roc_auc(inside[tried], share[codes[tried]]))


def _of_two(values: Values, features: Sequence[Feature], numeric: Places, group: Group) -> list[Rebuilt]:
    """Sums and differences above the limit. Those of a feature that tells the group alone are not looked at."""
    found = []
    for first, second, how in _candidates(values[:, numeric], group):
        left, right = values[:, numeric[first]], values[:, numeric[second]]
        both = left + right if how == "sum" else left - right
        stated = group.known & ~np.isnan(both)
        inside = group.inside[stated]
        if min(int(np.sum(inside)), int(np.sum(~inside))) < LEAST:
            continue
        auc = roc_auc(inside, both[stated])
        if max(auc, 1.0 - auc) > LIMIT:
            names = (features[numeric[first]].name, features[numeric[second]].name)
            found.append(Rebuilt(group.column, group.label, names, how, max(auc, 1.0 - auc)))
    return found


def _candidates(values: Values, group: Group) -> list[tuple[int, int, How]]:
    """Sums and differences that may exceed the limit: how often they order one row inside and one outside.

    d = inside - outside for each pair of rows and each feature: a sum orders the pair by d + e, a difference by d - e.
    Four standard errors of the count below the limit are still let through.
    """
    random = np.random.default_rng(20260101)
    first, second = np.triu_indices(values.shape[1], k=1)
    sums = differences = np.ones(len(first), dtype=np.bool_)
    score = np.zeros((2, len(first)))
    for drawn in DRAWN:
        rows = [random.choice(np.flatnonzero(group.known & side), drawn) for side in (group.inside, ~group.inside)]
        gaps = np.ascontiguousarray((values[rows[0]] - values[rows[1]]).T)
        least = LIMIT - 4.0 * (LIMIT * (1.0 - LIMIT) / drawn) ** 0.5
        for number, (sign, open_ones) in enumerate(((1.0, sums), (-1.0, differences))):
            score[number] = np.where(open_ones, _ordered(gaps, first, second, sign, open_ones), 0.0)
        sums, differences = score[0] >= least, score[1] >= least
    order = np.argsort(-score, axis=None, kind="stable")[:MOST_CANDIDATES]
    told: list[tuple[int, int, How]] = []
    for number, place in zip(*np.unravel_index(order, score.shape), strict=True):
        if (sums, differences)[number][place]:
            told.append((int(first[place]), int(second[place]), "sum" if number == 0 else "difference"))
    return told


def _ordered(gaps: Values, first: Places, second: Places, sign: float, wanted: Flags) -> Floats:
    """Share of the drawn pairs that each sum or difference orders, whichever way round; shape (len(first),)."""
    told = np.zeros(len(first))
    places = np.flatnonzero(wanted)
    for start in range(0, len(places), 4096):
        some = places[start : start + 4096]
        both = gaps[first[some]] + np.float32(sign) * gaps[second[some]]
        above, below = np.count_nonzero(both > 0, axis=1), np.count_nonzero(both < 0, axis=1)
        level = np.count_nonzero(both == 0, axis=1)
        stated = np.maximum(above + below + level, 1)
        told[some] = (np.maximum(above, below) + level / 2.0) / stated
    return told


def _auc(ranks_inside: Floats, inside: Floats | float, every: Floats | float) -> Floats:
    """Mann and Whitney's, from the sum of the ranks inside; 0.5 where one side is empty."""
    inside, outside = np.asarray(inside, dtype=np.float64), np.asarray(every, dtype=np.float64) - inside
    pairs = inside * outside
    told = (ranks_inside - inside * (inside + 1.0) / 2.0) / np.maximum(pairs, 1.0)
    return np.where(pairs > 0, told, 0.5)


def _midranks(values: Values) -> Floats:
    """1 = lowest; equal values share the mean of their ranks."""
    order = np.argsort(values)
    ordered = values[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(values) else order
    ends = np.append(begins[1:], len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((begins + 1 + ends) / 2.0, ends - begins)
    return ranks
