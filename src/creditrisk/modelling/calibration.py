"""From an estimator's margin to a PD: continuous and strictly increasing, never 0 or 1."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BadData, BrokenFile, did_you_mean
from creditrisk.stats import fit_line, fit_plane, logit, sigmoid, softplus_both_ways

type Floats = NDArray[np.float64]

LEAST_PER_BLOCK = 20
"""Bads, and goods, behind each step of the isotonic curve."""

LEAST_SLOPE = 0.02
"""In log-odds of PD per unit of margin: a lower margin always gives a lower PD."""


class Calibrator(ABC):
    """margin (float64, shape (n,), log-odds) -> PD (float64, shape (n,), in (0, 1)).

    Strictly increasing for margins at least 1e-9 apart, where the PD lies between 1e-12 and 1 - 1e-12. A row's PD has
    the same bits alone and in a batch.
    """

    @abstractmethod
    def log_odds(self, margin: Floats) -> Floats:
        """Calibrated log-odds."""

    def __call__(self, margin: Floats) -> Floats:
        return sigmoid(self.log_odds(margin))

    @abstractmethod
    def to_json(self) -> dict[str, Any]: ...

    @classmethod
    @abstractmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self: ...


class Method(Protocol):
    """A way from margins and outcomes to a curve that gives PDs for margins."""

    def fit(self, margin: Floats, target: Floats) -> Callable[[Floats], Floats]:
        """Raises BadData when the rows hold too few bads or goods for this method."""


class FittedCalibrator(Calibrator):
    """A calibrator that is learnt from outcomes; its class is a `Method`."""

    method: ClassVar[str]

    @classmethod
    @abstractmethod
    def fit(cls, margin: Floats, target: Floats) -> Self:
        """Raises BadData when the rows hold too few bads or goods for this method."""


@dataclass(frozen=True, slots=True)
class Platt(FittedCalibrator):
    """log-odds = slope * margin + intercept. Source: Platt (1999), with its smoothed targets."""

    method: ClassVar[str] = "platt"
    slope: float
    intercept: float

    @classmethod
    def fit(cls, margin: Floats, target: Floats) -> Self:
        smoothed = _smoothed(target)
        slope, intercept = fit_line(margin, smoothed)
        if slope < LEAST_SLOPE:  # a margin that says nothing, or the contrary: PDs are then close to the default rate
            slope, intercept = fit_line(margin, smoothed, slope=LEAST_SLOPE)
        return cls(slope, intercept)

    def log_odds(self, margin: Floats) -> Floats:
        return self.slope * margin + self.intercept

    def to_json(self) -> dict[str, Any]:
        return {"method": self.method, "slope": self.slope, "intercept": self.intercept}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(float(value["slope"]), float(value["intercept"]))


@dataclass(frozen=True, slots=True)
class Beta(FittedCalibrator):
    """log-odds = safe * ln(s) - risky * ln(1 - s) + intercept, where s = sigmoid(margin).

    Platt's line with a slope of its own at either end: `safe` far below 0, `risky` far above. Neither is below
    LEAST_SLOPE. Written with the margin itself, so that it is finite where s would round to 0 or 1.
    Source: Kull, Silva Filho & Flach (2017), with a, b >= 0 and Platt's smoothed targets.
    """

    method: ClassVar[str] = "beta"
    safe: float
    risky: float
    intercept: float

    @classmethod
    def fit(cls, margin: Floats, target: Floats) -> Self:
        smoothed = _smoothed(target)
        below, above = softplus_both_ways(margin)
        columns = np.column_stack([-below, above])
        best, least_loss = cls(LEAST_SLOPE, LEAST_SLOPE, 0.0), math.inf
        # The likelihood is concave: its best point within the bounds is the free one, or has a weight at its bound.
        for free in ([0, 1], [0], [1], []):
            held = [place for place in (0, 1) if place not in free]
            offset = LEAST_SLOPE * columns[:, held].sum(axis=1)
            slopes, intercept = fit_plane(columns[:, free], smoothed, offset)
            weights = np.full(2, LEAST_SLOPE)
            weights[free] = slopes
            if np.any(weights < LEAST_SLOPE):
                continue
            curve = cls(float(weights[0]), float(weights[1]), intercept)
            log_odds = curve.log_odds(margin)
            loss = float(np.mean(np.logaddexp(0.0, log_odds) - smoothed * log_odds))
            if loss < least_loss:
                best, least_loss = curve, loss
            if not held:
                break
        return best

    def log_odds(self, margin: Floats) -> Floats:
        below, above = softplus_both_ways(margin)
        return -self.safe * below + self.risky * above + self.intercept

    def to_json(self) -> dict[str, Any]:
        return {"method": self.method, "safe": self.safe, "risky": self.risky, "intercept": self.intercept}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        curve = cls(float(value["safe"]), float(value["risky"]), float(value["intercept"]))
        if not (curve.safe > 0 and curve.risky > 0):
            raise ValueError("the curve does not rise")
        return curve


@dataclass(frozen=True, slots=True)
class Isotonic(FittedCalibrator):
    """Straight lines, in log-odds, between the centres of isotonic blocks; beyond the ends the mean slope goes on.

    margins: mean margin of each block, rising.  levels: log-odds of each block's Jeffreys mean, rising.
    Source: pool adjacent violators, Ayer et al. (1955); each block holds at least 20 bads and 20 goods.
    """

    method: ClassVar[str] = "isotonic"
    margins: tuple[float, ...]
    levels: tuple[float, ...]

    @classmethod
    def fit(cls, margin: Floats, target: Floats) -> Self:
        _both_classes(target, least=2 * LEAST_PER_BLOCK)
        blocks = _merged(_pooled(margin, target))
        if len(blocks) < 2:
            raise BadData(
                "the default rate does not rise with the margin: no isotonic curve",
                where="training.calibration",
                hint="add platt to training.calibration",
            )
        rows, bads, margins = blocks.T
        centres = margins / rows
        levels = logit((bads + 0.5) / (rows + 1.0))
        for place in range(1, len(levels)):
            least = levels[place - 1] + LEAST_SLOPE * (centres[place] - centres[place - 1])
            levels[place] = max(levels[place], least)
        return cls(tuple(centres.tolist()), tuple(levels.tolist()))

    def log_odds(self, margin: Floats) -> Floats:
        margins, levels = np.array(self.margins), np.array(self.levels)
        slopes = np.diff(levels) / np.diff(margins)
        mean_slope = (levels[-1] - levels[0]) / (margins[-1] - margins[0])
        # From the knot at or below each margin; the first knot also serves what lies below it.
        slopes = np.concatenate([[mean_slope], slopes, [mean_slope]])
        section = np.searchsorted(margins, margin, side="right")
        knot = np.maximum(section - 1, 0)
        line = levels[knot] + slopes[section] * (margin - margins[knot])
        # Rounding must not lift the end of a section above the next knot.
        return np.where(section < len(levels), np.minimum(line, levels[np.minimum(section, len(levels) - 1)]), line)

    def to_json(self) -> dict[str, Any]:
        return {"method": self.method, "margins": list(self.margins), "levels": list(self.levels)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        margins = tuple(float(number) for number in value["margins"])
        levels = tuple(float(number) for number in value["levels"])
        if len(margins) != len(levels) or len(margins) < 2 or not (_rises(margins) and _rises(levels)):
            raise ValueError("the curve does not rise")
        return cls(margins, levels)


@dataclass(frozen=True, slots=True)
class Shifted(Calibrator):
    """Another calibration with a step added to its log-odds, so that the mean PD is a declared long-run rate.

    Without the step it is `base`, the best estimate for the rows it was fitted on.
    """

    base: Calibrator
    shift: float

    def log_odds(self, margin: Floats) -> Floats:
        return self.base.log_odds(margin) + self.shift

    def to_json(self) -> dict[str, Any]:
        return {**self.base.to_json(), "shift": self.shift}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        shift = float(value["shift"])
        if not math.isfinite(shift):
            raise ValueError(f"a shift of {shift}")
        return cls(calibrator_from_json({name: told for name, told in value.items() if name != "shift"}), shift)


@dataclass(frozen=True, slots=True)
class PlainIsotonic:
    """The textbook's curve, to compare with and never to serve: flat within a block, and 0 or 1 at its ends.

    margins, rates: first and last margin of each block with the block's default rate; straight lines between blocks.
    Source: Ayer et al. (1955); the same numbers as scikit-learn's IsotonicRegression.
    """

    margins: tuple[float, ...]
    rates: tuple[float, ...]

    @classmethod
    def fit(cls, margin: Floats, target: Floats) -> Self:
        _both_classes(target, least=1)
        rows, bads, _ = _pooled(margin, target).T
        ordered = np.sort(margin)  # rows of one margin never part: a block is a run of the sorted rows
        last = np.cumsum(rows).astype(np.int64)
        ends = np.column_stack([ordered[last - rows.astype(np.int64)], ordered[last - 1]])
        margins, rates = ends.ravel().tolist(), np.repeat(bads / rows, 2).tolist()
        return cls(tuple(margins), tuple(rates))

    def __call__(self, margin: Floats) -> Floats:
        return np.interp(margin, self.margins, self.rates)


CALIBRATORS: dict[str, type[FittedCalibrator]] = {"platt": Platt, "beta": Beta, "isotonic": Isotonic}
"""What may be served, the simplest first."""

COMPARED: dict[str, Method] = {**CALIBRATORS, "plain_isotonic": PlainIsotonic}
"""What reports set side by side."""


def calibrator_from_json(value: Mapping[str, Any]) -> Calibrator:
    """Raises BrokenFile for anything a calibrator's `to_json` does not write."""
    method = value.get("method")
    if method not in CALIBRATORS:
        raise BrokenFile(
            f"unknown calibration method {method!r}",
            where="calibration.json",
            hint=did_you_mean(str(method), CALIBRATORS),
        )
    try:
        return Shifted.from_json(value) if "shift" in value else CALIBRATORS[method].from_json(value)
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenFile(f"not a {method} calibration: {error!r}", where="calibration.json") from error


def shifted_to(calibrator: Calibrator, margin: Floats, rate: float) -> Shifted:
    """The calibration with the one step in log-odds that makes the mean PD of these rows `rate`, to 1e-12.

    The order of PDs stays. Raises BadData for a rate outside (0, 1) or one that no step reaches.
    """
    if not 0.0 < rate < 1.0:
        raise BadData(f"a default rate of {rate}", where="training.long_run_default_rate", hint="a share, e.g. 0.08")
    log_odds = calibrator.log_odds(margin)
    low, high = -60.0, 60.0
    if not np.mean(sigmoid(log_odds + low)) < rate < np.mean(sigmoid(log_odds + high)):
        raise BadData(f"no shift gives a mean PD of {rate}", where="training.long_run_default_rate")
    while high - low > 1e-13 * max(1.0, abs(low)):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        if np.mean(sigmoid(log_odds + middle)) < rate:
            low = middle
        else:
            high = middle
    return Shifted(calibrator, (low + high) / 2.0)


def on_plateaus(margin: Floats, pd: Floats) -> float:
    """Share of the rows whose PD stays when their margin moves to a neighbour's, in [0, 1]. margin, pd: shape (n,)."""
    distinct, first, rows = np.unique(margin, return_index=True, return_counts=True)
    told = pd[first]
    stays = np.diff(told) == 0 if len(distinct) > 1 else np.zeros(0, dtype=np.bool_)
    flat = np.concatenate([stays, [False]]) | np.concatenate([[False], stays])
    return float(np.sum(rows[flat]) / len(margin))


def _smoothed(target: Floats) -> Floats:
    """Platt's targets: no row is taken to be certain, so that the likelihood has a maximum."""
    bads, goods = _both_classes(target, least=1)
    return np.where(target == 1, (bads + 1.0) / (bads + 2.0), 1.0 / (goods + 2.0))


def _both_classes(target: Floats, *, least: int) -> tuple[int, int]:
    bads = int(np.count_nonzero(target == 1))
    goods = len(target) - bads
    if min(bads, goods) < least:
        raise BadData(
            f"{bads} bads and {goods} goods; this calibration needs {least} of each",
            where="training.calibration",
            hint="more rows, or platt, which needs few",
        )
    return bads, goods


def _pooled(margin: Floats, target: Floats) -> Floats:
    """Pool adjacent violators: rows (n, bads, sum of margins) per block, default rate rising, shape (blocks, 3)."""
    distinct, place = np.unique(margin, return_inverse=True)
    rows = np.bincount(place).astype(np.float64)
    bads = np.bincount(place, weights=target)
    blocks: list[tuple[float, float, float]] = []
    for n, bad, margins in zip(rows.tolist(), bads.tolist(), (rows * distinct).tolist(), strict=True):
        block = (n, bad, margins)
        while blocks and blocks[-1][1] * block[0] >= block[1] * blocks[-1][0]:
            block = _joined(blocks.pop(), block)
        blocks.append(block)
    return np.array(blocks)


def _merged(blocks: Floats) -> Floats:
    """Neighbours joined until each holds enough bads and goods; rates stay rising."""
    merged: list[tuple[float, float, float]] = []
    for n, bad, margins in blocks.tolist():
        block = (n, bad, margins)
        merged.append(_joined(merged.pop(), block) if merged and not _full(merged[-1]) else block)
    if len(merged) > 1 and not _full(merged[-1]):
        last = merged.pop()
        merged.append(_joined(merged.pop(), last))
    return np.array(merged)


def _full(block: tuple[float, float, float]) -> bool:
    rows, bads, _ = block
    return bads >= LEAST_PER_BLOCK and rows - bads >= LEAST_PER_BLOCK


def _joined(one: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[float, float, float]:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _rises(numbers: tuple[float, ...]) -> bool:
    return all(one < other for one, other in itertools.pairwise(numbers))
