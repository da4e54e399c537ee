"""What goes out: messages about alarms to people, figures to machines that keep time series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from creditrisk.cli.options import WORKSPACE, AsJson, Debug, WorkspaceDir
from creditrisk.cli.output import or_exit, tell
from creditrisk.errors import BadUsage

Strictly = Annotated[
    bool, typer.Option("--strict", help="Exit 3 if anything was not delivered, in place of a warning.")
]


def notify(
    words: Annotated[
        list[str], typer.Argument(metavar="[test] BOOK", help="A book; with `test` before it, a test message is sent.")
    ],
    channels: Annotated[
        list[str] | None, typer.Option("--channel", metavar="NAME", help="Only this channel of the book; repeatable.")
    ] = None,
    strict: Strictly = False,
    workspace: WorkspaceDir = WORKSPACE,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Tell the book's channels of open alarms that they were not told of yet. A test message: notify test BOOK."""
    from creditrisk.pages.alarm_message import delivery_lines
    from creditrisk.pipelines.notify import need_delivered
    from creditrisk.wiring import notify_book

    test, book = _told(words)
    result = notify_book(book, workspace, only=channels or (), test=test)
    tell(result, as_json=as_json, words=lambda: typer.echo("\n".join(delivery_lines(result))))
    _warn(result["warnings"])
    if strict:
        or_exit(lambda: need_delivered(result))


def metrics(
    book: Annotated[str, typer.Argument(metavar="BOOK", help="home_credit, lending_club, or a folder of that shape.")],
    sinks: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="SINK", help="textfile, pushgateway or cloudwatch; else those that are set up."),
    ] = None,
    strict: Strictly = False,
    workspace: WorkspaceDir = WORKSPACE,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Figures of drift, outcomes, alarms and freshness: a Prometheus text file, a push gateway, CloudWatch."""
    from creditrisk.pipelines.export_metrics import need_written
    from creditrisk.wiring import export_figures

    result = export_figures(book, workspace, only=sinks or ())

    def words() -> None:
        for name, of in result["sinks"].items():
            if of["written"]:
                typer.echo(f"{name}: {result['figures']} figures")
        for report, command in result["missing"].items():
            typer.echo(f"nothing of {report}: there is none; {command}")

    tell(result, as_json=as_json, words=words)
    _warn(result["warnings"])
    if strict:
        or_exit(lambda: need_written(result))


def _told(words: Sequence[str]) -> tuple[bool, str]:
    """(is it a test, the book)"""
    if len(words) == 1:
        return False, words[0]
    if len(words) == 2 and words[0] == "test":
        return True, words[1]
    raise BadUsage("which book?", hint="creditrisk notify BOOK, or creditrisk notify test BOOK")


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
