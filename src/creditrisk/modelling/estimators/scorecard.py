"""A scorecard: one table of whole points, and nothing else, decides; the score is the sum of a row's points."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BadConfig, BrokenFile
from creditrisk.modelling.estimators.base import (
    CalibratedInside,
    Floats,
    Learning,
    OnRound,
    PointScale,
    Rows,
    Values,
    checked_settings,
    direction_signs,
    shares,
)
from creditrisk.modelling.estimators.logistic import newton
from creditrisk.modelling.estimators.scorecard_bins import Binned, Bins, chosen_characteristics
from creditrisk.modelling.preprocess import Feature

MODEL_FILE = "scorecard.json"
DEFAULTS: dict[str, Any] = {
    "characteristics_max": 22,
    "candidates_max": 60,
    "iv_min": 0.02,
    "iv_max": 3.0,
    "correlation_max": 0.7,
    "bins_max": 6,
    "bin_share_min": 0.05,
    "prior_rows": 20.0,
    "l2": 1.0,
    "iterations_max": 50,
}
ROWS_AT_ONCE = 20_000
OFFSET_MAX = 0.45
"""Of a point, between the sum of the points and the log-odds it stands for; below 0.5, so that rounding returns it."""


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One feature's part of the table; points, rows, bads and woe have an entry for each of its bins."""

    bins: Bins
    points: tuple[int, ...]
    rows: tuple[int, ...]
    bads: tuple[int, ...]
    woe: tuple[float, ...]
    coefficient: float
    information_value: float

    def of(self, values: Values) -> NDArray[np.int64]:
        return np.array(self.points, dtype=np.int64)[self.bins.places(values)]

    @property
    def spread(self) -> float:
        """Standard deviation of its points over the rows it was fitted on."""
        share = np.array(self.rows) / max(sum(self.rows), 1)
        points = np.array(self.points, dtype=np.float64)
        mean = float(np.sum(share * points))
        return math.sqrt(float(np.sum(share * (points - mean) ** 2)))


@dataclass(frozen=True, slots=True)
class PointsTable:
    """base: points that every row starts from.  offset: parts of a point that the log-odds have beyond the sum."""

    scale: PointScale
    base: int
    offset: float
    characteristics: tuple[Characteristic, ...]

    def log_odds(self, points: NDArray[np.int64]) -> Floats:
        """Log-odds of bad that a sum of points stands for."""
        beyond = points.astype(np.float64) + self.offset - self.scale.base_points
        return -beyond / self.scale.points_per_log_odds - math.log(self.scale.base_odds)


@dataclass(frozen=True, slots=True)
class Exact:
    """What the points were rounded from: log-odds = intercept + sum of coefficient * WOE."""

    intercept: float
    coefficients: tuple[float, ...]
    binned: tuple[Binned, ...]


class Scorecard(CalibratedInside):
    """parameters: bounds of the selection, of the bins and of the fit; docs/estimators.md has a line for each.

    Fitted by optbinning and a logistic regression on WOE; scored by looking points up and adding them.
    """

    name: ClassVar[str] = "scorecard"
    stops_early: ClassVar[bool] = False

    def __init__(
        self,
        table: PointsTable,
        features: tuple[Feature, ...],
        *,
        left_out: Mapping[str, str],
        exact: Exact | None = None,
    ) -> None:
        self.table = table
        self.features = features
        self.left_out = dict(left_out)
        self._exact = exact
        self._columns = {feature.name: place for place, feature in enumerate(features)}

    @classmethod
    def settings(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        specials = given.get("special_values", {})
        if not _are_special_values(specials):
            raise BadConfig(
                f"special_values is {specials!r}",
                where="portfolio.yaml, training.parameters.scorecard",
                hint="for each feature a list of numbers, e.g. {months_since: [-1, 999]}",
            )
        return checked_settings(cls.name, DEFAULTS, {"special_values"}, given)

    @classmethod
    def fit(
        cls,
        rows: Rows,
        learning: Learning,
        *,
        evaluation: Rows | None = None,  # noqa: ARG003
        rounds: int | None = None,  # noqa: ARG003
        on_round: OnRound | None = None,
    ) -> Self:
        settings = cls.settings(learning.parameters)
        direction_signs(learning)
        binned, left_out = chosen_characteristics(rows, learning, settings)
        weights = _non_negative_fit(rows, learning.features, binned, settings, on_round)
        for one, weight in zip(binned, weights[1:], strict=True):
            if weight <= 0.0:
                left_out[one.bins.feature.name] = "beside the others it would count the wrong way"
        kept = [(one, float(weight)) for one, weight in zip(binned, weights[1:], strict=True) if weight > 0.0]
        exact = Exact(float(weights[0]), tuple(weight for _, weight in kept), tuple(one for one, _ in kept))
        return cls(_rounded(exact, learning.scale), learning.features, left_out=left_out, exact=exact)

    def with_calibration(self, slope: float, intercept: float) -> Self:
        """The card whose points stand for slope * margin + intercept, rounded anew from what the card was fitted as."""
        if self._exact is None:
            raise ValueError("a card that was read from its file is calibrated already")
        exact = Exact(
            slope * self._exact.intercept + intercept,
            tuple(slope * coefficient for coefficient in self._exact.coefficients),
            self._exact.binned,
        )
        return type(self)(_rounded(exact, self.table.scale), self.features, left_out=self.left_out, exact=exact)

    def points(self, values: Values) -> NDArray[np.int64]:
        """The score: base and the points of every characteristic, added up, shape (n,)."""
        total = np.full(len(values), self.table.base, dtype=np.int64)
        for one in self.table.characteristics:
            total += one.of(values[:, self._columns[one.bins.feature.name]])
        return total

    def margin(self, values: Values) -> Floats:
        return self.table.log_odds(self.points(values))

    def contributions(self, values: Values) -> Floats:
        out = np.zeros((len(values), len(self.features) + 1))
        out[:, -1] = self.table.log_odds(np.array([self.table.base]))[0]
        for one in self.table.characteristics:
            column = self._columns[one.bins.feature.name]
            out[:, column] = -one.of(values[:, column]) / self.table.scale.points_per_log_odds
        return out

    def importance(self) -> dict[str, float]:
        """By how far a feature's points spread over the rows it was fitted on."""
        spreads = {one.bins.feature.name: one.spread for one in self.table.characteristics}
        return shares({feature.name: spreads.get(feature.name, 0.0) for feature in self.features})

    def to_files(self) -> dict[str, bytes]:
        table = self.table
        value = {
            "scaling": {
                "base_points": table.scale.base_points,
                "base_odds": table.scale.base_odds,
                "points_to_double_odds": table.scale.points_to_double_odds,
            },
            "base": {"points": table.base, "offset": table.offset},
            "characteristics": [_characteristic_as_json(one) for one in table.characteristics],
            "left_out": self.left_out,
        }
        text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return {MODEL_FILE: (text + "\n").encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], features: tuple[Feature, ...], *, threads: int = 1) -> Self:  # noqa: ARG003
        known = {feature.name: feature for feature in features}
        try:
            value = json.loads(files[MODEL_FILE])
            table = PointsTable(
                PointScale(**{name: float(number) for name, number in value["scaling"].items()}),
                int(value["base"]["points"]),
                float(value["base"]["offset"]),
                tuple(_characteristic_from_json(one, known) for one in value["characteristics"]),
            )
            left_out = {str(name): str(why) for name, why in value["left_out"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BrokenFile(f"not a points table: {error!r}", where=MODEL_FILE) from error
        named = {one.bins.feature.name for one in table.characteristics} | set(left_out)
        if named != set(known):
            raise BrokenFile("the points belong to other features than preprocess.json lists", where=MODEL_FILE)
        return cls(table, features, left_out=left_out)


def _are_special_values(given: Any) -> bool:
    return isinstance(given, Mapping) and all(
        isinstance(values, list | tuple)
        and all(isinstance(value, int | float) and math.isfinite(value) for value in values)
        for values in given.values()
    )


@dataclass(frozen=True, slots=True)
class _WoeDesign:
    """A column of ones and the WOE of each characteristic, made a block of rows at a time."""

    rows: Rows
    columns: Sequence[int]
    binned: Sequence[Binned]

    @property
    def width(self) -> int:
        return 1 + len(self.binned)

    def blocks(self) -> Iterator[tuple[Floats, Floats, Floats | None]]:
        for start in range(0, len(self.rows.target), ROWS_AT_ONCE):
            block = slice(start, start + ROWS_AT_ONCE)
            values = self.rows.values[block]
            woe = (
                one.woe[one.bins.places(values[:, column])]
                for one, column in zip(self.binned, self.columns, strict=True)
            )
            weights = None if self.rows.weights is None else self.rows.weights[block]
            yield np.column_stack([np.ones(len(values)), *woe]), self.rows.target[block], weights


def _non_negative_fit(
    rows: Rows,
    features: tuple[Feature, ...],
    binned: Sequence[Binned],
    settings: Mapping[str, Any],
    on_round: OnRound | None,
) -> Floats:
    """Intercept and a coefficient for each characteristic; the most negative one is held at 0 until none is."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    place = {feature.name: column for column, feature in enumerate(features)}
    design = _WoeDesign(rows, [place[one.bins.feature.name] for one in binned], binned)
    free = np.ones(design.width, dtype=np.bool_)
    with threadpool_limits(limits=1, user_api="blas"):
        while True:
            weights = newton(design, free, settings, on_round)
            worst = 1 + int(np.argmin(weights[1:])) if len(binned) else 0
            if worst == 0 or weights[worst] >= 0.0:
                return weights
            free[worst] = False


def _rounded(exact: Exact, scale: PointScale) -> PointsTable:
    """Whole points; what rounding adds on average over the fitted rows is taken back from the base."""
    per_log_odds = scale.points_per_log_odds
    weights = [coefficient * one.woe for coefficient, one in zip(exact.coefficients, exact.binned, strict=True)]
    cap = _largest_weight(weights, exact.intercept, per_log_odds)
    base = scale.base_points - per_log_odds * (exact.intercept + math.log(scale.base_odds))
    characteristics = []
    for one, coefficient, weight in zip(exact.binned, exact.coefficients, weights, strict=True):
        wanted = -per_log_odds * np.clip(weight, -cap, cap)
        points = np.rint(wanted)
        base -= float(np.sum(one.rows * (points - wanted)) / np.sum(one.rows))
        characteristics.append(
            Characteristic(
                one.bins,
                tuple(int(point) for point in points),
                tuple(one.rows.tolist()),
                tuple(one.bads.tolist()),
                tuple(one.woe.tolist()),
                coefficient,
                one.information_value,
            )
        )
    whole = round(base)
    return PointsTable(scale, whole, float(np.clip(base - whole, -OFFSET_MAX, OFFSET_MAX)), tuple(characteristics))


def _largest_weight(weights: Sequence[Floats], intercept: float, per_log_odds: float) -> float:
    """Log-odds to which one bin is held so that every sum of points can be read back from its PD.

    A PD near 1 leaves few digits for the odds: beyond this bound they no longer tell one point from the next.
    """
    bound = min(29.0, math.log(0.02 / (1.2e-16 * per_log_odds)))
    cap = max((float(np.max(np.abs(weight))) for weight in weights), default=0.0)
    while cap > 1e-3 and abs(intercept) + sum(min(float(np.max(np.abs(weight))), cap) for weight in weights) > bound:
        cap *= 0.9
    return cap


def _characteristic_as_json(one: Characteristic) -> dict[str, Any]:
    where = list(_bins_as_json(one.bins))
    told = zip(where, one.points, one.rows, one.bads, one.woe, strict=True)
    return {
        "feature": one.bins.feature.name,
        "kind": one.bins.feature.kind,
        "coefficient": one.coefficient,
        "information_value": one.information_value,
        "bins": [
            {**place, "points": points, "rows": rows, "bads": bads, "woe": woe}
            for place, points, rows, bads, woe in told
        ],
    }


def _bins_as_json(bins: Bins) -> Iterator[dict[str, Any]]:
    if bins.feature.kind == "category":
        yield from ({"words": list(words)} for words in bins.groups)
    else:
        for low, high in zip((None, *bins.splits), (*bins.splits, None), strict=True):
            yield {name: limit for name, limit in (("from", low), ("below", high)) if limit is not None}
        yield from ({"value": value} for value in bins.specials)
    yield {"missing": True}


def _characteristic_from_json(value: Mapping[str, Any], known: Mapping[str, Feature]) -> Characteristic:
    feature, bins = known[value["feature"]], value["bins"]
    if value["kind"] != feature.kind:
        raise ValueError(f"{feature.name} is a {feature.kind}")
    read = Bins(
        feature,
        splits=tuple(float(one["from"]) for one in bins if "from" in one),
        groups=tuple(tuple(one["words"]) for one in bins if "words" in one),
        specials=tuple(float(one["value"]) for one in bins if "value" in one),
    )
    if list(_bins_as_json(read)) != [
        {name: part for name, part in one.items() if name not in ("points", "rows", "bads", "woe")} for one in bins
    ] or list(read.splits) != sorted(set(read.splits)):
        raise ValueError(f"the bins of {feature.name} do not follow one another")
    return Characteristic(
        read,
        tuple(int(one["points"]) for one in bins),
        tuple(int(one["rows"]) for one in bins),
        tuple(int(one["bads"]) for one in bins),
        tuple(float(one["woe"]) for one in bins),
        float(value["coefficient"]),
        float(value["information_value"]),
    )
