"""The command tree. Parse, wire, call, print; everything heavy is imported inside a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from creditrisk import __version__
from creditrisk.cli_decisions import decisions
from creditrisk.cli_output import shown_progress, tell, tell_error
from creditrisk.errors import BadUsage, CreditRiskError, ExitCode, OutsideFailed

if TYPE_CHECKING:
    from creditrisk.pages.context import RunContext

app = typer.Typer(
    name="creditrisk",
    help="From raw loan tables to a probability of default that may be used.",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

BookName = Annotated[str, typer.Argument(metavar="BOOK", help="home_credit, lending_club, or a folder of that shape.")]
WorkspaceDir = Annotated[Path, typer.Option("--workspace", help="Where everything is written.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable on stdout; progress and logs on stderr.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
RawDir = Annotated[
    str | None,
    typer.Option("--raw", metavar="DIR", help="Folder with one file per raw table; may be s3://, az://, gs://."),
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Over the book's portfolio.yaml; repeatable.")
]
Actor = Annotated[str | None, typer.Option("--by", help="Who acts; else CREDITRISK_ACTOR, else the system's user.")]
EstimatorName = Annotated[str | None, typer.Option("--estimator", help="A family of models; else the book's own.")]

WORKSPACE = Path("workspace")
LOOPBACK = "127.0.0.1"
STOPPED = 130
DEMO_BOOKS = ("home_credit", "lending_club")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        typer.echo(f"creditrisk {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def demo(
    workspace: WorkspaceDir = WORKSPACE,
    rows: Annotated[int, typer.Option(help="Applications of each book.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Of the invented data.")] = 7,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Invented data for both books, every stage, a scored batch, and a summary of what came out."""
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    if rows < 2_000:
        raise BadUsage(f"--rows {rows} is too few to learn from", hint="give at least 2000")
    # Most of a run is the work of one thread, so each book has a process of its own.
    with ProcessPoolExecutor(len(DEMO_BOOKS), get_context("spawn"), initializer=_end_with_parent) as pool:
        running = [pool.submit(_demo_book, book, workspace, rows, seed, by) for book in DEMO_BOOKS]
        try:
            told = [one.result() for one in running]
        except BrokenProcessPool as error:
            hint = "is there memory for both books at once? then run the command again"
            raise OutsideFailed("the run of a book was ended from outside", hint=hint) from error
    _tell_runs(told, workspace, as_json=as_json)


def _demo_book(book: str, workspace: Path, rows: int, seed: int, by: str | None) -> RunContext:
    """One book of the demo, told in lines: two bars on one terminal would write over each other."""
    from creditrisk.demo import write_demo

    raw = workspace / "demo" / book
    with shown_progress(book, quiet=True) as progress:
        progress("invent", "starting", 0.0)
        write_demo(book, raw, rows=rows, seed=seed, progress=lambda what, share: progress("invent", what, share))
        progress("invent", "done", 1.0)
    told = _run_book(book, workspace, raw=raw, by=by, as_json=True)
    _score_book(book, workspace, raw, workspace / book / "decisions.parquet", by=by, as_json=True)
    return told


def _end_with_parent() -> None:
    """A worker whose parent was killed would go on alone and hold the book's lock."""
    import threading
    from multiprocessing import parent_process

    def wait() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(STOPPED)

    threading.Thread(target=wait, daemon=True).start()


@app.command()
def run(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    first: Annotated[str | None, typer.Option("--from", metavar="STAGE", help="Begin here.")] = None,
    last: Annotated[str | None, typer.Option("--until", metavar="STAGE", help="End here.")] = None,
    estimator: EstimatorName = None,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """All stages: raw tables to a registered model and a page worth reading."""
    told = _run_book(
        book, workspace, raw=raw, by=by, as_json=as_json, first=first, last=last,
        settings=_settings(overrides, estimator),
    )  # fmt: skip
    _tell_runs([told], workspace, as_json=as_json)


def _stage_command(stage: str, help_text: str) -> None:
    def command(
        book: BookName,
        workspace: WorkspaceDir = WORKSPACE,
        raw: RawDir = None,
        estimator: EstimatorName = None,
        overrides: Overrides = None,
        by: Actor = None,
        as_json: AsJson = False,
        debug: Debug = False,  # noqa: ARG001
    ) -> None:
        _run_one_stage(stage, book, workspace, raw, _settings(overrides, estimator), by=by, as_json=as_json)

    app.command(stage, help=help_text)(command)


@app.command()
def ingest(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell where each table would come from, and what is in the way.")
    ] = False,
    estimator: EstimatorName = None,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Stage 1: raw files, fetched where the book says unless --raw is given, become typed bronze tables."""
    if not dry_run:
        _run_one_stage("ingest", book, workspace, raw, _settings(overrides, estimator), by=by, as_json=as_json)
        return
    from creditrisk.pages.terminal import plan_lines
    from creditrisk.pipelines.fetch_sources import exit_code_of, plan
    from creditrisk.wiring import book_with, context_for

    with context_for(
        book_with(book, _settings(overrides, estimator)), workspace, actor=by, raw=raw, progress=lambda *_: None
    ) as context:
        planned = plan(context)
    tell(planned, as_json=as_json, words=lambda: typer.echo("\n".join(plan_lines(planned))))
    if code := exit_code_of(planned):
        raise typer.Exit(code)


for _stage, _help in {
    "check": "Stage 2: the tables keep the promises of their contracts.",
    "features": "Stage 3: the book's SQL makes the feature table.",
    "split": "Stage 4: train, calibration and test parts.",
    "train": "Stage 5: learn, calibrate, choose the cut-off; a bundle.",
    "evaluate": "Stage 6: the bundle on the test part.",
}.items():
    _stage_command(_stage, _help)


@app.command()
def validate(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    estimator: EstimatorName = None,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Stage 7: the gates, and the model document. Exit 1 if one fails."""
    from creditrisk.pages.terminal import validation_table
    from creditrisk.pipelines.stages import run_stage
    from creditrisk.pipelines.validate_model import DOCUMENT, need_passed
    from creditrisk.wiring import book_with, context_for

    with (
        shown_progress(book, quiet=as_json) as progress,
        context_for(
            book_with(book, _settings(overrides, estimator)), workspace, actor=by, raw=raw, progress=progress
        ) as context,
    ):
        report = run_stage(context, "validate")
        page = context.folder.report(DOCUMENT)

    def words() -> None:
        _print(validation_table(report))
        if page.is_file():
            typer.echo(f"worth reading: {page}")

    tell(report, as_json=as_json, words=words)
    _or_exit(lambda: need_passed(report))


_stage_command("register", "Stage 8: into MLflow, with the alias candidate.")


@app.command()
def compare(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    estimators: Annotated[
        str | None, typer.Option("--estimators", metavar="A,B", help="Only these, beside the book's own; else all.")
    ] = None,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Estimators, balance, calibration and the price of each rule, side by side on the same folds."""
    from creditrisk.pages.comparison import comparison_tables
    from creditrisk.pipelines.compare_models import run as compare_models
    from creditrisk.wiring import book_with, context_for

    names = None if estimators is None else [name.strip() for name in estimators.split(",") if name.strip()]
    if names == []:
        raise BadUsage("--estimators names none", hint="for example --estimators logistic,scorecard; without it, all")
    with (
        shown_progress(book, quiet=as_json) as progress,
        context_for(
            book_with(book, _settings(overrides, None)), workspace, actor=by, raw=raw, progress=progress
        ) as context,
    ):
        progress("compare", "starting", 0.0)
        report = compare_models(context, estimators=names)
        progress("compare", "done", 1.0)
    tell(report, as_json=as_json, words=lambda: _print(comparison_tables(report)))


@app.command()
def tune(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, help="In all, earlier ones among them; else the book's.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.0, help="No further trial begins after so many minutes.")
    ] = None,
    write_back: Annotated[
        bool, typer.Option("--write-back", help="Put the best parameters into the portfolio.yaml of a book's folder.")
    ] = False,
    estimator: EstimatorName = None,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Search for better parameters, fold by fold; a search that was stopped goes on."""
    from creditrisk.pages.tuning import tuning_tables
    from creditrisk.pipelines.tune_model import run as tune_model
    from creditrisk.wiring import book_with, context_for

    with (
        shown_progress(book, quiet=as_json) as progress,
        context_for(
            book_with(book, _settings(overrides, estimator)), workspace, actor=by, raw=raw, progress=progress
        ) as context,
    ):
        progress("tune", "starting", 0.0)
        report = tune_model(context, trials=trials, minutes=minutes, write_back=write_back)
        progress("tune", "done", 1.0)

    def words() -> None:
        _print(tuning_tables(report))
        if report["meta"]["written_back"]:
            typer.echo("written into the book's portfolio.yaml")
        elif not report["best"]["own"]:
            typer.echo(f"to train with them, put this into portfolio.yaml:\n{report['paste']}")

    tell(report, as_json=as_json, words=words)


@app.command()
def score(
    book: BookName,
    source: Annotated[
        str, typer.Option("--input", metavar="DIR_OR_FILE", help="Raw tables, or the one raw table; may be an address.")
    ],
    output: Annotated[
        str, typer.Option("--output", metavar="FILE", help="Decisions: .parquet, .csv or .json; may be an address.")
    ],
    workspace: WorkspaceDir = WORKSPACE,
    alias: Annotated[str, typer.Option("--alias", help="Which version of the registered model.")] = "production",
    bundle: Annotated[
        str | None,
        typer.Option(
            "--bundle", metavar="DIR", help="A bundle folder instead of a registered model; may be an address."
        ),
    ] = None,
    reasons: Annotated[bool, typer.Option("--reasons/--no-reasons", help="Give proved reasons for declines.")] = True,
    counterfactuals: Annotated[
        bool, typer.Option("--counterfactuals", help="Add what would have had to be different.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Keep a passport of every decision in the decision store, each once.")
    ] = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Batch: raw tables in, decisions out. A run that was stopped goes on when it is started again."""
    told = _score_book(
        book, workspace, source, output, by=by, as_json=as_json, alias=alias, bundle=bundle, reasons=reasons,
        counterfactuals=counterfactuals, record=record,
    )  # fmt: skip

    def words() -> None:
        mark = " (invented data)" if told["invented_data"] else ""
        typer.echo(f"{told['rows']:,} decisions{mark} in {output}: " + ", ".join(
            f"{name} {count:,}" for name, count in told["decisions"].items()))  # fmt: skip
        if told["rows_done_before"]:
            typer.echo(f"{told['rows_done_before']:,} of them were finished by an earlier run that was stopped")
        if record:
            before = told["recorded_before"]
            typer.echo(f"{told['recorded']:,} recorded as run {told['run_id'][:16]}" + (
                f", {before:,} were recorded already" if before else ""))  # fmt: skip
        _tell_released(told["leaks_released"])
        if told["checks_off"]:
            typer.echo(f"{len(told['checks_off'])} checks of the contracts were switched off when this model was made")

    tell(told, as_json=as_json, words=words)


@app.command()
def serve(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    alias: Annotated[
        str | None, typer.Option("--alias", help="Which version of the model; else MODEL_ALIAS, else production.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Where to listen; beyond this machine it needs keys.")] = LOOPBACK,
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8080,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes that answer.")] = 1,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Decisions over HTTP: raw records in, decisions out, each on disk before it is answered."""
    from creditrisk.wiring import ServerOptions
    from creditrisk.wiring import serve as answer

    answer(ServerOptions(book, str(workspace.resolve()), alias, host, port, workers))


@app.command("serve-key")
def serve_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will hold the key; stands in every passport.")],
    roles: Annotated[list[str], typer.Option("--role", help="score, read, review or admin; repeatable.")],
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Add its line to this file of keys.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """A new API key, shown once; the server keeps its hash only."""
    from creditrisk.serving import new_key

    key, line = new_key(name, roles)
    if file is not None:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")

    def words() -> None:
        typer.echo(key)
        where = f"added to {file}" if file is not None else "add this line to the file of CREDITRISK_API_KEYS_FILE"
        typer.echo(f"{where}: {line}", err=True)

    tell({"key": key, "line": line, "file": str(file) if file is not None else None}, as_json=as_json, words=words)


@app.command()
def freshness(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    max_age_hours: Annotated[
        float | None, typer.Option("--max-age-hours", metavar="H", help="Else the book's monitoring.max_age_hours.")
    ] = None,
    fail_on_stale: Annotated[
        bool, typer.Option("--fail-on-stale", help="Exit 1 unless every table is fresh; unknown is not fresh.")
    ] = False,
    overrides: Overrides = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """How old the tables of the last ingestion are, and whether that is too old."""
    from creditrisk.pages.terminal import freshness_table
    from creditrisk.pipelines.data_freshness import need_fresh
    from creditrisk.pipelines.data_freshness import run as data_freshness
    from creditrisk.wiring import book_with, context_for

    with context_for(
        book_with(book, _settings(overrides, None)), workspace, actor=by, progress=lambda *_: None
    ) as context:
        report = data_freshness(context, max_age_hours=max_age_hours)
    tell(report, as_json=as_json, words=lambda: _print(freshness_table(report)))
    if fail_on_stale:
        _or_exit(lambda: need_fresh(report))


@app.command()
def publish(
    book: BookName,
    to: Annotated[str, typer.Option("--to", metavar="URI", help="Folder in a bucket: s3://, az:// or gs://.")],
    workspace: WorkspaceDir = WORKSPACE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be uploaded, and upload nothing.")] = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Predictions, reports, bundle and manifest into a bucket, under a prefix that never changes."""
    from creditrisk.pipelines.publish import run as publish_run
    from creditrisk.wiring import book_with, context_for

    with (
        shown_progress(book, quiet=as_json) as progress,
        context_for(book_with(book, {}), workspace, actor=by, progress=progress) as context,
    ):
        told = publish_run(context, to, dry_run=dry_run)

    def words() -> None:
        size = f"{len(told['files'])} files, {told['bytes'] / 2**20:,.1f} MB"
        if dry_run:
            typer.echo(f"would publish {size} to {told['uri']}; {told['there']} are there")
        elif told["uploaded"] == 0:
            typer.echo(f"published before, nothing to upload: {told['uri']}")
        else:
            typer.echo(f"published {size} to {told['uri']}")

    tell(told, as_json=as_json, words=words)


@app.command()
def lineage(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    model: Annotated[
        str | None, typer.Option("--model", metavar="HASH_OR_VERSION", help="An earlier model; else the latest run.")
    ] = None,
    raw: Annotated[
        str | None, typer.Option("--raw", metavar="SHA_OR_FILE", help="Which models were made from these bytes?")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Are the files still what they were? Exit 1 if one is not.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Which raw bytes stand behind a model, and which models came from given bytes."""
    from creditrisk.pages.terminal import lineage_table, models_table
    from creditrisk.pipelines.trace import need_all_here, of_model, of_raw
    from creditrisk.wiring import book_with, context_for

    if raw is not None and (model is not None or verify):
        raise BadUsage("--raw asks for models, --model and --verify for files", hint="ask one after the other")
    with context_for(book_with(book, {}), workspace, progress=lambda *_: None) as context:
        answer = of_model(context, model, verify=verify) if raw is None else of_raw(context, raw)
    table = lineage_table if raw is None else models_table
    tell(answer, as_json=as_json, words=lambda: _print(table(answer)))
    if verify:
        _or_exit(lambda: need_all_here(answer))


app.add_typer(decisions)


@app.command()
def doctor(workspace: WorkspaceDir = WORKSPACE, as_json: AsJson = False, debug: Debug = False) -> None:  # noqa: ARG001
    """What is installed, reachable, configured, and what is missing."""
    from creditrisk.doctor import examine

    found = examine(workspace)

    def words() -> None:
        for item in found:
            typer.echo(f"{'ok     ' if item['ok'] else 'MISSING'}  {item['what']}: {item['found']}")
            if item["hint"]:
                typer.echo(f"           {item['hint']}")

    tell({"checks": found}, as_json=as_json, words=words)
    if any(item["needed"] and not item["ok"] for item in found):
        raise typer.Exit(ExitCode.OUTSIDE_FAILED)


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
    return main([stage, *sys.argv[1:]])


def _run_one_stage(
    stage: str,
    book: str,
    workspace: Path,
    raw: str | None,
    settings: Mapping[str, Any],
    *,
    by: str | None,
    as_json: bool,
) -> None:
    from creditrisk.pipelines.stages import run_stage
    from creditrisk.wiring import book_with, context_for

    with (
        shown_progress(book, quiet=as_json) as progress,
        context_for(book_with(book, settings), workspace, actor=by, raw=raw, progress=progress) as context,
    ):
        report = run_stage(context, stage)

    def words() -> None:
        _tell_released(context.leaks_released)
        if report.get("suspects"):
            told = ", ".join(report["suspects"])
            typer.echo(f"leak radar: {len(report['suspects'])} columns may know the outcome, no feature may read "
                       f"them: {told}; leak_report.json says why")  # fmt: skip
        typer.echo(f"{stage}: done; reports in {context.folder.reports}")

    tell(report, as_json=as_json, words=words)


def _run_book(
    book: str,
    workspace: Path,
    *,
    raw: Path | str | None,
    by: str | None,
    as_json: bool,
    first: str | None = None,
    last: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> RunContext:
    from creditrisk.pipelines.stages import between, run_stages
    from creditrisk.wiring import book_with, context_for

    between(first, last)
    with (
        shown_progress(book, quiet=as_json) as progress,
        context_for(book_with(book, settings or {}), workspace, actor=by, raw=raw, progress=progress) as context,
    ):
        return run_stages(context, first=first, last=last)


def _score_book(
    book: str,
    workspace: Path,
    source: Path | str,
    output: Path | str,
    *,
    by: str | None,
    as_json: bool,
    alias: str = "candidate",
    bundle: str | None = None,
    reasons: bool = True,
    counterfactuals: bool = False,
    record: bool = False,
) -> dict[str, Any]:
    from creditrisk.pipelines.batch_predict import run as batch_predict
    from creditrisk.wiring import book_with, context_for, decision_store_for

    with (
        shown_progress(book, quiet=as_json) as progress,
        context_for(book_with(book, {}), workspace, actor=by, progress=progress) as context,
        closing(decision_store_for(workspace)) if record else nullcontext() as store,
    ):
        reference = bundle or f"models:/{context.book.name}@{alias}"
        return batch_predict(
            context, source, output, reference=reference, with_reasons=reasons,
            with_counterfactuals=counterfactuals, store=store,
        )  # fmt: skip


def _print(table: Any) -> None:
    from rich.console import Console

    Console().print(table)


def _or_exit(check: Callable[[], None]) -> None:
    """A check whose result is on stdout already: a no is one message on stderr and the exit code."""
    try:
        check()
    except CreditRiskError as error:
        tell_error(error, as_json=False)
        raise typer.Exit(error.exit_code) from error


def _tell_runs(runs: Sequence[RunContext], workspace: Path, *, as_json: bool) -> None:
    from creditrisk.pages.terminal import run_table

    pages = [workspace / run["book"]["name"] / "reports" / "run_summary.html" for run in runs]

    def words() -> None:
        _print(run_table(runs))
        for page in pages:
            typer.echo(f"worth reading: {page}")

    tell({"runs": list(runs), "pages": [str(page) for page in pages]}, as_json=as_json, words=words)


def _tell_released(released: Sequence[Mapping[str, Any]]) -> None:
    """In red, which suspects of the leak radar somebody let through."""
    if released:
        from rich.console import Console

        from creditrisk.pages.terminal import released_banner

        Console().print(released_banner(released))


def _settings(overrides: list[str] | None, estimator: str | None) -> dict[str, Any]:
    """--set KEY=VALUE as {dotted key: value}; values are read as YAML, so numbers and lists work."""
    import yaml

    settings: dict[str, Any] = {}
    for text in overrides or ():
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise BadUsage(f'--set "{text}" is not KEY=VALUE', hint="for example --set training.seed=3")
        try:
            settings[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise BadUsage(f'--set "{text}": the value is not YAML', hint="quote it") from error
    if estimator:
        settings["training.estimator"] = estimator
    return settings


def entry_point() -> None:
    """The program `creditrisk`."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait starve a shared machine
    sys.exit(main())


if __name__ == "__main__":
    entry_point()
