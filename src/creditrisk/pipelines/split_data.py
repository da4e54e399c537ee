"""Stage 4: every observed loan to train, calibration or test."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from creditrisk.config import MAIN
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import add_step, book_as_read, need_unchanged, table_node
from creditrisk.split import PARTS, assign, knowledge, read_labels, write_audit, write_parts


def run(context: Context) -> dict[str, Any]:
    """{train,calibration,test}.parquet, audit.parquet and split.json."""
    book, folder = context.book, context.folder
    need_unchanged(context, "features", {"feature_store": folder.feature_store})
    context.progress("split", "reading outcomes", 0.0)
    labels = read_labels(book, folder.table(MAIN), context.duck)
    parts = assign(labels, book.portfolio.split)
    context.progress("split", "writing parts", 0.5)
    write_parts(folder.feature_store, parts.rows, folder.processed, book.key, context.duck)
    write_audit(book, folder.table(MAIN), folder.audit_table, context.duck)
    known = knowledge(book, folder.table(MAIN), parts, context.duck)
    report = context.report(
        "split.json", {**parts.report, "knowledge": known}, inputs={"feature_store": folder.feature_store}
    )
    target = [f"sql/{Path(book.portfolio.target.sql).stem}"] if book.portfolio.target.sql else []
    rows = {part: figures["n"] for part, figures in parts.report["parts"].items()}
    of, by = book_as_read(context, "split")
    made = {
        part: table_node(context, folder.part(part), "feature_store", f"bronze/{MAIN}", of, *target, rows=rows[part])
        for part in PARTS
    }
    audit = table_node(context, folder.audit_table, f"bronze/{MAIN}", of)
    add_step(context, "split", {**by, **made, "audit": audit})
    return report


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("split"))
