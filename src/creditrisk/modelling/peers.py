"""The people whose facts prove a reason: approved development applicants, chosen once and kept in the bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

FEWEST = 10
"""Fewer people say more of themselves than of the approved."""


@dataclass(frozen=True)
class Proofs:
    """What a bundle keeps so that its reasons can be proved.

    factors: {reason code: {table: raw columns}}.  reads: {feature: {table: raw columns that can change it}}.
    peers: raw rows by table.  quantiles: {changeable column: its development values at even shares}.
    unproved: why there is nothing of all this.
    """

    factors: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    reads: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    peers: Mapping[str, pa.Table] = field(default_factory=dict)
    quantiles: Mapping[str, Sequence[float]] = field(default_factory=dict)
    unproved: str | None = None

    def lineage_json(self) -> dict[str, Any]:
        return {name: {table: list(of) for table, of in sorted(tables.items())} for name, tables in self.reads.items()}


def choose_peers(
    keys: Sequence[object], pd: NDArray[np.float64], approved: NDArray[np.bool_], *, wanted: int, seed: int
) -> list[int]:
    """Places of the chosen rows: as many as wanted, or all approved where there are fewer.

    The approved are ordered by PD and cut into `wanted` equal parts; of each part the row with the smallest stable
    hash. So the same rows give the same people in any order, and they cover the approved from best to just good enough.
    """
    from creditrisk.modelling.out_of_fold import stable_shares  # a server reads `Proofs`, and has nothing that trains

    places = np.flatnonzero(approved)
    if not wanted or not len(places):
        return []
    shares = stable_shares([keys[place] for place in places.tolist()], seed)
    ordered = places[np.lexsort((shares, pd[places]))]
    rank = dict(zip(places.tolist(), shares.tolist(), strict=True))
    parts = np.array_split(ordered, min(wanted, len(ordered)))
    return [min(part.tolist(), key=lambda place: (rank[place], place)) for part in parts]
