"""A calibration by the levels of one feature: over the curve of all rows, a line for each level that can carry one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BadConfig, BrokenFile, did_you_mean
from creditrisk.modelling.calibration import Calibrator, Platt, calibrator_from_json
from creditrisk.modelling.estimators import CalibratedInside, Estimator, Learning
from creditrisk.modelling.preprocess import Preprocess

if TYPE_CHECKING:
    from creditrisk.config import Training
    from creditrisk.modelling.out_of_fold import Development

type Floats = NDArray[np.float64]

LEAST_OF_EACH = 200
"""Bads, and goods, that a level needs for a line of its own. At 200 the slope's standard error is about 0.15 where the
model ranks as loans are ranked; with fewer, the line would add more noise than it takes out. Source: Collins, Ogundimu
& Altman (2016), who ask for 100 events at the least and better 200 to judge a calibration."""

MOST_LEVELS = 20
KEY = "training.calibration_by"


@dataclass(frozen=True, slots=True)
class RowLevels:
    """The level of each development row, as the model sees it: a number or a category's code, NaN = missing.

    values: float32, shape (n,).  own: levels with enough bads and goods for a line.  labels: {level: how it is told}.
    """

    feature: str
    values: NDArray[np.float32]
    own: tuple[float, ...]
    labels: Mapping[float, str]

    @classmethod
    def of(cls, rows: Development, feature: str, learning: Learning) -> Self:
        """Raises BadConfig for a feature that the model does not have, or of too many levels."""
        if feature not in rows.features:
            raise BadConfig(
                f'the model has no feature "{feature}"', where=KEY, hint=did_you_mean(feature, rows.features)
            )
        preprocess = Preprocess.fit(rows.table, (feature,), blanks=learning.blanks)
        values = preprocess.matrix(rows.table).values[:, 0]
        levels = np.unique(values[~np.isnan(values)]).tolist()
        if len(levels) > MOST_LEVELS:
            raise BadConfig(
                f'"{feature}" has {len(levels)} levels; a calibration by level takes at most {MOST_LEVELS}',
                where=KEY,
                hint="group its values in the book's SQL",
            )
        words = preprocess.features[0].categories
        labels = {level: words[int(level)] if words else f"{level:g}" for level in levels}
        own = tuple(level for level in levels if min(_bads_and_goods(rows.target[values == level])) >= LEAST_OF_EACH)
        return cls(feature, values, own, labels)


def levels_for(
    estimator: type[Estimator], rows: Development, training: Training, learning: Learning
) -> RowLevels | None:
    """The levels to calibrate by; None where the book declares none, or the calibration is inside the estimator."""
    if training.calibration_by is None or issubclass(estimator, CalibratedInside):
        return None
    return RowLevels.of(rows, training.calibration_by, learning)


@dataclass(frozen=True, slots=True)
class LevelLines:
    """log-odds = slope * curve(margin) + intercept, with the line of the row's level.

    A missing level, one that training did not see, or one with too few bads or goods has the curve alone. Strictly
    increasing in the margin within a level.  lines: {level: line}.
    Source: Cox (1958): for each level the line that takes its calibration slope to 1 and its mean PD to its default
    rate, with Platt's smoothed targets.
    """

    feature: str
    curve: Calibrator
    lines: Mapping[float, Platt]

    @classmethod
    def fit(cls, curve: Calibrator, margin: Floats, target: Floats, levels: RowLevels, rows: NDArray[np.bool_]) -> Self:
        """The lines over a curve that is fitted already, from those rows. margin, target, rows: shape (n,)."""
        log_odds = curve.log_odds(margin)
        inside = {level: rows & (levels.values == level) for level in levels.own}
        return cls(levels.feature, curve, {level: Platt.fit(log_odds[at], target[at]) for level, at in inside.items()})

    def log_odds(self, margin: Floats, levels: NDArray[np.float32]) -> Floats:
        """margin, levels: shape (n,). A row's figure has the same bits alone and among others."""
        curve = self.curve.log_odds(margin)
        told = curve
        for level, line in self.lines.items():
            told = np.where(levels == np.float32(level), line.log_odds(curve), told)
        return told

    def to_json(self) -> dict[str, Any]:
        lines = [
            {"level": level, "slope": line.slope, "intercept": line.intercept} for level, line in self.lines.items()
        ]
        return {"feature": self.feature, "curve": self.curve.to_json(), "lines": lines}

    @classmethod
    def from_json(cls, value: Mapping[str, Any], features: tuple[str, ...]) -> Self:
        """Raises BrokenFile for anything `to_json` does not write, and for a feature that is not among the model's."""
        try:
            lines = {
                float(line["level"]): Platt(float(line["slope"]), float(line["intercept"])) for line in value["lines"]
            }
            told = cls(str(value["feature"]), calibrator_from_json(value["curve"]), lines)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BrokenFile(f"not a calibration by level: {error!r}", where="levels.json") from error
        if told.feature not in features:
            raise BrokenFile(f'the model has no feature "{told.feature}"', where="levels.json")
        if not all(line.slope > 0 and math.isfinite(line.slope + line.intercept) for line in lines.values()):
            raise BrokenFile("a level's line does not rise", where="levels.json")
        return told


def told_levels(levels: RowLevels, lines: LevelLines, target: Floats) -> list[dict[str, Any]]:
    """For reports: each level with its rows, bads and line; slope 1 and intercept 0 where it has none of its own."""
    told = []
    for level, label in levels.labels.items():
        bads, goods = _bads_and_goods(target[levels.values == level])
        line = lines.lines.get(level)
        told.append(
            {
                "level": label,
                "rows": bads + goods,
                "bads": bads,
                "own_line": line is not None,
                "slope": line.slope if line else 1.0,
                "intercept": line.intercept if line else 0.0,
            }
        )
    return told


def _bads_and_goods(target: Floats) -> tuple[int, int]:
    bads = int(np.count_nonzero(target == 1))
    return bads, len(target) - bads
