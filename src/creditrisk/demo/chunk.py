"""A chunk of applications: drawn from a stream of its own, so that results do not depend on the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from creditrisk.demo.draws import Rng

CHUNK_ROWS = 8192
"""Applications in one chunk. Part of what a seed means: another size gives other people."""


@dataclass(frozen=True)
class Chunk:
    """Some applications with everything that belongs to them.

    rows: applications of the table that is trained on.  truth: key or row number, and `true_pd`.
    """

    rows: int
    tables: Mapping[str, pl.DataFrame]
    truth: pl.DataFrame


def streams(rows: int, seed: int) -> Iterator[tuple[Rng, int, int]]:
    """For each chunk its random numbers, the position of its first row, and how many rows it has."""
    for index, first in enumerate(range(0, rows, CHUNK_ROWS)):
        sequence = np.random.SeedSequence(seed, spawn_key=(index,))
        yield np.random.default_rng(sequence), first, min(CHUNK_ROWS, rows - first)
