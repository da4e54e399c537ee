"""Scores for rows by models that never saw them."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from creditrisk.errors import BadData
from creditrisk.modelling.balance import balanced, stopping_rows
from creditrisk.modelling.estimators import Estimator, Learning, OnRound, Rows
from creditrisk.modelling.preprocess import Preprocess
from creditrisk.stats import roc_auc

type Floats = NDArray[np.float64]
type Progress = Callable[[str, float], None]
"""(what is being done, share of the whole that is done, 0 to 1)."""
type AfterFold = Callable[[int, Floats, NDArray[np.bool_]], None]
"""(folds done, margins, rows that have one); may raise to give the model up."""


@dataclass(frozen=True, slots=True)
class Development:
    """The rows a model is learnt from, sorted by key. Each array has shape (n,).

    table: key, target, part and fold, and the features, where all rows are on one machine.
    in_calibration: rows of the calibration part; the others are the train part.
    stopping: rows that, in folds other than their own, tell the trees when to stop.
    """

    table: pa.Table
    features: tuple[str, ...]
    target: Floats
    fold: NDArray[np.int64]
    in_calibration: NDArray[np.bool_]
    stopping: NDArray[np.bool_]

    @property
    def folds(self) -> list[int]:
        return sorted({int(fold) for fold in np.unique(self.fold)})


@dataclass(frozen=True, slots=True)
class FoldFit:
    """One fold's model.  rounds: where its own early-stopping rows would end.  history: log loss on them, by round."""

    fold: int
    rows_fitted: int
    rows_stopping: int
    rows_scored: int
    rounds: int
    roc_auc: float | None
    history: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "fold": self.fold,
            "rows_fitted": self.rows_fitted,
            "rows_stopping": self.rows_stopping,
            "rows_scored": self.rows_scored,
            "rounds": self.rounds,
            "roc_auc": self.roc_auc,
        }


def stable_shares(keys: Sequence[object], seed: int) -> Floats:
    """For each key a number in [0, 1) that depends on nothing else but the seed; not the hash that makes the folds."""
    digests = (hashlib.md5(f"{seed}:stopping:{key}".encode(), usedforsecurity=False).digest() for key in keys)
    return np.fromiter((int.from_bytes(digest[:6]) / 2**48 for digest in digests), np.float64, count=len(keys))


def out_of_fold_margins(
    development: Development,
    estimator: type[Estimator],
    learning: Learning,
    progress: Progress,
    after_fold: AfterFold | None = None,
    fold_of: FoldOf | None = None,
) -> tuple[Floats, list[FoldFit]]:
    """Margin of every row, shape (n,), by the model of its fold, which was fitted and stopped on other folds' rows.

    Category vocabularies are fitted on each fold's own training rows. All models have the folds' median number of
    rounds: after 20 rounds margins lie close together, after 400 far apart, and one calibration must fit them all.
    fold_of: where a fold's models are fitted; None = here.
    Raises BadData, naming the fold, when its training or stopping rows are too few or of one class.
    """
    margins = np.empty(len(development.target))
    fitted = []
    for number, fold in enumerate(development.folds):
        title, done = f"fold {number + 1} of {len(development.folds)}", number / len(development.folds)
        progress(title, done)
        one = (fold_of or _FoldHere)(development, estimator, learning, fold)
        fitted.append((one, one.stopped(_told(progress, title, done))))
        margins[one.inside] = one.margins(fitted[-1][1])
        if after_fold:
            after_fold(number + 1, margins, np.isin(development.fold, development.folds[: number + 1]))
    rounds = median_rounds(model.rounds for _, model in fitted)
    for one, model in fitted:
        if model.rounds != rounds:
            margins[one.inside] = one.margins(model.after(rounds) or one.grown_to(rounds))
    return margins, [one.told(model, margins) for one, model in fitted]


def median_rounds(rounds: Iterable[int]) -> int:
    return round(float(np.median(list(rounds))))


class Fold(ABC):
    """One fold: who is inside, and models of those outside."""

    def __init__(self, development: Development, estimator: type[Estimator], fold: int) -> None:
        self.development = development
        self.estimator = estimator
        self.fold = fold
        self.inside = development.fold == fold
        self.stopping = ~self.inside & development.stopping & estimator.stops_early
        self.fitting = ~self.inside & ~self.stopping
        _refuse_one_class(development.target[self.fitting], fold, "training")
        if estimator.stops_early:
            _refuse_one_class(development.target[self.stopping], fold, "early-stopping")

    @abstractmethod
    def stopped(self, on_round: OnRound) -> Estimator:
        """The model as its early-stopping rows want it."""

    @abstractmethod
    def grown_to(self, rounds: int) -> Estimator:
        """The model of exactly so many rounds."""

    @abstractmethod
    def margins(self, model: Estimator) -> Floats:
        """Of the rows inside, in the order of the development rows."""

    def told(self, model: Estimator, margins: Floats) -> FoldFit:
        return FoldFit(
            fold=self.fold,
            rows_fitted=int(np.sum(self.fitting)),
            rows_stopping=int(np.sum(self.stopping)),
            rows_scored=int(np.sum(self.inside)),
            rounds=model.rounds,
            roc_auc=_auc_or_none(self.development.target[self.inside], margins[self.inside]),
            history=model.history,
        )


class FoldOf(Protocol):
    """Makes a fold, wherever its models are fitted."""

    def __call__(self, development: Development, estimator: type[Estimator], learning: Learning, fold: int) -> Fold: ...


class _FoldHere(Fold):
    """On this machine, with its rows in memory."""

    def __init__(self, development: Development, estimator: type[Estimator], learning: Learning, fold: int) -> None:
        super().__init__(development, estimator, fold)
        preprocess = Preprocess.fit(development.table, development.features, ~self.inside, blanks=learning.blanks)
        self.learning = replace(learning, features=preprocess.features)
        self.matrix = preprocess.matrix
        self.values = self._rows(self.inside).values

    def stopped(self, on_round: OnRound) -> Estimator:
        plain, fitted = self._rows_to_fit()
        until = stopping_rows(self._rows(self.stopping), fitted, plain) if self.estimator.stops_early else None
        return self.estimator.fit(fitted, self.learning, evaluation=until, on_round=on_round)

    def grown_to(self, rounds: int) -> Estimator:
        return self.estimator.fit(self._rows_to_fit()[1], self.learning, rounds=rounds)

    def margins(self, model: Estimator) -> Floats:
        return model.margin(self.values)

    def _rows_to_fit(self) -> tuple[Rows, Rows]:
        """Those outside, and the same as `learning.balance` wants them."""
        plain = self._rows(self.fitting)
        return plain, balanced(plain, self.learning)

    def _rows(self, chosen: NDArray[np.bool_]) -> Rows:
        table = self.development.table.filter(pa.array(chosen))
        return Rows(self.matrix(table).values, self.development.target[chosen])


def _told(progress: Progress, title: str, done: float) -> Callable[[int, float | None], None]:
    def tell(rounds: int, loss: float | None) -> None:
        if rounds % 25 == 0:
            progress(f"{title}: round {rounds}" + (f", log loss {loss:.4f}" if loss is not None else ""), done)

    return tell


def _auc_or_none(target: Floats, margins: Floats) -> float | None:
    return roc_auc(target, margins) if 0 < np.sum(target) < len(target) else None


def _refuse_one_class(target: Floats, fold: int, what: str) -> None:
    bads = int(np.sum(target))
    if bads in (0, len(target)):
        raise BadData(
            f"the {what} rows outside fold {fold} are {bads} bads of {len(target)}",
            where="training",
            hint="more rows, fewer folds (split.folds), or a larger training.early_stopping_share",
        )
