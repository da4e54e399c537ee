"""Typed rows of several applications as Arrow tables, so that one query may read all of them and mix up none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.config import MAIN, Book, Column
from creditrisk.contracts.readings import precision_and_scale
from creditrisk.decisions.intake import Application
from creditrisk.decisions.rows import Row
from creditrisk.features import identifiers
from creditrisk.features.engine import Schema

type Places = NDArray[np.int64]
type ToArrow = Callable[[Sequence[Any]], pa.Array[Any]]

ARROW = {
    "integer": pa.int64(),
    "double": pa.float64(),
    "text": pa.string(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}
MOST_DIGITS = 18
"""Of a decimal whose last places 64 bits hold."""


class Tables:
    """Made once for a bundle: which columns of which table are wanted."""

    def __init__(self, book: Book, schema: Schema) -> None:
        self._key = book.key
        self._text_key = "CHAR" in schema[MAIN][book.key]
        self._columns: dict[str, list[tuple[str, int, ToArrow]]] = {}
        for table, names in schema.items():
            contract = book.contracts[table]
            places = {name: place for place, name in enumerate(contract.names)}
            self._columns[table] = [
                (name, places[name], arrow_of(contract.column(name))) for name in names if name in places
            ]
        self._to_main = {
            name: str(table.foreign_key) for name, table in book.portfolio.tables.items() if table.parent == MAIN
        }
        self._names = identifiers(book) - {book.key, *self._to_main.values()}
        """Columns that name rows of child tables: two applications may use the same."""

    def of(self, applications: Sequence[Application], present: frozenset[str]) -> dict[str, pa.Table]:
        """The rows of these applications, their keys replaced by their numbers among them.

        present: the child tables that each of them has. The main table's rows are in the applications' order.
        """
        numbers = self.keys(len(applications))
        made: dict[str, pa.Table] = {}
        owners: dict[str, Places] = {}
        for table, columns in self._columns.items():
            if table != MAIN and table not in present:
                continue
            held = [one.rows[table] for one in applications]
            rows = [row for own in held for row in own]
            whose = np.repeat(np.arange(len(held)), [len(own) for own in held])
            own_key = self._key if table == MAIN else self._to_main.get(table)
            made[table] = self._table(rows, columns, own_key, numbers, whose)
            owners[table] = whose
        return self._told_apart(made, owners) if len(applications) > 1 else made

    def keys(self, count: int) -> pa.Array[Any]:
        """What the first applications are called: their numbers, as texts of nine digits where the key is text."""
        numbers = range(count)
        return pa.array([f"{number:09}" for number in numbers] if self._text_key else numbers,
                        pa.string() if self._text_key else pa.int64())  # fmt: skip

    def _told_apart(self, tables: dict[str, pa.Table], owners: Mapping[str, Places]) -> dict[str, pa.Table]:
        """Rows that two applications call the same get numbers of their own, in the order of their names."""
        for name in self._names:
            held = [table for table, rows in tables.items() if name in rows.column_names]
            if not held:
                continue
            names = pa.concat_arrays([tables[table][name].combine_chunks() for table in held])
            whose = np.concatenate([owners[table] for table in held])
            ranks = _ranks_where_shared(names, whose)
            start = 0
            if ranks is None:
                continue
            for table in held:
                rows = tables[table]
                own = ranks.slice(start, rows.num_rows)
                start += rows.num_rows
                tables[table] = rows.set_column(rows.column_names.index(name), name, own)
        return tables

    def _table(
        self,
        rows: Sequence[Row],
        columns: Sequence[tuple[str, int, ToArrow]],
        own_key: str | None,
        numbers: pa.Array[Any],
        whose: Places,
    ) -> pa.Table:
        made: dict[str, pa.Array[Any]] = {}
        if own_key is not None:
            made[own_key] = numbers.take(pa.array(whose))
        for name, place, make in columns:
            if name not in made:
                made[name] = make([row[place] for row in rows])
        return pa.table(made)


def arrow_of(column: Column) -> ToArrow:
    """From a column's typed values to the Arrow type that its bronze file has."""
    kind = column.type.split("(")[0]
    if kind != "decimal":
        plain = ARROW[kind]
        return lambda values: pa.array(values, plain)
    precision, scale = precision_and_scale(column)
    to, whole, wide = pa.decimal128(precision, scale), pa.int64(), pa.decimal128(precision, 0)
    if precision > MOST_DIGITS:
        return lambda values: pa.array(values, wide).view(to)

    def make(values: Sequence[Any]) -> pa.Array[Any]:
        count = len(values)
        validity, data = pa.array(values, whole).buffers()
        halves = np.empty((count, 2), np.int64)
        halves[:, 0] = np.frombuffer(data, np.int64, count)
        halves[:, 1] = halves[:, 0] >> 63  # 128 bits, the lower half first
        return pa.Array.from_buffers(to, count, [validity, pa.py_buffer(halves)])

    return make


def _ranks_where_shared(names: pa.Array[Any], whose: Places) -> pa.Array[Any] | None:
    """Numbers instead of names, rising with owner and name, alike for the same name of one owner.

    None where no two owners share a name.
    """
    known = names.is_valid().to_numpy(zero_copy_only=False)
    order = pc.rank(names, tiebreaker="dense").to_numpy().astype(np.int64)
    pairs, place = np.unique(whose[known] * (len(names) + 1) + order[known], return_inverse=True)
    if len(pairs) == len(np.unique(order[known])):
        return None
    ranks = np.zeros(len(names), np.int64)
    ranks[known] = place
    numbers = pa.array(ranks, pa.int64(), mask=~known)
    return pc.utf8_lpad(numbers.cast(pa.string()), 12, "0") if pa.types.is_string(names.type) else numbers
