"""DuckDB behind one thin module: a locked room that reads and writes the named files and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from creditrisk.errors import BadConfig, OutsideFailed

if TYPE_CHECKING:
    import duckdb

type Connection = duckdb.DuckDBPyConnection

PARQUET = (
    "format parquet, row_group_size 100000, parquet_version v2, dictionary_size_limit 100, "
    "compression zstd, compression_level 1"
)
"""How DuckDB writes a table that stays: the cheapest level, and version 2's encodings, which cost less CPU time."""


@dataclass(frozen=True)
class DuckSettings:
    """What one connection may use. Limits as DuckDB spells them, e.g. 1500MB.

    spill: folder for what does not fit into memory; None = beside what is written.  spill_limit: of its size; None =
    what the disk has.
    """

    memory_limit: str = "1500MB"
    threads: int = 2
    spill: Path | None = None
    spill_limit: str | None = None


@contextmanager
def locked_room(
    settings: DuckSettings, *, reads: Sequence[Path] = (), writes: Path | None = None, few_rows: bool = False
) -> Iterator[Connection]:
    """A fresh in-memory connection that may open `reads`, may write into the folder `writes`, and nothing else.

    few_rows: plan for a handful of them: then an IN compared as it stands beats the join that DuckDB makes of it, and
    working a thing out twice beats holding all columns once more.

    Extensions cannot be loaded and the configuration cannot be changed from inside. It spills into a temporary
    folder of its own beside what it writes, and leaves nothing behind.
    """
    import duckdb

    with _spill_folder(settings.spill or writes) as spill:
        con = duckdb.connect(
            ":memory:",
            config={"memory_limit": settings.memory_limit, "threads": settings.threads, "temp_directory": spill},
        )
        try:
            con.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
            con.execute("set TimeZone = 'UTC'")
            if settings.spill_limit:  # given at the start, beside the folder, it is told and not kept to
                con.execute(f"set max_temp_directory_size = {quoted(settings.spill_limit)}")
            if few_rows:
                con.execute("set disabled_optimizers = 'in_clause,common_subexpressions'")
            con.execute(f"set allowed_paths = [{', '.join(quoted(str(path.resolve())) for path in reads)}]")
            folders = [spill, *([str(writes.resolve())] if writes else [])]
            con.execute(f"set allowed_directories = [{', '.join(map(quoted, folders))}]")
            con.execute("set enable_external_access = false")
            con.execute("set lock_configuration = true")
            yield con
        finally:
            con.close()


@contextmanager
def _spill_folder(parent: Path | None) -> Iterator[str]:
    try:
        folder = TemporaryDirectory(prefix=".partial-spill-", dir=parent)
    except OSError as error:
        raise OutsideFailed(
            f"nothing can be spilled there: {error.strerror}",
            where=str(parent or "the system's temporary folder"),
            hint="name a folder that exists and is yours to write with CREDITRISK_SPILL_FOLDER",
        ) from error
    with folder as name:
        yield name


@contextmanager
def translated(where: str) -> Iterator[None]:
    """DuckDB's errors as ours: the book's SQL is wrong, or the machine is too small."""
    import duckdb

    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise OutsideFailed(
            first_line(error),
            where=where,
            hint="give more with CREDITRISK_MEMORY_LIMIT or CREDITRISK_SPILL_LIMIT, or free disk space",
        ) from error
    except duckdb.Error as error:
        raise BadConfig(first_line(error), where=where, hint=_hint(str(error))) from error


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def parquet(*files: Path, numbered: bool = False) -> str:
    """Rows of these Parquet files as SQL, in their order. numbered: with `file_row_number`, from 0.

    A folder that is called a=b gives no column a, as it would in DuckDB by itself.
    """
    listed = ", ".join(quoted(str(path.resolve())) for path in files)
    return f"read_parquet([{listed}], hive_partitioning = false{', file_row_number = true' if numbered else ''})"


def named(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def first_line(error: BaseException) -> str:
    return str(error).split("\n", 1)[0].strip()


def sql_type(column_type: str) -> str:
    """A contract's type as DuckDB spells it."""
    plain = {"integer": "BIGINT", "double": "DOUBLE", "text": "VARCHAR", "date": "DATE", "boolean": "BOOLEAN"}
    return plain.get(column_type, column_type.upper())


def _hint(message: str) -> str:
    candidates = re.search(r"(Candidate bindings|Did you mean)[^\n]*", message)
    said = candidates.group(0) + ". " if candidates else ""
    return said + "the SQL sees only columns that exist at application time and are not barred by the book's policy"
