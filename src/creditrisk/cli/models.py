"""Which model: estimators side by side, and a search for parameters."""

from __future__ import annotations

from typing import Annotated

import typer

from creditrisk.cli.options import (
    WORKSPACE,
    Actor,
    AsJson,
    BookName,
    Debug,
    EstimatorName,
    Overrides,
    RawDir,
    WorkspaceDir,
    settings_of,
)
from creditrisk.cli.output import show, tell
from creditrisk.cli.work import at_work
from creditrisk.errors import BadUsage


def compare(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    estimators: Annotated[
        str | None, typer.Option("--estimators", metavar="A,B", help="Only these, beside the book's own; else all.")
    ] = None,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Estimators, balance, calibration and the price of each rule, side by side on the same folds."""
    from creditrisk.pages.comparison import comparison_tables
    from creditrisk.pipelines.compare_models import run as compare_models

    names = None if estimators is None else [name.strip() for name in estimators.split(",") if name.strip()]
    if names == []:
        raise BadUsage("--estimators names none", hint="for example --estimators logistic,scorecard; without it, all")
    with at_work(book, workspace, settings_of(overrides), as_json=as_json, by=by, raw=raw) as context:
        context.progress("compare", "starting", 0.0)
        report = compare_models(context, estimators=names)
        context.progress("compare", "done", 1.0)
    tell(report, as_json=as_json, words=lambda: show(comparison_tables(report)))


def tune(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="In all, earlier ones among them; else the book's.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.0, help="No further trial begins after so many minutes.")
    ] = None,
    write_back: Annotated[
        bool, typer.Option("--write-back", help="Put the best parameters into the portfolio.yaml of a book's folder.")
    ] = False,
    estimator: EstimatorName = None,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Search for better parameters, fold by fold; a search that was stopped goes on."""
    from creditrisk.pages.tuning import tuning_tables
    from creditrisk.pipelines.tune_model import run as tune_model

    with at_work(book, workspace, settings_of(overrides, estimator), as_json=as_json, by=by, raw=raw) as context:
        context.progress("tune", "starting", 0.0)
        report = tune_model(context, trials=trials, minutes=minutes, write_back=write_back)
        context.progress("tune", "done", 1.0)

    def words() -> None:
        show(tuning_tables(report))
        if report["meta"]["written_back"]:
            typer.echo("written into the book's portfolio.yaml")
        elif not report["best"]["own"]:
            typer.echo(f"to train with them, put this into portfolio.yaml:\n{report['paste']}")

    tell(report, as_json=as_json, words=words)
