"""Raw files and contracts of a few lines, made on the spot."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from creditrisk.config import Contract
from creditrisk.contracts import BronzeTable, to_bronze
from creditrisk.duck import DuckSettings
from creditrisk.kinds import sha256_of_file
from creditrisk.sources import Landed
from creditrisk.sources.survey import survey_of
from creditrisk.sources.unpack import check_gzip

SETTINGS = DuckSettings(memory_limit="300MB", threads=2)


def contract(
    table: str = "application", rejected_share_max: float = 0.9, **columns: str | Mapping[str, Any]
) -> Contract:
    """contract(amount="integer", term={"type": "integer", "format": "months"}) and so on."""
    listed = [
        {"name": name, "available": "application", **({"type": says} if isinstance(says, str) else says)}
        for name, says in columns.items()
    ]
    value = {"table": table, "grain": "a row", "columns": listed, "rejected_share_max": rejected_share_max}
    return Contract.model_validate(value)


def landed(path: Path) -> Landed:
    kind = "parquet" if path.suffix == ".parquet" else "csv.gz" if path.suffix == ".gz" else "csv"
    survey = check_gzip(path).result() if kind == "csv.gz" else survey_of(path)
    return Landed(path, kind, path, path.stat().st_size, sha256_of_file(path), survey=survey)


def written(path: Path, text: str | bytes) -> Path:
    content = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def bronze(folder: Path, text: str | bytes, promised: Contract, **options: Any) -> BronzeTable:
    """The bronze table of a CSV text."""
    path = written(folder / "loans.csv", text)
    return to_bronze(landed(path), promised, folder / "bronze" / "loans.parquet", settings=SETTINGS, **options)


def rows(path: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        return con.sql(f"from read_parquet('{path}')").fetchall()


def types(path: Path) -> dict[str, str]:
    with duckdb.connect() as con:
        return {row[0]: row[1] for row in con.sql(f"describe from read_parquet('{path}')").fetchall()}
