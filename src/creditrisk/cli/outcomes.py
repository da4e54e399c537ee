"""`creditrisk outcomes ...`: what later happened to loans, taken in and listed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, BookName, Debug, WorkspaceDir, date_of
from creditrisk.cli.output import or_exit, show, tell
from creditrisk.cli.work import at_the_window

outcomes = typer.Typer(name="outcomes", help="What later happened to loans: add, list.", rich_markup_mode=None)


@outcomes.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@outcomes.command()
def add(
    book: BookName,
    file: Annotated[
        Path, typer.Option("--input", metavar="FILE", help="CSV or Parquet: decision_id or entity, date, status.")
    ],
    complete_until: Annotated[
        str | None,
        typer.Option(
            "--complete-until", metavar="DATE", help="All that happened to the book's loans until then is told."
        ),
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Take the good rows although others are bad.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be taken, and take nothing.")] = False,
    workspace: WorkspaceDir = WORKSPACE,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Take in what later happened to loans: all rows of a file, or none and why. Exit 1 where one is bad."""
    from creditrisk.pages.outcomes import delivery_lines
    from creditrisk.pipelines.add_outcomes import need_taken, run
    from creditrisk.wiring import decision_store_for

    until = date_of(complete_until, "--complete-until")
    with (
        at_the_window(book, workspace, as_json=as_json, by=by) as context,
        closing(decision_store_for(workspace, create=False)) as store,
    ):
        report = run(context, store, file, complete_until=until, skip_bad=skip_bad, dry_run=dry_run)
    tell(report, as_json=as_json, words=lambda: typer.echo("\n".join(delivery_lines(report))))
    or_exit(lambda: need_taken(report, skip_bad=skip_bad))


@outcomes.command("list")
def listed(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Every delivery of outcomes: who, when, which file, and what was taken of it."""
    from creditrisk.pages.outcomes import deliveries_table
    from creditrisk.pipelines.outcome_store import OutcomeStore

    with at_the_window(book, workspace, as_json=as_json) as context:
        told = {
            "book": context.book.name,
            "deliveries": [each.as_json() for each in OutcomeStore(context.folder).deliveries()],
        }
    tell(told, as_json=as_json, words=lambda: show(deliveries_table(told)))


def monitor_outcomes(
    book: BookName,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="What was known on that day; else today.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Only decisions from that day on.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="HASH_OR_VERSION", help="Else the one in production.")
    ] = None,
    workspace: WorkspaceDir = WORKSPACE,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """How the model did on loans whose outcome is known, by vintage, and from when the rest can be told."""
    from creditrisk.pages.outcomes import outcomes_table
    from creditrisk.pipelines.monitor_outcomes import run
    from creditrisk.wiring import decision_store_for

    day, start = date_of(as_of, "--as-of"), date_of(since, "--since")
    with (
        at_the_window(book, workspace, as_json=as_json, by=by) as context,
        closing(decision_store_for(workspace, create=False)) as store,
    ):
        report = run(context, store, as_of=day, since=start, model=model)
    tell(report, as_json=as_json, words=lambda: show(outcomes_table(report)))
