"""Before and after a model moves: compared with the one in production, and written down for whoever deploys it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, BookName, Debug, WorkspaceDir
from creditrisk.cli.output import or_exit, show, tell
from creditrisk.cli.work import at_work


def canary(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", help="The candidate; else the one behind `candidate`.")
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(
            "--input", metavar="DIR_OR_FILE", help="Raw tables to decide; else the test part of the last run."
        ),
    ] = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """The candidate against the model in production on the same rows. Exit 1 if it fails."""
    from creditrisk.pages.canary import canary_tables
    from creditrisk.pipelines.canary_validation import need_passed, run

    with at_work(book, workspace, as_json=as_json, by=by) as context:
        context.progress("canary", "starting", 0.0)
        report = run(context, version, source=rows)
        context.progress("canary", "done", 1.0)
    tell(report, as_json=as_json, words=lambda: show(canary_tables(report)))
    or_exit(lambda: need_passed(report))
