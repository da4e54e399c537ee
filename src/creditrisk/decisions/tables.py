"""Typed rows of several applications as Arrow tables, so that one query may read all of them and mix up none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.config import MAIN, Book, Column, Contract
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
        self._text_key = "CHAR" in schema[MAIN][book.key]
        key = pa.string() if self._text_key else pa.int64()
        to_main = {name: str(one.foreign_key) for name, one in book.portfolio.tables.items() if one.parent == MAIN}
        self._columns = {
            table: _Columns(book.contracts[table], names, book.key if table == MAIN else to_main.get(table), key)
            for table, names in schema.items()
        }
        names = identifiers(book) - {book.key, *to_main.values()}
        held = {name: [table for table, one in self._columns.items() if name in one.schema.names] for name in names}
        self._named = {name: tables for name, tables in held.items() if tables}
        """Columns that name rows of child tables, and the tables that have them: two applications may use the same."""

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
            owners[table] = np.repeat(np.arange(len(held)), [len(own) for own in held])
            made[table] = columns.of([row for own in held for row in own], numbers.take(pa.array(owners[table])))
        return self._told_apart(made, owners) if len(applications) > 1 else made

    def keys(self, count: int) -> pa.Array[Any]:
        """What the first applications are called: their numbers, as texts of nine digits where the key is text."""
        numbers = range(count)
        return pa.array([f"{number:09}" for number in numbers] if self._text_key else numbers,
                        pa.string() if self._text_key else pa.int64())  # fmt: skip

    def _told_apart(self, tables: dict[str, pa.Table], owners: Mapping[str, Places]) -> dict[str, pa.Table]:
        """Rows that two applications call the same get numbers of their own, in the order of their names."""
        for name, having in self._named.items():
            held = [table for table in having if table in tables]
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


class _Columns:
    """Of one table: typed rows to Arrow columns, all those of one type in one go and one after the other in memory.

    A column made alone costs a hundred times what its one value does.
    """

    def __init__(self, contract: Contract, names: Iterable[str], owner: str | None, key: pa.DataType) -> None:
        """owner: the column that holds the application's key."""
        places = {name: place for place, name in enumerate(contract.names)}
        listed = [name for name in names if name in places or name == owner]
        if owner is not None and owner not in listed:
            listed.insert(0, owner)
        self._owner = listed.index(owner) if owner is not None else None
        alike: dict[pa.DataType, list[tuple[int, int]]] = defaultdict(list)
        types = [key if name == owner else arrow_type(contract.column(name)) for name in listed]
        for position, (name, kind) in enumerate(zip(listed, types, strict=True)):
            if name != owner:
                alike[kind].append((position, places[name]))
        self._alike = [(arrow_of(kind), columns) for kind, columns in alike.items()]
        self.schema = pa.schema(list(zip(listed, types, strict=True)))

    def of(self, rows: Sequence[Row], owners: pa.Array[Any]) -> pa.Table:
        """owners: key of the application of each row."""
        made: list[pa.Array[Any]] = [owners] * len(self.schema)
        for make, columns in self._alike:
            flat = make([row[place] for _, place in columns for row in rows])
            for number, (position, _) in enumerate(columns):
                made[position] = flat.slice(number * len(rows), len(rows))
        return pa.Table.from_arrays(made, schema=self.schema)


def arrow_type(column: Column) -> pa.DataType:
    """As the column's bronze file has it."""
    if column.type.startswith("decimal"):
        return pa.decimal128(*precision_and_scale(column))
    return ARROW[column.type]


def arrow_of(to: pa.DataType) -> ToArrow:
    """From a column's typed values to that type."""
    if not pa.types.is_decimal(to):
        return lambda values: pa.array(values, to)
    whole, wide = pa.int64(), pa.decimal128(to.precision, 0)
    if to.precision > MOST_DIGITS:
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
