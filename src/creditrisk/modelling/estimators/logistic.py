"""Logistic regression with ridge penalty on standardised numbers and one-hot categories, saved as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BrokenFile
from creditrisk.kinds import canonical_json
from creditrisk.modelling.estimators.base import (
    Estimator,
    Floats,
    Learning,
    OnRound,
    Rows,
    Values,
    checked_settings,
    shares,
)
from creditrisk.modelling.preprocess import Feature

MODEL_FILE = "coefficients.json"
DEFAULTS: dict[str, Any] = {"l2": 100.0, "clip_share": 0.005, "iterations_max": 50}
ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Term:
    """How one feature enters the sum.

    A number: coefficient * (clipped value - mean) / scale, 0 where missing (the mean is imputed).
    A category: its word's coefficient, 0 where missing or unseen.
    """

    mean: float = 0.0
    scale: float = 1.0
    low: float = 0.0
    high: float = 0.0
    coefficients: tuple[float, ...] = (0.0,)

    def standardised(self, values: Values) -> Floats:
        z = (np.clip(values.astype(np.float64), self.low, self.high) - self.mean) / self.scale
        return np.where(np.isnan(z), 0.0, z)

    def contribution(self, values: Values, feature: Feature) -> Floats:
        if feature.kind == "number":
            return self.coefficients[0] * self.standardised(values)
        by_code = np.array([*self.coefficients, 0.0])
        return by_code[np.where(np.isnan(values), len(self.coefficients), values).astype(np.int64)]


class Logistic(Estimator):
    """parameters: `l2` (ridge, on the summed loss), `clip_share` (of the rows at each end), `iterations_max`.

    Sums run column by column and never through BLAS, whose order of adding depends on the number of rows.
    """

    name: ClassVar[str] = "logistic"
    stops_early: ClassVar[bool] = False

    def __init__(self, intercept: float, terms: Sequence[Term], features: tuple[Feature, ...]) -> None:
        self.intercept = intercept
        self.terms = tuple(terms)
        self.features = features

    @classmethod
    def settings(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        return checked_settings(cls.name, DEFAULTS, set(), given)

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
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        settings = cls.settings(learning.parameters)
        frame = [
            _frame(rows.values[:, place], feature, settings["clip_share"])
            for place, feature in enumerate(learning.features)
        ]
        design = _Design(rows, frame, learning.features)
        with threadpool_limits(limits=learning.threads, user_api="blas"):
            weights = _signed_fit(design, learning, settings, on_round)
        per_term = np.split(weights[1:], np.cumsum([len(term.coefficients) for term in frame])[:-1])
        terms = [
            Term(term.mean, term.scale, term.low, term.high, tuple(float(weight) for weight in part))
            for term, part in zip(frame, per_term, strict=True)
        ]
        return cls(float(weights[0]), terms, learning.features)

    def margin(self, values: Values) -> Floats:
        total = np.full(len(values), self.intercept)
        for place, (term, feature) in enumerate(zip(self.terms, self.features, strict=True)):
            total += term.contribution(values[:, place], feature)
        return total

    def contributions(self, values: Values) -> Floats:
        columns = [
            term.contribution(values[:, place], feature)
            for place, (term, feature) in enumerate(zip(self.terms, self.features, strict=True))
        ]
        return np.column_stack([*columns, np.full(len(values), self.intercept)])

    def importance(self) -> dict[str, float]:
        """By the size of the standardised coefficients (of a category: of its largest one)."""
        sizes = [max((abs(weight) for weight in term.coefficients), default=0.0) for term in self.terms]
        return shares({feature.name: size for feature, size in zip(self.features, sizes, strict=True)})

    def to_files(self) -> dict[str, bytes]:
        terms = [
            {"feature": feature.name, **asdict(term)} for feature, term in zip(self.features, self.terms, strict=True)
        ]
        return {MODEL_FILE: canonical_json({"intercept": self.intercept, "terms": terms})}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], features: tuple[Feature, ...], *, threads: int = 1) -> Self:  # noqa: ARG003
        try:
            value = json.loads(files[MODEL_FILE])
            terms = [
                Term(term["mean"], term["scale"], term["low"], term["high"], tuple(term["coefficients"]))
                for term in value["terms"]
            ]
            names = tuple(term["feature"] for term in value["terms"])
            intercept = float(value["intercept"])
        except (KeyError, TypeError, ValueError) as error:
            raise BrokenFile(f"not a set of coefficients: {error!r}", where=MODEL_FILE) from error
        if names != tuple(feature.name for feature in features):
            raise BrokenFile("the coefficients belong to other features than preprocess.json lists", where=MODEL_FILE)
        return cls(intercept, terms, features)


@dataclass(frozen=True, slots=True)
class _Design:
    """The standardised, one-hot columns, made a block of rows at a time so that memory stays bounded."""

    rows: Rows
    frame: Sequence[Term]
    features: tuple[Feature, ...]

    @property
    def width(self) -> int:
        return 1 + sum(len(term.coefficients) for term in self.frame)

    def blocks(self) -> Iterator[tuple[Floats, Floats, Floats | None]]:
        for start in range(0, len(self.rows.target), ROWS_AT_ONCE):
            block = slice(start, start + ROWS_AT_ONCE)
            weights = None if self.rows.weights is None else self.rows.weights[block]
            yield self._block(self.rows.values[block]), self.rows.target[block], weights

    def _block(self, values: Values) -> Floats:
        out = np.zeros((len(values), self.width))
        out[:, 0] = 1.0
        place = 1
        for column, (term, feature) in enumerate(zip(self.frame, self.features, strict=True)):
            if feature.kind == "number":
                out[:, place] = term.standardised(values[:, column])
            else:
                known = np.flatnonzero(~np.isnan(values[:, column]))
                out[known, place + values[known, column].astype(np.int64)] = 1.0
            place += len(term.coefficients)
        return out


def _frame(values: Values, feature: Feature, clip_share: float) -> Term:
    """Imputation mean, scale and clip limits of one column of training rows; a constant keeps scale 1."""
    if feature.kind == "category":
        return Term(coefficients=(0.0,) * len(feature.categories))
    known = values[~np.isnan(values)].astype(np.float64)
    if not len(known):
        return Term()
    low, high = np.quantile(known, [clip_share, 1.0 - clip_share])
    if low == high:  # nearly constant: the clip would flatten it
        low, high = np.min(known), np.max(known)
    clipped = np.clip(known, low, high)
    return Term(float(np.mean(clipped)), float(np.std(clipped)) or 1.0, float(low), float(high))


def _signed_fit(design: _Design, learning: Learning, settings: Mapping[str, Any], on_round: OnRound | None) -> Floats:
    """Maximum of the penalised likelihood; a coefficient against its direction is held at 0 and the others refitted."""
    wanted = np.zeros(design.width)
    place = 1
    for term, feature in zip(design.frame, design.features, strict=True):
        if feature.kind == "number":
            wanted[place] = learning.directions.get(feature.name, 0)
        place += len(term.coefficients)
    free = np.ones(design.width, dtype=np.bool_)
    while True:
        weights = newton(design, free, settings, on_round)
        wrong = free & (weights * wanted < 0)
        if not wrong.any():
            return weights
        free &= ~wrong


class Design(Protocol):
    """Rows of a logistic regression: its first column is 1 throughout, and has no penalty."""

    @property
    def rows(self) -> Rows: ...

    @property
    def width(self) -> int: ...

    def blocks(self) -> Iterator[tuple[Floats, Floats, Floats | None]]:
        """Columns, targets and weights, a block of rows at a time."""


def newton(design: Design, free: NDArray[np.bool_], settings: Mapping[str, Any], on_round: OnRound | None) -> Floats:
    """Coefficients, shape (width,), with ridge `l2`, in at most `iterations_max` steps; 0 where not `free`."""
    penalty = np.full(design.width, max(float(settings["l2"]), 1e-6))  # one-hot columns add up to the intercept
    penalty[0] = 0.0
    mean = design.rows.default_rate
    weights = np.zeros(design.width)
    weights[0] = np.log(mean / (1.0 - mean))
    loss, gradient, hessian = _pass(design, weights, penalty)
    for iteration in range(settings["iterations_max"]):
        step = np.zeros(design.width)
        step[free] = np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        size, before = 1.0, loss
        while True:
            loss, gradient, hessian = _pass(design, weights - size * step, penalty)
            if loss <= before + 1e-9 * abs(before) or size < 1e-6:
                break
            size /= 2.0
        weights = weights - size * step
        if on_round:
            on_round(iteration + 1, None)
        if np.max(np.abs(size * step)) < 1e-6:
            break
    return weights


def _pass(design: Design, weights: Floats, penalty: Floats) -> tuple[float, Floats, Floats]:
    """Loss, gradient and Hessian of the penalised negative log likelihood over all rows."""
    loss = float(np.sum(penalty * weights**2)) / 2.0
    gradient, hessian = penalty * weights, np.diag(penalty)
    for block, target, times in design.blocks():
        count = np.ones(len(target)) if times is None else times
        margin = block @ weights
        p = 1.0 / (1.0 + np.exp(-np.clip(margin, -30.0, 30.0)))
        loss += float(np.sum(count * (np.logaddexp(0.0, margin) - target * margin)))
        gradient += block.T @ (count * (p - target))
        hessian += (block * (count * p * (1.0 - p))[:, None]).T @ block
    return loss, gradient, hessian
