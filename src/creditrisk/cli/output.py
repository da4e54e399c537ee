"""What a command shows: progress on stderr while it lasts, an error in three lines, results on stdout."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from creditrisk.errors import CreditRiskError

STOPPED = 130
"""Exit code of a program that somebody stopped with Ctrl-C."""

type Progress = Callable[[str, str, float], None]


@contextmanager
def shown_progress(book: str, *, quiet: bool = False) -> Iterator[Progress]:
    """A bar on a terminal; elsewhere a line when a stage begins and one when it ends. Always on stderr."""
    if quiet or not sys.stderr.isatty():
        yield _Lines(book)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.fields[book]} {task.description:<9}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[what]}", markup=False),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, what: str, share: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=1.0, what="", book=book)
            bars.update(tasks[stage], completed=share, what="" if what == "done" else what[:40])

        yield tell


class _Lines:
    def __init__(self, book: str) -> None:
        self._book = book
        self._begun: dict[str, float] = {}

    def __call__(self, stage: str, what: str, _share: float) -> None:
        now = time.monotonic()
        if what == "starting":
            self._begun[stage] = now
            print(f"{self._book}: {stage} ...", file=sys.stderr, flush=True)  # noqa: T201
        elif what.startswith("done"):  # "done", or "done, 12.3 MB at 4.5 MB/s"
            spent = now - self._begun.get(stage, now)
            print(f"{self._book}: {stage} {what} in {spent:.1f} s", file=sys.stderr, flush=True)  # noqa: T201


def tell(value: Mapping[str, Any], *, as_json: bool, words: Callable[[], None]) -> None:
    """A command's result: JSON on stdout, or the words for people."""
    if as_json:
        typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
    else:
        words()


def tell_error(error: CreditRiskError, *, as_json: bool) -> None:
    """What is wrong, where, and what to do next."""
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "error": {
                        "kind": type(error).__name__,
                        "what": error.what,
                        "where": error.where,
                        "hint": error.hint,
                        "exit_code": int(error.exit_code),
                    }
                },
                indent=2,
                ensure_ascii=False,
            )
        )
    lines = [f"refused: {error.what}" if error.exit_code == 1 else f"error: {error.what}"]
    lines += [f"  where: {error.where}"] if error.where else []
    lines += [f"  hint:  {error.hint}"] if error.hint else []
    print("\n".join(lines), file=sys.stderr)  # noqa: T201


def show(table: Any) -> None:
    """A table, or several together, as a terminal shows them."""
    from rich.console import Console

    Console().print(table)


def show_released(released: Sequence[Mapping[str, Any]]) -> None:
    """In red, which suspects of the leak radar somebody let through."""
    if released:
        from creditrisk.pages.terminal import released_banner

        show(released_banner(released))


def or_exit(check: Callable[[], None]) -> None:
    """A check whose result is on stdout already: a no is one message on stderr and the exit code."""
    try:
        check()
    except CreditRiskError as error:
        tell_error(error, as_json=False)
        raise typer.Exit(error.exit_code) from error
