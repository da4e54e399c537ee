"""Entities in ranges of their key, each with its rows of every table: so many at once as fit into memory.

A group-by over more groups than memory holds spills a state for nearly every row, many times what the rows themselves
take. An entity's features depend on its own rows alone, so the SQL may as well see some entities at a time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from creditrisk.config import MAIN
from creditrisk.duck import Connection, DuckSettings, locked_room, named, parquet, quoted, translated

SHARE = 1 / 16
"""Of the memory limit: bronze Parquet of one slice. Home Credit then needs about half the limit, and spills nothing."""
MOST = 1000

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


@dataclass(frozen=True)
class Link:
    """How a table hangs on the one above it: its `column` is `above` there."""

    parent: str
    column: str
    above: str


@dataclass(frozen=True)
class Range:
    """Keys from `low` to below `high`, as SQL; None = without an end."""

    low: str | None
    high: str | None

    def holds(self, column: str) -> str:
        """An SQL condition on a column. A key without a value is in no range but the endless one."""
        ends = [
            *([f"{named(column)} >= {self.low}"] if self.low is not None else []),
            *([f"{named(column)} < {self.high}"] if self.high is not None else []),
        ]
        return " and ".join(ends) or "true"


ENDLESS = Range(None, None)


def slices_needed(tables: Iterable[Path], settings: DuckSettings) -> int:
    """At least 1."""
    size = sum(path.stat().st_size for path in tables)
    return min(max(1, math.ceil(size / (SHARE * _bytes(settings.memory_limit)))), MOST)


def ranges(main: Path, key: str, count: int, settings: DuckSettings) -> list[Range]:
    """At most `count` ranges of about as many entities, in the order of the key; together they hold every key.

    main: typed Parquet, one row an entity.
    """
    if count == 1:
        return [ENDLESS]
    shares = ", ".join(str(number / count) for number in range(1, count))
    with locked_room(settings, reads=[main]) as con, translated(MAIN):
        kind, found = con.sql(
            f"select first(typeof({named(key)})), quantile_disc({named(key)}, [{shares}]) from {parquet(main)}"  # noqa: S608
        ).fetchall()[0]
    bounds = [f"cast({quoted(str(bound))} as {kind})" for bound in sorted(set(found or ()))]
    return [Range(low, high) for low, high in zip([None, *bounds], [*bounds, None], strict=True)]


def rows_in(
    con: Connection, range_: Range, tables: Mapping[str, Path], links: Mapping[str, Link], *, key: str
) -> dict[str, str]:
    """{table: SQL condition on its rows}: those of the entities in the range, whatever table they stand in.

    con: may read the tables, which are typed Parquet.  links: a table whose parent is not there belongs to nobody.
    """
    if range_ == ENDLESS:
        return dict.fromkeys(tables, "true")
    found: dict[str, str] = {}
    for name in (name for name in (MAIN, *links) if name in tables):  # parents first
        link = links.get(name)
        if link is None or link.parent == MAIN:
            found[name] = range_.holds(key if link is None else link.column)
        elif link.parent in found:
            found[name] = _below(con, link, tables[link.parent], found[link.parent])
        else:
            found[name] = "false"
    return found


def _below(con: Connection, link: Link, parent: Path, condition: str) -> str:
    """The rows below those of the parent, by name and by their ends: the latter let Parquet skip what no join does."""
    column, above, rows = named(link.column), named(link.above), f"from {parquet(parent)} where {condition}"
    query = f"select first(typeof({above})), min({above}), max({above}) {rows}"
    ((kind, *ends),) = con.sql(query).fetchall()
    if None in ends:  # nobody has such rows
        return "false"
    low, high = (f"cast({quoted(str(end))} as {kind})" for end in ends)
    return f"{column} between {low} and {high} and {column} in (select {above} {rows})"


def _bytes(limit: str) -> float:
    """DuckDB's limit, like 1500MB or 2GiB."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b\s*", limit.lower())
    if found is None:
        raise ValueError(limit)
    factor = _UNITS[found[2]] if not found[3] else 1024 ** list(_UNITS).index(found[2])
    return float(found[1]) * factor
