"""Stage 3: the book's SQL makes the feature table."""

from __future__ import annotations

import sys
from typing import Any

from creditrisk.config import MAIN
from creditrisk.contracts import check_feature_table, refuse_if_needed
from creditrisk.features import check_sql, compute, links_of
from creditrisk.pipelines.check_data import need_checked
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.leak_check import REPORT, readable_schema
from creditrisk.pipelines.lineage import add_step, book_nodes, table_node
from creditrisk.pipelines.same_engine import refuse_sample


def run(context: Context) -> dict[str, Any]:
    """feature_store.parquet: one row an entity, the key and the features, sorted by key."""
    book, folder = context.book, context.folder
    features = check_sql(book)
    tables, hashes = need_checked(context)
    schema = readable_schema(context, hashes)
    if context.on_spark:
        from creditrisk.pipelines.features_on_spark import whole_features

        rows = whole_features(context, schema)
    else:
        refuse_sample(context, folder.bronze_state, "ingest")
        folder.cluster.unlink(missing_ok=True)
        rows = compute(
            tables,
            book.sql,
            schema,
            key=book.key,
            out=folder.feature_store,
            settings=context.duck,
            progress=context.stage_progress("features"),
            links=links_of(book),
        )
    refuse_if_needed(check_feature_table(folder.feature_store, book.key))
    facts = {"rows": rows, "features": len(features), "preset": book.portfolio.features.preset,
             "absent_tables": sorted(set(book.portfolio.tables) - set(tables) - {MAIN})}  # fmt: skip
    by = book_nodes(book)
    made = table_node(
        context, folder.feature_store, "book", f"reports/{REPORT}", *(f"sql/{file.name}" for file in book.sql),
        *(f"bronze/{name}" for name in tables), rows=rows,
    )  # fmt: skip
    add_step(context, "features", {**by, "feature_store": made})
    return facts


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("features"))
