"""What many commands may be told, each option with its words for `--help` in one place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, overload

import typer

from creditrisk.errors import BadUsage, did_you_mean

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
EngineName = Annotated[
    str | None, typer.Option("--engine", help="duckdb, or spark for a cluster; else the book's own (docs/spark.md).")
]
Master = Annotated[
    str | None,
    typer.Option("--master", metavar="URL", help="Where Spark runs: local[2], yarn, k8s://…, spark://…."),
]
SparkConf = Annotated[
    Path | None, typer.Option("--spark-conf", metavar="FILE", help="Spark's properties, as spark-defaults.conf.")
]

WORKSPACE = Path("workspace")
ENGINES = ("duckdb", "spark")


def settings_of(overrides: list[str] | None, estimator: str | None = None, engine: str | None = None) -> dict[str, Any]:
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
    if engine:
        if engine not in ENGINES:
            raise BadUsage(f'no engine "{engine}"', where="--engine", hint=did_you_mean(engine, ENGINES))
        settings["engine"] = engine
    return settings


@overload
def moment_of(text: str, option: str) -> datetime: ...
@overload
def moment_of(text: str | None, option: str) -> datetime | None: ...
def moment_of(text: str | None, option: str) -> datetime | None:
    """A time as somebody writes it; in UTC where it names no zone."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadUsage(
            f'"{text}" is no time', where=option, hint="for example 2026-01-31 or 2026-01-31T14:30"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


@overload
def date_of(text: str, option: str) -> date: ...
@overload
def date_of(text: str | None, option: str) -> date | None: ...
def date_of(text: str | None, option: str) -> date | None:
    """A day that an option names. Raises BadUsage for what is none."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadUsage(f'"{text}" is no date', where=option, hint="for example 2026-01-31") from error
