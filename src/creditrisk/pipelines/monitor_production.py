"""What a model decides now against the rows it learnt from: the decision store by month or week, or a file."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from creditrisk.errors import BadUsage
from creditrisk.kinds import sha256_of_file
from creditrisk.monitoring.counts import By, Counting, bins_of
from creditrisk.monitoring.drift import drift
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.current_file import count_file
from creditrisk.pipelines.evidently_rows import (
    ExtraPage,
    development_features,
    page_beside,
    parquet_rows,
    recorded_rows,
)
from creditrisk.pipelines.monitor_drift import PRODUCTION, limits_of, written
from creditrisk.pipelines.production_counts import count_production
from creditrisk.pipelines.watched_model import Watched, watched_model
from creditrisk.ports import DecisionStore


def run(
    context: Context,
    current: DecisionStore | Path,
    *,
    alias: str = "production",
    by: By = By.MONTH,
    since: datetime | None = None,
    until: datetime | None = None,
    extra_page: ExtraPage | None = None,
) -> dict[str, Any]:
    """production_drift_report.json and .html, and drift_metrics.json.

    current: the store of recorded decisions, or a file of feature rows or decisions; of one in which no row has a time
    all rows are one period.  since <= time < until, in UTC.
    extra_page: drawn of the rows themselves as well, into production_drift_report_evidently.html.
    Raises as `watched_model`, `count_production` and `count_file` do.
    """
    model = watched_model(context, alias)
    context.progress("production", "starting", 0.0)
    told: dict[str, Any] = {
        "since": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "by": by.value,
        "other_models": {},
    }
    inputs = {"bundle": model.bundle.sha256}
    if isinstance(current, Path):
        now = f"file {current.name}"

        def counting(by: By) -> Counting:
            return Counting(bins_of(model.bundle.reference), by=by, since=since, until=until, one=current.name)

        as_of = context.book.portfolio.split.date
        counted = count_file(current, bins_of(model.bundle.reference), counting, by=by, as_of=as_of)
        inputs["current"] = sha256_of_file(current)
    else:
        now = "recorded decisions"
        found = count_production(
            current, context.book.name, model, by=by, since=since, until=until,
            progress=lambda done: context.progress("production", f"{done:,} decisions", 0.5),
        )  # fmt: skip
        counted, told["other_models"] = found.counted, found.others
    body = {
        "bundle_sha256": model.bundle.sha256,
        "version": model.version,
        "alias": alias,
        "compared": {"before": "development rows of the model", "now": now, **told},
        **drift(
            model.bundle.reference, counted, limits_of(context), importance=model.importance, place=now,
        ),
    }  # fmt: skip
    report = written(context, PRODUCTION, body, inputs)
    if extra_page is not None:
        then, limit = development_features(context, model.bundle), limits_of(context).psi
        rows = _rows_of(context, current, model, since, until)
        extra_page(then, rows, page_beside(context.folder.report(PRODUCTION)), limit)
    context.progress("production", "done", 1.0)
    return report


def _rows_of(
    context: Context, current: DecisionStore | Path, model: Watched, since: datetime | None, until: datetime | None
) -> pa.Table:
    if not isinstance(current, Path):
        return recorded_rows(current, context.book.name, model.bundle, since, until)
    if current.suffix != ".parquet":
        raise BadUsage(f'"{current.suffix}" is not read for it', where="--evidently", hint="give the rows as .parquet")
    return parquet_rows([current], model.bundle.preprocess.names)


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("monitor production"))
