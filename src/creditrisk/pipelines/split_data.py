"""Stage 4: every observed loan to train, calibration or test."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from creditrisk.config import MAIN, Split
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import add_step, book_as_read, need_unchanged, table_node
from creditrisk.pipelines.same_engine import refuse_sample
from creditrisk.split import PARTS, assign, knowledge, read_labels, write_audit, write_parts


def run(context: Context) -> dict[str, Any]:
    """{train,calibration,test}.parquet, audit.parquet and split.json."""
    book, folder = context.book, context.folder
    need_unchanged(context, "features", {"feature_store": folder.feature_store})
    context.progress("split", "reading outcomes", 0.0)
    with _outcomes(context) as main:
        parts = assign(read_labels(book, main, context.duck), _dealing(context))
        known = knowledge(book, main, parts, context.duck)
    context.progress("split", "writing parts", 0.5)
    here = write_parts(folder.feature_store, parts.rows, folder.processed, book.key, context.duck)
    write_audit(book, folder.table(MAIN), folder.audit_table, context.duck)
    if context.on_spark:
        from creditrisk.pipelines.features_on_spark import whole_development

        whole_development(context, parts.rows)
    report = context.report(
        "split.json", {**parts.report, "knowledge": known}, inputs={"feature_store": folder.feature_store}
    )
    target = [f"sql/{Path(book.portfolio.target.sql).stem}"] if book.portfolio.target.sql else []
    of, by = book_as_read(context, "split")
    made = {
        part: table_node(context, folder.part(part), "feature_store", f"bronze/{MAIN}", of, *target, rows=here[part])
        for part in PARTS
    }
    audit = table_node(context, folder.audit_table, f"bronze/{MAIN}", of)
    add_step(context, "split", {**by, **made, "audit": audit})
    return report


def _dealing(context: Context) -> Split:
    """How the loans are dealt: what keeps the memory of one machine leaves none out on a cluster."""
    split = context.book.portfolio.split
    return split.model_copy(update={"rows_max": None}) if context.on_spark else split


def _outcomes(context: Context) -> AbstractContextManager[Path]:
    """The main table, with everybody in it."""
    if context.on_spark:
        from creditrisk.pipelines.features_on_spark import everybody

        return everybody(context)
    refuse_sample(context, context.folder.cluster, "ingest")
    return nullcontext(context.folder.table(MAIN))


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("split"))
