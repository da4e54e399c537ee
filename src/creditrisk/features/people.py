"""The raw rows of some people, out of the typed tables of all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from creditrisk.config import MAIN, Book
from creditrisk.duck import DuckSettings, locked_room, named, parquet, translated
from creditrisk.features.engine import Schema
from creditrisk.features.lineage import identifiers
from creditrisk.features.slices import Link


def rows_of(
    tables: Mapping[str, Path], book: Book, schema: Schema, keys: pa.Array, settings: DuckSettings
) -> dict[str, pa.Table]:
    """{table: the rows of the people with these keys}, only the columns of `schema`; the main table by key.

    tables: typed Parquet files; one that is not among them stays absent.
    """
    found: dict[str, pa.Table] = {}
    with locked_room(settings, reads=list(tables.values())) as con:
        for name in parents_first(book):
            if name not in tables or name not in schema:
                continue
            table = book.portfolio.tables[name]
            link = book.key if name == MAIN else str(table.foreign_key)
            if MAIN in (name, table.parent):
                wanted = keys
            else:
                parent = str(table.parent)
                wanted = found[parent][book.portfolio.tables[parent].key[0]] if parent in found else pa.array([])
            con.register("wanted__", pa.table({"key": wanted}))
            columns = ", ".join(map(named, schema[name]))
            source = parquet(tables[name])
            order = f" order by {named(book.key)}" if name == MAIN else ""
            with translated(name):
                found[name] = con.sql(
                    f"select {columns} from {source} where {named(link)} in (select key from wanted__){order}"  # noqa: S608
                ).to_arrow_table()
    return found


def rows_among(tables: Mapping[str, pa.Table], book: Book, keys: pa.Array) -> dict[str, pa.Table]:
    """{table: the rows of the people with these keys}, out of tables in memory; their order stays."""
    found: dict[str, pa.Table] = {}
    for name in parents_first(book):
        if name not in tables:
            continue
        table, rows = book.portfolio.tables[name], tables[name]
        wanted, link = keys, book.key if name == MAIN else str(table.foreign_key)
        if table.parent not in (None, MAIN):
            parent = str(table.parent)
            above = (
                found[parent][book.portfolio.tables[parent].key[0]] if parent in found else pa.chunked_array([keys[:0]])
            )
            wanted = above.combine_chunks()
        found[name] = rows.filter(pc.is_in(rows[link], value_set=wanted.cast(rows[link].type)))
    return found


def parents_first(book: Book) -> list[str]:
    """The tables of a book, each after the one that it belongs to."""
    tables = book.portfolio.tables

    def depth(name: str) -> int:
        parent = tables[name].parent
        return 0 if parent is None else 1 + depth(parent)

    return sorted(tables, key=lambda name: (depth(name), name))


def links_of(book: Book) -> dict[str, Link]:
    """{table: its link}, parents first, without the main table."""
    tables = book.portfolio.tables
    return {
        name: Link(MAIN, str(tables[name].foreign_key), book.key)
        if tables[name].parent == MAIN
        else Link(str(tables[name].parent), str(tables[name].foreign_key), tables[str(tables[name].parent)].key[0])
        for name in parents_first(book)
        if name != MAIN
    }


def renumbered(tables: Mapping[str, pa.Table], book: Book) -> dict[str, pa.Table]:
    """The same rows under other names: identifiers become 1, 2, ... in their order, alike in every table.

    Rows are in a fixed order, so that the same people give the same bytes.
    """
    names = identifiers(book)
    numbers: dict[str, pa.Array] = {}
    for name in names:
        held = [table[name].combine_chunks() for table in tables.values() if name in table.column_names]
        if held:
            known = pc.unique(pa.concat_arrays([one.cast(held[0].type) for one in held]))
            numbers[name] = known.take(pc.sort_indices(known)).drop_null()
    out = {}
    for table, rows in tables.items():
        own = {name: _places(rows[name], numbers[name]) if name in names else rows[name] for name in rows.column_names}
        out[table] = pa.table(own).sort_by([(name, "ascending") for name in own])
    return out


def _places(column: pa.ChunkedArray, known: pa.Array) -> pa.ChunkedArray:
    place = pc.add(pc.index_in(column, value_set=known.cast(column.type)).cast(pa.int64()), 1)
    return pc.utf8_lpad(place.cast(pa.string()), 9, "0") if pa.types.is_string(column.type) else place.cast(column.type)
