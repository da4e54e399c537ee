"""Why a row was not approved: the groups of features that raised its margin above what is usual for the approved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from creditrisk.modelling import Bundle
from creditrisk.modelling.policy import DecisionPolicy

type Floats = NDArray[np.float64]

ROWS_AT_ONCE = 4096


def reasons_of(bundle: Bundle, values: NDArray[np.float32], wanted: NDArray[np.int64]) -> pa.Array[Any]:
    """list<struct<code, text, feature, contribution>>, shape (n,); empty for rows that are not wanted.

    values: the preprocessed rows, shape (n, features).  wanted: places of the rows that need reasons, rising.
    A reason's contribution is how far its group lifts the margin above its usual contribution, in log-odds; its feature
    is the one that lifts most within the group. Largest first; equals by code.
    """
    counts = np.zeros(len(values), dtype=np.int64)
    groups, features, sizes = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    for start in range(0, len(wanted), ROWS_AT_ONCE):
        rows = wanted[start : start + ROWS_AT_ONCE]
        group, feature, size, count = _largest(bundle, values[rows])
        counts[rows] = count
        groups.append(group)
        features.append(feature)
        sizes.append(size)
    return _as_lists(bundle, counts, np.concatenate(groups), np.concatenate(features), np.concatenate(sizes))


def _largest(
    bundle: Bundle, values: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Of these rows' reasons, one after the other: group, feature, size; and how many each row has."""
    by_feature = bundle.estimator.contributions(values)
    excess, strongest = _by_group(by_feature, bundle.policy, bundle.preprocess.names)
    order = np.argsort(-excess, axis=1, kind="stable")[:, : bundle.policy.max_reasons]
    ranked = np.take_along_axis(excess, order, axis=1)
    raises = ranked > 0.0
    return order[raises], np.take_along_axis(strongest, order, axis=1)[raises], ranked[raises], raises.sum(axis=1)


def _by_group(by_feature: Floats, policy: DecisionPolicy, names: tuple[str, ...]) -> tuple[Floats, NDArray[np.int64]]:
    """How far each group exceeds its usual contribution, and its strongest feature; both shape (n, groups).

    Added feature by feature, so that a row's sums do not depend on the number of rows.
    """
    place = {name: column for column, name in enumerate(names)}
    excess = np.empty((len(by_feature), len(policy.reasons)))
    strongest = np.empty(excess.shape, dtype=np.int64)
    for column, words in enumerate(policy.reasons):
        members = np.array([place[name] for name in words.features])
        total = np.zeros(len(by_feature))
        for member in members:
            total += by_feature[:, member]
        excess[:, column] = total - words.usual
        strongest[:, column] = members[np.argmax(by_feature[:, members], axis=1)]
    return excess, strongest


def _as_lists(
    bundle: Bundle, counts: NDArray[np.int64], groups: NDArray[np.int64], features: NDArray[np.int64], sizes: Floats
) -> pa.Array[Any]:
    codes = pa.array([words.code for words in bundle.policy.reasons], pa.string())
    texts = pa.array([words.text for words in bundle.policy.reasons], pa.string())
    names = pa.array(bundle.preprocess.names, pa.string())
    of_group = pa.array(groups, pa.int64())
    flat = pa.StructArray.from_arrays(
        [codes.take(of_group), texts.take(of_group), names.take(pa.array(features, pa.int64())), pa.array(sizes)],
        names=["code", "text", "feature", "contribution"],
    )
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat)
