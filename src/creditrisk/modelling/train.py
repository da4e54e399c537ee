"""Training: out-of-fold scores, calibration, cut-off, and a refit on all development rows.

No row serves two of early stopping, calibration and cut-off for the model that scored it: the fold models stop on rows
of their own training folds, a row's calibrator never saw the row's fold, the method is chosen on the calibration part
and the cut-off on the train part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.errors import BadData, Refused, did_you_mean
from creditrisk.modelling.balance import balanced
from creditrisk.modelling.calibration import Calibrator, Platt
from creditrisk.modelling.choose_calibration import Choice, calibrate, choose_calibration, methods_for
from creditrisk.modelling.estimators import CalibratedInside, Estimator, Learning, PointScale, Rows, estimator_named
from creditrisk.modelling.levels import KEY, LevelLines, levels_for
from creditrisk.modelling.out_of_fold import (
    Development,
    Fold,
    FoldFit,
    FoldOf,
    Progress,
    median_rounds,
    out_of_fold_margins,
    stable_shares,
)
from creditrisk.modelling.points import points
from creditrisk.modelling.policy import (
    DecisionPolicy,
    ReasonWords,
    choose_cut_off,
    decision_policy,
    directions_of,
    words_for,
)
from creditrisk.modelling.preprocess import Preprocess, refuse_infinite
from creditrisk.modelling.reference import reference_of
from creditrisk.modelling.scorer import Scorer

if TYPE_CHECKING:
    from creditrisk.config import Balance, Policy, Portfolio, Reasons, Training

type Floats = NDArray[np.float64]

NOT_FEATURES = ("target", "date", "part", "fold")
"""Columns of a development table that stand beside the key and the features."""

USUAL_ROWS = 1000
"""Approved development rows whose mean contributions a reason is measured against."""


@dataclass(frozen=True)
class TrainedModel(Scorer):
    """Everything a bundle is made from, and what the training reports tell.

    out_of_fold: key, target, part, fold, margin (uncalibrated), pd (cross-fitted, as it is served), sorted by key.
    shown: places of the rows that the model is described by, which are all, or a sample where a cluster learnt it.
    refitted_pd: of those by the model itself, which learnt from them; shape (shown,).
    choice: which calibration is served, and why.  levels, by_level: as `Calibrated` has them.
    balance: the method by which the rows to fit were balanced.  notes: what the modeller should know.
    """

    estimator: Estimator
    preprocess: Preprocess
    calibrator: Calibrator
    policy: DecisionPolicy
    reference: dict[str, Any]
    parameters: dict[str, Any]
    out_of_fold: pa.Table
    folds: tuple[FoldFit, ...]
    choice: Choice
    seed: int
    balance: str = "none"
    notes: tuple[str, ...] = ()
    levels: LevelLines | None = None
    by_level: Mapping[str, Any] | None = None
    shown: NDArray[np.int64] | None = None
    refitted_pd: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def described(self) -> pa.Table:
        """The out-of-fold rows that the model is described by."""
        return self.out_of_fold if self.shown is None else self.out_of_fold.take(pa.array(self.shown))

    @property
    def rounds(self) -> int:
        return self.estimator.rounds

    def importance(self) -> dict[str, float]:
        return self.estimator.importance()


def _silent(what: str, done: float) -> None:
    pass


class Fitting(Protocol):
    """Where models are fitted, when the rows are too many for this machine; `spark_fit.OnSpark`.

    shown: key and features of the rows that the model is described by, sorted by key.
    """

    @property
    def shown(self) -> pa.Table: ...
    def fold(self, development: Development, estimator: type[Estimator], learning: Learning, fold: int) -> Fold: ...
    def refit(self, estimator: type[Estimator], learning: Learning, rounds: int) -> tuple[Preprocess, Estimator]: ...


def train(
    development: pa.Table,
    portfolio: Portfolio,
    reasons: Reasons,
    *,
    features: Sequence[str] | None = None,
    estimator: str | None = None,
    balance: Balance | None = None,
    elsewhere: Fitting | None = None,
    progress: Progress = _silent,
) -> TrainedModel:
    """Learn a model from the development rows of one book.

    development: key, target (0 or 1), part ("train" or "calibration"), fold (0, 1, ...), features; any row order gives
    the same model.  features: all other columns unless given.  estimator, balance: the book's own unless given.
    elsewhere: fits the models; of the features `development` then needs only the one to calibrate by.
    Raises BadData when the rows cannot be learnt from, BadConfig for a wrong parameter or a feature without words,
    Refused when a prohibited column is among the features.
    """
    key, training = portfolio.entity.key, portfolio.training
    kind = estimator_named(estimator or training.estimator)
    names = tuple(features or (name for name in development.column_names if name not in (key, *NOT_FEATURES)))
    if not names:
        raise BadData("there is no feature to learn from", where="training", hint="check the book's last SQL file")
    _refuse_prohibited(names, portfolio.policy)
    words = words_for(names, reasons)
    rows = development_of(development, key, names, training, there=() if elsewhere else names)
    learning = learning_of(kind, names, portfolio, balance)
    levels = levels_for(kind, rows, training, learning)  # a wrong feature is told before an hour of training
    notes = _notes(portfolio, names, kind)

    fold_of: FoldOf | None = elsewhere.fold if elsewhere else None
    margins, fits = out_of_fold_margins(rows, kind, learning, _part_of(progress, 0.0, 0.75), fold_of=fold_of)
    progress("calibrating", 0.75)
    choice = choose_calibration(methods_for(kind, training), margins, rows)
    notes += [f"calibration by {name} was not possible: {why}" for name, why in choice.failed.items()]
    calibrated = calibrate(choice.method, margins, rows, training.long_run_default_rate, levels)
    pds = calibrated.out_of_fold
    in_train = ~rows.in_calibration
    cut_off = choose_cut_off(pds[in_train], rows.target[in_train], portfolio.decision)
    policy = decision_policy(cut_off, portfolio.decision, learning.directions, words)

    progress("refitting on all development rows", 0.8)
    preprocess, model, values = _refit(rows, kind, learning, fits, elsewhere, _part_of(progress, 0.8, 0.95))
    progress("describing the development rows", 0.95)
    shown, table = (None, rows.table) if elsewhere is None else _shown(rows, key, elsewhere.shown)
    described = calibrated.pds if shown is None else calibrated.pds[shown]
    calibrator = calibrated.calibrator
    if isinstance(model, CalibratedInside):
        model, calibrator = _taken_in(model, calibrator)
        notes.append("the calibration line is part of the model; what is served beside it changes nothing")
    trained = TrainedModel(
        estimator=model,
        preprocess=preprocess,
        calibrator=calibrator,
        policy=policy,
        reference=reference_of(table, preprocess, described, points(described, policy), model.importance()),
        parameters=kind.settings(learning.parameters),
        out_of_fold=_out_of_fold_table(rows, key, margins, pds),
        folds=tuple(fits),
        choice=choice,
        seed=training.seed,
        balance=(balance or training.balance).method,
        notes=tuple(notes),
        levels=calibrated.levels,
        by_level=calibrated.by_level,
        shown=shown,
    )
    trained = replace(trained, refitted_pd=trained.pd(values))
    trained = replace(trained, policy=replace(policy, reasons=_with_usual(trained, values)))
    progress("trained", 1.0)
    return trained


def development_of(
    table: pa.Table,
    key: str,
    features: tuple[str, ...],
    training: Training,
    *,
    there: Sequence[str] | None = None,
) -> Development:
    """The rows as the fold models want them. Raises BadData when they cannot be learnt from.

    there: the features that the table must have; None = all of them.
    """
    needed = features if there is None else there
    for name in (key, "target", "part", "fold", *needed):
        if name not in table.column_names:
            raise BadData(f'the development rows have no column "{name}"', hint=did_you_mean(name, table.column_names))
    if table.num_rows == 0:
        raise BadData("there are no development rows", where="training", hint="run the split stage again")
    order = pc.sort_indices(table.column(key))
    if not np.array_equal(order, np.arange(len(order))):  # a sorted table, as the split stage writes it, is not copied
        table = table.take(order)
    if pc.count_distinct(table.column(key)).as_py() != table.num_rows:
        raise BadData("a key stands twice among the development rows", where=key, hint="run the split stage again")
    refuse_infinite(table, needed)
    target = _target(table)
    part = table.column("part").to_pylist()
    if not set(part) <= {"train", "calibration"} or len(set(part)) < 2:
        raise BadData(
            f"parts {sorted(set(map(str, part)))}", where="training", hint='both "train" and "calibration" are needed'
        )
    fold = table.column("fold").to_numpy().astype(np.int64)
    if len(np.unique(fold)) < 2 or fold.min() < 0:
        raise BadData("at least two folds, numbered from 0, are needed", where="training", hint="split again")
    shares = stable_shares(table.column(key).to_pylist(), training.seed)
    return Development(
        table, features, target, fold, np.array(part) == "calibration", shares < training.early_stopping_share
    )


def _target(table: pa.Table) -> Floats:
    values = {value for value in pc.unique(table.column("target")).to_pylist()}
    if values != {0, 1}:
        what = f"one class only ({values.pop()})" if len(values) == 1 else f"other values than 0 and 1: {values}"
        raise BadData(f"the target has {what}", where="training", hint="1 is bad, 0 is good; a model needs both")
    return np.asarray(table.column("target").to_numpy(), dtype=np.float64)


def _refuse_prohibited(features: Sequence[str], policy: Policy) -> None:
    barred = {column.lower(): column for column in policy.kept_apart}
    for feature in features:
        if feature.lower() in barred:
            raise Refused(
                f'the feature "{feature}" is {barred[feature.lower()]}, which may not decide about people',
                where="portfolio.yaml, policy",
                hint="leave it out of the feature table; fairness reads it from audit.parquet",
            )


def learning_of(
    kind: type[Estimator], features: tuple[str, ...], portfolio: Portfolio, balance: Balance | None = None
) -> Learning:
    """How the book wants this estimator fitted; `balance` in place of its own when given.

    Raises BadConfig for a wrong parameter.
    """
    training = portfolio.training
    parameters = training.parameters.get(kind.name, {})
    kind.settings(parameters)  # a misspelt parameter is told before an hour of training
    scaling = portfolio.decision.scaling
    directions = directions_of(portfolio.policy, features)
    return Learning(
        (),
        parameters,
        directions,
        training.seed,
        training.threads,
        balance or training.balance,
        PointScale(scaling.base_points, scaling.base_odds, scaling.points_to_double_odds),
        blanks={name: way for name, way in directions.items() if name in portfolio.policy.blank_is_worst},
    )


def _notes(portfolio: Portfolio, names: Sequence[str], kind: type[Estimator]) -> list[str]:
    notes = []
    if absent := sorted(set(portfolio.policy.monotone) - set(names)):
        notes.append(f"policy.monotone directs {', '.join(absent)}, not among these features")
    if portfolio.training.calibration_by and issubclass(kind, CalibratedInside):
        notes.append(f"{KEY} is not followed: {kind.name} takes one line in for all rows, so that its parts add up")
    return notes


def _refit(
    rows: Development,
    kind: type[Estimator],
    learning: Learning,
    fits: Sequence[FoldFit],
    elsewhere: Fitting | None,
    progress: Progress,
) -> tuple[Preprocess, Estimator, NDArray[np.float32]]:
    """The model on every development row, with the folds' median rounds grown as the rows grow; and its values."""
    rounds = None
    if kind.stops_early:
        growth = len(rows.target) / float(np.median([fit.rows_fitted for fit in fits]))
        rounds = max(round(median_rounds(fit.rounds for fit in fits) * growth), 1)
    if elsewhere is not None:
        preprocess, model = elsewhere.refit(kind, learning, rounds or 0)
        return preprocess, model, preprocess.matrix(elsewhere.shown).values
    preprocess = Preprocess.fit(rows.table, rows.features, blanks=learning.blanks)
    matrix = preprocess.matrix(rows.table)
    own = replace(learning, features=preprocess.features)
    model = kind.fit(
        balanced(Rows(matrix.values, rows.target), own),
        own,
        rounds=rounds,
        on_round=lambda done, _: progress(f"refit: round {done}", done / (rounds or done)) if done % 25 == 0 else None,
    )
    return preprocess, model, matrix.values


def _shown(rows: Development, key: str, table: pa.Table) -> tuple[NDArray[np.int64], pa.Table]:
    """The places of these rows among the development rows."""
    places = pc.index_in(table[key], value_set=rows.table[key].combine_chunks().cast(table[key].type))
    if places.null_count or not len(places):
        raise BadData("the sample holds others than development rows", where=key, hint="run the split stage again")
    return places.to_numpy().astype(np.int64), table


def _taken_in(model: CalibratedInside, calibrator: Calibrator) -> tuple[Estimator, Calibrator]:
    """The model with the calibration's straight line inside, and a calibration that changes nothing."""
    at_zero, at_one = calibrator.log_odds(np.array([0.0, 1.0])).tolist()
    return model.with_calibration(at_one - at_zero, at_zero), Platt(slope=1.0, intercept=0.0)


def _with_usual(trained: TrainedModel, values: NDArray[np.float32]) -> tuple[ReasonWords, ...]:
    """The reason groups with their mean contribution among approved rows.

    A declined row's margin lies above that of every approved one, so at least one of its groups exceeds its usual
    contribution: a decline never goes without a reason, wherever the cut-off lies.
    """
    policy = trained.policy
    approved = np.flatnonzero(trained.refitted_pd < policy.cut_off.refer_from_pd)
    if not len(approved):
        return policy.reasons
    spread = approved[np.linspace(0, len(approved) - 1, min(USUAL_ROWS, len(approved))).astype(np.int64)]
    usual = np.mean(trained.contributions(values[spread]), axis=0)
    return tuple(
        replace(words, usual=float(sum(part * usual[place] for place, part in members)))
        for words, members in zip(policy.reasons, policy.members(trained.preprocess.names), strict=True)
    )


def _out_of_fold_table(rows: Development, key: str, margins: Floats, pds: Floats) -> pa.Table:
    return pa.table(
        {
            key: rows.table.column(key),
            "target": pa.array(rows.target.astype(np.int8)),
            "part": rows.table.column("part"),
            "fold": pa.array(rows.fold.astype(np.int8)),
            "margin": pa.array(margins),
            "pd": pa.array(pds),
        }
    )


def _part_of(progress: Progress, start: float, end: float) -> Progress:
    return lambda what, done: progress(what, start + (end - start) * done)
