"""Why a row was not approved: rules that it broke, then the groups of features that raised its margin.

With raw tables at hand each group is proved (`prove`), and the largest falls are told. Without them the groups are told
by how far their contribution exceeds what is usual for the approved: candidates that nobody has tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from creditrisk.modelling import Bundle
from creditrisk.modelling.policy import DecisionPolicy
from creditrisk.scoring.prove import Falls

type Floats = NDArray[np.float64]
type Places = NDArray[np.int64]

ROWS_AT_ONCE = 512
"""Each is laid out once more for every reason, as wide as the largest."""
REASON = pa.struct(
    [
        ("code", pa.string()),
        ("text", pa.string()),
        ("feature", pa.string()),
        ("contribution", pa.float64()),
        ("pd_without", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Ranked:
    """The groups that are told of some rows, first to last: each of shape (n, most), `told` says which are there.

    contribution: above the usual, in log-odds.  pd_without: with the factor replaced; NaN where it was not tried.
    """

    group: Places
    feature: Places
    contribution: Floats
    pd_without: Floats
    told: NDArray[np.bool_]


def excess(bundle: Bundle, values: NDArray[np.float32], by_estimator: Floats | None = None) -> tuple[Floats, Places]:
    """How far each group's contribution exceeds the usual, and its strongest feature; both shape (n, groups).

    by_estimator: the estimator's margins of these rows, where they are known already.
    Added feature by feature, so that a row's sums do not depend on the number of rows.
    """
    above = np.empty((len(values), len(bundle.policy.reasons)))
    strongest = np.empty(above.shape, dtype=np.int64)
    usual = np.array([words.usual for words in bundle.policy.reasons])
    places, parts = bundle.members
    told = np.arange(places.shape[0])
    for start in range(0, len(values), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        by_feature = bundle.contributions(values[rows], None if by_estimator is None else by_estimator[rows])
        by_member = by_feature[:, places]
        above[rows] = np.cumsum(by_member * parts, axis=2)[:, :, -1] - usual  # a sum would add in some other order
        strongest[rows] = places[told, np.argmax(np.where(parts, by_member, -np.inf), axis=2)]
    return above, strongest


def candidates(bundle: Bundle, values: NDArray[np.float32], by_estimator: Floats | None = None) -> Ranked:
    """Groups that lift the margin above the usual, largest first; equals by code. None of them is proved."""
    above, strongest = excess(bundle, values, by_estimator)
    order = np.argsort(-above, axis=1, kind="stable")[:, : bundle.policy.max_reasons]
    contribution = np.take_along_axis(above, order, axis=1)
    return Ranked(
        group=order,
        feature=np.take_along_axis(strongest, order, axis=1),
        contribution=contribution,
        pd_without=np.full(order.shape, np.nan),
        told=contribution > 0.0,
    )


def proved(bundle: Bundle, values: NDArray[np.float32], tried: Falls, by_estimator: Floats | None = None) -> Ranked:
    """Groups whose factor is proved, largest fall first; equals by code.

    A proved group about inquiries that comes right after the last one told is told as one more.
    """
    above, strongest = excess(bundle, values, by_estimator)
    fall = np.where(tried.proved, tried.fall, -np.inf)
    most = bundle.policy.max_reasons
    order = np.argsort(-fall, axis=1, kind="stable")[:, : most + 1]
    ranked = np.take_along_axis(fall, order, axis=1)
    told = np.isfinite(ranked)
    inquiries = np.array([words.inquiries for words in bundle.policy.reasons])
    told[:, most:] &= inquiries[order[:, most:]] & (most == 4)
    lower = tried.margin[:, None] - np.where(told, ranked, 0.0)
    return Ranked(
        group=order,
        feature=np.take_along_axis(strongest, order, axis=1),
        contribution=np.take_along_axis(above, order, axis=1),
        pd_without=bundle.calibrator(lower.ravel()).reshape(lower.shape),
        told=told,
    )


def or_candidates(first: Ranked, second: Ranked) -> Ranked:
    """Rows of the first, and of the second where the first tells nothing."""
    width = second.group.shape[1]
    use = ~first.told.any(axis=1)
    out = {name: np.array(getattr(first, name)) for name in ("group", "feature", "contribution", "pd_without", "told")}
    for name, column in out.items():
        column[use, :width] = getattr(second, name)[use]
    return Ranked(**out)


def as_lists(bundle: Bundle, rows: int, wanted: Places, ranked: Ranked, broken: NDArray[np.bool_]) -> pa.Array[Any]:
    """list<REASON>, shape (rows,).

    wanted: places of the rows that `ranked` is about, rising.  broken: knock-out rules, shape (rows, rules).
    """
    policy = bundle.policy
    group, feature, contribution, pd_without, told = _whole(rows, wanted, ranked)
    rules = broken.shape[1]
    if rules:
        place = {name: number for number, name in enumerate(bundle.preprocess.names)}
        numbers = np.broadcast_to(np.arange(rules) + len(policy.reasons), broken.shape)
        read = np.broadcast_to(np.array([place[rule.feature] for rule in policy.knock_out]), broken.shape)
        nothing = np.full(broken.shape, np.nan)
        group, feature = np.hstack([numbers, group]), np.hstack([read, feature])
        contribution, pd_without = np.hstack([nothing, contribution]), np.hstack([nothing, pd_without])
        told = np.hstack([broken, told])
        told &= (np.cumsum(told, axis=1) <= policy.max_reasons) | ~broken.any(axis=1)[:, None]
    flat = _structs(policy, bundle.preprocess.names, group[told], feature[told], contribution[told], pd_without[told])
    offsets = np.concatenate([[0], np.cumsum(told.sum(axis=1))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat)


def _whole(rows: int, wanted: Places, ranked: Ranked) -> tuple[Places, Places, Floats, Floats, NDArray[np.bool_]]:
    """The ranked rows among all rows, where nobody else is told anything."""
    shape = (rows, ranked.group.shape[1])
    group, feature = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    contribution, pd_without, told = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, np.bool_)
    group[wanted], feature[wanted], contribution[wanted] = ranked.group, ranked.feature, ranked.contribution
    pd_without[wanted], told[wanted] = ranked.pd_without, ranked.told
    return group, feature, contribution, pd_without, told


def _structs(
    policy: DecisionPolicy, names: tuple[str, ...], group: Places, feature: Places, size: Floats, pd: Floats
) -> pa.StructArray:
    told_by = [(one.code, one.text) for one in policy.reasons] + [(one.code, one.text) for one in policy.knock_out]
    of_group = pa.array(group, pa.int64())
    return pa.StructArray.from_arrays(
        [
            pa.array([code for code, _ in told_by], pa.string()).take(of_group),
            pa.array([text for _, text in told_by], pa.string()).take(of_group),
            pa.array(names, pa.string()).take(pa.array(feature, pa.int64())),
            pa.array(size, from_pandas=True),
            pa.array(pd, from_pandas=True),
        ],
        fields=list(REASON),
    )
