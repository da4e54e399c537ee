"""What replacing a factor does to the margin, against the plain way: every row with every peer, scored as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from creditrisk.modelling import Bundle
from creditrisk.scoring import falls
from creditrisk.scoring.prove import _mean_of_copies
from tests.support.learning import feature_rows

ROWS, PEERS = feature_rows(9, seed=44), feature_rows(11, seed=45)


@dataclass
class People:
    """The rows themselves; what is computed of a row and a peer is the peer's."""

    keys: pa.ChunkedArray[Any]
    steps: Sequence[Any]
    peers: pa.Table

    def computed(self, places: np.ndarray) -> Mapping[Any, pa.Table]:
        return {"all": pa.concat_tables([self.peers] * len(places))}


def step(code: str, copied: Sequence[str], computed: Sequence[str]) -> SimpleNamespace:
    return SimpleNamespace(code=code, copied=copied, computed=(("all", computed),) if computed else ())


@pytest.mark.parametrize("name", ["xgboost", "logistic"])
def test_shortcuts_give_the_bits_of_the_plain_way(bundle_of: Callable[[str], Bundle], name: str) -> None:
    bundle = bundle_of(name)
    names, codes = bundle.preprocess.names, [words.code for words in bundle.policy.reasons]
    steps = [
        step(codes[0], names[:2], ()),
        step(codes[1], names[1:2], names[2:4]),
        step(codes[2], names[1:2], names[2:4]),  # comes to the same rows as the one before
        step(codes[3], (), names[-1:]),
    ]
    values, peers = (bundle.preprocess.matrix(table).values for table in (ROWS, PEERS))
    keys = ROWS[bundle.key]
    tried = falls(bundle, values, keys.combine_chunks(), lambda _: People(keys, steps, PEERS))
    for place, one in enumerate(steps):
        columns = [names.index(feature) for feature in (*one.copied, *(one.computed[0][1] if one.computed else ()))]
        for row in range(len(values)):
            changed = np.repeat(values[row : row + 1], len(peers), axis=0)
            changed[:, columns] = peers[:, columns]
            assert tried.fall[row, place] == tried.margin[row] - np.mean(bundle.margin(changed)[None, :], axis=1)[0]


def test_a_rows_mean_over_peers_does_not_depend_on_the_other_rows(bundle: Bundle) -> None:
    width = len(bundle.preprocess.names)
    drawn = np.random.default_rng(5).random((90, width)).astype(np.float32)
    rows, peers = drawn[:40] * 1000, drawn[40:] * 1000
    for column in range(width):
        if bundle.preprocess.features[column].kind == "category":
            rows[:, column], peers[:, column] = 0, 0
    together = _mean_of_copies(bundle, rows, peers, range(width - 1))
    alone = [_mean_of_copies(bundle, rows[place : place + 1], peers, range(width - 1))[0] for place in range(len(rows))]
    assert together.tolist() == alone
