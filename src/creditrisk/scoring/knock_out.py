"""Rules that decline whatever the PD."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.errors import BadData, did_you_mean
from creditrisk.modelling.policy import KnockOut


def knocked_out(rules: Sequence[KnockOut], features: pa.Table) -> NDArray[np.bool_]:
    """Which rows each rule declines, shape (n, rules). A missing value breaks only the rule that is about missing.

    Raises BadData when a rule's feature is not among the columns, or is of another kind than the rule.
    """
    broken = np.zeros((features.num_rows, len(rules)), dtype=np.bool_)
    for place, rule in enumerate(rules):
        if rule.feature not in features.column_names:
            raise BadData(
                f'the rule {rule.code} reads "{rule.feature}", which is not there',
                where="policy.json, knock_out",
                hint=did_you_mean(rule.feature, features.column_names),
            )
        broken[:, place] = _breaks(rule, features[rule.feature])
    return broken


def _breaks(rule: KnockOut, column: pa.ChunkedArray[Any]) -> NDArray[np.bool_]:
    if rule.missing:
        held: Any = pc.is_null(column, nan_is_null=True)
        return np.asarray(held.to_numpy(zero_copy_only=False) if isinstance(held, pa.Array) else held.to_numpy())
    try:
        if rule.at_least is not None:
            held = pc.greater_equal(column.cast(pa.float64()), rule.at_least)
        elif rule.at_most is not None:
            held = pc.less_equal(column.cast(pa.float64()), rule.at_most)
        else:
            held = pc.equal(column, pa.scalar(rule.equals).cast(column.type))
    except pa.ArrowInvalid as error:
        raise BadData(
            f"the rule {rule.code} cannot be read on {column.type}", where=rule.feature, hint="mend decision.knock_out"
        ) from error
    return np.asarray(pc.fill_null(held, False).to_numpy())
