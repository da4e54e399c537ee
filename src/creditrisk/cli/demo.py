"""Both books from invented data to decisions, side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from creditrisk.cli.deciding import score_book
from creditrisk.cli.options import WORKSPACE, Actor, AsJson, Debug, WorkspaceDir
from creditrisk.cli.output import STOPPED, shown_progress, tell
from creditrisk.cli.stages import run_book, tell_runs
from creditrisk.cli.work import at_work
from creditrisk.errors import BadUsage, OutsideFailed

if TYPE_CHECKING:
    from creditrisk.pages.context import RunContext

DEMO_BOOKS = ("home_credit", "lending_club")


def demo(
    workspace: WorkspaceDir = WORKSPACE,
    rows: Annotated[int, typer.Option(help="Applications of each book.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of the invented data.")] = 7,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Invented data for both books, every stage, approval by two invented people, a scored batch, and a summary."""
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    if rows < 2_000:
        raise BadUsage(f"--rows {rows} is too few to learn from", hint="give at least 2000")
    _make_keys(workspace)
    # Most of a run is the work of one thread, so each book has a process of its own.
    with ProcessPoolExecutor(len(DEMO_BOOKS), get_context("spawn"), initializer=_end_with_parent) as pool:
        running = [pool.submit(_demo_book, book, workspace, rows, seed, by) for book in DEMO_BOOKS]
        try:
            told = [one.result() for one in running]
        except BrokenProcessPool as error:
            hint = "is there memory for both books at once? then run the command again"
            raise OutsideFailed("the run of a book was ended from outside", hint=hint) from error
    tell_runs(told, workspace, as_json=as_json)


def invent(
    book: Annotated[str, typer.Argument(metavar="BOOK", help="home_credit or lending_club.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="Folder for the tables.")],
    rows: Annotated[int, typer.Option(help="Applications.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of the invented data.")] = 7,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Invented raw tables of one shipped book, and nothing else; the same bytes for the same rows and seed."""
    from creditrisk.demo import write_demo

    with shown_progress(book, quiet=as_json) as progress:
        progress("invent", "starting", 0.0)
        written = write_demo(
            book, into, rows=rows, seed=seed, progress=lambda what, share: progress("invent", what, share)
        )
        progress("invent", "done", 1.0)
    told = {"book": book, "folder": str(into), "rows": dict(written.rows)}
    tell(told, as_json=as_json, words=lambda: typer.echo(f"{len(written.rows)} invented tables in {into}"))


def _demo_book(book: str, workspace: Path, rows: int, seed: int, by: str | None) -> RunContext:
    """One book of the demo, told in lines: two bars on one terminal would write over each other."""
    from creditrisk.demo import write_demo

    raw = workspace / "demo" / book
    with shown_progress(book, quiet=True) as progress:
        progress("invent", "starting", 0.0)
        write_demo(book, raw, rows=rows, seed=seed, progress=lambda what, share: progress("invent", what, share))
        progress("invent", "done", 1.0)
    told = run_book(book, workspace, raw=raw, by=by, as_json=True)
    told = _approve(book, workspace, raw, told)
    alias = told["model"]["alias"]
    score_book(book, workspace, raw, workspace / book / "decisions.parquet", by=by, as_json=True, alias=alias)
    return told


def _make_keys(workspace: Path) -> None:
    """Of the two invented people, once in a workspace."""
    from creditrisk.config import Workspace
    from creditrisk.pipelines.invented_approval import APPROVER, VALIDATOR
    from creditrisk.pipelines.people import listed
    from creditrisk.wiring import new_key_for

    known = {key["name"] for key in listed(Workspace(workspace)) if key["counts"]}
    for name in (VALIDATOR, APPROVER):
        if name not in known:
            new_key_for(workspace, name, store="file", by=None)


def _approve(book: str, workspace: Path, raw: Path, told: RunContext) -> RunContext:
    """The model to production, and the summary anew. Where a rule stands against it, it stays a candidate."""
    from creditrisk.pipelines.invented_approval import run
    from creditrisk.pipelines.summary import write_summary
    from creditrisk.wiring import signer_of

    with at_work(book, workspace, as_json=True, raw=raw) as context:
        context.progress("approve", "starting", 0.0)
        objections = run(context, lambda name: signer_of(workspace, name))
        context.progress("approve", "; ".join(objections) or "done", 1.0)
        return write_summary(context, {stage["stage"]: stage["seconds"] for stage in told["stages"]})


def _end_with_parent() -> None:
    """A worker whose parent was killed would go on alone and hold the book's lock."""
    import threading
    from multiprocessing import parent_process

    def wait() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(STOPPED)

    threading.Thread(target=wait, daemon=True).start()
