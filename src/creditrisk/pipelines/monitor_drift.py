"""Train against test: has the test part of the last run moved away from the rows that its model learnt from?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import MAIN
from creditrisk.errors import MissingInput
from creditrisk.files import read_json, write_text
from creditrisk.modelling import Bundle
from creditrisk.monitoring.counts import FEATURE, RAW, Counted, Counting, bins_of, count_parquet
from creditrisk.monitoring.drift import Limits, drift, metrics, need_known
from creditrisk.pages.drift import render_drift
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidently_rows import ExtraPage, development_features, page_beside, parquet_rows
from creditrisk.pipelines.lineage import need_unchanged
from creditrisk.pipelines.train_model import newest_bundle

REPORT, PRODUCTION, METRICS = "drift_report.json", "production_drift_report.json", "drift_metrics.json"
"""The two reports, each with a page beside it, and both as flat numbers."""


def run(context: Context, extra_page: ExtraPage | None = None) -> dict[str, Any]:
    """drift_report.json and .html, and drift_metrics.json.

    extra_page: drawn of the rows themselves as well, into drift_report_evidently.html.
    Raises MissingInput before the stage evaluate has run, BrokenFile where a part is not what the split made.
    """
    folder = context.folder
    test, predictions = folder.part("test"), folder.report("test_predictions.parquet")
    if not predictions.is_file():
        raise MissingInput(
            "nothing was tested here", where=str(predictions), hint=f"creditrisk run {context.book.name}"
        )
    marks = need_unchanged(context, "split", {"test": test})
    need_unchanged(context, "evaluate", {"test_predictions": predictions})
    bundle = newest_bundle(context)
    need_known(bundle.reference)
    context.progress("drift", "counting the test part", 0.0)
    body = {
        "bundle_sha256": bundle.sha256,
        "compared": {"before": "development rows of the model", "now": "test part of the last run"},
        **drift(
            bundle.reference,
            _count(context, bundle),
            limits_of(context),
            importance=bundle.estimator.importance(),
            place="test part of the last run",
        ),
    }
    report = written(context, REPORT, body, {"bundle": bundle.sha256, "test": marks["test"]})
    if extra_page is not None:
        context.progress("drift", "Evidently's page", 0.5)
        then, now = development_features(context, bundle), parquet_rows([test], bundle.preprocess.names)
        extra_page(then, now, page_beside(folder.report(REPORT)), limits_of(context).psi)
    return report


def limits_of(context: Context) -> Limits:
    settings = context.book.portfolio.stability
    return Limits(settings.psi_max.value, settings.level)


def written(context: Context, name: str, body: dict[str, Any], inputs: dict[str, str]) -> dict[str, Any]:
    """The report, its page, and the flat numbers of both reports as they now stand."""
    report = context.report(name, body, inputs=inputs)
    page = render_drift(report, context.book.portfolio.title)
    write_text(context.folder.report(name).with_suffix(".html"), page)
    _write_metrics(context)
    return report


def _write_metrics(context: Context) -> None:
    parts: dict[str, Any] = {}
    untold: dict[str, str] = {}
    inputs: dict[str, Path | str] = {}
    for part, of in (("drift", REPORT), ("production", PRODUCTION)):
        path = context.folder.report(of)
        parts[part] = None
        if path.is_file():
            parts[part] = metrics(read_json(path))
            inputs[path.stem] = path
        else:
            untold[part] = f"creditrisk monitor {part} has not run"
    context.report(METRICS, {**parts, "untold": untold}, inputs=inputs)


def _count(context: Context, bundle: Bundle) -> Counted:
    folder, bins = context.folder, bins_of(bundle.reference)
    counting = Counting(bins, one="test")
    features = {name: name.removeprefix(FEATURE) for name in bins if name.startswith(FEATURE)}
    count_parquet(folder.part("test"), features, counting)
    decisions = pq.read_table(folder.report("test_predictions.parquet"))
    places = counting.periods(None, decisions.num_rows)
    for name in bins:
        if not name.startswith((FEATURE, RAW)):
            counting.add(name, decisions[name], places)
    _count_raw(context, decisions[bundle.key], counting)
    return counting.counted()


def _count_raw(context: Context, keys: pa.ChunkedArray[Any], counting: Counting) -> None:
    """Of the main table as it was typed, the rows with these keys."""
    path = context.folder.table(MAIN)
    there = set(pq.read_schema(path).names)
    tested = pc.is_in(pq.read_table(path, columns=[context.book.key])[context.book.key], value_set=keys)
    for name in counting.bins:
        column = name.removeprefix(f"{RAW}{MAIN}.")
        if column == name:
            continue
        if column not in there:
            counting.fault(name, "there is no such column")
            continue
        rows = pq.read_table(path, columns=[column])[column].filter(tested)
        counting.add(name, rows, counting.periods(None, len(rows)))


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("monitor drift"))
