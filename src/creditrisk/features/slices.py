"""Entities in ranges of their key, each with its rows of every table: so many at once as fit into memory.

A group-by over more groups than memory holds spills a state for nearly every row, many times what the rows themselves
take. An entity's features depend on its own rows alone, so the SQL may as well see some entities at a time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from creditrisk.config import MAIN
from creditrisk.duck import PARQUET_READ_ONCE, Connection, DuckSettings, locked_room, named, quoted, translated

SLICE = "slice__"
SHARE = 0.5
"""Of the memory limit: bronze Parquet of one slice. Home Credit's features then spill little."""
MOST = 1000

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


@dataclass(frozen=True)
class Link:
    """How a table hangs on the one above it: its `column` is `above` there."""

    parent: str
    column: str
    above: str


def slices_needed(tables: Iterable[Path], settings: DuckSettings) -> int:
    """At least 1."""
    size = sum(path.stat().st_size for path in tables)
    return min(max(1, math.ceil(size / (SHARE * _bytes(settings.memory_limit)))), MOST)


def cut(
    tables: Mapping[str, Path],
    links: Mapping[str, Link],
    columns: Mapping[str, Sequence[str]],
    *,
    key: str,
    count: int,
    folder: Path,
    settings: DuckSettings,
) -> list[dict[str, list[Path]]]:
    """For each slice {table: its files}, in the order of the key; at most `count` of about as many entities.

    tables: typed Parquet files.  columns: {table: those that are wanted}; other tables are left out.
    A slice has every table that there is, be it without rows. Rows that belong to no entity may be left out.
    """
    kept = [name for name in (MAIN, *links) if name in tables and name in columns]
    with locked_room(settings, reads=[tables[name] for name in kept], writes=folder) as con, translated(MAIN):
        bounds = _bounds(con, tables[MAIN], key, count)
        for name in kept:
            uppers = {link.above for link in links.values() if link.parent == name}
            wanted = list(dict.fromkeys([*columns[name], *sorted(uppers)]))
            place = _placed(name, tables, links, key, bounds, folder)
            listed = ", ".join(f"rows.{named(column)}" for column in wanted)
            (folder / name).mkdir()
            con.execute(
                f"copy (select {listed}, {place} to {quoted(str((folder / name).resolve()))} "
                f"({PARQUET_READ_ONCE}, partition_by ({SLICE}))"
            )
    return [_of_slice(number, kept, tables, folder) for number in range(len(bounds) + 1)]


def _bounds(con: Connection, main: Path, key: str, count: int) -> list[str]:
    """The first keys of all slices but the first one, as SQL."""
    shares = ", ".join(str(number / count) for number in range(1, count))
    source = f"read_parquet({quoted(str(main.resolve()))})"
    kind, found = con.sql(
        f"select first(typeof({named(key)})), quantile_disc({named(key)}, [{shares}]) from {source}"  # noqa: S608
    ).fetchall()[0]
    return [f"cast({quoted(str(bound))} as {kind})" for bound in sorted(set(found or ()))]


def _placed(
    name: str, tables: Mapping[str, Path], links: Mapping[str, Link], key: str, bounds: Sequence[str], folder: Path
) -> str:
    """The end of a SELECT of `rows`, beginning with the number of each row's slice."""
    source = f"from read_parquet({quoted(str(tables[name].resolve()))}) as rows"
    link = links.get(name)
    if link is not None and link.parent != MAIN:
        if not list((folder / link.parent).rglob("*.parquet")):
            return f"0 as {SLICE} {source} where false)"
        files = quoted(str((folder / link.parent).resolve() / "*" / "*.parquet"))
        parts = f"read_parquet({files}, hive_partitioning = true)"
        above = f"select distinct {named(link.above)} as link__, {SLICE} from {parts}"  # noqa: S608
        return f"above.{SLICE} {source} join ({above}) as above on above.link__ = rows.{named(link.column)})"
    column = f"rows.{named(key if link is None else link.column)}"
    number = " + ".join(f"cast({column} >= {bound} as integer)" for bound in bounds) or "0"
    return f"coalesce({number}, 0) as {SLICE} {source})"


def _of_slice(number: int, names: Sequence[str], tables: Mapping[str, Path], folder: Path) -> dict[str, list[Path]]:
    found = {}
    for name in names:
        found[name] = sorted((folder / name / f"{SLICE}={number}").glob("*.parquet"))
        if not found[name]:
            empty = folder / f"{name}-{number}.parquet"
            pq.write_table(pq.read_schema(tables[name]).empty_table(), empty)
            found[name] = [empty]
    return found


def _bytes(limit: str) -> float:
    """DuckDB's limit, like 1500MB or 2GiB."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b\s*", limit.lower())
    if found is None:
        raise ValueError(limit)
    factor = _UNITS[found[2]] if not found[3] else 1024 ** list(_UNITS).index(found[2])
    return float(found[1]) * factor
