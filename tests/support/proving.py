"""Proofs of the tiny book: people, their raw tables, and a bundle that keeps peers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import MAIN, Book
from creditrisk.duck import DuckSettings, locked_room
from creditrisk.features import Factor, Substitution, compute_one_query, feature_lineage, mentioned, raw_factors

SETTINGS = DuckSettings("300MB", 1)


def substitution(book: Book, peers: Mapping[str, pa.Table]) -> Substitution:
    """For the book's own reason groups, as training would make it."""
    lineage = feature_lineage(book)
    groups: dict[str, list[str]] = {}
    for feature in lineage:
        for code in book.reasons.codes_of(feature)[:1]:
            groups.setdefault(code, []).append(feature)
    factors = [
        Factor(code, tuple(groups[code]), by_table(columns)) for code, columns in raw_factors(groups, lineage).items()
    ]
    reads = {name: by_table(one.reads) for name, one in lineage.items()}
    return Substitution(book, reads=reads, factors=factors, peers=peers, settings=SETTINGS)


def by_table(columns: frozenset[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    tables = sorted({table for table, _ in columns})
    return {table: tuple(sorted(name for of, name in columns if of == table)) for table in tables}


def features_from_raw(book: Book, raw: Mapping[str, pa.Table]) -> pa.Table:
    """The whole SQL, as anybody would run it over raw rows."""
    with locked_room(SETTINGS) as con:
        return compute_one_query(con, raw, book.sql, mentioned(book), key=book.key)


def given_peers_rows(
    book: Book, raw: Mapping[str, pa.Table], peers: Mapping[str, pa.Table], key: object, peer: object, *,
    columns: Sequence[str], tables: Sequence[str],
) -> dict[str, pa.Table]:  # fmt: skip
    """Raw tables of one applicant, `columns` of the main one and all rows of `tables` taken from a peer."""
    own, other = people(book, raw, [key]), people(book, peers, [peer])
    main = own[MAIN]
    for name in columns:
        place = main.column_names.index(name)
        main = main.set_column(place, name, other[MAIN][name].cast(main.schema.field(name).type))
    out = {**own, MAIN: main}
    for name in tables:
        link = book.portfolio.tables[name].foreign_key
        rows = other[name]
        if link is not None and book.portfolio.tables[name].parent == MAIN:
            kind = own[name].schema.field(link).type
            rows = rows.set_column(rows.column_names.index(link), link, pa.array([key] * rows.num_rows).cast(kind))
        out[name] = rows.cast(own[name].schema)
    return out


def people(book: Book, raw: Mapping[str, pa.Table], keys: Sequence[object]) -> dict[str, pa.Table]:
    """The rows of these people: of the main table, its children, and their children."""
    found: dict[str, pa.Table] = {MAIN: _where(raw[MAIN], book.key, keys)}
    waiting = [name for name in raw if name != MAIN]
    while waiting:
        for name in list(waiting):
            table = book.portfolio.tables[name]
            parent = str(table.parent)
            if parent in found:
                column = book.key if parent == MAIN else book.portfolio.tables[parent].key[0]
                found[name] = _where(raw[name], str(table.foreign_key), found[parent][column].to_pylist())
                waiting.remove(name)
    return found


def _where(table: pa.Table, column: str, values: Sequence[object]) -> pa.Table:
    return table.filter(pc.is_in(table[column], value_set=pa.array(values, table.schema.field(column).type)))


def read_tables(folder: Path, book: Book) -> dict[str, pa.Table]:
    """Typed tables, only what the SQL mentions."""
    return {
        name: pq.read_table(folder / f"{name}.parquet", columns=list(columns))
        for name, columns in mentioned(book).items()
        if (folder / f"{name}.parquet").is_file()
    }
