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
from tests.support.learning import feature_rows

ROWS, PEERS = feature_rows(9, seed=44), feature_rows(11, seed=45)


@dataclass
class People:
    """The rows themselves; what is computed of a row and a peer is the peer's."""

    keys: pa.ChunkedArray[Any]
    steps: Sequence[Any]
    peers: pa.Table

    def computed(self, places: np.ndarray) -> tuple[pa.Table, Mapping[Any, slice]]:
        made = pa.concat_tables([self.peers] * len(places))
        return made, {"all": slice(0, made.num_rows)}

    def once(self, make: Callable[[], Any]) -> Any:
        return make()


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
    rows, peers = feature_rows(40, seed=5), feature_rows(50, seed=6)
    steps = [step(bundle.policy.reasons[0].code, bundle.preprocess.names[:-1], ())]

    def found(some: pa.Table) -> list[float]:
        keys = some[bundle.key]
        values = bundle.preprocess.matrix(some).values
        tried = falls(bundle, values, keys.combine_chunks(), lambda _: People(keys, steps, peers))
        return [float(fall) for fall in tried.fall[:, 0]]

    assert found(rows) == [found(rows.slice(place, 1))[0] for place in range(rows.num_rows)]
    assert len(set(found(rows))) > 1


def test_a_factor_that_the_model_does_not_read_changes_nothing(bundle: Bundle) -> None:
    keys = ROWS[bundle.key]
    values = bundle.preprocess.matrix(ROWS).values
    steps = [step(bundle.policy.reasons[0].code, (), ())]
    tried = falls(bundle, values, keys.combine_chunks(), lambda _: People(keys, steps, PEERS))
    assert tried.fall[:, 0].tolist() == [0.0] * len(values)
