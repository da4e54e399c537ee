"""`creditrisk audit ...`: is the audit chain as it was written, and a signed note of how far it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, Debug, WorkspaceDir
from creditrisk.cli.output import or_exit, tell

audit = typer.Typer(name="audit", help="The audit chain: verify, checkpoint.", rich_markup_mode=None)


@audit.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@audit.command()
def verify(
    workspace: WorkspaceDir = WORKSPACE,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            "--checkpoints", metavar="FILE", help="A copy of audit_checkpoints.jsonl that was kept elsewhere."
        ),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", metavar="DIR", help="The .pub files to believe; else the workspace's keys.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Is every act as it was written? Exit 1 with the first line that was altered, removed, moved or cut off."""
    from creditrisk.pages.audit import audit_lines
    from creditrisk.pipelines import audit_chain

    report = audit_chain.verify(workspace, copy=checkpoints, keys=keys)
    tell(report, as_json=as_json, words=lambda: typer.echo("\n".join(audit_lines(report))))
    or_exit(lambda: audit_chain.need_unbroken(report))


@audit.command()
def checkpoint(
    workspace: WorkspaceDir = WORKSPACE,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Vouch for the whole chain now, signed by the workspace's key; a daily job then copies the file elsewhere."""
    from creditrisk.pages.audit import checkpoint_lines
    from creditrisk.wiring import checkpoint_now

    report = checkpoint_now(workspace, actor=by)
    tell(report, as_json=as_json, words=lambda: typer.echo("\n".join(checkpoint_lines(report))))
