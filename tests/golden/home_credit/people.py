"""Invented applicants in the shape of the book's bronze tables, and what one file of the book's SQL makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa

from creditrisk.config import MAIN, Book, load_book
from creditrisk.duck import DuckSettings, locked_room
from creditrisk.features import compute_one_query, table_schema
from creditrisk.features.engine import tables_read

type Row = dict[str, Any]

APPLICANT = """
SK_ID_CURR | AMT_INCOME_TOTAL | AMT_CREDIT | AMT_ANNUITY
         1 |           100000 |     200000 |       10000
"""
"""Somebody who asks for 200,000 to be paid back in parts of 10,000, with an income of 100,000."""


@cache
def book() -> Book:
    return load_book("home_credit")


def features(file: str, key: str = "SK_ID_CURR", **tables: str) -> dict[int, Row]:
    """{key: what `sql/<file>.sql` makes of it}, from tables written as text, `a | b` over `1 | 2`; nothing is NULL.

    A table of the book that is not named was not asked for. The files that this one reads run before it.
    """
    asked = {name: bronze(name, text) for name, text in tables.items()}
    with locked_room(DuckSettings(threads=1)) as con:
        made = compute_one_query(con, asked, _up_to(file), table_schema(book()), key=key).to_pylist()
    found = {row.pop(key): row for row in made}
    assert len(found) == len(made), "a key stands twice"
    return found


def bronze(table: str, text: str) -> pa.Table:
    """The rows with every column of the contract, typed as bronze types them. A misspelt column fails."""
    header, *lines = [line for line in text.splitlines() if line.strip()]
    names = [cell.strip() for cell in header.split("|")]
    cells = [[cell.strip() or None for cell in line.split("|")] for line in lines]
    assert all(len(row) == len(names) for row in cells), "a row is longer or shorter than its header"
    return typed(table, [dict(zip(names, row, strict=True)) for row in cells])


def typed(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    columns = book().contracts[table].columns
    unknown = {name for row in rows for name in row} - {column.name for column in columns}
    assert not unknown, f"not columns of {table}: {unknown}"
    arrays = {column.name: _array([row.get(column.name) for row in rows], column.type) for column in columns}
    return pa.table(arrays)


def _array(values: Sequence[Any], contract_type: str) -> pa.Array:
    plain = {"integer": (int, pa.int64()), "double": (float, pa.float64()), "text": (str, pa.string())}
    make, kind = plain.get(contract_type, (Decimal, pa.decimal128(18, 3)))
    return pa.array([None if value is None else make(value) for value in values], kind)


def _up_to(file: str) -> list[Any]:
    """The file, after those whose results it reads."""
    by_name = {one.name: one for one in book().sql}
    before = [one for one in book().sql if one.name in tables_read(by_name[file])]
    return [*before, by_name[file]]


__all__ = ["APPLICANT", "MAIN", "Row", "book", "bronze", "features", "typed"]
