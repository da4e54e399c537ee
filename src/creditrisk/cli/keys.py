"""`creditrisk keys ...`: keys of the people who approve models."""

from __future__ import annotations

from typing import Annotated

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, Debug, WorkspaceDir
from creditrisk.cli.output import show, tell

keys = typer.Typer(name="keys", help="Keys of the people who approve models: new, list.", rich_markup_mode=None)


@keys.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@keys.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will sign with it: one key a person.")],
    workspace: WorkspaceDir = WORKSPACE,
    store: Annotated[
        str, typer.Option("--store", help="Where the private half is kept: file (mode 0600) or keyring (the system's).")
    ] = "file",
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """A new key for a person, told in the audit chain; the private half is never shown."""
    from creditrisk.wiring import new_key_for

    told = new_key_for(workspace, name, store=store, by=by)

    def words() -> None:
        typer.echo(f"{name} has a key, kept in the {told['store']}; its public half: {told['public_key']}")
        typer.echo(f"it counts wherever the book's approval.approvers is empty, or names it: {told['file']}")

    tell(told, as_json=as_json, words=words)


@keys.command("list")
def list_(workspace: WorkspaceDir = WORKSPACE, as_json: AsJson = False, debug: Debug = False) -> None:  # noqa: ARG001
    """Whose keys are known here, and which of them count."""
    from creditrisk.config import Workspace
    from creditrisk.pages.governance import keys_table
    from creditrisk.pipelines.people import listed

    told = listed(Workspace(workspace))
    tell({"keys": told}, as_json=as_json, words=lambda: show(keys_table(told)))
