"""Runs a book's SQL files in order, over Parquet files of any size or over the few rows of a request.

The SQL sees views that hold only the columns it may look at, so a column that exists after the loan was granted, or
one that may not decide about people, is not there to be read. A child table that nobody asked for (absent) gives NULL
features; one that was asked for and is empty gives the features of somebody who has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import sqlglot
from sqlglot import exp

from creditrisk.config import Book, SqlFile
from creditrisk.duck import (
    PARQUET,
    PARQUET_READ_ONCE,
    Connection,
    DuckSettings,
    locked_room,
    named,
    quoted,
    sql_type,
    translated,
)
from creditrisk.errors import BadConfig
from creditrisk.features.slices import Link, cut, slices_needed
from creditrisk.files import whole_file

type Schema = Mapping[str, Mapping[str, str]]
"""{table: {column: DuckDB type}}: what the SQL may see, in order."""

type Progress = Callable[[str, float], None]
"""Told (what is being done, share done in [0, 1])."""


def table_schema(book: Book) -> dict[str, dict[str, str]]:
    """What the features' SQL of this book may see of each table."""
    schema: dict[str, dict[str, str]] = {}
    for table, columns in book.feature_columns.items():
        types = {column.name: sql_type(column.type) for column in book.contracts[table].columns}
        schema[table] = {name: types.get(name, "VARCHAR") for name in columns}
    return schema


def compute(
    tables: Mapping[str, Path],
    sql: Sequence[SqlFile],
    schema: Schema,
    *,
    key: str,
    out: Path,
    settings: DuckSettings,
    progress: Progress | None = None,
    links: Mapping[str, Link] | None = None,
) -> int:
    """Bronze Parquet files to the feature table, one row an entity, sorted by key. Returns the number of rows.

    tables: {logical name: bronze file}; a table of `schema` that is not among them is absent.
    links: from `links_of`: where tables are large beside the memory limit, the SQL then sees so many entities at a
    time as fit; the rows are the same.
    Each file of SQL runs in a connection of its own, so that memory is given back between steps.
    Raises BadConfig when the SQL is wrong, OutsideFailed when memory or disk run out; `out` is whole or not there.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    told = progress or (lambda _what, _share: None)
    count = slices_needed(tables.values(), settings) if links else 1
    with TemporaryDirectory(prefix=".partial-features-", dir=out.parent) as name, whole_file(out) as partial:
        folder = Path(name)
        whole = {table: [path] for table, path in tables.items()}
        if count == 1 or links is None:
            _run_steps(whole, sql, schema, key, partial, settings, told)
        else:
            _run_slices(tables, links, sql, schema, key, count, folder, partial, settings, told)
    told(sql[-1].name, 1.0)
    return _rows(out)


def _run_slices(
    tables: Mapping[str, Path],
    links: Mapping[str, Link],
    sql: Sequence[SqlFile],
    schema: Schema,
    key: str,
    count: int,
    folder: Path,
    out: Path,
    settings: DuckSettings,
    told: Progress,
) -> None:
    told("entities in slices", 0.0)
    raw, made = folder / "raw", folder / "made"
    raw.mkdir()
    made.mkdir()
    columns = {name: list(listed) for name, listed in schema.items()}
    slices = cut(tables, links, columns, key=key, count=count, folder=raw, settings=settings)
    parts = []
    for number, files in enumerate(slices):
        share = (1 + number) / (2 + len(slices))
        told(f"slice {number + 1} of {len(slices)}", share)
        parts.append(made / f"{number:05}.parquet")
        _run_steps(files, sql, schema, key, parts[-1], settings, lambda *_: None, encoded=PARQUET_READ_ONCE)
        for path in chain.from_iterable(files.values()):
            path.unlink()
    told("slices put together", (1 + len(slices)) / (2 + len(slices)))
    with locked_room(settings, reads=parts, writes=out.parent) as con, translated(str(out)):
        con.execute(f"copy (from {_read(parts)}) to {quoted(str(out.resolve()))} ({PARQUET}, use_tmp_file false)")


def _run_steps(
    tables: Mapping[str, Sequence[Path]],
    sql: Sequence[SqlFile],
    schema: Schema,
    key: str,
    out: Path,
    settings: DuckSettings,
    told: Progress,
    *,
    encoded: str = PARQUET,
) -> None:
    with TemporaryDirectory(prefix=".partial-features-", dir=out.parent) as folder:
        done: dict[str, Path] = {}
        for index, file in enumerate(sql):
            told(file.name, index / len(sql))
            last = index == len(sql) - 1
            target = Path(folder) / f"{file.name}.parquet"
            how = encoded if last else PARQUET_READ_ONCE
            _run_step(file, tables, done, schema, target, settings, how, order_by=key if last else None)
            done[file.name] = target
        done[sql[-1].name].rename(out)


def compute_one_query(
    con: Connection, tables: Mapping[str, pa.Table], sql: Sequence[SqlFile], schema: Schema, *, key: str
) -> pa.Table:
    """The feature rows of the applications in `tables`, in one query, sorted by key.

    con: a connection from `locked_room`; tables: Arrow tables whose columns are a superset of the schema's.
    A table of `schema` that is not among them is absent.
    """
    read = frozenset().union(*(tables_read(file) for file in sql)) & set(schema)
    for name in sorted(read):
        if name in tables:
            con.register(f"{name}__rows", tables[name].select(list(schema[name])))
            con.execute(_view(name, f"{name}__rows", schema[name]))
        else:
            con.execute(_empty_view(name, schema[name]))
    steps = ", ".join(f"{named(file.name)} as ({_body(file, tables, schema)})" for file in sql)
    query = f"with {steps} select * from {named(sql[-1].name)} order by {named(key)}"  # noqa: S608
    with translated(sql[-1].path):
        return con.sql(query).to_arrow_table()


@lru_cache(maxsize=256)
def tables_read(file: SqlFile) -> frozenset[str]:
    """Names of the tables and earlier results that a file of SQL reads (not its own CTEs)."""
    tree = parsed(file)
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    return frozenset(table.name for table in tree.find_all(exp.Table)) - own


def parsed(file: SqlFile) -> exp.Expression:
    """The one SELECT of a file. Raises BadConfig for anything else."""
    try:
        trees = [tree for tree in sqlglot.parse(file.text, read="duckdb") if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        detail = error.errors[0] if getattr(error, "errors", None) else {}
        line = f", line {detail['line']}" if detail.get("line") else ""
        raise BadConfig(
            f"not SQL: {detail.get('description') or str(error).splitlines()[0]}", where=f"{file.path}{line}"
        ) from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise BadConfig(
            f"{len(trees)} statements, or not a SELECT", where=file.path, hint="one SELECT a file, WITH allowed"
        )
    return trees[0]


def _run_step(
    file: SqlFile,
    tables: Mapping[str, Sequence[Path]],
    done: Mapping[str, Path],
    schema: Schema,
    target: Path,
    settings: DuckSettings,
    encoded: str,
    *,
    order_by: str | None,
) -> None:
    read = tables_read(file)
    unknown = read - set(schema) - set(done)
    if unknown:
        known = ", ".join(sorted({*schema, *done}))
        raise BadConfig(f'reads "{min(unknown)}", which does not exist', where=file.path, hint=f"known: {known}")
    made = {name: [path] for name, path in done.items()}
    sources = {name: files for name, files in {**tables, **made}.items() if name in read}
    with (
        locked_room(settings, reads=list(chain.from_iterable(sources.values())), writes=target.parent) as con,
        translated(file.path),
    ):
        for name in sorted(read):
            if name in sources:
                con.execute(_view(name, _read(sources[name]), schema.get(name)))
            else:
                con.execute(_empty_view(name, schema[name]))
        order = f" order by {named(order_by)}" if order_by else ""
        query = f"select * from ({_body(file, tables, schema)}\n){order}"  # noqa: S608
        con.execute(f"copy ({query}) to {quoted(str(target.resolve()))} ({encoded})")


def _read(files: Sequence[Path]) -> str:
    """Rows of these Parquet files, in their order."""
    listed = ", ".join(quoted(str(path.resolve())) for path in files)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def _body(file: SqlFile, tables: Mapping[str, object], schema: Schema) -> str:
    """The file's SELECT; without rows where it reads a table that nobody asked for."""
    text = file.text.rstrip().rstrip(";")
    absent = (tables_read(file) & set(schema)) - set(tables)
    return f"select * from (\n{text}\n) limit 0" if absent else f"\n{text}\n"  # noqa: S608


def _view(name: str, source: str, columns: Mapping[str, str] | None) -> str:
    listed = ", ".join(map(named, columns)) if columns else "*"
    return f"create or replace temp view {named(name)} as select {listed} from {source}"  # noqa: S608


def _empty_view(name: str, columns: Mapping[str, str]) -> str:
    listed = ", ".join(f"cast(null as {kind}) as {named(column)}" for column, kind in columns.items())
    return f"create or replace temp view {named(name)} as select {listed} limit 0"


def _rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)
