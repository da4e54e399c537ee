"""Raw files as the requests that a caller would send: one application with its child rows each."""

from __future__ import annotations

import csv
import gzip
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from creditrisk.config import MAIN, Book, Column

_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
AFTERWARDS = ("outcome", "post_origination")


def records_of(book: Book, raw: Path, *, most: int | None = None) -> list[dict[str, Any]]:
    """The first applications of the main file, in its order, every asked column stated, empty ones as null.

    Outcomes are left out; numbers are int and Decimal, texts with a unit are sent as they stand in the file.
    """
    return [sent(book, cells) for cells in cells_of(book, raw, most=most)]


def sent(book: Book, cells: Mapping[str, Any]) -> dict[str, Any]:
    """One application as a caller would send it, from the cells of its rows."""

    columns = {table: {column.name: column for column in book.contracts[table].columns} for table in cells}

    def row(table: str, texts: Mapping[str, str]) -> dict[str, Any]:
        return {name: _sent(cell, columns[table][name]) for name, cell in texts.items()}

    return {
        table: row(table, rows) if table == MAIN else [row(table, one) for one in rows] for table, rows in cells.items()
    }


def cells_of(book: Book, raw: Path, *, most: int | None = None) -> list[dict[str, Any]]:
    """... as texts: {"application": {column: cell}, "<child table>": [{column: cell}], ...}."""
    portfolio = book.portfolio
    rows = {name: _rows(book, name, raw) for name in portfolio.tables}
    mains = [row for _, row in zip(range(most or 10**9), rows[MAIN], strict=False)]
    wanted: dict[str, set[Any]] = {MAIN: {row.get(book.key) for row in mains}}
    below: dict[str, dict[str, list[dict[str, str]]]] = {}
    waiting = [name for name in portfolio.tables if name != MAIN]
    while waiting:
        name = next(one for one in waiting if portfolio.tables[one].parent in wanted)
        waiting.remove(name)
        table = portfolio.tables[name]
        link, found = str(table.foreign_key), defaultdict(list)
        for row in rows[name]:
            if row[link] in wanted[str(table.parent)]:
                found[row[link]].append(row)
        below[name] = found
        wanted[name] = {row[table.key[0]] for some in found.values() for row in some} if table.key else set()
    return [_application(book, row, below) for row in mains]


def _application(book: Book, main: dict[str, Any], below: dict[str, dict[str, list[dict[str, str]]]]) -> dict[str, Any]:
    made: dict[str, Any] = {MAIN: main}
    for name, found in below.items():
        table = book.portfolio.tables[name]
        if table.parent == MAIN:
            made[name] = found.get(main[book.key], [])
        else:
            parent = str(table.parent)
            names = [row[str(table.foreign_key)] for row in made[parent]]
            made[name] = [row for one in names for row in found.get(one, [])]
    return made


def _rows(book: Book, name: str, raw: Path) -> Iterator[dict[str, Any]]:
    columns = {column.name: column for column in book.contracts[name].columns}
    (path,) = [one for one in raw.iterdir() if one.name.split(".")[0] == book.portfolio.tables[name].file]
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            yield {name: cell for name, cell in row.items() if columns[name].available.value not in AFTERWARDS}


def _sent(cell: str, column: Column) -> Any:
    if not cell:
        return None
    if column.format != "plain" or column.type in ("text", "date", "boolean") or cell in column.missing:
        return cell
    if _NUMBER.fullmatch(cell) is None:
        return cell
    return int(cell) if cell.lstrip("-").isdigit() else Decimal(cell)
