"""Rows to fit, with more bads or fewer goods among them; for experiments, since the PD must be calibrated all the same.

Only rows that an estimator is fitted on pass through here: inside each fold after the split, and again at the refit.
Rows that tell when to stop, that calibrate or that are scored stay as they are.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BadData
from creditrisk.modelling.estimators.base import wait_asleep

if TYPE_CHECKING:
    from creditrisk.config import Balance
    from creditrisk.modelling.estimators import Learning, Rows

type Floats = NDArray[np.float64]


def balanced(rows: Rows, learning: Learning) -> Rows:
    """The rows by `learning.balance`; the same rows, seed and environment give the same bits.

    Rows that are kept are unchanged, and stand first. A share that the rows reach already changes nothing.
    Raises BadData when the bads are too few for SMOTE's neighbours.
    """
    balance = learning.balance
    if balance is None:
        return rows
    if balance.method == "class_weight":
        return replace(rows, weights=_class_weights(rows.target))
    if balance.method in ("smote", "smote_and_down_sample"):
        rows = _with_invented_bads(rows, learning, balance)
    if balance.method in ("down_sample", "smote_and_down_sample"):
        rows = _with_fewer_goods(rows, learning.seed, balance)
    return rows


def stopping_rows(rows: Rows, fitted: Rows, unbalanced: Rows) -> Rows:
    """The early-stopping rows, told to start from the default rate they share with the unbalanced rows.

    Otherwise the loss on them measures above all how far balancing has shifted the margins.
    """
    if fitted is unbalanced:
        return rows
    rate = unbalanced.default_rate
    return replace(rows, start=float(np.log(rate / (1.0 - rate))))


def _class_weights(target: Floats) -> Floats:
    """Bads weigh together as much as goods."""
    bads = float(np.sum(target))
    return np.where(target == 1, (len(target) - bads) / bads, 1.0)


def _with_fewer_goods(rows: Rows, seed: int, balance: Balance) -> Rows:
    """All bads and a random choice of goods, in their old order."""
    goods = np.flatnonzero(rows.target == 0)
    wanted = round((len(rows.target) - len(goods)) / balance.down_sample_to)
    if wanted >= len(goods):
        return rows
    dropped = np.random.default_rng(seed).permutation(goods)[wanted:]
    kept = np.ones(len(rows.target), dtype=np.bool_)
    kept[dropped] = False
    return replace(rows, values=rows.values[kept], target=rows.target[kept])


def _with_invented_bads(rows: Rows, learning: Learning, balance: Balance) -> Rows:
    """Further bads between each bad and its neighbours. Source: SMOTE, Chawla et al. (2002), by imbalanced-learn.

    Neighbours are near in standardised numbers with the median where one is missing, and in categories (SMOTE-NC). An
    invented row lacks nothing, except in a column that all rows lack.
    """
    bads = rows.target == 1
    wanted = round(balance.smote_to * int(np.sum(~bads)))
    missing_bads = wanted - int(np.sum(bads))
    if missing_bads <= 0:
        return rows
    if np.sum(bads) <= balance.neighbours:
        raise BadData(
            f"{int(np.sum(bads))} bads among the rows to fit; SMOTE with {balance.neighbours} neighbours needs "
            f"{balance.neighbours + 1}",
            where="training.balance",
            hint="more rows, fewer folds (split.folds), fewer neighbours, or the method none",
        )
    known = ~np.isnan(rows.values).all(axis=0)
    number = known & np.array([feature.kind == "number" for feature in learning.features])
    category = known & ~number
    centre, scale = _centre_and_scale(rows.values[:, number].astype(np.float64))
    filled = np.empty((len(rows.target), int(np.sum(known))))
    is_number = number[known]
    filled[:, is_number] = (_filled(rows.values[:, number].astype(np.float64), centre) - centre) / scale
    filled[:, ~is_number] = _filled(rows.values[:, category], _commonest(rows.values[:, category]))
    invented = _smote(filled, bads, ~is_number, wanted, learning.seed, balance.neighbours)
    values = np.full((len(invented), rows.values.shape[1]), np.nan, dtype=np.float32)
    values[:, number] = invented[:, is_number] * scale + centre
    values[:, category] = invented[:, ~is_number]
    return replace(
        rows,
        values=np.concatenate([rows.values, values]),
        target=np.concatenate([rows.target, np.ones(len(values))]),
    )


def _smote(
    filled: Floats, bads: NDArray[np.bool_], is_category: NDArray[np.bool_], wanted: int, seed: int, neighbours: int
) -> Floats:
    """The invented rows alone, shape (wanted - bads, columns of `filled`)."""
    wait_asleep()
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    options: dict[str, Any] = {
        "sampling_strategy": {1: wanted},
        "random_state": seed % 2**32,
        "k_neighbors": neighbours,
    }
    if not is_category.any():
        sampler = SMOTE(**options)
    elif is_category.all():
        sampler = SMOTEN(**options)
    else:
        sampler = SMOTENC(categorical_features=np.flatnonzero(is_category).tolist(), **options)
    # Goods play no part; one stands for them all, since the library wants two classes.
    few = np.concatenate([filled[bads], filled[~bads][:1]])
    target = np.append(np.ones(len(few) - 1, dtype=np.int64), 0)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # SMOTEN of imbalanced-learn 0.14 calls an old SciPy name
        rows, _ = sampler.fit_resample(few, target)
    return np.asarray(rows[len(few) :], dtype=np.float64)


def _centre_and_scale(values: Floats) -> tuple[Floats, Floats]:
    """Median and standard deviation of each column; a constant has scale 1."""
    spread = np.nanstd(values, axis=0)
    return np.nanmedian(values, axis=0), np.where(spread > 0, spread, 1.0)


def _commonest(codes: NDArray[np.float32]) -> Floats:
    """The commonest code of each column, the lowest among equals."""
    columns = (column[~np.isnan(column)].astype(np.int64) for column in codes.T)
    return np.array([float(np.argmax(np.bincount(column))) for column in columns])


def _filled(values: NDArray[Any], instead: Floats) -> Floats:
    return np.where(np.isnan(values), instead, values)
