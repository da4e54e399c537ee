"""The bundle and the rows it was tested on, read once for every assessment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.config import BookFolder
from creditrisk.modelling import Bundle
from creditrisk.pipelines.development import DEVELOPMENT


@dataclass(frozen=True)
class Tested:
    """bundle: as anybody would load it.  rows: the test part (key, target, date, fold, features), sorted by key.

    decisions: the same rows scored (`scoring.score_schema`), with `target`.  folder: of the book in the workspace.
    """

    bundle: Bundle
    rows: pa.Table
    decisions: pa.Table
    folder: BookFolder

    @cached_property
    def development(self) -> pa.Table:
        """Train and calibration rows with their `part`, and the columns of the test part."""
        return pa.concat_tables(
            table.append_column("part", pa.array([part] * table.num_rows, pa.string()))
            for part in DEVELOPMENT
            for table in [pq.read_table(self.folder.part(part))]
        )
