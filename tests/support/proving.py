"""Proofs of the tiny book: people, their raw tables, and a bundle that keeps peers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import MAIN, Book
from creditrisk.duck import DuckSettings, locked_room
from creditrisk.features import Factor, Substitution, compute_one_query, feature_lineage, mentioned, raw_factors
from creditrisk.modelling import Bundle, ReasonWords

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


def mean_margins_without(
    bundle: Bundle, book: Book, raw: Mapping[str, pa.Table], wanted: Sequence[tuple[object, str]]
) -> list[float]:
    """For each (applicant, reason code): the mean margin over the peers whose factor is given, the long way round:
    raw tables in which the factor is replaced, the whole SQL over them, and no short cut.
    """
    words = {one.code: one for one in bundle.policy.reasons}
    count = bundle.peers[MAIN].num_rows
    variants: list[dict[str, pa.Table]] = []
    for key, code in wanted:
        columns, tables = words[code].factors.get(MAIN, ()), _replaced(book, words[code].factors)
        alone = people(book, raw, [key])
        for taken in (tables, []):  # features that the factor touches, and the others
            first = 1 + count * len(variants)
            variants.append(given_peers_facts(book, alone, bundle.peers, columns=columns, tables=taken, first=first))
    together = {name: pa.concat_tables(one[name] for one in variants) for name in variants[0]}
    for name in together:  # a grandchild's rows are found by their parent's key, so each of them stands there once
        if name != MAIN and book.portfolio.tables[name].parent != MAIN:
            rows = people(book, raw, sorted({key for key, _ in wanted}))[name]  # type: ignore[type-var]
            together[name] = pa.concat_tables([rows, bundle.peers[name].cast(rows.schema)])
    features = features_from_raw(book, together)
    assert features.num_rows == count * len(variants)
    means = []
    for place, (_, code) in enumerate(wanted):
        theirs, own = (features.slice(count * (2 * place + part), count) for part in (0, 1))
        mixed = {
            name: (theirs if _touched(words[code], name, bundle.lineage[name]) else own)[name]
            for name in bundle.preprocess.names
        }
        means.append(float(np.mean(bundle.margin(bundle.preprocess.matrix(pa.table(mixed)).values))))
    return means


def _replaced(book: Book, factors: Mapping[str, Sequence[str]]) -> list[str]:
    """Child tables that the factor replaces: those it has columns of, and all that hang together with them."""
    roots = {_root(book, name) for name in factors if name != MAIN}
    return [name for name in book.portfolio.tables if name != MAIN and _root(book, name) in roots]


def _touched(words: ReasonWords, feature: str, reads: Mapping[str, Sequence[str]]) -> bool:
    children = {table: set(of) for table, of in words.factors.items() if table != MAIN}
    return feature in words.features or any(children.get(table, set()) & set(of) for table, of in reads.items())


def given_peers_facts(
    book: Book, raw: Mapping[str, pa.Table], peers: Mapping[str, pa.Table], *,
    columns: Sequence[str], tables: Sequence[str], first: int = 1,
) -> dict[str, pa.Table]:  # fmt: skip
    """Raw tables of one applicant as often as there are peers: `columns` of the main table and all rows of `tables`
    are the peers' own. The applicants are numbered from `first` on.
    """
    ordered = peers[MAIN].sort_by(book.key)
    count = ordered.num_rows
    main = pa.concat_tables([raw[MAIN]] * count)
    as_of = book.portfolio.split.date
    for name in columns:
        if name == as_of:
            continue
        kind = main.schema.field(name).type
        values = ordered[name].to_pylist()
        if pa.types.is_date(kind) and as_of is not None:
            dates = zip(values, ordered[as_of].to_pylist(), strict=True)
            values = [_moved(day, before, raw[MAIN][as_of][0].as_py()) for day, before in dates]
        main = main.set_column(main.column_names.index(name), name, pa.array(values, kind))
    text = pa.types.is_string(main.schema.field(book.key).type)
    keys = [f"{number:09d}" if text else number for number in range(first, first + count)]
    out = {MAIN: main.set_column(main.column_names.index(book.key), book.key, pa.array(keys))}
    for name in raw:
        table = book.portfolio.tables[name]
        if name == MAIN:
            continue
        if table.parent != MAIN:  # rows of a grandchild are found by their own parent's key
            rows = [peers[name].cast(raw[name].schema)] if name in tables else [raw[name]]
        else:
            found = [_where(peers[name], str(table.foreign_key), [key]) for key in ordered[book.key].to_pylist()]
            rows = [
                _owned(
                    (found[place] if name in tables else raw[name]).cast(raw[name].schema), str(table.foreign_key), key
                )
                for place, key in enumerate(keys)
            ]
        out[name] = pa.concat_tables(rows)
    return out


def _owned(rows: pa.Table, column: str, key: object) -> pa.Table:
    return rows.set_column(rows.column_names.index(column), column, pa.array([key] * rows.num_rows, rows[column].type))


def _root(book: Book, name: str) -> str:
    parent = book.portfolio.tables[name].parent
    return name if parent in (None, MAIN) else _root(book, str(parent))


def _moved(day: dt.date | None, before: dt.date, after: dt.date) -> dt.date | None:
    """As many months before `after` as it was before `before`."""
    if day is None:
        return None
    months = after.year * 12 + after.month - (before.year * 12 + before.month - day.year * 12 - day.month) - 1
    first = dt.date(months // 12, months % 12 + 1, 1)
    following = dt.date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    return min(first + dt.timedelta(day.day - 1), following - dt.timedelta(1))


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
