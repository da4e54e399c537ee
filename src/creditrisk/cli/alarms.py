"""`creditrisk monitor alarms` and `creditrisk retrain`: what must be seen to, and whether the model is learnt anew."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from creditrisk.cli.options import WORKSPACE, Actor, AsJson, BookName, Debug, RawDir, WorkspaceDir
from creditrisk.cli.output import or_exit, show, tell
from creditrisk.cli.work import at_the_window, at_work
from creditrisk.errors import BadUsage, MissingInput, did_you_mean

if TYPE_CHECKING:
    from creditrisk.ports import DecisionStore


def alarms(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    every: Annotated[str, typer.Option("--by", metavar="PERIOD", help="month or week.")] = "month",
    alias: Annotated[str, typer.Option("--alias", help="Which version of the registered model.")] = "production",
    fail_on_alarm: Annotated[
        bool, typer.Option("--fail-on-alarm", help="Exit 1 while one is open that is more than for information.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """What moved by more than matters, lasts and is not there by chance; and what is overdue."""
    from creditrisk.monitoring.counts import By
    from creditrisk.pages.alarms import alarms_table
    from creditrisk.pipelines.monitor_alarms import need_quiet, run

    if every not in (By.MONTH, By.WEEK):
        raise BadUsage(f'no period "{every}"', where="--by", hint=did_you_mean(every, [By.MONTH, By.WEEK]))
    with at_the_window(book, workspace, as_json=as_json) as context, store_if_any(workspace) as store:
        report = run(context, store, alias=alias, by=By(every))
    tell(report, as_json=as_json, words=lambda: show(alarms_table(report)))
    if fail_on_alarm:
        or_exit(lambda: need_quiet(report))


def retrain(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    close: Annotated[
        str | None, typer.Option("--close", metavar="WHY", help="Close the open trigger by hand, and do nothing else.")
    ] = None,
    open_only: Annotated[
        bool, typer.Option("--open-only", help="Where the book says `run`, leave the stages to a scheduler.")
    ] = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Should the model be learnt anew, and why; where the book says `run`, the stages up to a candidate."""
    from creditrisk.pages.alarms import retrain_table
    from creditrisk.pipelines.retrain_trigger import run

    with at_work(book, workspace, as_json=as_json, by=by, raw=raw) as context:
        report = run(context, close=close, open_only=open_only)
    tell(report, as_json=as_json, words=lambda: show(retrain_table(report)))


def store_if_any(workspace: Path) -> AbstractContextManager[DecisionStore | None]:
    """The decision store; nothing where none was ever made."""
    from creditrisk.wiring import decision_store_for

    try:
        return closing(decision_store_for(workspace, create=False))
    except MissingInput:
        return nullcontext(None)
