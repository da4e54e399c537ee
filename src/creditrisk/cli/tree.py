"""The command tree. Parse, wire, call, print; everything heavy is imported inside a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from creditrisk import __version__
from creditrisk.cli import (
    alarms,
    approving,
    canary,
    checking,
    deciding,
    demo,
    inventory,
    looking,
    models,
    moving,
    notifying,
    stages,
)
from creditrisk.cli.audit import audit
from creditrisk.cli.decisions import decisions
from creditrisk.cli.deploying import deploy
from creditrisk.cli.keys import keys
from creditrisk.cli.monitoring import monitor
from creditrisk.cli.outcomes import outcomes
from creditrisk.cli.output import STOPPED, tell_error
from creditrisk.errors import BadUsage, CreditRiskError, OutsideFailed

app = typer.Typer(
    name="creditrisk",
    help="From raw loan tables to a probability of default that may be used.",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        typer.echo(f"creditrisk {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


# In the order in which `--help` lists them.
app.command()(demo.demo)
app.command()(demo.invent)
app.command()(stages.run)
app.command()(stages.ingest)
app.command()(checking.check)
app.command("features", help="Stage 3: the book's SQL makes the feature table.")(stages.on_an_engine("features"))
app.command("split", help="Stage 4: train, calibration and test parts.")(stages.on_an_engine("split"))
app.command("train", help="Stage 5: learn, calibrate, choose the cut-off; a bundle.")(stages.on_an_engine("train"))
app.command("evaluate", help="Stage 6: the bundle on the test part.")(stages.alone("evaluate"))
app.command()(stages.validate)
app.command("register", help="Stage 8: into MLflow, with the alias candidate.")(stages.alone("register"))
app.command()(canary.canary)
app.command()(approving.waive)
app.command()(approving.approve)
app.add_typer(keys)
app.command()(moving.promote)
app.command("auto-promote")(moving.auto_promote)
app.command()(moving.rollback)
app.command()(moving.repair)
app.command()(moving.asof)
app.command()(canary.manifest)
app.add_typer(deploy)
app.command()(models.compare)
app.command()(models.tune)
app.command()(deciding.score)
app.command()(deciding.serve)
app.command("serve-key")(deciding.serve_key)
app.command()(inventory.comply)
app.command("models")(inventory.models)
app.command()(looking.freshness)
app.command()(notifying.notify)
app.command()(notifying.metrics)
app.command()(looking.publish)
app.command()(looking.lineage)
monitor.command()(alarms.alarms)
app.add_typer(monitor)
app.command()(alarms.retrain)
app.add_typer(decisions)
app.add_typer(outcomes)
app.add_typer(audit)
app.command()(looking.doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code. Never a traceback, unless `--debug` asks for it."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = int(app(words, standalone_mode=False) or 0)
        if code == STOPPED:  # typer makes an exit code of Ctrl-C, without a word
            tell_error(OutsideFailed("stopped", hint="nothing is half-written; run the command again"), as_json=False)
        return code
    except CreditRiskError as error:
        if "--debug" in words:
            raise
        tell_error(error, as_json="--json" in words)
        return int(error.exit_code)
    except TyperException as error:
        told = BadUsage(error.format_message(), hint=_help_on(words))
        tell_error(told, as_json="--json" in words)
        return int(told.exit_code)
    except OSError as error:
        if "--debug" in words:
            raise
        told_os = OutsideFailed(
            f"the system says no: {error.strerror or error}",
            where=str(error.filename or ""),
            hint="see whether the place is there, may be written and has room",
        )
        tell_error(told_os, as_json="--json" in words)
        return int(told_os.exit_code)
    except ModuleNotFoundError as error:
        if "--debug" in words:
            raise
        hint = "run it where the whole product is installed: docs/containers.md lists which image has what"
        told_left_out = BadUsage(f"this installation leaves out {error.name}, which the command needs", hint=hint)
        tell_error(told_left_out, as_json="--json" in words)
        return int(told_left_out.exit_code)
    except Exception as error:
        if "--debug" in words:
            raise
        what = (
            f"a fault in creditrisk itself: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        )
        fault = OutsideFailed(what, hint="run it again with --debug and report what it prints")
        tell_error(fault, as_json="--json" in words)
        return int(fault.exit_code)


def _help_on(words: Sequence[str]) -> str:
    known = getattr(typer.main.get_command(app), "commands", {})
    return f"creditrisk {words[0]} --help" if words and words[0] in known else "creditrisk --help"


def stage_main(stage: str) -> int:
    """`python -m creditrisk.pipelines.<module> BOOK ...` is `creditrisk <stage> BOOK ...`."""
    return main([*stage.split(), *sys.argv[1:]])


def entry_point() -> None:
    """The program `creditrisk`."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait starve a shared machine
    sys.exit(main())
