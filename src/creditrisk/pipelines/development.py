"""The rows to learn from, read alike by training, by comparisons and by searches."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.contracts import need_sound, training_schema
from creditrisk.features import check_sql
from creditrisk.pipelines.context import Context

DEVELOPMENT = ("train", "calibration")
"""Parts that a model may be learnt from."""


def development_rows(context: Context) -> tuple[pa.Table, tuple[str, ...]]:
    """Key, target, date, part, fold and features, sorted by key; and the features among the columns."""
    table = pa.concat_tables(
        rows.append_column("part", pa.array([part] * rows.num_rows, pa.string()))
        for part in DEVELOPMENT
        for rows in [pq.read_table(context.folder.part(part))]
    )
    need_sound(table, training_schema(context.book.key), what="the rows to learn from")
    table = table.take(pc.sort_indices(table[context.book.key]))
    return table, tuple(name for name in check_sql(context.book) if name in table.column_names)
