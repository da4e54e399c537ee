"""The groups that the book's `assessment.segments` put each row into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from creditrisk.config import Book
from creditrisk.duck import DuckSettings, locked_room, named, translated
from creditrisk.features import check_sql

MOST_GROUPS = 20
"""Of a segment; the rows of smaller ones stand together as `other`."""

UNKNOWN, OTHER = "unknown", "other"


def segments_of(segments: Mapping[str, str], rows: pa.Table, settings: DuckSettings) -> dict[str, NDArray[np.str_]]:
    """Each segment's word for each row, shape (n,), in the order of the rows.

    segments: name -> SQL expression over the columns of `rows`.  Raises BadConfig, naming the segment, for wrong SQL.
    """
    told: dict[str, NDArray[np.str_]] = {}
    with locked_room(settings) as con:
        con.register("feature_rows", rows)
        for segment, expression in sorted(segments.items()):
            with translated(f"portfolio.yaml, assessment.segments.{segment}"):
                words = con.execute(
                    f"select cast(({expression}) as varchar) as {named(segment)} from feature_rows"  # noqa: S608
                ).fetchall()
            told[segment] = _largest([word for (word,) in words])
    return told


def check_segments(book: Book) -> None:
    """Raises BadConfig, naming the segment, where one does not fit the features: told before an hour of training."""
    listed = ", ".join(f"cast(null as {kind}) as {named(name)}" for name, kind in check_sql(book).items())
    with locked_room(DuckSettings(memory_limit="200MB", threads=1)) as con:
        con.execute(f"create temp table feature_rows as select {listed} limit 0")
        for segment, expression in book.portfolio.assessment.segments.items():
            with translated(f"portfolio.yaml, assessment.segments.{segment}"):
                con.execute(f"select cast(({expression}) as varchar) from feature_rows")  # noqa: S608


def _largest(words: list[Any]) -> NDArray[np.str_]:
    known = [UNKNOWN if word is None else str(word) for word in words]
    # Equal sizes by name, so that the same rows make the same groups.
    ordered = sorted(Counter(known).items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) <= MOST_GROUPS:
        return np.array(known, dtype=np.str_)
    kept = {word for word, _ in ordered[: MOST_GROUPS - 1]}
    return np.array([word if word in kept else OTHER for word in known], dtype=np.str_)
