"""Would more rows help? The book's estimator on growing shares of the train part, measured on the calibration part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from creditrisk.errors import BadData
from creditrisk.modelling.balance import balanced
from creditrisk.modelling.estimators import Estimator, Learning, Rows
from creditrisk.modelling.out_of_fold import stable_shares
from creditrisk.modelling.preprocess import Preprocess
from creditrisk.stats import auc_interval, fit_line, log_loss, sigmoid

type Floats = NDArray[np.float64]

SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)


def learning_curve(
    development: pa.Table,
    features: Sequence[str],
    key: str,
    kind: type[Estimator],
    learning: Learning,
    *,
    rounds: int | None,
    shares: Sequence[float] = SHARES,
) -> list[dict[str, Any]]:
    """AUC and log loss on the calibration part after learning from each share of the train part; a larger share holds
    the smaller ones.

    development: key, target, part and the features.  learning: as the book wants it; its features are found here.
    rounds: trees of every fit, None where the estimator has none.
    Log loss is that of PDs by Platt's line, each half of the calibration part by the other half's.
    A share that cannot be learnt from has None and its reason.
    """
    ordered = development.sort_by(key)
    part = np.array(ordered["part"].to_pylist())
    train, measured = ordered.filter(pa.array(part == "train")), ordered.filter(pa.array(part == "calibration"))
    rank = np.argsort(np.argsort(stable_shares(train[key].to_pylist(), learning.seed + 1), kind="stable"))
    told = []
    for share in shares:
        some = train.filter(pa.array(rank < max(round(share * train.num_rows), 1)))
        point: dict[str, Any] = {"share": share, "rows": some.num_rows, "bads": int(np.sum(some["target"].to_numpy()))}
        try:
            told.append({**point, **_measured(some, measured, features, kind, learning, rounds), "reason": None})
        except BadData as error:
            told.append({**point, "roc_auc": None, "log_loss": None, "reason": error.what})
    return told


def _measured(
    some: pa.Table,
    measured: pa.Table,
    features: Sequence[str],
    kind: type[Estimator],
    learning: Learning,
    rounds: int | None,
) -> dict[str, Any]:
    target, truth = (np.asarray(table["target"].to_numpy(), dtype=np.float64) for table in (some, measured))
    for what, values in (("to learn from", target), ("to measure on", truth)):
        if not 0 < np.sum(values) < len(values):
            raise BadData(f"one class only among the {len(values)} rows {what}")
    preprocess = Preprocess.fit(some, features)
    own = replace(learning, features=preprocess.features)
    model = kind.fit(balanced(Rows(preprocess.matrix(some).values, target), own), own, rounds=rounds)
    margins = model.margin(preprocess.matrix(measured).values)
    return {
        "roc_auc": auc_interval(truth, margins).as_json(),
        "log_loss": log_loss(truth, _halves_calibrated(margins, truth)),
    }


def _halves_calibrated(margins: Floats, target: Floats) -> Floats:
    even = np.arange(len(margins)) % 2 == 0
    pd = np.empty(len(margins))
    for half in (even, ~even):
        slope, intercept = fit_line(margins[~half], target[~half])
        pd[half] = sigmoid(slope * margins[half] + intercept)
    return pd
