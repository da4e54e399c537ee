"""A locked connection that stays open: views over rows that change, and queries that are planned once."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import pyarrow as pa

from creditrisk.duck import DuckSettings, locked_room, named, translated


class Rows:
    """What a view reads: the rows that stand here when it is asked. A plan knows the place, not the rows."""

    def __init__(self, table: pa.Table) -> None:
        self.empty = table.slice(0, 0)
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()


class Room:
    """Closed when nobody holds it any more, or before. For one thread at a time."""

    def __init__(self, settings: DuckSettings) -> None:
        stack = ExitStack()
        self._con = stack.enter_context(locked_room(settings, few_rows=True))
        self.close = weakref.finalize(self, stack.close)
        self._rows: dict[str, Rows] = {}
        self._views: set[str] = set()
        self._planned: dict[str, str] = {}

    def show(self, name: str, table: pa.Table) -> None:
        """Let these rows stand under that name, from now on with these columns and types."""
        if name in self._rows:
            rows = self._rows[name]
            kept = rows.empty.schema
            rows.table = table if table.schema.equals(kept) else table.select(kept.names).cast(kept)
        else:
            self._rows[name] = Rows(table)
            self._con.register(name, self._rows[name])

    def define(self, name: str, query: str) -> None:
        """A view of that name, if there is none yet."""
        if name not in self._views:
            self._con.execute(f"create temp view {named(name)} as {query}")
            self._views.add(name)

    def empty(self, columns: Mapping[str, str]) -> pa.Table:
        """A table without rows, with these columns of these DuckDB types."""
        listed = ", ".join(f"cast(null as {kind}) as {named(column)}" for column, kind in columns.items())
        return self._con.sql(f"select {listed} limit 0").to_arrow_table()

    def ask(self, query: str, *, where: str) -> pa.Table:
        """Raises BadConfig, naming `where`, for SQL that does not bind; OutsideFailed when memory or disk run out."""
        with translated(where):
            result = self._con.execute(self._plan(query))
            with warnings.catch_warnings():  # a prepared query has this way only, and few rows to copy once more
                warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)
                return result.to_arrow_table()

    def rows(self, query: str, *, where: str) -> list[tuple[Any, ...]]:
        """The same as Python's values: of a few wide rows, cheaper than a table."""
        with translated(where):
            return self._con.execute(self._plan(query)).fetchall()

    def _plan(self, query: str) -> str:
        if query not in self._planned:
            name = f"planned_{len(self._planned)}"
            self._con.execute(f"prepare {name} as {query}")
            self._planned[query] = f"execute {name}"
        return self._planned[query]

    def forget(self) -> None:
        """Let go of all rows; views and plans stay."""
        for rows in self._rows.values():
            rows.table = rows.empty
