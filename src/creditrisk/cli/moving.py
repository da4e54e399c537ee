"""Versions move: to staging and production, back again, and what was live when."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, BookName, Debug, WorkspaceDir, moment_of
from creditrisk.cli.output import or_exit, tell
from creditrisk.cli.work import at_the_desk
from creditrisk.errors import CreditRiskError, OutsideFailed

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done, and what stands against it.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for whoever asks later.")]


def promote(
    book: BookName,
    version: Annotated[int, typer.Option("--version", metavar="N", min=1, help="Number of the registered version.")],
    to: Annotated[str, typer.Option("--to", metavar="ALIAS", help="staging or production.")],
    workspace: WorkspaceDir = WORKSPACE,
    note: Note = "",
    dry_run: DryRun = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """A version to staging or production, when gates, canary and approvals all allow it."""
    from creditrisk.pipelines.promote_model import run

    with at_the_desk(book, workspace, as_json=as_json, by=by) as context:
        told = run(context, version, to, note, dry_run=dry_run)
    _tell_promotion(told, as_json=as_json)


def auto_promote(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    note: Note = "",
    dry_run: DryRun = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """What continuous delivery calls: the candidate to production, by the same rules."""
    from creditrisk.pipelines.auto_promote import run

    with at_the_desk(book, workspace, as_json=as_json, by=by) as context:
        told = run(context, note, dry_run=dry_run)
    _tell_promotion(told, as_json=as_json)


def _tell_promotion(told: dict[str, Any], *, as_json: bool) -> None:
    from creditrisk.pages.moves import promotion_lines
    from creditrisk.pipelines.promote_model import need_nothing_against

    tell(told, as_json=as_json, words=lambda: typer.echo("\n".join(promotion_lines(told))))
    or_exit(lambda: need_nothing_against(told))


def rollback(
    book: BookName,
    note: Note,
    workspace: WorkspaceDir = WORKSPACE,
    dry_run: DryRun = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Back to the version that decided before, at once."""
    from creditrisk.pages.moves import rollback_lines
    from creditrisk.pipelines.rollback_model import run

    with at_the_desk(book, workspace, as_json=as_json, by=by) as context:
        told = run(context, note, dry_run=dry_run)
    tell(told, as_json=as_json, words=lambda: typer.echo("\n".join(rollback_lines(told))))


def repair(
    book: BookName,
    note: Note,
    workspace: WorkspaceDir = WORKSPACE,
    dry_run: DryRun = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Make the registry mean again what the ledger says: after a killed move, or an alias moved by hand."""
    from creditrisk.pages.moves import repair_lines
    from creditrisk.pipelines.repair_registry import run

    with at_the_desk(book, workspace, as_json=as_json, by=by) as context:
        told = run(context, note, dry_run=dry_run)
    tell(told, as_json=as_json, words=lambda: typer.echo("\n".join(repair_lines(told, dry_run=dry_run))))


def asof(
    book: BookName,
    time: Annotated[str, typer.Argument(metavar="TIME", help="2026-10-03T12:00, in UTC unless it says a zone.")],
    workspace: WorkspaceDir = WORKSPACE,
    known: Annotated[
        str | None, typer.Option("--known", metavar="TIME", help="By what had been written down then; else by TIME.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Which version was live then, on which evidence, with which cut-offs, and what was known of it."""
    from creditrisk.pages.moves import asof_lines
    from creditrisk.pipelines.deployed_then import disagreements_today
    from creditrisk.pipelines.deployed_then import run as deployed_then

    at, known_at = moment_of(time, "TIME"), moment_of(known, "--known")
    with at_the_desk(book, workspace, as_json=as_json) as context:
        told = deployed_then(context, at, known_at)
        try:
            told["disagreements_today"] = disagreements_today(context)
            away = None
        except OutsideFailed as error:
            told["disagreements_today"], away = None, error
    tell(told, as_json=as_json, words=lambda: typer.echo("\n".join(asof_lines(told))))
    if away is not None:
        or_exit(lambda: _raise(away))


def _raise(error: CreditRiskError) -> None:
    raise error
