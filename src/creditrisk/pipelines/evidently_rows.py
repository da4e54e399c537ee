"""Rows for Evidently's page, which looks at rows and not at counts: evenly taken, so that they fit into memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.errors import BadUsage
from creditrisk.files import read_json
from creditrisk.modelling import Bundle
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.development import DEVELOPMENT
from creditrisk.ports import DECIDED, DecisionStore

MOST_ROWS = 50_000
"""On each side."""

type ExtraPage = Callable[[pa.Table, pa.Table, Path, float], list[str]]
"""(rows then, rows now, page, PSI limit) -> columns that it had to leave out."""


def page_beside(report: Path) -> Path:
    return report.with_name(f"{report.stem}_evidently.html")


def development_features(context: Context, bundle: Bundle) -> pa.Table:
    """Raises BadUsage where the last run made another model: its rows are not those the bundle learnt from."""
    metrics = context.folder.report("metrics.json")
    if not metrics.is_file() or read_json(metrics)["bundle_sha256"] != bundle.sha256:
        raise BadUsage(
            "the rows that this model learnt from are not in the workspace: the last run made another model",
            where="--evidently",
            hint="leave it out: our own page needs no rows of then",
        )
    return parquet_rows([context.folder.part(part) for part in DEVELOPMENT], bundle.preprocess.names)


def parquet_rows(paths: Sequence[Path], columns: Sequence[str]) -> pa.Table:
    """Those of the columns that are there, every so many rows."""
    step = _step(sum(pq.read_metadata(path).num_rows for path in paths))
    return pa.concat_tables(
        pa.Table.from_batches(batches) for path in paths if (batches := list(_every(path, columns, step)))
    )


def recorded_rows(
    store: DecisionStore, book: str, bundle: Bundle, since: datetime | None, until: datetime | None
) -> pa.Table:
    """Features of the bundle's recorded decisions."""
    recorded = store.counted(book, since=since, until=until)
    step = _step(sum(rows for (kind, _), rows in recorded.items() if kind in DECIDED))
    features = [
        {name: one.get(name) for name in bundle.preprocess.names}
        for one in islice(_features(store, book, bundle, since, until), 0, None, step)
    ]
    kinds = bundle.preprocess.kinds
    schema = pa.schema([(name, pa.string() if kinds[name] == "category" else pa.float64()) for name in kinds])
    return pa.Table.from_pylist(features, schema)


def _features(
    store: DecisionStore, book: str, bundle: Bundle, since: datetime | None, until: datetime | None
) -> Iterable[dict[str, object]]:
    for kept in store.kept(book, since=since, until=until):
        one = kept.passport
        if one.kind in DECIDED and one.bundle_sha256 == bundle.sha256 and "features" in one.payload:
            yield one.payload["features"]


def _every(path: Path, columns: Sequence[str], step: int) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        names = [name for name in columns if name in file.schema_arrow.names]
        first = 0
        for batch in file.iter_batches(columns=names):
            yield batch.take(pa.array(np.arange(-first % step, batch.num_rows, step)))
            first += batch.num_rows


def _step(rows: int) -> int:
    return max(math.ceil(rows / MOST_ROWS), 1)
