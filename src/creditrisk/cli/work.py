"""What a command works with: the book, its part of the workspace, and progress on stderr."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditrisk.cli.output import shown_progress

if TYPE_CHECKING:
    from creditrisk.pipelines.context import Context


@contextmanager
def at_work(
    book: str,
    workspace: Path,
    settings: Mapping[str, Any] | None = None,
    *,
    as_json: bool = False,
    by: str | None = None,
    raw: Path | str | None = None,
    master: str | None = None,
    spark_conf: Path | None = None,
) -> Iterator[Context]:
    """As `wiring.context_for`, with progress that people see; as_json: in lines."""
    from creditrisk.wiring import book_with, context_for

    with (
        shown_progress(book, quiet=as_json) as progress,
        context_for(
            book_with(book, settings or {}),
            workspace,
            actor=by,
            raw=raw,
            progress=progress,
            master=master,
            spark_conf=spark_conf,
        ) as context,  # fmt: skip
    ):
        yield context


@contextmanager
def at_hand(
    book: str,
    workspace: Path,
    settings: Mapping[str, Any] | None = None,
    *,
    by: str | None = None,
    raw: str | None = None,
) -> Iterator[Context]:
    """The same for what does not last: nothing is said of its progress."""
    from creditrisk.wiring import book_with, context_for

    with context_for(
        book_with(book, settings or {}), workspace, actor=by, raw=raw, progress=lambda *_: None
    ) as context:
        yield context


@contextmanager
def at_the_desk(book: str, workspace: Path, *, as_json: bool = False, by: str | None = None) -> Iterator[Context]:
    """For whoever approves and moves versions, as `wiring.governance_for`: a training that runs is not waited for."""
    from creditrisk.wiring import book_with, governance_for

    with (
        shown_progress(book, quiet=as_json) as progress,
        governance_for(book_with(book, {}), workspace, actor=by, progress=progress) as context,
    ):
        yield context


@contextmanager
def at_the_window(book: str, workspace: Path, *, as_json: bool = False, by: str | None = None) -> Iterator[Context]:
    """For whoever watches what was decided, as `wiring.watching_for`: nobody is waited for."""
    from creditrisk.wiring import book_with, watching_for

    with shown_progress(book, quiet=as_json) as progress:
        yield watching_for(book_with(book, {}), workspace, actor=by, progress=progress)
