"""`creditrisk monitor ...`: is what decides still what was built?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, BookName, Debug, WorkspaceDir, moment_of
from creditrisk.cli.outcomes import monitor_outcomes
from creditrisk.cli.output import show, tell
from creditrisk.cli.work import at_the_window
from creditrisk.errors import BadUsage, did_you_mean

monitor = typer.Typer(
    name="monitor",
    help="Is what decides still what was built: drift, outcomes, alarms.",
    rich_markup_mode=None,
)

Evidently = Annotated[
    bool,
    typer.Option("--evidently", help="Evidently's page as well; it needs the extra `reports`, and takes its time."),
]


@monitor.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@monitor.command()
def drift(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    evidently: Evidently = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Train against test: the test part of the last run against the rows that its model learnt from."""
    from creditrisk.pipelines.monitor_drift import REPORT
    from creditrisk.pipelines.monitor_drift import run as monitor_drift
    from creditrisk.wiring import extra_page

    with at_the_window(book, workspace, as_json=as_json, by=by) as context:
        report = monitor_drift(context, extra_page(evidently))
        page = context.folder.report(REPORT).with_suffix(".html")
    _tell(report, page, as_json=as_json)


@monitor.command()
def production(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    current: Annotated[
        Path | None,
        typer.Option(
            "--current", metavar="FILE", help="Feature rows or decisions (.parquet, .csv, .json), not the store."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="From then on: 2026-01-31, or with a time of day.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then; in UTC.")] = None,
    every: Annotated[
        str, typer.Option("--by", metavar="PERIOD", help="week, month, or one for all together.")
    ] = "month",
    evidently: Evidently = False,
    alias: Annotated[str, typer.Option("--alias", help="Which version of the registered model.")] = "production",
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """What the model decides now against the rows that it learnt from: recorded decisions, or a file."""
    from contextlib import nullcontext

    from creditrisk.monitoring.counts import By
    from creditrisk.pipelines.monitor_drift import PRODUCTION
    from creditrisk.pipelines.monitor_production import run as monitor_production
    from creditrisk.wiring import decision_store_for, extra_page

    if every not in list(By):
        raise BadUsage(f'no period "{every}"', where="--by", hint=did_you_mean(every, list(By)))
    begin, end = moment_of(since, "--since"), moment_of(until, "--until")
    source = nullcontext(current) if current is not None else closing(decision_store_for(workspace, create=False))
    with at_the_window(book, workspace, as_json=as_json) as context, source as now:
        report = monitor_production(
            context, now, alias=alias, by=By(every), since=begin, until=end, extra_page=extra_page(evidently)
        )
        page = context.folder.report(PRODUCTION).with_suffix(".html")
    _tell(report, page, as_json=as_json)


@monitor.command("all")
def all_(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    every: Annotated[str, typer.Option("--by", metavar="PERIOD", help="week or month, of the map.")] = "week",
    alias: Annotated[str, typer.Option("--alias", help="Which version of the registered model.")] = "production",
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Drift, outcomes and alarms of the model in use, and monitoring.html: what a nightly job calls."""
    from creditrisk.cli.alarms import store_if_any
    from creditrisk.monitoring.counts import By
    from creditrisk.pages.alarms import alarms_table
    from creditrisk.pages.drift import drift_head
    from creditrisk.pages.outcomes import outcomes_table
    from creditrisk.pipelines.monitoring_page import run

    if every not in (By.WEEK, By.MONTH):
        raise BadUsage(f'no period "{every}"', where="--by", hint=did_you_mean(every, [By.WEEK, By.MONTH]))
    with at_the_window(book, workspace, as_json=as_json) as context, store_if_any(workspace) as store:
        told = run(context, store, alias=alias, by=By(every))

    def words() -> None:
        if told["drift"]:
            show(drift_head(told["drift"]))
        if told["outcomes"]:
            show(outcomes_table(told["outcomes"]))
        show(alarms_table(told["alarms"]))
        for why in told["left_out"]:
            typer.echo(why)
        typer.echo(f"worth reading: {told['page']}")

    tell(told, as_json=as_json, words=words)


def _tell(report: dict[str, Any], page: Path, *, as_json: bool) -> None:
    from creditrisk.pages.drift import drift_tables

    def words() -> None:
        show(drift_tables(report))
        typer.echo(f"worth reading: {page}")

    tell(report, as_json=as_json, words=words)


monitor.command("outcomes")(monitor_outcomes)
