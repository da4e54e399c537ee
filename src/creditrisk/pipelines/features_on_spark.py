"""Stages 3 and 4 of the engine spark: whole tables of features on the cluster, and those of the sample here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import MAIN, Book
from creditrisk.errors import BadData, Refused
from creditrisk.features import words_of
from creditrisk.features.engine import Schema
from creditrisk.features.spark_engine import compute_on_spark
from creditrisk.files import whole_file
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines.cluster import (
    DEVELOPMENT,
    FEATURES,
    Cluster,
    Sample,
    Whole,
    at_cluster,
    note_state,
    reached,
    state_of,
    ticked,
    with_keys,
)
from creditrisk.pipelines.context import Context


def whole_features(context: Context, schema: Schema) -> int:
    """The feature table of everybody on the cluster, and of the sample feature_store.parquet. Returns rows here."""
    book, folder = context.book, context.folder
    with at_cluster(context) as cluster:
        at = cluster.bronze()
        out = cluster.address(FEATURES)
        rows = compute_on_spark(
            cluster.spark,
            at,
            book.sql,
            schema,
            key=book.key,
            out=out,
            partitions=context.book.portfolio.spark.partitions,
            progress=context.stage_progress("features"),
        )
        features = cluster.read(out)
        _refuse_doubled(features.select(ticked(book.key)).distinct().count(), rows, book)
        keys, sample = cluster.chosen(cluster.read(at[MAIN]))
        some = features if keys is None else with_keys(features, book.key, keys, book.key)
        brought = cluster.bring(some, folder.feature_store)
        here = {FEATURES: sha256_of_file(folder.feature_store)}
        note_state(folder.cluster, {FEATURES: Whole(out, rows, cluster.mark(out))}, sample, here)
    return brought


def _refuse_doubled(keys: int, rows: int, book: Book) -> None:
    if keys != rows:
        raise BadData(
            f"{rows - keys} rows have a key that another row has",
            where=book.sql[-1].path,
            hint="the last file of SQL gives one row an entity",
        )


@contextmanager
def everybody(context: Context) -> Iterator[Path]:
    """The main table with the few columns that labels and parts are made of, of everybody, as one file here."""
    state = state_of(context.folder.bronze_state)
    if state is None:
        yield context.folder.table(MAIN)
        return
    context.folder.processed.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix=".partial-labels-", dir=context.folder.processed) as passing,
        at_cluster(context) as cluster,
    ):
        yield labels_of(cluster, cluster.bronze()[MAIN], Path(passing))


def labels_of(cluster: Cluster, address: str, folder: Path) -> Path:
    """Those columns of a whole main table, in a file in this folder."""
    main, book = cluster.read(address), cluster.context.book
    file = folder / f"{MAIN}.parquet"
    cluster.bring(main.select(*(ticked(name) for name in main.columns if name in label_columns(book))), file)
    return file


def label_columns(book: Book) -> set[str]:
    """Columns of the main table that target, date, term and what could be known are made of."""
    target, split = book.portfolio.target, book.portfolio.split
    named = {
        book.key,
        target.column,
        split.date,
        split.term,
        *target.observed_until_latest_of,
        target.bad_known_from.column if target.bad_known_from else None,
    }
    words = words_of([book.sql_file(target.sql.removeprefix("sql/")).text]) if target.sql else set()
    columns = {column.name for column in book.contracts[MAIN].columns}
    return {name for name in named if name} | {name for name in columns if name.lower() in words}


def whole_development(context: Context, assigned: pa.Table) -> None:
    """The rows to learn from with their features, on the cluster; part and fold of everybody, here.

    assigned: key, target, date, part, fold, as `split.assign` gives them.
    """
    from pyspark.sql import functions

    book, folder = context.book, context.folder
    with whole_file(folder.assigned) as partial:
        pq.write_table(assigned, partial, compression="zstd")
    state = need_state(context, "features")
    with at_cluster(context) as cluster:
        features = cluster.read(cluster.unchanged(state["tables"][FEATURES], "features"))
        learnt = assigned.filter(pc.not_equal(assigned["part"], "test")).select(["key", "target", "part", "fold"])
        with reached("the parts"):
            parts = cluster.spark.createDataFrame(learnt.rename_columns(["key__", "target", "part", "fold"]))
            rows = features.join(parts, features[ticked(book.key)] == parts["key__"]).drop("key__")
            workers = book.portfolio.spark.partitions or workers_of(cluster)
            rows = rows.repartition(workers, functions.col(ticked(book.key))).sortWithinPartitions(ticked(book.key))
        whole = cluster.write(rows, cluster.address(DEVELOPMENT))
    if whole.rows != learnt.num_rows:
        raise BadData(
            f"{learnt.num_rows - whole.rows:,} loans with an outcome have no features",
            where="split",
            hint=f"creditrisk features {book.name} --engine spark",
        )
    tables = {FEATURES: Whole(**state["tables"][FEATURES]), DEVELOPMENT: whole}
    sample = Sample(state["sample"]["rows"], state["sample"]["of"])
    here = {FEATURES: state["here"][FEATURES], DEVELOPMENT: sha256_of_file(folder.assigned)}
    note_state(folder.cluster, tables, sample, here)


def need_state(context: Context, stage: str) -> dict[str, Any]:
    """What the whole tables are like that belong to the tables here. Raises Refused where there are none."""
    state, folder = state_of(context.folder.cluster), context.folder
    files = {FEATURES: folder.feature_store, DEVELOPMENT: folder.assigned}
    if state is None or any(
        not files[name].is_file() or sha256_of_file(files[name]) != sha256 for name, sha256 in state["here"].items()
    ):
        raise Refused(
            "there are no whole tables on the cluster that belong to those here",
            where=str(folder.cluster),
            hint=f"creditrisk {stage} {context.book.name} --engine spark",
        )
    return state


def workers_of(cluster: Cluster) -> int:
    """How many learn together: as the book says, else as many tasks as the cluster runs at once."""
    return cluster.settings.workers or max(int(cluster.spark.sparkContext.defaultParallelism), 1)
