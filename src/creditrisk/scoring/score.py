"""Engineered rows in, decisions out: the one function that API, batch, canary and replay share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from creditrisk.errors import BadData, did_you_mean
from creditrisk.kinds import Verdict
from creditrisk.modelling import Bundle, Matrix, points
from creditrisk.modelling.policy import DecisionPolicy
from creditrisk.scoring.reasons import reasons_of

type Floats = NDArray[np.float64]

VERDICTS = (Verdict.APPROVE.value, Verdict.REFER.value, Verdict.DECLINE.value)
REASON = pa.struct(
    [("code", pa.string()), ("text", pa.string()), ("feature", pa.string()), ("contribution", pa.float64())]
)


def score_schema(key: str, key_type: pa.DataType) -> pa.Schema:
    """The columns of every scored table."""
    return pa.schema(
        [
            (key, key_type),
            ("pd", pa.float64()),
            ("score", pa.int32()),
            ("grade", pa.string()),
            ("decision", pa.string()),
            ("reasons", pa.list_(REASON)),
            ("warnings", pa.list_(pa.string())),
        ]
    )


def score(bundle: Bundle, features: pa.Table, *, with_reasons: bool = True) -> pa.Table:
    """PD, score, grade, decision, reasons and warnings of each row, in the order of the rows.

    features: the entity key and the bundle's features; other columns are ignored.
    Returns columns <key>, pd, score (points, higher is safer), grade, decision, reasons (declined and referred rows
    only; empty when with_reasons is off), warnings (codes). A row's figures have the same bits alone and among others.
    Raises BadData when a column is absent or of another kind than the model learnt.
    """
    if bundle.key not in features.column_names:
        raise BadData(f'no key column "{bundle.key}"', hint=did_you_mean(bundle.key, features.column_names))
    matrix = bundle.preprocess.matrix(features)
    pd = bundle.calibrator(bundle.estimator.margin(matrix.values))
    verdict = verdicts(pd, bundle.policy)
    wanted = np.flatnonzero(verdict > 0) if with_reasons else np.empty(0, dtype=np.int64)
    key = features.column(bundle.key)
    return pa.table(
        [
            key,
            pa.array(pd),
            pa.array(points(pd, bundle.policy)),
            _words(grades(pd, bundle.policy), bundle.policy.grade_names),
            _words(verdict, VERDICTS),
            reasons_of(bundle, matrix.values, wanted),
            _warnings(matrix),
        ],
        schema=score_schema(bundle.key, key.type),
    )


def grades(pd: Floats, policy: DecisionPolicy) -> NDArray[np.int64]:
    """Place of each PD's grade in policy.grades, 0 = best; a PD at a limit gets the worse grade."""
    limits = np.array([limit for _, limit in policy.grades])
    return np.minimum(np.searchsorted(limits, pd, side="right"), len(limits) - 1)


def verdicts(pd: Floats, policy: DecisionPolicy) -> NDArray[np.int64]:
    """0 approve, 1 refer, 2 decline (places in VERDICTS)."""
    cut_off = policy.cut_off
    return np.where(pd >= cut_off.decline_from_pd, 2, np.where(pd >= cut_off.refer_from_pd, 1, 0))


def _words(places: NDArray[np.int64], words: tuple[str, ...] | list[str]) -> pa.Array[Any]:
    return pa.array(words, pa.string()).take(pa.array(places, pa.int64()))


def _warnings(matrix: Matrix) -> pa.Array[Any]:
    """list<string> of the warning codes of each row, in the order of the features."""
    codes = list(matrix.warnings)
    held = np.zeros((len(matrix.values), len(codes)), dtype=np.bool_)
    for place, code in enumerate(codes):
        held[:, place] = matrix.warnings[code]
    offsets = np.concatenate([[0], np.cumsum(held.sum(axis=1))])
    flat = _words(np.nonzero(held)[1], codes)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat)
