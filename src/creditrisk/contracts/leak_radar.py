"""Searches a book nobody has seen for columns that know the outcome: the figures of every column, one by one.

It knows nothing of contracts: typed tables, an outcome for each entity and its as-of date are enough. `leak_verdicts`
says what follows from the figures.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from creditrisk.contracts.leak_tables import EPOCH, Child, Column, child_columns, days_of, main_columns
from creditrisk.duck import DuckSettings, locked_room, translated
from creditrisk.errors import BadData
from creditrisk.stats import alone
from creditrisk.stats.alone import Codes, Floats, Group, Mask, Outcomes, Ranked, ranked

FOLDS = 5
BINS = 32
RANKS = 1024
SMOOTHING = 20.0
"""Rows of the vintage's own rate that each code's rate is mixed with."""
VALUES_MAX = 1_000
"""Most frequent texts that stand for themselves; the others stand together."""
ROWS_PER_VINTAGE = 10
"""On average; with fewer, months are put together to quarters, then years."""
NEAR_UNIQUE = 0.99
KNOWN_MIN = 100
"""Bads and goods that must have a value, for an AUC of those alone who have one."""

type Progress = Callable[[str, float], None]
"""Told (table and column, share done in [0, 1])."""


@dataclass(frozen=True)
class People:
    """The labelled entities that columns are held against, in the order of their keys' hashes.

    as_of: epoch day, NaN without one.  labelled: how many there were before sampling.  period: month, quarter or year
    of a vintage; none without dates.
    """

    keys: pa.ChunkedArray
    outcomes: Outcomes
    as_of: Floats
    labelled: int
    period: str


@dataclass(frozen=True)
class Figures:
    """What one column, or one aggregate of a child table's column, says alone.

    auc_*: within vintage; `auc` is the highest.  groups: rows that share being missing, present, at the usual value or
    off it, or the one value (`value`) that is bad most often.  dates_after: share of the known dates that lie after
    the month of the as-of date; None where there is nothing to compare.  grows: rank correlation of a near-unique
    whole number with the as-of date, or with the place in the file; else 0.
    """

    table: str
    column: str
    aggregate: str
    reads_as: str
    rows: int
    null_share: float
    distinct: int
    auc_rank: float
    auc_out_of_fold: float
    auc_missing: float
    groups: Mapping[str, Group] = field(default_factory=dict)
    value: str = ""
    dates_after: float | None = None
    grows: float = 0.0

    @property
    def auc(self) -> float:
        return max(self.auc_rank, self.auc_out_of_fold, self.auc_missing)


def people(keys: pa.ChunkedArray, target: pa.ChunkedArray, date: pa.ChunkedArray | None, *, most: int) -> People:
    """The entities with a known outcome; `most` of them, chosen by a hash of the key, where there are more.

    keys, target (0, 1 or NULL), date (as-of, NULL where unknown): one row an entity.
    Raises BadData when no outcome is known.
    """
    days = np.full(len(keys), np.nan) if date is None else days_of(date)
    table = pa.table({"key": keys, "target": target, "day": days}).filter(pc.is_valid(target))
    if not table.num_rows:
        raise BadData("no entity has a known outcome, so no column can be held against it")
    digests = b"".join(
        hashlib.md5(str(key).encode(), usedforsecurity=False).digest() for key in table["key"].to_pylist()
    )
    first, second = np.frombuffer(digests, ">u8").reshape(-1, 2).astype(np.uint64).T
    order = np.lexsort((second, first))[:most]
    kept = table.take(pa.array(order))
    as_of = np.asarray(kept["day"].to_numpy(), dtype=np.float64)
    vintage, period = _vintages(as_of)
    fold = ((second[order] & np.uint64(2**32 - 1)) % FOLDS).astype(np.int64)
    outcomes = Outcomes(kept["target"].to_numpy().astype(np.int8), vintage, fold)
    return People(kept["key"], outcomes, as_of, table.num_rows, period)


def figures(
    tables: Mapping[str, Path],
    who: People,
    *,
    main: str,
    key: str,
    children: Sequence[Child] = (),
    rows_min: int,
    bad_rate_high: float,
    settings: DuckSettings,
    progress: Progress | None = None,
) -> Iterator[Figures]:
    """Of every column of the main table, then of count, mean, max and share of NULL of each child column.

    children: parents before their own children.
    A single value is told when it has `rows_min` rows and a bad rate of `bad_rate_high`.
    """
    links: dict[str, Child] = {}
    for child in children:  # one whose parent was not asked for leads to no entity
        if child.table in tables and child.parent in (main, *links):
            links[child.table] = child
    with locked_room(settings, reads=list(tables.values()), writes=tables[main].parent) as con, translated(main):
        con.register("who", pa.table({"key": who.keys, "pos": np.arange(len(who.keys), dtype=np.int64)}))
        con.execute("create temp table people as select * from who")
        told = progress or (lambda _what, _share: None)
        for step, table in enumerate([main, *links]):
            told(f"leak radar: {table}", step / (1 + len(links)))
            columns = (
                main_columns(con, main, tables[main], key)
                if table == main
                else child_columns(con, links[table], links, tables, key, len(who.keys))
            )
            for column in columns:
                yield column_figures(column, who, rows_min=rows_min, bad_rate_high=bad_rate_high)
        told("leak radar", 1.0)


def column_figures(column: Column, who: People, *, rows_min: int, bad_rate_high: float) -> Figures:
    """Everything there is to tell of one column. A child's column is held against the entities that have rows there."""
    outcomes, inside = who.outcomes, column.there
    ordered = ranked(column.values)
    missing = ~ordered.known if inside is None else inside & ~ordered.known
    ranks, bins = _codes(column, ordered)
    of_rank = alone.auc_of_rank(outcomes, ranks, known_min=KNOWN_MIN) if ranks is not None else alone.CHANCE
    groups, value = _groups(column, ordered, bins, missing, outcomes, rows_min, bad_rate_high)
    return Figures(
        table=column.table,
        column=column.name,
        aggregate=column.aggregate,
        reads_as=column.kind,
        rows=len(column.values) if inside is None else int(inside.sum()),
        null_share=float(missing.sum() / max(len(missing) if inside is None else inside.sum(), 1)),
        distinct=len(ordered.rows),
        auc_rank=max(of_rank, 1.0 - of_rank),
        auc_out_of_fold=max(
            alone.auc_out_of_fold(outcomes, codes, smoothing=SMOOTHING, inside=inside)
            for codes in (bins, *_relative(column, who))
        ),
        auc_missing=alone.auc_of_missing(outcomes, missing, inside),
        groups=groups,
        value=value,
        dates_after=_dates_after(column, who),
        grows=_grows(column, ordered, who),
    )


def _codes(column: Column, ordered: Ranked) -> tuple[Codes | None, Codes]:
    """Codes to rank by, which texts have not, and codes to learn rates of."""
    if column.kind != "text":
        return ordered.codes(RANKS), ordered.codes(BINS)
    often = np.argsort(-ordered.rows, kind="stable")
    code = np.full(len(often), 1 + VALUES_MAX)
    code[often[:VALUES_MAX]] = 1 + np.arange(min(len(often), VALUES_MAX))
    codes = np.zeros(len(ordered.known), dtype=np.int64)
    codes[ordered.known] = code[ordered.place]
    return None, codes


def _relative(column: Column, who: People) -> Iterator[Codes]:
    """Of a date: its distance from the as-of date, which means the same in every vintage."""
    if column.kind == "date" and who.period != "none":
        yield ranked(column.values - who.as_of).codes(BINS)


def _groups(
    column: Column, ordered: Ranked, bins: Codes, missing: Mask, outcomes: Outcomes, rows_min: int, bad_rate_high: float
) -> tuple[dict[str, Group], str]:
    """Groups by name, and the words for the one called value."""
    masks = {"missing": missing, "present": ordered.known}
    if len(ordered.rows) and 2 * ordered.rows.max() >= ordered.known.sum():
        usual = np.zeros(len(ordered.known), dtype=bool)
        usual[ordered.known] = ordered.place == ordered.rows.argmax()
        masks |= {"usual": usual, "unusual": ordered.known & ~usual}
    groups = {name: group for name, mask in masks.items() if (group := alone.group_of(outcomes, mask))}
    found = alone.groups_of(outcomes, np.where(ordered.known, bins, 0), rows_min=rows_min, rate_min=bad_rate_high)
    code, group = max(found, key=lambda each: each[1].rows, default=(0, None))
    if group is None:
        return groups, ""
    return groups | {"value": group}, _spelt(column, bins == code)


def _spelt(column: Column, inside: Mask) -> str:
    """A group of values in words."""
    values = column.values[inside]
    if column.kind == "text":
        texts = {column.names[int(code) - 1] for code in np.unique(values[~np.isnan(values)])}
        return min(texts) if len(texts) == 1 else f"{len(texts)} values"
    low, high = np.nanmin(values), np.nanmax(values)
    if column.kind == "date":
        return " to ".join(str(EPOCH + dt.timedelta(days=int(day))) for day in (low, high))
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _dates_after(column: Column, who: People) -> float | None:
    """Share of the known dates that lie after the as-of date's month."""
    if column.kind != "date":
        return None
    known = ~(np.isnan(column.values) | np.isnan(who.as_of))
    if not known.any():
        return None
    return float(np.mean(_months(column.values[known]) > _months(who.as_of[known])))


def _grows(column: Column, ordered: Ranked, who: People) -> float:
    """How closely a near-unique whole number follows the as-of date or, without dates, the place in the file."""
    known = column.values[ordered.known]
    if column.kind != "number" or not len(known) or len(ordered.rows) < NEAR_UNIQUE * len(known):
        return 0.0
    if np.any(known != np.floor(known)):
        return 0.0
    against = who.as_of if who.period != "none" else column.place
    return 0.0 if against is None else alone.rank_correlation(column.values, against)


def _vintages(as_of: Floats) -> tuple[Codes, str]:
    """Code of each row's vintage, and its period: the shortest one that has enough rows. No date is a vintage too."""
    if np.isnan(as_of).all():
        return np.zeros(len(as_of), dtype=np.int64), "none"
    months = np.where(np.isnan(as_of), -1, _months(as_of))
    for period, length in (("month", 1), ("quarter", 3), ("year", 12)):
        codes = np.unique(months // length, return_inverse=True)[1]
        if len(codes) >= ROWS_PER_VINTAGE * (codes.max() + 1) or period == "year":
            return codes, period
    raise AssertionError


def _months(days: Floats) -> Floats:
    """Months since 1970-01 of epoch days; NaN stays."""
    whole = np.where(np.isnan(days), 0, days).astype("int64").astype("datetime64[D]").astype("datetime64[M]")
    return np.where(np.isnan(days), np.nan, whole.astype("int64").astype(np.float64))
