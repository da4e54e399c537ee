"""What every estimator can do; each one is a file beside this and a line in `ESTIMATORS`."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BadConfig, did_you_mean
from creditrisk.modelling.preprocess import Feature

if TYPE_CHECKING:
    from creditrisk.config import Balance

type Values = NDArray[np.float32]
type Floats = NDArray[np.float64]
type OnRound = Callable[[int, float | None], None]
"""(rounds done, log loss on the early-stopping rows)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """values: shape (n, features).  target: shape (n,), 1 = bad.

    weights: how often each row counts, shape (n,); None = once.
    start: of early-stopping rows alone, the log-odds they start from where the rows to fit have another default rate
    than they (balance); None = the same as the rows to fit.
    """

    values: Values
    target: Floats
    weights: Floats | None = None
    start: float | None = None

    @property
    def default_rate(self) -> float:
        """Weighted share of bads."""
        return float(np.average(self.target, weights=self.weights))


@dataclass(frozen=True, slots=True)
class PointScale:
    """`base_points` at `base_odds` good to one bad, `points_to_double_odds` more when the odds double."""

    base_points: float = 600.0
    base_odds: float = 50.0
    points_to_double_odds: float = 20.0

    @property
    def points_per_log_odds(self) -> float:
        return self.points_to_double_odds / math.log(2.0)


@dataclass(frozen=True, slots=True)
class Learning:
    """How to fit.

    parameters: of this estimator; what is not given has the estimator's default.
    directions: {feature: 1 when PD may only rise with it, -1 when it may only fall}.
    blanks: those of them whose missing value is read as the worst one of the training rows, by `Preprocess.fit`.
    balance: of the rows to fit (`modelling.balance` applies it, before an estimator sees them); None = none.
    scale: of the points that a scorecard is made of.
    """

    features: tuple[Feature, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    directions: Mapping[str, int] = field(default_factory=dict)
    seed: int = 0
    threads: int = 1
    balance: Balance | None = None
    scale: PointScale = PointScale()
    blanks: Mapping[str, int] = field(default_factory=dict)


class Estimator(ABC):
    """A fitted model of log-odds of being bad. A row's figures have the same bits alone and among others."""

    name: ClassVar[str]
    stops_early: ClassVar[bool]
    """Does it want rows of its own to know when to stop, and rounds to scale at the refit?"""
    features: tuple[Feature, ...]
    rounds: int = 0
    """Trees it consists of; 0 where that has no meaning."""
    history: tuple[float, ...] = ()
    """Log loss on the early-stopping rows after each round; () without such rows."""

    @classmethod
    @abstractmethod
    def settings(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters, the defaults included. Raises BadConfig for an unknown name."""

    @classmethod
    @abstractmethod
    def fit(
        cls,
        rows: Rows,
        learning: Learning,
        *,
        evaluation: Rows | None = None,
        rounds: int | None = None,
        on_round: OnRound | None = None,
    ) -> Self:
        """Stops early on `evaluation`, or fits `rounds` exactly. Same rows, learning and environment, same bytes."""

    def after(self, rounds: int) -> Self | None:
        """The model as it was after so many rounds, earlier or later than it stopped; None if it never came so far."""
        return self if rounds == self.rounds else None

    @abstractmethod
    def margin(self, values: Values) -> Floats:
        """Uncalibrated log-odds of bad, shape (n,)."""

    def reads(self) -> frozenset[int]:
        """Places of the features that can change a margin; no other feature moves any bit of it."""
        return frozenset(range(len(self.features)))

    @abstractmethod
    def contributions(self, values: Values) -> Floats:
        """What each feature adds to the margin, shape (n, features + 1), the last column what every row starts from.

        The sum over a row is its margin (to 1e-4).
        """

    @abstractmethod
    def importance(self) -> dict[str, float]:
        """How much the model leans on each feature, in its order: shares that sum to 1 (all 0 for a constant model)."""

    @abstractmethod
    def to_files(self) -> dict[str, bytes]:
        """The fitted model as {file name: bytes}, in its own open format."""

    @classmethod
    @abstractmethod
    def from_files(cls, files: Mapping[str, bytes], features: tuple[Feature, ...], *, threads: int = 1) -> Self:
        """The model `to_files` wrote. Raises BrokenFile. Runs no code from the files."""


def wait_asleep() -> None:
    """Called before XGBoost or LightGBM is first loaded: OpenMP reads its waiting policy once, at that moment.

    Its threads otherwise spin while they wait: on two busy cores 100 rounds of XGBoost took 15.6 CPU seconds instead of
    4.3, and 26 instead of 15 by the clock.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def direction_signs(learning: Learning) -> tuple[int, ...]:
    """1, -1 or 0 for each feature, in their order. Raises BadConfig for a category with a direction."""
    kinds = {feature.name: feature.kind for feature in learning.features}
    for name in learning.directions:
        if kinds.get(name) == "category":
            raise BadConfig(
                f'"{name}" is a category and cannot have a direction',
                where="portfolio.yaml, policy.monotone",
                hint="turn it into an ordered number in the book's SQL",
            )
    return tuple(learning.directions.get(feature.name, 0) for feature in learning.features)


class CalibratedInside(Estimator):
    """An estimator that makes a straight calibration line part of itself instead of having it served beside it."""

    @abstractmethod
    def with_calibration(self, slope: float, intercept: float) -> Self:
        """The model whose margin is slope * margin + intercept."""


def checked_settings(
    estimator: str, defaults: Mapping[str, Any], more: set[str], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Defaults overlaid with what is given; `more` are known names without a default here.

    Raises BadConfig for an unknown name, for a word where the default is a number, and for a fraction or less than 1
    where it is a whole number.
    """
    for name, value in given.items():
        place = f"portfolio.yaml, training.parameters.{estimator}"
        if name not in defaults and name not in more:
            hint = did_you_mean(name, {*defaults, *more})
            raise BadConfig(f'{estimator} has no parameter "{name}"', where=place, hint=hint)
        default = defaults.get(name)
        whole = isinstance(default, int) and not (isinstance(value, int) and value >= 1)
        if default is not None and (isinstance(value, bool) or not isinstance(value, int | float) or whole):
            what = "a whole number from 1 on" if isinstance(default, int) else "a number"
            raise BadConfig(f"{name} is {value!r}", where=place, hint=f"{what}; {default} unless given")
    return {**defaults, **given}


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: weight / total if total > 0 else 0.0 for name, weight in weights.items()}
