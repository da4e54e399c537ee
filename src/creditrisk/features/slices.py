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

from creditrisk.config import MAIN
from creditrisk.duck import DuckSettings, locked_room, named, quoted, translated

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


def slices_needed(tables: Iterable[Path], settings: DuckSettings) -> int:
    """At least 1."""
    size = sum(path.stat().st_size for path in tables)
    return min(max(1, math.ceil(size / (SHARE * _bytes(settings.memory_limit)))), MOST)


def ranges(main: Path, key: str, count: int, settings: DuckSettings) -> list[Range]:
    """At most `count` ranges of about as many entities, in the order of the key; together they hold every key.

    main: typed Parquet, one row an entity.
    """
    if count == 1:
        return [Range(None, None)]
    shares = ", ".join(str(number / count) for number in range(1, count))
    with locked_room(settings, reads=[main]) as con, translated(MAIN):
        kind, found = con.sql(
            f"select first(typeof({named(key)})), quantile_disc({named(key)}, [{shares}]) from {parquet([main])}"  # noqa: S608
        ).fetchall()[0]
    bounds = [f"cast({quoted(str(bound))} as {kind})" for bound in sorted(set(found or ()))]
    return [Range(low, high) for low, high in zip([None, *bounds], [*bounds, None], strict=True)]


def rows_in(range_: Range, tables: Mapping[str, Path], links: Mapping[str, Link], *, key: str) -> dict[str, str]:
    """{table: SQL condition on its rows}: those of the entities in the range, whatever table they stand in.

    tables: typed Parquet; a link whose parent is not among them leads to nobody.
    """

    def condition(name: str) -> str:
        link = links.get(name)
        if link is None or link.parent == MAIN:
            return range_.holds(key if link is None else link.column)
        if link.parent not in tables:
            return "false"
        above = f"select {named(link.above)} from {parquet([tables[link.parent]])} where {condition(link.parent)}"  # noqa: S608
        return f"{named(link.column)} in ({above})"

    return {name: condition(name) for name in tables}


def parquet(files: Sequence[Path]) -> str:
    """Rows of these Parquet files, in their order."""
    listed = ", ".join(quoted(str(path.resolve())) for path in files)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def _bytes(limit: str) -> float:
    """DuckDB's limit, like 1500MB or 2GiB."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b\s*", limit.lower())
    if found is None:
        raise ValueError(limit)
    factor = _UNITS[found[2]] if not found[3] else 1024 ** list(_UNITS).index(found[2])
    return float(found[1]) * factor
