"""Who answers for a model: waivers of gates, and approvals of the evidence by another person."""

from __future__ import annotations

from typing import Annotated

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, BookName, Debug, WorkspaceDir, date_of
from creditrisk.cli.output import or_exit, show, tell
from creditrisk.cli.work import at_the_desk

Version = Annotated[int, typer.Option("--version", metavar="N", min=1, help="Number in the registry.")]


def waive(
    book: BookName,
    gate: Annotated[
        list[str],
        typer.Option(
            "--gate", metavar="NAME", help="As `validate` prints it; canary_NAME for one of the canary; repeatable."
        ),
    ],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why the model may be used all the same.")],
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="Its last day: 2026-12-31.")],
    workspace: WorkspaceDir = WORKSPACE,
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", min=1, help="Else the model that was trained last.")
    ] = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Answer by name, for a time, for gates that do not pass. The evidence changes: it is approved anew."""
    from creditrisk.pages.governance import waivers_table
    from creditrisk.pipelines.waive_gate import run

    last = date_of(until, "--until")
    with at_the_desk(book, workspace, as_json=as_json, by=by) as context:
        told = run(context, gate, because, last, version)

    def words() -> None:
        show(waivers_table(told["waivers"]))
        typer.echo(f"waived until {until}: {', '.join(gate)}; the evidence is now {told['evidence_sha256'][:16]}: "
                   "what was approved before has to be approved again")  # fmt: skip

    tell(told, as_json=as_json, words=words)


def approve(
    book: BookName,
    version: Version,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for whoever asks later.")],
    workspace: WorkspaceDir = WORKSPACE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be approved, and what is in the way: exit 1 then.")
    ] = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Sign a version's evidence with your own key. Whoever trained the model cannot."""
    from creditrisk.pages.governance import approval_table
    from creditrisk.pipelines.approve_model import need_nothing_in_the_way, run
    from creditrisk.wiring import signer_of

    with at_the_desk(book, workspace, as_json=as_json, by=by) as context:
        told = run(context, version, note, lambda: signer_of(workspace, context.actor), dry_run=dry_run)
    tell(told, as_json=as_json, words=lambda: show(approval_table(told)))
    if dry_run:
        or_exit(lambda: need_nothing_in_the_way(told))
