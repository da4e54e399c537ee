"""The split is the same in any row order."""

from __future__ import annotations

import random

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.config import Split
from creditrisk.split import Labels, assign

KEYS = list(range(400))


@given(order=st.randoms(use_true_random=False), seed=st.integers(0, 2**31))
def test_row_order_moves_nobody(order: random.Random, seed: int) -> None:
    shuffled = KEYS.copy()
    order.shuffle(shuffled)
    split = Split(seed=seed, test_share=0.3, calibration_share=0.3)
    places = []
    for keys in (KEYS, shuffled):
        rows = pa.table(
            {
                "key": keys,
                "target": pa.array([key % 2 for key in keys], pa.int32()),
                "label_state": ["observed"] * len(keys),
                "date": pa.nulls(len(keys), pa.date32()),
                "term": pa.nulls(len(keys), pa.int64()),
            }
        )
        assigned = assign(Labels(rows, None), split).rows
        places.append({row["key"]: (row["part"], row["fold"]) for row in assigned.to_pylist()})
    assert places[0] == places[1]
