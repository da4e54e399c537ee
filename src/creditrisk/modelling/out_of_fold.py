"""Scores for rows by models that never saw them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from creditrisk.errors import BadData
from creditrisk.modelling.balance import balanced, stopping_rows
from creditrisk.modelling.estimators import Estimator, Learning, Rows
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
    """One fold's model.  history: log loss on its early-stopping rows after each round."""

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
) -> tuple[Floats, list[FoldFit]]:
    """Margin of every row, shape (n,), by the model of its fold, which was fitted and stopped on other folds' rows.

    Category vocabularies are fitted on each fold's own training rows.
    Raises BadData, naming the fold, when its training or stopping rows are too few or of one class.
    """
    margins = np.empty(len(development.target))
    fits = []
    for number, (fold, inside) in enumerate(_inside(development)):
        title = f"fold {number + 1} of {len(development.folds)}"
        progress(title, number / len(development.folds))
        stopping = ~inside & development.stopping if estimator.stops_early else np.zeros_like(inside)
        fitting = ~inside & ~stopping
        preprocess = Preprocess.fit(development.table, development.features, ~inside, blanks=learning.blanks)
        values = preprocess.matrix(development.table).values
        _refuse_one_class(development.target[fitting], fold, "training")
        if estimator.stops_early:
            _refuse_one_class(development.target[stopping], fold, "early-stopping")
        own = replace(learning, features=preprocess.features)
        plain = Rows(values[fitting], development.target[fitting])
        fitted = balanced(plain, own)
        until = stopping_rows(Rows(values[stopping], development.target[stopping]), fitted, plain)
        model = estimator.fit(
            fitted,
            own,
            evaluation=until if estimator.stops_early else None,
            on_round=_told(progress, title, number / len(development.folds)),
        )
        margins[inside] = model.margin(values[inside])
        fits.append(
            FoldFit(
                fold=fold,
                rows_fitted=int(np.sum(fitting)),
                rows_stopping=int(np.sum(stopping)),
                rows_scored=int(np.sum(inside)),
                rounds=model.rounds,
                roc_auc=_auc_or_none(development.target[inside], margins[inside]),
                history=model.history,
            )
        )
        if after_fold:
            after_fold(number + 1, margins, np.isin(development.fold, development.folds[: number + 1]))
    return margins, fits


def _inside(development: Development) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    return ((fold, development.fold == fold) for fold in development.folds)


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
