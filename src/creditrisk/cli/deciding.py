"""A model at work: batches, the server, and the keys to it."""

from __future__ import annotations

from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from creditrisk.cli.options import (
    WORKSPACE,
    Actor,
    AsJson,
    BookName,
    Debug,
    EngineName,
    Master,
    SparkConf,
    WorkspaceDir,
    settings_of,
)
from creditrisk.cli.output import show_released, tell
from creditrisk.cli.work import at_work

LOOPBACK = "127.0.0.1"


def score(
    book: BookName,
    source: Annotated[
        str, typer.Option("--input", metavar="DIR_OR_FILE", help="Raw tables, or the one raw table; may be an address.")
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Decisions: .parquet, .csv or .json; may be an address. With --engine spark also a folder.",
        ),
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
    engine: EngineName = None,
    master: Master = None,
    spark_conf: SparkConf = None,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,  # noqa: ARG001
) -> None:
    """Batch: raw tables in, decisions out. A run that was stopped goes on when it is started again."""
    told = score_book(
        book, workspace, source, output, by=by, as_json=as_json, alias=alias, bundle=bundle, reasons=reasons,
        counterfactuals=counterfactuals, record=record, engine=engine, master=master, spark_conf=spark_conf,
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
        show_released(told["leaks_released"])
        if told["checks_off"]:
            typer.echo(f"{len(told['checks_off'])} checks of the contracts were switched off when this model was made")

    tell(told, as_json=as_json, words=words)


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


def score_book(
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
    engine: str | None = None,
    master: str | None = None,
    spark_conf: Path | None = None,
) -> dict[str, Any]:
    """Decisions for the applications in `source` into `output`; what came of it."""
    from creditrisk.pipelines.batch_predict import run as batch_predict
    from creditrisk.wiring import decision_store_for, left_out

    with (
        left_out("sklearn"),  # XGBoost takes it along where it is installed, with all of scipy.stats
        at_work(
            book,
            workspace,
            settings_of(None, engine=engine),
            as_json=as_json,
            by=by,
            master=master,
            spark_conf=spark_conf,
        ) as context,  # fmt: skip
        closing(decision_store_for(workspace)) if record else nullcontext() as store,
    ):
        reference = bundle or f"models:/{context.book.name}@{alias}"
        return batch_predict(
            context, source, output, reference=reference, with_reasons=reasons,
            with_counterfactuals=counterfactuals, store=store,
        )  # fmt: skip
