"""Stage 2 as a command, and the part of it that reads no table: a look at the book's SQL."""

from __future__ import annotations

from typing import Annotated

import typer

from creditrisk.cli.options import (
    WORKSPACE,
    Actor,
    AsJson,
    BookName,
    Debug,
    EngineName,
    EstimatorName,
    Master,
    Overrides,
    RawDir,
    SparkConf,
    WorkspaceDir,
    settings_of,
)
from creditrisk.cli.output import tell
from creditrisk.cli.stages import on_an_engine
from creditrisk.errors import ExitCode


def check(
    book: BookName,
    workspace: WorkspaceDir = WORKSPACE,
    raw: RawDir = None,
    estimator: EstimatorName = None,
    engine: EngineName = None,
    master: Master = None,
    spark_conf: SparkConf = None,
    overrides: Overrides = None,
    sql_only: Annotated[
        bool, typer.Option("--sql-only", help="Look at the book's SQL alone, all of it; no table is read.")
    ] = False,
    by: Actor = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Stage 2: the tables keep the promises of their contracts."""
    if not sql_only:
        on_an_engine("check")(
            book, workspace, raw, estimator, engine, master, spark_conf, overrides, by, as_json, debug
        )  # fmt: skip
        return
    from creditrisk.config import load_book
    from creditrisk.features import lint_book

    loaded = load_book(book, settings_of(overrides, estimator, engine))
    found = lint_book(loaded)

    def words() -> None:
        for line in found:
            typer.echo(line)
        typer.echo(f"{len(found)} findings" if found else "every file of SQL means the same on DuckDB and on Spark")

    tell({"book": loaded.name, "findings": found}, as_json=as_json, words=words)
    if found:
        raise typer.Exit(ExitCode.BAD_USAGE)
