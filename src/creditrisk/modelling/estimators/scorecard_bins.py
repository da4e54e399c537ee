"""Which characteristics a scorecard looks at, and their bins; optbinning is imported here alone, while fitting.

WOE, weight of evidence, of a bin: log-odds of bad among its rows less the log-odds of bad among all rows; above 0 the
bin is worse than the average. IV, information value, of a characteristic: sum over its bins of (share of all bads -
share of all goods) * WOE.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creditrisk.modelling.estimators.base import Floats, Learning, Rows, Values, wait_asleep
from creditrisk.modelling.preprocess import Feature

ROUGH_BINS = 10
TOO_LITTLE = "information value below iv_min"
TOO_MUCH = "information value above iv_max: too good to be known beforehand"

type Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bins:
    """Where a value of one feature belongs: to a stretch or a group of words, to a special value, or to `missing`.

    splits: a number at or above the n-th belongs beyond it.  groups: of a category, words that belong together.
    specials: single numbers with a bin each.  The last bin holds what is missing, and words of no group.
    """

    feature: Feature
    splits: tuple[float, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    specials: tuple[float, ...] = ()

    @property
    def ordered(self) -> int:
        """Bins before the special ones: stretches of a number, or groups of words."""
        return len(self.splits) + 1 if self.feature.kind == "number" else len(self.groups)

    @property
    def count(self) -> int:
        return self.ordered + len(self.specials) + 1

    def places(self, values: Values) -> Places:
        """The bin of each value, 0 to count - 1, shape (n,)."""
        missing = np.isnan(values)
        if self.feature.kind == "category":
            by_code = np.full(len(self.feature.categories) + 1, self.count - 1)
            code = {word: place for place, word in enumerate(self.feature.categories)}
            for group, words in enumerate(self.groups):
                by_code[[code[word] for word in words if word in code]] = group
            return by_code[np.where(missing, len(self.feature.categories), values).astype(np.int64)]
        places = np.searchsorted(np.array(self.splits), values.astype(np.float64), side="right")
        for special, value in enumerate(self.specials):
            places[values == np.float32(value)] = self.ordered + special
        places[missing] = self.count - 1
        return places


@dataclass(frozen=True, slots=True)
class Binned:
    """Bins with what the rows to fit say of them; rows, bads and woe have shape (bins.count,)."""

    bins: Bins
    rows: Places
    bads: Places
    woe: Floats
    information_value: float


def chosen_characteristics(
    rows: Rows, learning: Learning, settings: Mapping[str, Any]
) -> tuple[list[Binned], dict[str, str]]:
    """The characteristics of a scorecard by falling IV, and why each other feature is left out.

    First by a rough IV on quantiles, which is cheap, then by the IV of the best bins, then by correlation of WOE with
    those that are in already.
    """
    left_out: dict[str, str] = {}
    rough = [_rough_iv(rows, place, feature, settings) for place, feature in enumerate(learning.features)]
    order = np.argsort(-np.array(rough), kind="stable").tolist() if rough else []
    candidates: list[tuple[Binned, Values]] = []
    for place in order:
        name = learning.features[place].name
        if rough[place] < settings["iv_min"]:
            left_out[name] = TOO_LITTLE
        elif rough[place] > settings["iv_max"]:
            left_out[name] = TOO_MUCH
        elif len(candidates) == settings["candidates_max"]:
            left_out[name] = "beyond candidates_max"
        else:
            binned = best_bins(rows.values[:, place], rows.target, learning.features[place], learning, settings)
            candidates.append((binned, rows.values[:, place]))
    return _uncorrelated(candidates, left_out, settings), dict(sorted(left_out.items()))


def best_bins(
    values: Values, target: Floats, feature: Feature, learning: Learning, settings: Mapping[str, Any]
) -> Binned:
    """One feature in bins whose default rate rises or falls throughout; its direction, where it has one, decides."""
    direction = learning.directions.get(feature.name, 0)
    if feature.kind == "category":
        bins = Bins(feature, groups=_groups(values, target, feature, settings))
    else:
        specials = tuple(float(value) for value in settings.get("special_values", {}).get(feature.name, ()))
        usual = ~np.isnan(values) & ~np.isin(values, np.array(specials, dtype=np.float32))
        splits = _splits(values[usual].astype(np.float64), target[usual], direction, settings)
        bins = Bins(feature, splits=splits, specials=specials)
    places = bins.places(values)
    counts = np.bincount(places, minlength=bins.count)
    bads = np.bincount(places, weights=target, minlength=bins.count)
    woe = _woe(counts, bads, settings["prior_rows"])
    if feature.kind == "number":
        woe[: bins.ordered] = _in_order(woe[: bins.ordered], direction)
    return Binned(bins, counts, bads.astype(np.int64), woe, _iv(counts, bads, woe))


def _uncorrelated(
    candidates: list[tuple[Binned, Values]], left_out: dict[str, str], settings: Mapping[str, Any]
) -> list[Binned]:
    chosen: list[Binned] = []
    columns: list[Floats] = []
    for binned, values in sorted(candidates, key=lambda candidate: -candidate[0].information_value):
        name = binned.bins.feature.name
        if binned.information_value < settings["iv_min"]:
            left_out[name] = TOO_LITTLE
        elif binned.information_value > settings["iv_max"]:
            left_out[name] = TOO_MUCH
        elif len(chosen) == settings["characteristics_max"]:
            left_out[name] = "beyond characteristics_max"
        else:
            column = binned.woe[binned.bins.places(values)]
            column = (column - np.mean(column)) / (float(np.std(column)) or 1.0)
            if any(abs(float(np.mean(column * other))) > settings["correlation_max"] for other in columns):
                left_out[name] = "correlation above correlation_max with one that tells more"
                continue
            chosen.append(binned)
            columns.append(column)
    return chosen


def _rough_iv(rows: Rows, place: int, feature: Feature, settings: Mapping[str, Any]) -> float:
    """IV by tenths of the known values, or by word, with a bin for what is missing."""
    values = rows.values[:, place]
    known = values[~np.isnan(values)]
    if feature.kind == "category":
        bins = Bins(feature, groups=tuple((word,) for word in feature.categories))
    elif not len(known):
        return 0.0
    else:
        edges = np.unique(np.quantile(known, np.linspace(0.0, 1.0, ROUGH_BINS + 1)[1:-1]))
        bins = Bins(feature, splits=tuple(edges.tolist()))
    places = bins.places(values)
    counts = np.bincount(places, minlength=bins.count)
    bads = np.bincount(places, weights=rows.target, minlength=bins.count)
    return _iv(counts, bads, _woe(counts, bads, settings["prior_rows"]))


def _woe(counts: Places, bads: Floats, prior_rows: float) -> Floats:
    """Weight of evidence with `prior_rows` rows of the overall rate added to each bin: an empty bin has 0."""
    rate = float(np.sum(bads)) / float(np.sum(counts))
    goods = counts - bads
    return np.log((bads + prior_rows * rate) / (goods + prior_rows * (1.0 - rate))) - np.log(rate / (1.0 - rate))


def _iv(counts: Places, bads: Floats, woe: Floats) -> float:
    goods = counts - bads
    return float(np.sum((bads / np.sum(bads) - goods / np.sum(goods)) * woe))


def _in_order(woe: Floats, direction: int) -> Floats:
    """Neighbours against the direction made equal: the prior moves small bins more than large ones."""
    rising = direction > 0 or (direction == 0 and woe[-1] >= woe[0])
    return np.maximum.accumulate(woe) if rising else np.minimum.accumulate(woe)


def _splits(values: Floats, target: Floats, direction: int, settings: Mapping[str, Any]) -> tuple[float, ...]:
    if not len(values) or values.min() == values.max() or target.min() == target.max():
        return ()
    trend = {1: "ascending", -1: "descending", 0: "auto_asc_desc"}[direction]
    binning = _optimal_binning()(
        dtype="numerical",
        solver="cp",
        monotonic_trend=trend,
        max_n_bins=settings["bins_max"],
        min_bin_size=settings["bin_share_min"],
    )
    return tuple(float(split) for split in binning.fit(values, target).splits)


def _groups(
    values: Values, target: Floats, feature: Feature, settings: Mapping[str, Any]
) -> tuple[tuple[str, ...], ...]:
    """Words with alike default rates together; the rare ones make one group."""
    known = ~np.isnan(values)
    codes = values[known].astype(np.int64)
    if not len(codes):
        return ()
    if codes.min() == codes.max() or target[known].min() == target[known].max():
        return (tuple(feature.categories[code] for code in np.unique(codes)),)
    binning = _optimal_binning()(
        dtype="categorical",
        solver="cp",
        max_n_bins=settings["bins_max"],
        min_bin_size=settings["bin_share_min"],
        cat_cutoff=settings["bin_share_min"],
    )
    binning.fit(codes.astype(str).astype(object), target[known])
    return tuple(tuple(sorted(feature.categories[int(code)] for code in group)) for group in binning.splits)


def _optimal_binning() -> Any:
    # A solver that nobody asked for greets on stderr when it cannot be loaded.
    wait_asleep()
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        from optbinning import OptimalBinning
    return OptimalBinning
