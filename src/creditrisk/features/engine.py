"""Runs a book's SQL files in order, over Parquet files of any size or over the few rows of a request.

The SQL sees views that hold only the columns it may look at, so a column that exists after the loan was granted, or
one that may not decide about people, is not there to be read. A child table that nobody asked for (absent) gives NULL
features; one that was asked for and is empty gives the features of somebody who has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from creditrisk.chunks import of_size
from creditrisk.config import MAIN, Book, SqlFile
from creditrisk.duck import Connection, DuckSettings, locked_room, named, parquet, sql_type, translated
from creditrisk.errors import BadConfig
from creditrisk.features.slices import Link, ranges, rows_in, slices_needed
from creditrisk.files import PARTIAL, whole_file

type Schema = Mapping[str, Mapping[str, str]]
"""{table: {column: DuckDB type}}: what the SQL may see, in order."""

ROWS_OF_A_GROUP = 20_000
"""Of the feature table's Parquet: what is held beside a slice while it is written."""

_HUGE = ("HUGEINT", "UHUGEINT")

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
    time as fit; the file is the same. Each slice has a connection of its own, so that memory is given back.
    Raises BadConfig when the SQL is wrong, OutsideFailed when memory or disk run out; `out` is whole or not there.
    """
    told = progress or (lambda _what, _share: None)
    seen = {name: path for name, path in tables.items() if name in schema}
    parts = ranges(tables[MAIN], key, slices_needed(seen.values(), settings) if links else 1, settings)

    def slices() -> Iterator[pa.Table]:
        for number, part in enumerate(parts):
            of_all = f", slice {number + 1} of {len(parts)}" if len(parts) > 1 else ""
            with _room(seen, out.parent, settings) as con:
                _show(con, seen, rows_in(con, part, seen, links or {}, key=key), schema)
                for index, file in enumerate(sql):
                    told(f"{file.name}{of_all}", (number + index / len(sql)) / len(parts))
                    _need_known(file, {*schema, *(other.name for other in sql[:index])})
                    with translated(file.path):
                        if file is not sql[-1]:
                            con.execute(f"create temp table {named(file.name)} as {_body(file, seen, schema)}")
                        else:
                            rows = _result(con, file, _body(file, seen, schema), key)
            yield rows
            del rows  # or they stay while the next slice is made

    with whole_file(out) as partial:
        rows = write_features(slices(), key, partial)
    told(sql[-1].name, 1.0)
    return rows


@contextmanager
def _room(tables: Mapping[str, Path], spill: Path, settings: DuckSettings) -> Iterator[Connection]:
    with (
        TemporaryDirectory(prefix=PARTIAL, dir=spill) as folder,
        locked_room(settings, reads=list(tables.values()), writes=Path(folder)) as con,
    ):
        yield con


def _show(con: Connection, tables: Mapping[str, Path], where: Mapping[str, str], schema: Schema) -> None:
    """Every table of the schema is to be seen, with those of its rows that `where` asks for."""
    for name, columns in schema.items():
        if name in tables:
            con.execute(_view(name, f"{parquet(tables[name])} where {where[name]}", columns))
        else:
            con.execute(_empty_view(name, columns))


def _need_known(file: SqlFile, known: Set[str]) -> None:
    unknown = tables_read(file) - known
    if unknown:
        hint = f"known: {', '.join(sorted(known))}"
        raise BadConfig(f'reads "{min(unknown)}", which does not exist', where=file.path, hint=hint)


def _result(con: Connection, file: SqlFile, query: str, key: str) -> pa.Table:
    """The features; whole numbers of more than 64 bits as doubles, as Parquet has them."""
    found = con.sql(query)
    if key not in found.columns:
        raise BadConfig(f"gives no {key}", where=file.path, hint="one row for each of them, and the key first")
    huge = [name for name, kind in zip(found.columns, found.types, strict=True) if str(kind) in _HUGE]
    rows = found.to_arrow_table()
    for name in huge:
        rows = rows.set_column(rows.column_names.index(name), name, rows[name].cast(pa.float64()))
    return rows


def write_features(slices: Iterable[pa.Table], key: str, out: Path) -> int:
    """A feature table: each slice by its key, one after the other, in Parquet whose bytes depend on the rows alone.

    Without smallest and largest doubles: PyArrow leaves NaN out of them, and DuckDB believes them.
    """
    with ExitStack() as stack:
        writer, written = None, 0
        for rows in of_size(_by_key(slices, key), ROWS_OF_A_GROUP):
            if writer is None:
                texts = [one.name for one in rows.schema if pa.types.is_string(one.type)]
                ends = [one.name for one in rows.schema if not pa.types.is_floating(one.type)]
                writer = stack.enter_context(
                    pq.ParquetWriter(out, rows.schema, compression="zstd", compression_level=1, use_dictionary=texts,
                                     write_statistics=ends)
                )  # fmt: skip
            writer.write_table(rows)
            written += rows.num_rows
    return written


def _by_key(slices: Iterable[pa.Table], key: str) -> Iterator[pa.Table]:
    """Each slice by its key, in pieces: a copy of a whole one would take its memory once more."""
    for rows in slices:
        order = pc.sort_indices(rows[key])
        for start in range(0, max(1, len(order)), ROWS_OF_A_GROUP):
            yield rows.take(order[start : start + ROWS_OF_A_GROUP])
        del rows  # before the next slice is made


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


@lru_cache(maxsize=256)
def parsed(file: SqlFile) -> exp.Expression:
    """The one SELECT of a file, the same tree for all: copy it to change it. Raises BadConfig for anything else."""
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


def _body(file: SqlFile, tables: Mapping[str, object], schema: Schema) -> str:
    """The file's SELECT; without rows where it reads a table that nobody asked for."""
    text = file.text.rstrip().rstrip(";")
    absent = (tables_read(file) & set(schema)) - set(tables)
    return f"select * from (\n{text}\n) limit 0" if absent else f"\n{text}\n"  # noqa: S608


def _view(name: str, source: str, columns: Mapping[str, str]) -> str:
    listed = ", ".join(map(named, columns))
    return f"create or replace temp view {named(name)} as select {listed} from {source}"  # noqa: S608


def _empty_view(name: str, columns: Mapping[str, str]) -> str:
    listed = ", ".join(f"cast(null as {kind}) as {named(column)}" for column, kind in columns.items())
    return f"create or replace temp view {named(name)} as select {listed} limit 0"
