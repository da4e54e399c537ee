"""Stage 6: the bundle, as anybody would load it, on the rows that nothing was learnt from."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.contracts import decisions_schema, need_sound
from creditrisk.evaluation import curves, metrics, plots
from creditrisk.evaluation.tables import quarters
from creditrisk.files import read_json, whole_file
from creditrisk.pipelines.assessments import ASSESSMENTS, Tested
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import add_step, need_unchanged, plots_node, table_node
from creditrisk.pipelines.train_model import newest_bundle
from creditrisk.scoring import score


def run(context: Context) -> dict[str, Any]:
    """test_predictions.parquet, test_metrics.json, test_evaluation/, and a report for each of `ASSESSMENTS`."""
    folder = context.folder
    test = folder.part("test")
    need_unchanged(context, "split", {"test": test})
    bundle = newest_bundle(context)
    rows = pq.read_table(test)
    context.progress("evaluate", "scoring the test part", 0.0)
    decisions = score(bundle, rows).append_column("target", rows["target"])
    need_sound(decisions, decisions_schema(bundle.key, bundle.policy.grade_names), what="the scored rows")
    predictions = folder.report("test_predictions.parquet")
    with whole_file(predictions) as partial:
        pq.write_table(decisions, partial, compression="zstd")
    context.progress("evaluate", "figures and intervals", 0.3)
    figures = _figures(decisions, rows, bundle.policy.grade_names)
    context.progress("evaluate", "drawing", 0.8)
    y, pd, points = (decisions[name].to_numpy() for name in ("target", "pd", "score"))
    importance = read_json(folder.report("metrics.json"))["importance"]
    plots.write_evaluation(
        folder.reports / "test_evaluation", curves.curves(y, pd, points), importance, invented=context.invented
    )
    report = context.report(
        "test_metrics.json",
        {"bundle_sha256": bundle.sha256, **figures},
        inputs={"test": test, "bundle": bundle.sha256, "test_predictions": predictions},
    )
    made = {
        "test_predictions": table_node(context, predictions, "bundle", "test", rows=rows.num_rows),
        "test_evaluation": plots_node(context, folder.reports / "test_evaluation", "bundle", "test"),
    }
    tested = Tested(bundle, rows, decisions, folder)
    for name, assess in ASSESSMENTS.items():
        context.progress("evaluate", name.removesuffix(".json").replace("_", " "), 0.9)
        assess(context, tested)
    add_step(context, "evaluate", made)
    return report


def _figures(decisions: pa.Table, rows: pa.Table, grades: list[str]) -> dict[str, Any]:
    dates = rows["date"].to_numpy(zero_copy_only=False) if rows["date"].null_count < rows.num_rows else None
    return metrics.test_metrics(
        decisions["target"].to_numpy(),
        decisions["pd"].to_numpy(),
        decisions["score"].to_numpy(),
        np.array(decisions["decision"].to_pylist()),
        grade=np.array(decisions["grade"].to_pylist()),
        grades=grades,
        vintage=quarters(dates) if dates is not None else None,
    )


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("evaluate"))
