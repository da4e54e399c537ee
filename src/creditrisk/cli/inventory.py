"""What the lender answers for: duties of regulation profiles, and the model inventory."""

from __future__ import annotations

from typing import Annotated

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, BookName, Debug, WorkspaceDir, date_of
from creditrisk.cli.output import or_exit, show, tell
from creditrisk.cli.work import at_the_desk
from creditrisk.errors import BadUsage


def comply(
    book: BookName,
    profiles: Annotated[
        list[str] | None,
        typer.Option("--profile", metavar="NAME", help="us-fed, us-co, us-ma, eu or uk; repeatable."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every profile.")] = False,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day asked about; else today.")] = None,
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", help="Else the one behind production, else the candidate.")
    ] = None,
    workspace: WorkspaceDir = WORKSPACE,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """What software can see of a place's duties, with sources and dates. No legal advice. Exit 1 if one fails."""
    from creditrisk.governance.regulation import profile_names
    from creditrisk.pages.compliance import compliance_tables
    from creditrisk.pipelines.comply import need_met
    from creditrisk.pipelines.comply import run as comply_run

    if bool(profiles) == every:
        raise BadUsage("which profile?", hint=f"give --profile NAME, or --all; known: {', '.join(profile_names())}")
    day = date_of(on, "--on")
    with at_the_desk(book, workspace, as_json=as_json, by=by) as context:
        report = comply_run(context, profiles or profile_names(), on=day, version=version)
    tell(report, as_json=as_json, words=lambda: show(compliance_tables(report)))
    or_exit(lambda: need_met(report))


def models(
    books: Annotated[
        list[str] | None, typer.Argument(metavar="[BOOK]...", help="Else every book that has models in the workspace.")
    ] = None,
    workspace: WorkspaceDir = WORKSPACE,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """The model inventory: every version with owner, purpose, tier, last validation, next due, waivers, approvals."""
    from creditrisk.pages.inventory import inventory_table
    from creditrisk.wiring import model_inventory

    report = model_inventory(workspace, books or [])
    tell(report, as_json=as_json, words=lambda: show(inventory_table(report)))
