"""Rows that tell two engines apart, typed by a book's contracts: ends of types, ties, leap days, both zeros."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.config import MAIN, Book, Column
from creditrisk.decisions.tables import arrow_type
from creditrisk.duck import DuckSettings, locked_room
from creditrisk.errors import BadConfig
from creditrisk.features import compute_one_query, table_schema

WHOLE = (0, 1, -1, 2, 59, 60, 61, 365, -365, 730, 365243, 2**31 - 1, -(2**31), 2**53 + 1, -(2**53) - 1, 2**62, -(2**62))
DOUBLES = (
    0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3, 0.5, 1.5, 2.5, -2.5, 1e-7, 5e-324, 2.0**53 + 2, 1e15 + 0.3, 1e22, 1e300, -1e300,
    math.inf, -math.inf, math.nan,
)  # fmt: skip
TEXTS = ("", " ", "xyz", "é", "Ünseen \U0001f600", "a'b", "back\\slash", "%", "XNA", "NULL")
DAYS = (
    dt.date(2008, 2, 29), dt.date(2012, 2, 29), dt.date(2011, 12, 31), dt.date(2012, 1, 31), dt.date(2010, 8, 31),
    dt.date(1900, 2, 28), dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1582, 10, 10), dt.date(1970, 1, 1),
)  # fmt: skip

type Row = dict[str, Any]
type Rows = dict[str, list[Row]]


def applications(book: Book, seed: int, count: int, first: int = 900_000_000) -> list[Rows]:
    """So many applications with their children, each as {table: rows}; the first ones have one trait each."""
    rng = random.Random(seed)
    return [_application(book, rng, first + place, place) for place in range(count)]


def _application(book: Book, rng: random.Random, entity: int, place: int) -> Rows:
    # Some are ordinary rows with one odd cell, some are odd throughout.
    oddity = (0.0, 0.02, 0.1, 0.5)[place % 4]
    trait = ("", "no children", "all NULL", "twins", "", "", "")[place % 7]
    key = str(entity) if arrow_type(_column(book, MAIN, book.key)) == pa.string() else entity
    made: Rows = {MAIN: [_row(book, MAIN, rng, oddity, nothing=trait == "all NULL") | {book.key: key}]}
    for name in _parents_first(book):
        parent, foreign = book.portfolio.tables[name].parent, book.portfolio.tables[name].foreign_key
        assert parent is not None
        assert foreign is not None
        made[name] = []
        for owner in made[parent]:
            for _ in range(0 if trait == "no children" else rng.choice((0, 1, 1, 2, 3, 6))):
                row = _row(book, name, rng, oddity, nothing=trait == "all NULL") | {foreign: owner.get(foreign, key)}
                if book.key in row:
                    row[book.key] = key
                made[name] += [row, dict(row)] if trait == "twins" and rng.random() < 0.5 else [row]
    return made


def _row(book: Book, table: str, rng: random.Random, oddity: float, *, nothing: bool) -> Row:
    keys = {*book.portfolio.tables[table].key, book.portfolio.tables[table].foreign_key}
    keys |= {child.foreign_key for child in book.portfolio.tables.values() if child.parent == table}
    return {
        name: rng.randrange(1, 10**6) if name in keys and column.type == "integer"
        else None if nothing else _value(column, rng, oddity)
        for name in table_schema(book)[table] | dict.fromkeys(_target_columns(book, table))
        if (column := _column(book, table, name))
    }  # fmt: skip


def _target_columns(book: Book, table: str) -> list[str]:
    """What the target's SQL reads besides: the contract's own columns of the main table."""
    return [column.name for column in book.contracts[table].columns] if table == MAIN else []


def _column(book: Book, table: str, name: str) -> Column:
    found = next((column for column in book.contracts[table].columns if column.name == name), None)
    return found or Column(name=name, type="text", available="identifier")


def _value(column: Column, rng: random.Random, oddity: float) -> Any:
    if rng.random() < 0.1:
        return None
    odd = rng.random() < oddity
    if column.sentinels and rng.random() < 0.1:
        return _typed(column, rng.choice(list(column.sentinels)))
    low, high = (-40_000 if column.min is None else column.min), (40_000 if column.max is None else column.max)
    if column.type == "integer":
        return rng.choice((*WHOLE, 2**63 - 1, -(2**63))) if odd else rng.randint(int(low), int(min(high, low + 4000)))
    if column.type == "double":
        return rng.choice(DOUBLES) if odd else rng.choice((round(rng.uniform(low, high), 4), float(int(low)), 0.5))
    if column.type == "date":
        return rng.choice(DAYS) if odd else dt.date(2007, 1, 1) + dt.timedelta(days=rng.randrange(0, 4000))
    if column.type == "boolean":
        return rng.random() < 0.5
    if column.type == "text":
        known = column.categories or ("a", "b")
        return rng.choice(TEXTS) if odd else rng.choice(known)
    width, scale = map(int, column.type.removeprefix("decimal(").rstrip(")").split(","))
    units = rng.choice((10**width - 1, -(10**width) + 1, 2**53 + 1, 0, 1, -1)) if odd else rng.randrange(10**9)
    return Decimal(units).scaleb(-scale)


def _typed(column: Column, value: str) -> Any:
    return (
        {"integer": int, "double": float}.get(column.type.split("(")[0], str)(value)
        if "(" not in column.type
        else (Decimal(value))
    )


def _parents_first(book: Book) -> Iterator[str]:
    done = {MAIN}
    waiting = [name for name in book.portfolio.tables if name != MAIN]
    while waiting:
        name = next(one for one in waiting if book.portfolio.tables[one].parent in done)
        waiting.remove(name)
        done.add(name)
        yield name


def as_tables(book: Book, people: Sequence[Mapping[str, Sequence[Row]]]) -> dict[str, pa.Table]:
    """All of them together, a table each, with the columns that bronze has."""
    made = {}
    for name, contract in book.contracts.items():
        rows = [row for person in people for row in person.get(name, [])]
        own = [book.key] if name == MAIN and book.key not in contract.names else []
        columns = {one: pa.string() for one in own} | {column.name: arrow_type(column) for column in contract.columns}
        made[name] = pa.table({one: pa.array([row.get(one) for row in rows], kind) for one, kind in columns.items()})
    return made


def written(tables: Mapping[str, pa.Table], folder: Path) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.parquet" for name in tables}
    for name, table in tables.items():
        pq.write_table(table, paths[name])
    return paths


def differences(left: pa.Table, right: pa.Table, key: str) -> list[tuple[str, Any, Any, Any]]:
    """(column, key, this, that) of each value that is not the same: exactly, or doubles to 1e-12 of their size."""
    assert (left.column_names, left.schema.types) == (right.column_names, right.schema.types)
    left, right = left.sort_by(key), right.sort_by(key)
    keys = left[key].to_pylist()
    assert keys == right[key].to_pylist()
    return [
        (name, keys[place], this, that)
        for name in left.column_names
        for place, (this, that) in enumerate(zip(left[name].to_pylist(), right[name].to_pylist(), strict=True))
        if not same(this, that)
    ]


def same(this: Any, that: Any) -> bool:
    if isinstance(this, float) and isinstance(that, float):
        return this == that or (math.isnan(this) and math.isnan(that)) or (
            math.isfinite(this) and math.isfinite(that) and abs(this - that) <= 1e-12 * max(abs(this), abs(that))
        )  # fmt: skip
    return bool(this == that)


def computable(book: Book, people: Sequence[Rows]) -> list[Rows]:
    """Without those whose figures fit no type: they stop both engines, which is a test of its own."""
    kept = []
    for person in people:
        try:
            one_by_one(book, as_tables(book, [person]))
        except BadConfig as error:
            assert "Out of Range" in str(error) or "Conversion" in str(error)  # noqa: PT017
        else:
            kept.append(person)
    assert len(kept) > 0.8 * len(people)
    return kept


def one_by_one(book: Book, tables: Mapping[str, pa.Table]) -> pa.Table:
    with locked_room(DuckSettings("500MB", 2)) as con:
        return compute_one_query(con, tables, book.sql, table_schema(book), key=book.key)
