"""The stages in the order of a loan's journey, and running them from one to another."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from creditrisk.errors import BadUsage, did_you_mean
from creditrisk.files import remove_partials
from creditrisk.pages.context import RunContext
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.summary import write_summary

STAGES = {
    "ingest": "ingest_data",
    "check": "check_data",
    "features": "build_feature_store",
    "split": "split_data",
    "train": "train_model",
    "evaluate": "evaluate_model",
    "validate": "validate_model",
    "register": "register_model",
}
"""Command -> module of this package."""


def run_stage(context: Context, stage: str) -> dict[str, Any]:
    """One stage; its report is returned."""
    run: Callable[[Context], dict[str, Any]] = importlib.import_module(f"creditrisk.pipelines.{STAGES[stage]}").run
    context.progress(stage, "starting", 0.0)
    report = run(context)
    context.progress(stage, "done", 1.0)
    return report


def run_stages(context: Context, *, first: str | None = None, last: str | None = None) -> RunContext:
    """The stages from `first` to `last`, then the summary page.

    What a killed run left behind is cleared first. Raises what the stages raise.
    """
    from creditrisk.features import check_sql
    from creditrisk.modelling import estimator_named
    from creditrisk.pipelines.assessments.groups import check_groups
    from creditrisk.pipelines.assessments.segments import check_segments

    check_sql(context.book)
    check_groups(context.book)
    check_segments(context.book)
    estimator_named(context.book.portfolio.training.estimator)
    if context.on_spark:
        from creditrisk.modelling.spark_fit import refuse_unlearnable

        refuse_unlearnable(context.book.portfolio.training.estimator, context.book.portfolio.training.balance)
    if context.folder.root.is_dir():
        remove_partials(context.folder.root)
    seconds: dict[str, float] = {}
    with _one_session(context):
        for stage in between(first, last):
            begun = time.perf_counter()
            run_stage(context, stage)
            seconds[stage] = round(time.perf_counter() - begun, 2)
    return write_summary(context, seconds)


def _one_session(context: Context) -> AbstractContextManager[object]:
    """Of Spark, where that is the engine: the stages join it instead of starting one each."""
    if not context.on_spark:
        return nullcontext()
    from creditrisk.pipelines.cluster import at_cluster

    return at_cluster(context)


def between(first: str | None, last: str | None) -> Sequence[str]:
    names = list(STAGES)
    for name in (first, last):
        if name is not None and name not in STAGES:
            raise BadUsage(f'no stage "{name}"', hint=did_you_mean(name, names))
    chosen = names[names.index(first or names[0]) : names.index(last or names[-1]) + 1]
    if not chosen:
        raise BadUsage(f'"{last}" comes before "{first}"', hint=" -> ".join(names))
    return chosen
