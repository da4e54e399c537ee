"""The features' SQL planned once and run over the rows at hand: a group of applications costs no planning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import pyarrow as pa

from creditrisk.config import SqlFile
from creditrisk.duck import DuckSettings, named
from creditrisk.features.engine import Schema, _body
from creditrisk.features.room import Room


class PreparedFeatures:
    """Some features of a book, over tables in memory. For one thread at a time.

    empty: every table that the SQL may see, without rows, with the types that later ones will have.
    A query is planned for each set of tables that somebody was asked for, when it first comes.
    """

    def __init__(
        self,
        settings: DuckSettings,
        empty: Mapping[str, pa.Table],
        sql: Sequence[SqlFile],
        schema: Schema,
        *,
        key: str,
        features: Sequence[str],
    ) -> None:
        self._sql, self._schema = sql, schema
        self._wanted = (key, *features)
        self._queries: dict[frozenset[str], str] = {}
        self._room = Room(settings)
        for name, table in empty.items():
            self._room.show(_rows(name), table.select(list(schema[name])))
            self._room.define(name, f"select * from {named(_rows(name))}")  # noqa: S608
        self._none = self._room.ask(self._query(frozenset(empty)), where=sql[-1].path)

    def close(self) -> None:
        self._room.close()

    def of(self, tables: Mapping[str, pa.Table]) -> pa.Table:
        """Key and features, sorted by key, of the applications in `tables`; a table that is not there is absent."""
        return self.as_table(self.rows_of(tables))

    def as_table(self, rows: Sequence[Sequence[Any]], features: Sequence[str] | None = None) -> pa.Table:
        """Of rows that `rows_of` gave; only the key and these features."""
        kept = self._wanted if features is None else (self._wanted[0], *features)
        places = [self._wanted.index(name) for name in kept]
        columns = [pa.array([row[place] for row in rows], self._none.schema.field(place).type) for place in places]
        return pa.table(columns, names=list(kept))

    def rows_of(self, tables: Mapping[str, pa.Table]) -> list[tuple[Any, ...]]:
        """The same as Python's values."""
        query = self._query(frozenset(tables))
        try:
            for name, table in tables.items():
                if name in self._schema:
                    self._room.show(_rows(name), table)
            found = self._room.rows(query, where=self._sql[-1].path)
        finally:
            self._room.forget()
        # Not sorted by the query: for that, DuckDB would hold every column of a few wide rows once more.
        return sorted(found, key=itemgetter(0))

    def _query(self, present: frozenset[str]) -> str:
        if present not in self._queries:
            tables = dict.fromkeys(present, "")
            steps = ", ".join(f"{named(file.name)} as ({_body(file, tables, self._schema)})" for file in self._sql)
            wanted = ", ".join(map(named, self._wanted))
            self._queries[present] = f"with {steps} select {wanted} from {named(self._sql[-1].name)}"  # noqa: S608
        return self._queries[present]


def _rows(table: str) -> str:
    return f"{table}__rows"
