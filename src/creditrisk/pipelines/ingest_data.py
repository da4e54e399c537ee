"""Stage 1: raw files become typed bronze tables, or a clear no."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from creditrisk.config import MAIN, Book, Table
from creditrisk.contracts import BronzeTable, hidden_columns, ingestion_summary, quarantine, to_bronze
from creditrisk.files import whole_folder
from creditrisk.governance import Act
from creditrisk.governance.lineage import Node, NodeKind
from creditrisk.kinds import Finding, sha256_of_file
from creditrisk.pipelines import data_freshness
from creditrisk.pipelines.accepted import Accepted, to_compare_with, write_profile
from creditrisk.pipelines.addresses import fetch_raw
from creditrisk.pipelines.check_data import need_promises_kept
from creditrisk.pipelines.context import INGESTION, Context, is_invented
from creditrisk.pipelines.fetch_sources import fetch_sources
from creditrisk.pipelines.lineage import add_step, table_node
from creditrisk.pipelines.origins import origin_of, was_fetched
from creditrisk.ports import StoredObject
from creditrisk.sources import Landed, Limits, fetch
from creditrisk.split import assign, read_labels


@dataclass(frozen=True)
class Arrived:
    """Raw tables on this machine as typed Parquet: {table: ...}, without a table that is absent.

    quarantined: one finding for each reason for which rows were taken out.
    """

    landed: dict[str, Landed]
    bronze: dict[str, BronzeTable]
    quarantined: list[Finding]

    @property
    def findings(self) -> list[Finding]:
        return [*(finding for table in self.bronze.values() for finding in table.findings), *self.quarantined]


def run(context: Context) -> dict[str, Any]:
    """data/bronze/<table>.parquet and ingestion_summary.json; all tables or none."""
    if context.reads_bronze:
        from creditrisk.pipelines import ingest_on_spark

        return ingest_on_spark.run(context)
    book, folder = context.book, context.folder
    if context.raw_uri is not None:
        fetch_raw(context, context.raw_uri)
    absent = fetch_sources(context) if context.from_sources else []
    with whole_folder(folder.bronze) as bronze:
        arrived = bring_in(context, book, context.raw, bronze)
        origins = {name: origin_of(landed) for name, landed in arrived.landed.items()}
        made = {f"bronze/{name}": table.sha256 for name, table in arrived.bronze.items()}
        before = to_compare_with(folder.bronze, made)
        # A broken must, and loans that nobody can learn from and test on, leave the tables of the last run in place.
        checked = need_promises_kept(
            context,
            {name: table.path for name, table in arrived.bronze.items()},
            made,
            before,
            lambda what, share: context.progress("ingest", f"check {what}", 0.6 + 0.4 * share),
        )
        assign(read_labels(book, arrived.bronze[MAIN].path, context.duck), book.portfolio.split)
        write_profile(bronze, Accepted(made, checked.profiles), before)
    report = context.report(
        INGESTION,
        {
            **ingestion_summary(arrived.landed, arrived.bronze, [*absent, *arrived.quarantined]),
            "invented_data": is_invented(context.raw),  # whatever was ingested before
            "meta": {"sources": {name: _told(origin) for name, origin in origins.items()}},
        },
        inputs={landed.name: landed.sha256 for landed in arrived.landed.values()},
    )
    data_freshness.run(context)
    add_step(context, "ingest", _nodes(context, arrived, origins))
    context.act(Act.INGEST_ACCEPTED, {landed.name: landed.sha256 for landed in arrived.landed.values()})
    return report


def bring_in(context: Context, book: Book, raw: Path, folder: Path, *, scoring: bool = False) -> Arrived:
    """Every raw table of the book that is in `raw`, as <folder>/<table>.parquet, without the rows in quarantine.

    raw: a folder, or the file of the main table.  scoring: outcomes need not be there, and the main table may have
    the name of the file to score.
    Raises MissingInput without the main table, BadData and BrokenFile as the contracts say.
    """
    stage, unpacked = "score" if scoring else "ingest", folder / "unpacked"
    landed: dict[str, Landed] = {}
    for name, table in book.portfolio.tables.items():
        found = _fetched(table, name, raw, unpacked, context.limits, scoring=scoring)
        if found is not None:
            landed[name] = found
    done = 0

    def read(name: str) -> BronzeTable:
        nonlocal done
        table = to_bronze(
            landed[name],
            book.contracts[name],
            folder / f"{name}.parquet",
            entity=book.portfolio.entity if name == MAIN else None,
            settings=context.duck,
            scoring=scoring,
            hidden=hidden_columns(book.contracts[name], book.portfolio),
        )
        done += 1
        context.progress(stage, f"read {name}", done / len(landed) * (0.4 if scoring else 0.6))
        return table

    with ThreadPoolExecutor(context.duck.threads) as pool:  # one thread reads a file; files are read side by side
        bronze = dict(zip(landed, pool.map(read, landed), strict=True))
    shutil.rmtree(unpacked, ignore_errors=True)
    paths = {name: table.path for name, table in bronze.items()}
    taken_out = quarantine(paths, book.contracts, book.portfolio, settings=context.duck, scoring=scoring)
    changed = {finding.table for finding in taken_out}
    bronze = {name: _as_it_is_now(table) if name in changed else table for name, table in bronze.items()}
    return Arrived(landed, bronze, taken_out)


def _nodes(context: Context, arrived: Arrived, origins: Mapping[str, StoredObject]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for name, landed in arrived.landed.items():
        origin, bronze = origins[name], arrived.bronze[name]
        fetched = was_fetched(origin)
        contract = f"contracts/{name}.yaml"
        nodes |= {
            f"raw/{landed.name}": Node(
                NodeKind.RAW,
                landed.sha256,
                file=landed.name,
                bytes=landed.size,
                uri=origin.uri if fetched else None,
                version=origin.version if fetched else None,
            ),
            f"contract/{name}": Node(
                NodeKind.CONTRACT, sha256_of_file(context.book.folder / contract), file=contract
            ),
            f"bronze/{name}": table_node(
                context, context.folder.table(name), f"raw/{landed.name}", f"contract/{name}",
                rows=bronze.rows, sha256=bronze.sha256,
            ),
        }  # fmt: skip
    return nodes


def _told(origin: StoredObject) -> dict[str, str | None]:
    """What may differ between two ingestions of the same bytes, and so stands under `meta`."""
    modified = origin.modified.isoformat() if origin.modified else None
    return {"uri": origin.uri, "version": origin.version, "modified": modified}


def _as_it_is_now(table: BronzeTable) -> BronzeTable:
    rows = pq.read_metadata(table.path).num_rows
    return replace(table, rows=rows, sha256=sha256_of_file(table.path))


def _fetched(table: Table, name: str, raw: Path, landing: Path, limits: Limits, *, scoring: bool) -> Landed | None:
    if raw.is_file() and name == MAIN:
        stem = raw.name.split(".", 1)[0]
        return fetch(table, stem, raw.parent, landing, limits)
    if raw.is_file():
        return None
    if scoring and table.score_file is not None:
        optional = table.model_copy(update={"required": False, "parent": table.parent or name})
        found = fetch(optional, table.score_file, raw, landing, limits)
        if found is not None:
            return found
    return fetch(table, table.file, raw, landing, limits)


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("ingest"))
