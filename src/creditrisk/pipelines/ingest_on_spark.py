"""Stage 1 where typed tables lie on a cluster already: read in place, and the rows of a sample brought here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from creditrisk.config import MAIN
from creditrisk.contracts import Checked, missing_tables, refuse_if_needed
from creditrisk.contracts.spark_view import examine_on_spark
from creditrisk.files import whole_folder
from creditrisk.governance import Act
from creditrisk.governance.lineage import Node, NodeKind
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines import data_freshness
from creditrisk.pipelines.accepted import Accepted, to_compare_with, write_profile
from creditrisk.pipelines.check_data import found_mark
from creditrisk.pipelines.cluster import Cluster, Sample, Whole, at_cluster, note_state
from creditrisk.pipelines.context import INGESTION, Context
from creditrisk.pipelines.features_on_spark import labels_of
from creditrisk.pipelines.lineage import add_step, table_node
from creditrisk.split import assign, read_labels


def run(context: Context) -> dict[str, Any]:
    """data/bronze/<table>.parquet with the rows of the sample, and ingestion_summary.json; all tables or none."""
    book, folder, bronze_at = context.book, context.folder, str(context.book.portfolio.spark.bronze)
    with at_cluster(context) as cluster:
        at = cluster.bronze_in(bronze_at, book)
        invented = cluster.is_invented(bronze_at)
        whole = {name: cluster.whole(address) for name, address in at.items()}
        with whole_folder(folder.bronze) as bronze:
            sample = _bring(cluster, at, bronze)
            here = {f"bronze/{name}": sha256_of_file(bronze / f"{name}.parquet") for name in at}
            note_state(bronze / folder.bronze_state.name, whole, sample, here)
            before = to_compare_with(folder.bronze, here)
            checked = context.found[found_mark(here, before)] = examined(cluster, at, before)
            with TemporaryDirectory(prefix=".partial-labels-", dir=bronze.parent) as passing:
                main = labels_of(cluster, at[MAIN], Path(passing))
                assign(read_labels(book, main, context.duck), book.portfolio.split)
            write_profile(bronze, Accepted(here, checked.profiles), before)
        report = context.report(
            INGESTION,
            {
                "tables": {name: _told(cluster, whole[name], folder.table(name), here) for name in whole},
                "findings": [finding.as_json() for finding in missing_tables(at, book.portfolio)],
                "invented_data": invented,
                "meta": {"sources": {name: _origin(cluster, one) for name, one in whole.items()}},
            },
            inputs={name: one.mark for name, one in whole.items()},
        )
    data_freshness.run(context)
    add_step(context, "ingest", _nodes(context, whole, here))
    context.act(Act.INGEST_ACCEPTED, {name: one.mark for name, one in whole.items()})
    return report


def examined(cluster: Cluster, at: Mapping[str, str], before: Accepted | None, *, scoring: bool = False) -> Checked:
    """What the contracts find in the whole tables. Raises BadData when they refuse them."""
    context = cluster.context
    checked = examine_on_spark(
        cluster.spark,
        at,
        context.book.contracts,
        context.book.portfolio,
        last=before.profiles if before else None,
        scoring=scoring,
        progress=lambda what, share: context.progress("check", f"check {what}", share),
    )
    refuse_if_needed(checked.findings)
    return checked


def examined_again(context: Context, before: Accepted | None) -> Checked:
    """The same of the tables that the last ingestion saw."""
    with at_cluster(context) as cluster:
        return examined(cluster, cluster.bronze(), before)


def _bring(cluster: Cluster, at: Mapping[str, str], bronze: Path) -> Sample:
    """The rows of the people who are looked at here."""
    keys, sample = cluster.chosen(cluster.read(at[MAIN]))
    if keys is None:
        rows = {name: cluster.read(address) for name, address in at.items()}
    else:
        rows = cluster.rows_of(at, keys, cluster.context.book)
    for number, (name, some) in enumerate(rows.items()):
        cluster.context.progress("ingest", f"read {name}", 0.5 * number / len(rows))
        cluster.bring(some, bronze / f"{name}.parquet")
    return sample


def _told(cluster: Cluster, whole: Whole, local: Path, here: Mapping[str, str]) -> dict[str, Any]:
    """As of a raw table; what a hash of bytes would be is the mark of the files."""
    return {
        "file": whole.address.rstrip("/").rpartition("/")[2],
        "format": "parquet",
        "bytes": sum(size for _, size, _ in cluster.files(whole.address)),
        "md5": None,
        "sha256": whole.mark,
        "rows": whole.rows,
        "rejected": 0,
        "columns": len(pq.read_schema(local)),
        "bronze_sha256": here[f"bronze/{local.stem}"],
    }


def _origin(cluster: Cluster, whole: Whole) -> dict[str, str | None]:
    newest = max(changed for _, _, changed in cluster.files(whole.address))
    return {"uri": whole.address, "version": None, "modified": datetime.fromtimestamp(newest / 1000, UTC).isoformat()}


def _nodes(context: Context, whole: Mapping[str, Whole], here: Mapping[str, str]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for name, one in whole.items():
        contract, file = f"contracts/{name}.yaml", one.address.rstrip("/").rpartition("/")[2]
        nodes |= {
            f"raw/{file}": Node(NodeKind.RAW, one.mark, file=file, uri=one.address, rows=one.rows),
            f"contract/{name}": Node(NodeKind.CONTRACT, sha256_of_file(context.book.folder / contract), file=contract),
            f"bronze/{name}": table_node(
                context, context.folder.table(name), f"raw/{file}", f"contract/{name}", sha256=here[f"bronze/{name}"],
                rows=pq.read_metadata(context.folder.table(name)).num_rows,
            ),
        }  # fmt: skip
    return nodes
