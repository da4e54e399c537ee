"""`creditrisk decisions ...`: recorded decisions, shown, replayed, verified, counted, held and deleted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, BookName, Debug, WorkspaceDir, moment_of
from creditrisk.cli.output import or_exit, shown_progress, tell
from creditrisk.errors import BadUsage

decisions = typer.Typer(
    name="decisions",
    help="Recorded decisions: show, replay, verify, overrides, hold, release, delete.",
    rich_markup_mode=None,
)

DecisionId = Annotated[str, typer.Argument(metavar="ID", help="decision_id, as it was answered.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for whoever asks later.")]

type Act = Callable[..., None]
"""act(store, decision_id, by=..., note=...)"""


@decisions.callback(invoke_without_command=True)
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@decisions.command()
def show(
    decision: DecisionId,
    workspace: WorkspaceDir = WORKSPACE,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """One decision: what was sent, what was answered and why, and what was done about it since."""
    from creditrisk.pages.decisions import decision_lines
    from creditrisk.pipelines import decision_records
    from creditrisk.wiring import decision_store_for

    with closing(decision_store_for(workspace, create=False)) as store:
        told = decision_records.show(store, decision)
    tell(told, as_json=as_json, words=lambda: typer.echo("\n".join(decision_lines(told))))


@decisions.command()
def verify(
    workspace: WorkspaceDir = WORKSPACE,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys", metavar="DIR", help="The .pub files of the writers to believe; else the workspace's keys."
        ),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Is every recorded decision as it was written? Exit 1 with the place if one is not."""
    from creditrisk.pages.decisions import verification_lines
    from creditrisk.pipelines import decision_records
    from creditrisk.wiring import decision_store_for

    with (
        shown_progress("decisions", quiet=as_json) as progress,
        closing(decision_store_for(workspace, create=False, public_keys=keys)) as store,
    ):
        progress("verify", "starting", 0.0)
        report = decision_records.verify(store, lambda what, share: progress("verify", what, share))
        progress("verify", "done", 1.0)
    tell(report, as_json=as_json, words=lambda: typer.echo("\n".join(verification_lines(report))))
    or_exit(lambda: decision_records.need_unbroken(report))


@decisions.command()
def replay(
    decision: Annotated[str | None, typer.Argument(metavar="[ID]", help="decision_id, as it was answered.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every decision that the workspace's books made.")] = False,
    books: Annotated[
        list[str] | None, typer.Option("--book", metavar="BOOK", help="With --all: only of this book; repeatable.")
    ] = None,
    workspace: WorkspaceDir = WORKSPACE,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Make decisions again from their raw records, with the bundles of their day. Exit 1 if one is not the same."""
    from creditrisk.config import Workspace
    from creditrisk.pages.decisions import replay_lines
    from creditrisk.pipelines import replay_decisions
    from creditrisk.wiring import decision_store_for, duck_settings, registry_for

    if (decision is None) != every:
        raise BadUsage("which decision?", hint="give its ID, or --all")
    root, registry, settings = Workspace(workspace), registry_for(workspace), duck_settings()
    with (
        shown_progress("decisions", quiet=as_json) as progress,
        closing(decision_store_for(workspace, create=False)) as store,
    ):
        progress("replay", "starting", 0.0)
        if decision is not None:
            report = replay_decisions.replay_one(store, root, registry, decision, settings=settings)
        else:
            chosen = books or replay_decisions.books_in(root)
            report = replay_decisions.replay_all(
                store, root, registry, chosen, settings=settings,
                progress=lambda what, share: progress("replay", what, share),
            )  # fmt: skip
        progress("replay", "done", 1.0)
    tell(report, as_json=as_json, words=lambda: typer.echo("\n".join(replay_lines(report))))
    or_exit(lambda: replay_decisions.need_same(report))


@decisions.command()
def overrides(
    book: BookName,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="From then on: 2026-01-31, or with a time of day.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then; in UTC.")] = None,
    workspace: WorkspaceDir = WORKSPACE,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """How often people decide otherwise than the model: by direction, by user and by code."""
    from creditrisk.pages.decisions import override_lines
    from creditrisk.pipelines.override_rates import rates
    from creditrisk.wiring import book_with, decision_store_for

    start, end, name = moment_of(since, "--since"), moment_of(until, "--until"), book_with(book, {}).name
    with closing(decision_store_for(workspace, create=False)) as store:
        report = rates(store, name, since=start, until=end)
    tell(report, as_json=as_json, words=lambda: typer.echo("\n".join(override_lines(report))))


def _acting(done: str, act: Act) -> Callable[..., None]:
    """The command of an act upon the record of one decision. done: how it is told."""

    def command(
        decision: DecisionId,
        note: Note,
        workspace: WorkspaceDir = WORKSPACE,
        by: Actor = None,
        as_json: AsJson = False,
        debug: Debug = False,  # noqa: ARG001
    ) -> None:
        from creditrisk.wiring import decision_store_for

        with closing(decision_store_for(workspace, create=False, writes=True)) as store:
            act(store, decision, by=_actor(by), note=note)
        tell({"decision_id": decision, done: True}, as_json=as_json, words=lambda: typer.echo(f"{done}: {decision}"))

    return command


decisions.command("hold", help="Legal hold: nothing of this decision, or of what is about it, is deleted.")(
    _acting("held", lambda store, decision, **who: store.hold(decision, **who))
)
decisions.command("release", help="End a legal hold.")(
    _acting("released", lambda store, decision, **who: store.release(decision, **who))
)


@decisions.command()
def delete(
    note: Note,
    workspace: WorkspaceDir = WORKSPACE,
    ids: Annotated[list[str] | None, typer.Option("--id", metavar="ID", help="This decision; repeatable.")] = None,
    older_than_retention: Annotated[
        bool, typer.Option("--older-than-retention", help="What the book's `retention:` no longer keeps.")
    ] = False,
    book: Annotated[
        str | None, typer.Option("--book", metavar="BOOK", help="Whose retention; needed for --older-than-retention.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be deleted.")] = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Delete what is personal; the chain stays whole and says who did, when, and under which rule."""
    from creditrisk.pipelines import decision_records
    from creditrisk.wiring import book_with, decision_store_for

    if bool(ids) == older_than_retention:
        raise BadUsage("what shall be deleted?", hint="give --id ID, or --older-than-retention with --book BOOK")
    if older_than_retention and book is None:
        raise BadUsage("whose retention?", hint="give --book BOOK")
    actor = _actor(by)
    with (
        shown_progress("decisions", quiet=as_json) as progress,
        closing(decision_store_for(workspace, create=False, writes=True)) as store,
    ):
        if ids:
            told = decision_records.delete_named(store, ids, by=actor, note=note, dry_run=dry_run)
        else:
            progress("delete", "starting", 0.0)
            told = decision_records.delete_due(
                store, book_with(str(book), {}), by=actor, note=note, now=datetime.now(UTC), dry_run=dry_run,
                progress=lambda what, share: progress("delete", what, share),
            )  # fmt: skip
            progress("delete", "done", 1.0)

    def words() -> None:
        verb = "would be deleted" if dry_run else "deleted"
        typer.echo(f"{told['due']:,} payloads {verb} ({told['rule']})")
        if told["left"]:
            typer.echo(f"left, because they were held meanwhile: {', '.join(told['left'])}")

    tell(told, as_json=as_json, words=words)


def _actor(by: str | None) -> str:
    from creditrisk.config import read_settings

    return by or read_settings().actor
