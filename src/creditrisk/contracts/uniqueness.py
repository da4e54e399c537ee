"""Finds doubled keys in tens of millions of rows: one number a row, sorted, neighbours compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from creditrisk.duck import Connection, named, quoted

_ROWS_AT_ONCE = 50_000_000
"""Eight bytes each; a larger table is taken in several passes."""


def doubled_rows(
    con: Connection, source: str, keys: Sequence[str], ends: Mapping[str, tuple[object, object]], rows: int
) -> int:
    """Rows whose key an earlier row already has; rows with a NULL in the key do not count.

    source: SQL of the table.  ends: {column: (smallest, largest)} of the columns of integers.
    Integers are packed into one exact number; other keys are hashed, and a hash seen twice is looked up exactly.
    """
    packed = _packed(keys, ends)
    value = packed or f"hash({', '.join(map(named, keys))})"
    known = known_key(keys)
    parts = 1 + rows // _ROWS_AT_ONCE
    doubled = 0
    for part in range(parts):
        chosen = f" and {value} % {parts} = {part}" if parts > 1 else ""
        doubled += _repeats(con, f"select {value} as v from {source} where {known}{chosen}", rows)  # noqa: S608
    return doubled if packed or not doubled else _looked_up(con, source, keys, known)


def _packed(keys: Sequence[str], ends: Mapping[str, tuple[object, object]]) -> str | None:
    """One exact number for the key, or None where it has other types or needs more than 63 bits."""
    total = 1
    terms: list[str] = []
    for key in keys:
        low, high = ends.get(key, (None, None))
        if not isinstance(low, int) or not isinstance(high, int):
            return None
        terms.append(f"({named(key)} - ({low})) * {total}")
        total *= high - low + 1
    return f"cast({' + '.join(terms)} as ubigint)" if total < 2**63 else None


def _repeats(con: Connection, query: str, rows: int) -> int:
    values = np.empty(rows, dtype=np.uint64)
    filled = 0
    for batch in con.sql(query).to_arrow_reader(500_000):
        part = np.from_dlpack(batch.column(0))  # Arrow's own to_numpy would import pandas, a second of CPU time
        values[filled : filled + len(part)] = part
        filled += len(part)
    used = values[:filled]
    used.sort()
    return int(np.count_nonzero(used[1:] == used[:-1]))


def _looked_up(con: Connection, source: str, keys: Sequence[str], known: str) -> int:
    listed = ", ".join(map(named, keys))
    query = f"select coalesce(sum(n - 1), 0) from (select count(*) as n from {source} where {known} group by {listed})"  # noqa: S608
    return int(con.sql(query).fetchall()[0][0])


@dataclass(frozen=True)
class Doubles:
    """Rows that share their key. duplicates: surplus copies, alike in every column.

    contradictions: rows that differ from another one with their key, copies not counted; contradicting: how many keys.
    Examples are keys.
    """

    duplicates: int
    contradictions: int
    contradicting: int
    duplicate_examples: tuple[str, ...] = ()
    contradiction_examples: tuple[str, ...] = ()


def told_apart(con: Connection, source: str, keys: Sequence[str], columns: Sequence[str]) -> Doubles:
    """Duplicates apart from contradictions. Reads the rows again, so call it only where `doubled_rows` found some."""
    listed = ", ".join(map(named, keys))
    con.execute(
        f"create or replace temp table doubled as select {listed}, count(*) as n, count(distinct {row_hash(columns)}) "  # noqa: S608
        f"as kinds from {source} semi join (select {listed} from {source} where {known_key(keys)} group by {listed} "
        f"having count(*) > 1) using ({listed}) group by {listed}"
    )
    duplicates, contradictions, contradicting = con.sql(
        "select coalesce(sum(n - kinds), 0), coalesce(sum(kinds) filter (kinds > 1), 0), count(*) filter (kinds > 1) "
        "from doubled"
    ).fetchall()[0]

    def first(condition: str) -> tuple[str, ...]:
        query = f"select {key_text(keys)} from doubled where {condition} order by {listed} limit 3"  # noqa: S608
        return tuple(row[0] for row in con.sql(query).fetchall())

    examples = first("n > kinds"), first("kinds > 1")
    return Doubles(int(duplicates), int(contradictions), int(contradicting), *examples)


def row_hash(columns: Sequence[str]) -> str:
    """SQL: 64 bits of a row's values."""
    return f"hash({', '.join(map(named, columns))})"


def known_key(keys: Sequence[str]) -> str:
    """SQL: no part of the key is empty."""
    return " and ".join(f"{named(key)} is not null" for key in keys)


def key_text(keys: Sequence[str]) -> str:
    """SQL: a row's key as a person reads it, "SK_ID_PREV=1, MONTHS_BALANCE=-3"."""
    return "concat_ws(', ', " + ", ".join(f"{quoted(key + '=')} || cast({named(key)} as varchar)" for key in keys) + ")"
