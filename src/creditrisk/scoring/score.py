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
from creditrisk.scoring.knock_out import knocked_out
from creditrisk.scoring.prove import Find, falls
from creditrisk.scoring.reasons import REASON, Ranked, as_lists, candidates, or_candidates, proved

type Floats = NDArray[np.float64]

VERDICTS = (Verdict.APPROVE.value, Verdict.REFER.value, Verdict.DECLINE.value)
DECLINED = VERDICTS.index(Verdict.DECLINE.value)
UNPROVED = "reasons_unproved"
"""Warning of a row whose reasons were to be proved and are not: they are candidates only."""


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


def score(bundle: Bundle, features: pa.Table, *, with_reasons: bool = True, find: Find | None = None) -> pa.Table:
    """PD, score, grade, decision, reasons and warnings of each row, in the order of the rows.

    features: the entity key and the bundle's features; other columns are ignored.
    find: the raw tables of the people whose reasons are to be proved; without it reasons are candidates, and their
    pd_without is NULL.
    Returns columns <key>, pd, score (points, higher is safer), grade, decision, reasons (declined and referred rows
    only; empty when with_reasons is off, except for the rules of a knock-out), warnings (codes). A row's figures have
    the same bits alone and among others.
    Raises BadData when a column is absent or of another kind than the model learnt.
    """
    if bundle.key not in features.column_names:
        raise BadData(f'no key column "{bundle.key}"', hint=did_you_mean(bundle.key, features.column_names))
    matrix = bundle.preprocess.matrix(features)
    broken = knocked_out(bundle.policy.knock_out, features)
    return score_matrix(bundle, features.column(bundle.key), matrix, broken, with_reasons=with_reasons, find=find)


def score_matrix(
    bundle: Bundle,
    key: pa.ChunkedArray[Any],
    matrix: Matrix,
    broken: NDArray[np.bool_],
    *,
    with_reasons: bool = True,
    find: Find | None = None,
) -> pa.Table:
    """The same of rows that are preprocessed. broken: the rules that each row breaks, shape (rows, rules)."""
    by_estimator = bundle.estimator.margin(matrix.values)
    margin = bundle.levelled(by_estimator, matrix.values)
    pd = bundle.calibrator(margin)
    by_pd = verdicts(pd, bundle.policy)
    wanted = np.flatnonzero(by_pd > 0) if with_reasons else np.empty(0, dtype=np.int64)
    if len(wanted) or broken.any():
        ranked, unproved = _reasons(
            bundle, matrix.values[wanted], key.take(pa.array(wanted)), find, by_estimator[wanted], margin[wanted]
        )
        reasons, without_proof = as_lists(bundle, len(pd), wanted, ranked, broken), wanted[unproved]
    else:
        reasons, without_proof = pa.array([[]] * len(pd), pa.list_(REASON)), wanted
    return pa.table(
        [
            key,
            pa.array(pd),
            pa.array(points(pd, bundle.policy)),
            _words(grades(pd, bundle.policy), bundle.policy.grade_names),
            _words(np.where(broken.any(axis=1), DECLINED, by_pd), VERDICTS),
            reasons,
            _warnings(matrix, without_proof),
        ],
        schema=score_schema(bundle.key, key.type),
    )


def _reasons(
    bundle: Bundle,
    values: NDArray[np.float32],
    keys: pa.ChunkedArray[Any],
    find: Find | None,
    by_estimator: Floats,
    margin: Floats,
) -> tuple[Ranked, NDArray[np.bool_]]:
    """What is told of these rows, and which of them were to be proved and are not.

    by_estimator, margin: of these rows, before and after the calibration of a level.
    """
    if find is None or not len(values):
        return candidates(bundle, values, by_estimator), np.zeros(len(values), dtype=np.bool_)
    if bundle.policy.unproved is not None:
        return candidates(bundle, values, by_estimator), np.ones(len(values), dtype=np.bool_)
    ranked = proved(bundle, values, falls(bundle, values, keys.combine_chunks(), find, margin), by_estimator)
    unproved = ~ranked.told.any(axis=1)
    return or_candidates(ranked, candidates(bundle, values, by_estimator)) if unproved.any() else ranked, unproved


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


def _warnings(matrix: Matrix, unproved: NDArray[np.int64]) -> pa.Array[Any]:
    """list<string> of the warning codes of each row, in the order of the features; last, that nothing is proved."""
    codes = [*matrix.warnings, UNPROVED]
    held = np.zeros((len(matrix.values), len(codes)), dtype=np.bool_)
    for place, code in enumerate(matrix.warnings):
        held[:, place] = matrix.warnings[code]
    held[unproved, -1] = True
    offsets = np.concatenate([[0], np.cumsum(held.sum(axis=1))])
    flat = _words(np.nonzero(held)[1], codes)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat)
