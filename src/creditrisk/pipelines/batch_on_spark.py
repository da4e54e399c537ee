"""Batch on a cluster: features by Spark, decisions by the one scoring function over its partitions."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from creditrisk.config import MAIN, Book, load_book
from creditrisk.contracts import check, refuse_if_needed
from creditrisk.errors import BadUsage
from creditrisk.features import table_schema
from creditrisk.features.spark_engine import compute_on_spark
from creditrisk.files import whole_file
from creditrisk.governance import find_bundle
from creditrisk.governance.agreement import Records
from creditrisk.kinds import sha256_of
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.pipelines.addresses import fetch_tables, is_address
from creditrisk.pipelines.cluster import Cluster, at_cluster, reached, ticked
from creditrisk.pipelines.context import Context, is_invented
from creditrisk.pipelines.ingest_data import bring_in
from creditrisk.pipelines.ingest_on_spark import examined
from creditrisk.pipelines.scored_parts import RAW, Job, decided, needed_columns, not_approved
from creditrisk.scoring import COUNTERFACTUAL, score_schema
from creditrisk.spark import uri

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from creditrisk.pipelines.batch_predict import Asked


def run(context: Context, source: Path | str, output: Path | str, reference: str, asked: Asked) -> dict[str, Any]:
    """Decisions into `output`: a file, sorted by key, or where the name has no ending a folder of Parquet.

    source: as on one machine, or a folder of typed tables (<table>.parquet each), read in place.
    """
    from creditrisk.pipelines.batch_predict import writer_of

    if asked.store is not None:
        raise BadUsage(
            "passports are kept by one machine",
            where="--record",
            hint="leave it out, or score with --engine duckdb",
        )
    into_folder = not Path(str(output).rstrip("/")).suffix
    write = None if into_folder else writer_of(Path(str(output)))
    records = Records(context.folder.ledger, context.folder.unfinished_move)
    found = find_bundle(reference, context.registry, own_copy=context.folder.bundle, records=records)
    named = found.version.bundle_sha256 if found.version else None
    bundle = load_bundle(found.folder, expected=named, threads=context.duck.threads)
    book = load_book(found.folder)
    context.progress("score", "starting", 0.0)
    with _passing(context) as (here, cluster, there):
        if into_folder and cluster.is_taken(str(output)):
            raise BadUsage("there is something in this folder", where=str(output), hint="name a new one: --output DIR")
        at, invented = _tables(cluster, book, source, here)
        marks = {name: cluster.mark(address) for name, address in at.items()}
        told = _decisions(cluster, bundle, book, at, asked, there)
        context.progress("score", "deciding", 0.5)
        if write is None:
            whole = cluster.write(told, uri(str(output)))
        else:
            whole = cluster.write(told, f"{there}/decisions")
            with whole_file(Path(output)) as file, write(file, _schema(bundle, told, asked)) as put:
                for piece in cluster.pieces(whole.address):
                    put(piece.cast(_schema(bundle, told, asked)))
        with reached(str(output)):
            counted = cluster.read(whole.address).groupBy("decision").count().collect()
    context.progress("score", "done", 1.0)
    return {
        "rows": whole.rows,
        "decisions": dict(sorted((row["decision"], row["count"]) for row in counted)),
        "run_id": sha256_of(
            {"book": book.name, "bundle": bundle.sha256, "input": marks, "reasons": asked.reasons,
             "counterfactuals": asked.counterfactuals, "recorded": False}
        ),
        "rows_done_before": 0,
        "recorded": None,
        "recorded_before": None,
        "bundle_sha256": bundle.sha256,
        "version": found.version.version if found.version else None,
        "invented_data": bundle.invented or invented,
        "reasons_unproved": bundle.policy.unproved if asked.reasons else None,
        "checks_off": bundle.manifest.get("checks_off", []),
        "leaks_released": bundle.manifest.get("leaks_released", []),
        "output": str(output),
    }  # fmt: skip


@contextmanager
def _passing(context: Context) -> Iterator[tuple[Path, Cluster, str]]:
    """A folder here, a cluster, and a place that it sees; nothing of them stays."""
    context.folder.root.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix=".partial-score-", dir=context.folder.root) as here,
        at_cluster(context) as cluster,
    ):
        there = cluster.address(f".partial-score-{secrets.token_hex(6)}")
        try:
            yield Path(here), cluster, there
        finally:
            cluster.remove(there)


def _tables(cluster: Cluster, book: Book, source: Path | str, here: Path) -> tuple[dict[str, str], bool]:
    """Addresses of the typed tables that passed the bundle's contracts, and are they invented?"""
    context = cluster.context
    if _is_typed(cluster, book, source):
        at = cluster.bronze_in(source, book)
        examined(Cluster(replace(context, book=book), cluster.spark), at, None, scoring=True)
        return at, cluster.is_invented(str(source))
    if is_address(source):
        source = fetch_tables(context, book, str(source), here / "raw", stage="score", scoring=True)
    arrived = bring_in(context, book, Path(source), here / "bronze", scoring=True)
    tables = {name: table.path for name, table in arrived.bronze.items()}
    refuse_if_needed(check(tables, book.contracts, book.portfolio, settings=context.duck, scoring=True))
    return {name: uri(path) for name, path in tables.items()}, is_invented(Path(source))


def _is_typed(cluster: Cluster, book: Book, source: Path | str) -> bool:
    """Typed tables have the logical names; a raw file of such a name is a raw file."""
    main = book.portfolio.tables[MAIN]
    if MAIN in (main.file, main.score_file) or (not is_address(source) and not Path(source).is_dir()):
        return False
    return bool(cluster.files(f"{uri(source).rstrip('/')}/{MAIN}.parquet"))


def _decisions(
    cluster: Cluster, bundle: Bundle, book: Book, at: Mapping[str, str], asked: Asked, there: str
) -> DataFrame:
    """Of everybody in the tables, in ranges of the key, each sorted."""
    from pyspark.sql.pandas.types import from_arrow_schema

    compute_on_spark(
        cluster.spark,
        at,
        book.sql,
        table_schema(book),
        key=book.key,
        out=f"{there}/features",
        partitions=cluster.settings.partitions,
        progress=lambda what, share: cluster.context.progress("score", what, share / 2),
    )
    features = cluster.read(f"{there}/features")
    explains = asked.counterfactuals or (asked.reasons and bundle.policy.unproved is None)
    tables = tuple(needed_columns(book, list(at))) if explains else ()
    files = cluster.spark.sparkContext.broadcast(dict(bundle.files))
    job = Job(bundle.sha256, files, tables, asked.reasons, asked.counterfactuals, cluster.context.duck)
    with reached("scoring"):
        rows = _beside(cluster, features, book, at, job) if explains else features
        schema = _schema(bundle, features, asked)
        told = rows.mapInArrow(partial(decided, job=job, schema=schema), from_arrow_schema(schema))
        count = max(features.rdd.getNumPartitions(), 1)
        return told.repartitionByRange(count, ticked(book.key)).sortWithinPartitions(ticked(book.key))


def _schema(bundle: Bundle, rows: DataFrame, asked: Asked) -> pa.Schema:
    """Of what is written, as on one machine."""
    key = rows.select(ticked(bundle.key)).limit(0).toArrow().schema.field(0).type
    schema = score_schema(bundle.key, key)
    return schema.append(pa.field("counterfactual", COUNTERFACTUAL)) if asked.counterfactuals else schema


def _beside(cluster: Cluster, features: DataFrame, book: Book, at: Mapping[str, str], job: Job) -> DataFrame:
    """The features, and the raw rows of everybody who is not approved as lists in columns of their own."""
    from pyspark.sql import functions

    key = book.key
    kind = features.schema[key].dataType.simpleString()
    wanted = features.mapInArrow(partial(not_approved, job=job), f"{ticked(key)} {kind}").persist()
    owners: dict[str, DataFrame] = {}
    columns = needed_columns(book, list(at))
    for name, rows in cluster.rows_of(at, wanted, book).items():
        table, owner = book.portfolio.tables[name], "owner__"
        if table.parent in (None, MAIN):
            link = key if name == MAIN else str(table.foreign_key)
            owned = rows.withColumn(owner, functions.col(ticked(link)))
        else:
            above = book.portfolio.tables[str(table.parent)].key[0]
            pairs = owners[str(table.parent)].select(functions.col(ticked(above)).alias("link__"), owner).distinct()
            owned = rows.join(pairs, rows[ticked(str(table.foreign_key))] == pairs["link__"]).drop("link__")
        owners[name] = owned
        if name not in columns:
            continue
        row = functions.struct(*(functions.col(ticked(column)) for column in columns[name]))
        gather = functions.first(row) if name == MAIN else functions.collect_list(row)
        lists = owned.groupBy(owner).agg(gather.alias(f"{RAW}{name}"))
        features = features.join(lists, features[ticked(key)] == lists[owner], "left").drop(owner)
    return features
