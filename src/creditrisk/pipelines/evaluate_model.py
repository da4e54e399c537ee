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
from creditrisk.governance import Act, acts_about
from creditrisk.kinds import sha256_of
from creditrisk.modelling import Bundle
from creditrisk.pipelines.assessments import ASSESSMENTS, Tested
from creditrisk.pipelines.assessments.segments import segments_of
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
    reads, evaluations = _test_reads(context, bundle, rows)
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
    segments = segments_of(context.book.portfolio.assessment.segments, rows, context.duck)
    drawn = {**curves.curves(y, pd, points), "calibration_by_segment": curves.calibration_by_segment(y, pd, segments)}
    plots.write_evaluation(folder.reports / "test_evaluation", drawn, importance, invented=context.invented)
    report = context.report(
        "test_metrics.json",
        {
            "bundle_sha256": bundle.sha256,
            **figures,
            "knowledge": read_json(folder.report("split.json"))["knowledge"],
            "test_reads": reads,
            "meta": {"evaluations_on_these_rows": evaluations},
        },
        inputs={"test": test, "bundle": bundle.sha256, "test_predictions": predictions},
    )
    tested = Tested(bundle, rows, decisions, folder)
    for name, assess in ASSESSMENTS.items():
        context.progress("evaluate", name.removesuffix(".json").replace("_", " "), 0.9)
        assess(context, tested)
    made = {
        "test_predictions": table_node(context, predictions, "bundle", "test", rows=rows.num_rows),
        "test_evaluation": plots_node(context, folder.reports / "test_evaluation", "bundle", "test"),
    }
    add_step(context, "evaluate", made)
    return report


def _test_reads(context: Context, bundle: Bundle, rows: pa.Table) -> tuple[dict[str, Any], int]:
    """Writes to the audit chain that this model reads these loans' outcomes, and counts who did before.

    The same loans under other features are the same test. Returns how many models had been tested on them up to this
    one, and how often they were read in all. Only this workspace knows: what was read elsewhere is not counted.
    """
    outcomes = {bundle.key: rows[bundle.key].to_pylist(), "target": rows["target"].to_pylist()}
    marks = {"book": context.book.name, "test_rows": sha256_of(outcomes)}
    context.act(Act.TESTED, {"bundle": bundle.sha256, "test_rows": marks["test_rows"]})
    acts = acts_about(context.workspace.audit, Act.TESTED, **marks)
    models = list(dict.fromkeys(act["hashes"]["bundle"] for act in acts))
    place = models.index(bundle.sha256) + 1
    says = (
        "The first model of this workspace to be tested on these rows."
        if place == 1
        else f"Model number {place} of this workspace to be tested on these rows: each look at them before makes its "
        "figures a little too good."
    )
    return {"models": place, "test_rows": marks["test_rows"], "says": says}, len(acts)


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
