"""The features' SQL planned once and run over the rows at hand: a group of applications costs no planning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from creditrisk.config import SqlFile
from creditrisk.duck import Connection, named, translated
from creditrisk.features.engine import Schema, _body, _view
from creditrisk.features.room import Rows

_ARROW = {
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "SMALLINT": pa.int16(),
    "TINYINT": pa.int8(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
}


class PreparedFeatures:
    """Some features of a book, over tables in memory. Belongs to one connection, and to one thread at a time.

    empty: every table that the SQL may see, without rows, with the types that later ones will have.
    A query is planned for each set of tables that somebody was asked for, when it first comes.
    """

    def __init__(
        self,
        con: Connection,
        empty: Mapping[str, pa.Table],
        sql: Sequence[SqlFile],
        schema: Schema,
        *,
        key: str,
        features: Sequence[str],
    ) -> None:
        self._con, self._sql, self._schema = con, sql, schema
        self._wanted = (key, *features)
        self._rows = {name: Rows(table.select(list(schema[name]))) for name, table in empty.items()}
        self._types: list[pa.DataType] = []
        self._planned: dict[frozenset[str], str] = {}
        for name, rows in self._rows.items():
            con.register(f"{name}__rows", rows)
            con.execute(_view(name, f"{name}__rows", schema[name]))

    def of(self, tables: Mapping[str, pa.Table]) -> pa.Table:
        """Key and features, sorted by key, of the applications in `tables`; a table that is not there is absent."""
        return self.as_table(self.rows_of(tables))

    def as_table(self, rows: Sequence[Sequence[Any]], features: Sequence[str] | None = None) -> pa.Table:
        """Of rows that `rows_of` gave; only the key and these features."""
        kept = self._wanted if features is None else (self._wanted[0], *features)
        places = [self._wanted.index(name) for name in kept]
        columns = [pa.array([row[place] for row in rows], self._types[place]) for place in places]
        return pa.table(columns, names=list(kept))

    def rows_of(self, tables: Mapping[str, pa.Table]) -> list[tuple[Any, ...]]:
        """The same as Python's values."""
        query = self._planned.get(frozenset(tables)) or self._plan(frozenset(tables))
        for name, rows in self._rows.items():
            rows.table = tables[name].select(rows.empty.column_names) if name in tables else rows.empty
        try:
            with translated(self._sql[-1].path):
                return self._con.execute(query).fetchall()
        finally:
            for rows in self._rows.values():
                rows.table = rows.empty

    def _plan(self, present: frozenset[str]) -> str:
        tables = dict.fromkeys(present, "")
        steps = ", ".join(f"{named(file.name)} as ({_body(file, tables, self._schema)})" for file in self._sql)
        listed = ", ".join(map(named, self._wanted))
        key = named(self._wanted[0])
        query = f"with {steps} select {listed} from {named(self._sql[-1].name)} order by {key}"  # noqa: S608
        name = f"features_{len(self._planned)}"
        with translated(self._sql[-1].path):
            if not self._types:
                self._types = [_ARROW[str(row[1])] for row in self._con.execute(f"describe {query}").fetchall()]
            self._con.execute(f"prepare {name} as {query}")
        self._planned[present] = f"execute {name}"
        return self._planned[present]
