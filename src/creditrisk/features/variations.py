"""The same applicants with other raw values: every feature computed again by the book's own SQL.

Each variation is a copy of the applicants and of all their child rows under keys of its own, so that many variations
are one query, and a copy's figures are those that the applicant would have had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from creditrisk.config import MAIN, Book
from creditrisk.duck import Connection, DuckSettings, locked_room, named, parquet, translated
from creditrisk.errors import BadData
from creditrisk.features.engine import compute_one_query, table_schema
from creditrisk.kinds import Available

type Tables = Mapping[str, pa.Table]
"""{logical name: rows}; the main table is sorted by key."""

type Variation = Mapping[str, pa.Array[Any]]
"""{raw column of the main table: what stands there instead, one value an applicant}."""

ROWS_AT_ONCE = 300_000
"""Rows of all tables that one query reads, at least one variation's."""


def applicants_where(
    book: Book, bronze: Mapping[str, Path], condition: str, settings: DuckSettings, *, where: str
) -> pa.Array[Any]:
    """Keys of the main table's rows that meet an SQL condition on its raw columns, sorted.

    Raises BadConfig, naming `where`, for a condition that is not SQL or names no column.
    """
    path = bronze[MAIN]
    with locked_room(settings, reads=[path]) as con, translated(where):
        rows = con.sql(
            f"select {named(book.key)} from {parquet(path)} where ({condition}) "  # noqa: S608
            f"order by {named(book.key)}"
        ).to_arrow_table()
    return rows.column(0).combine_chunks()


def tables_of(
    book: Book, bronze: Mapping[str, Path], keys: pa.Array[Any], settings: DuckSettings
) -> dict[str, pa.Table]:
    """These applicants' rows of every table that is there, children by way of their parents; types as in bronze."""
    found: dict[str, pa.Table] = {}
    with locked_room(settings, reads=list(bronze.values())) as con:
        con.register("wanted", pa.table({book.key: keys}))
        found[MAIN] = _rows(con, bronze[MAIN], "wanted", book.key, order=True)
        waiting = [name for name in book.portfolio.tables if name != MAIN and name in bronze]
        while waiting:
            ready = [name for name in waiting if (book.portfolio.tables[name].parent or MAIN) in found]
            if not ready:  # their parent was not asked for, so neither were they
                break
            for name in ready:
                table = book.portfolio.tables[name]
                parent, column = table.parent or MAIN, table.foreign_key or book.key
                con.register("wanted", found[parent].select([column]))
                found[name] = _rows(con, bronze[name], "wanted", column)
            waiting = [name for name in waiting if name not in found]
    return found


def varied_features(
    book: Book, tables: Tables, variations: Sequence[Variation], settings: DuckSettings
) -> Iterator[pa.Table]:
    """The feature table of each variation in turn, its rows in the order of the main table's.

    Raises BadData for a column that the main table lacks.
    """
    schema = table_schema(book)
    rows = sum(table.num_rows for table in tables.values())
    at_once = max(1, ROWS_AT_ONCE // max(rows, 1))
    shifts = _shifts(book, tables)
    people = tables[MAIN].num_rows
    with locked_room(settings) as con:
        for start in range(0, len(variations), at_once):
            some = variations[start : start + at_once]
            copies = {name: _copies(table, name, some, shifts) for name, table in tables.items()}
            made = compute_one_query(con, copies, book.sql, schema, key=book.key)
            for number in range(len(some)):
                yield made.slice(number * people, people)


def _rows(con: Connection, path: Path, wanted: str, column: str, *, order: bool = False) -> pa.Table:
    sorting = f"order by {named(column)}" if order else ""
    return con.sql(
        f"select * from {parquet(path)} "  # noqa: S608
        f"where {named(column)} in (select {named(column)} from {wanted}) {sorting}"
    ).to_arrow_table()


def _shifts(book: Book, tables: Tables) -> dict[str, dict[str, int | None]]:
    """{table: {column that names rows: how far a copy's values lie from the one before; None for text}}."""
    columns: dict[str, list[str]] = {}
    for name, table in tables.items():
        ids = {column.name for column in book.contracts[name].columns if column.available is Available.IDENTIFIER}
        columns[name] = sorted(((book.joins(name) & ids) | {book.key}) & set(table.column_names))
    spans: dict[str, int | None] = {}
    for name, own in columns.items():
        for column in own:
            cells = tables[name].column(column)
            if not pa.types.is_integer(cells.type):
                spans[column] = None
                continue
            ends = pc.min_max(cells).as_py()
            width = (ends["max"] or 0) - min(ends["min"] or 0, 0) + 1
            spans[column] = max(width, spans.get(column) or 0)
    return {name: {column: spans[column] for column in own} for name, own in columns.items()}


def _copies(
    table: pa.Table, name: str, variations: Sequence[Variation], shifts: Mapping[str, Mapping[str, int | None]]
) -> pa.Table:
    copies = []
    for number, variation in enumerate(variations):
        copy = table
        for column, values in variation.items() if name == MAIN else ():
            if column not in table.column_names:
                raise BadData(f'the main table has no column "{column}" to vary')
            field = table.schema.field(column)
            copy = copy.set_column(table.schema.get_field_index(column), column, _cast(values, field.type))
        for column, width in shifts[name].items():
            cells = copy.column(column)
            moved = (
                pc.binary_join_element_wise(pa.scalar(f"{number:06}-"), cells.cast(pa.string()), "")
                if width is None
                else pc.add(cells.cast(pa.int64()), number * width)
            )
            copy = copy.set_column(copy.schema.get_field_index(column), column, moved)
        copies.append(copy)
    return pa.concat_tables(copies)


def _cast(values: pa.Array[Any], kind: pa.DataType) -> pa.Array[Any]:
    if pa.types.is_decimal(kind) and pa.types.is_integer(values.type):  # Arrow wants room for 19 digits
        return values.cast(pa.decimal128(38, kind.scale)).cast(kind)
    return values.cast(kind)
