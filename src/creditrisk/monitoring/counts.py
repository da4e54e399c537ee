"""Rows in the bundle's frozen bins, by column and period: all that drift, alarms and their page need of any data.

Counted with NumPy on Arrow batches, one column at a time: comparing every number with each of nine edges takes 7 ns a
value where DuckDB's `histogram` takes 35 (benchmarks/drift.py). Memory is bounded by what one batch holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from creditrisk.errors import BadData, BadUsage
from creditrisk.stats import bin_places

if TYPE_CHECKING:
    import pyarrow as pa

type Counts = NDArray[np.int64]

PD, SCORE, GRADE, DECISION = "pd", "score", "grade", "decision"
FEATURE, RAW = "feature:", "raw:"

ROWS_AT_ONCE = 65536
COLUMNS_AT_ONCE = 32
"""Of a file, so that a row group of a million rows and any number of columns takes some 300 MB."""

MOST_PERIODS = 1200
"""A hundred years of months: a time beyond them is a wrong one."""

OUTSIDE = -(2**62)
"""Place of a row that belongs to no period."""


class By(StrEnum):
    """How long a period is."""

    MONTH = "month"
    WEEK = "week"
    ONE = "one"


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """The frozen bins of one column.

    edges: of a number, rising, shape (bins - 2,): an edge belongs to the bin above it; None for a category.
    words: of a category; its bins are these, then words not listed.  The last bin of both is the missing.
    low, high: the range that the development rows had; None where the reference does not say.
    """

    edges: NDArray[np.float64] | None = None
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, frozen: Mapping[str, Any]) -> Self:
        """From what `reference.json` says of a column."""
        if "categories" in frozen:
            return cls(words=tuple(frozen["categories"]))
        return cls(np.asarray(frozen["edges"], dtype=np.float64), low=frozen.get("low"), high=frozen.get("high"))

    @property
    def is_number(self) -> bool:
        return self.edges is not None

    @property
    def size(self) -> int:
        return len(self.words) + 2 if self.edges is None else len(self.edges) + 2


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Rows by period, and by column, period and bin.

    periods: UTC months "2026-10", ISO weeks "2026-W41", or one that is named by who counted; without a gap.
    rows: shape (periods,).  counts: {column: shape (periods, bins)}, the last bin missing. A column's counts may sum to
    fewer than `rows`: what was not there to be read (a deleted payload) is not missing.
    beyond: {column with a known range: shape (periods, 2)}, rows below it and above it.
    faults: {column that could not be counted: why}.  outside: rows that belong to none of the periods.
    """

    periods: tuple[str, ...]
    rows: Counts
    counts: Mapping[str, Counts]
    beyond: Mapping[str, Counts] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    outside: int = 0

    def together(self, name: str = "all") -> Counted:
        """All periods as one."""
        return Counted(
            (name,),
            np.sum(self.rows, keepdims=True),
            {column: np.sum(counts, axis=0, keepdims=True) for column, counts in self.counts.items()},
            {column: np.sum(counts, axis=0, keepdims=True) for column, counts in self.beyond.items()},
            self.faults,
            self.outside,
        )


def bins_of(reference: Mapping[str, Any]) -> dict[str, Bins]:
    """Of each column that `reference.json` describes, by the names that counts have."""
    return {name: Bins.of(frozen) for name, frozen in frozen_columns(reference).items()}


def reference_counts(reference: Mapping[str, Any]) -> dict[str, Counts]:
    """The development rows in those bins, {column: shape (bins,)}."""
    return {name: np.asarray(frozen["counts"], dtype=np.int64) for name, frozen in frozen_columns(reference).items()}


def frozen_columns(reference: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What `reference.json` says of each column; an older bundle's knows no raw columns, grades and decisions."""
    columns = {f"{FEATURE}{name}": frozen for name, frozen in reference["features"].items()}
    columns |= {f"{RAW}{name}": frozen for name, frozen in reference.get("raw", {}).items()}
    alone = {PD: "pd", SCORE: "score", GRADE: "grades", DECISION: "decisions"}
    return columns | {name: reference[key] for name, key in alone.items() if key in reference}


class Counting:
    """Counts batches as they come; neither their order nor where they are cut changes the result.

    since <= time < until, in UTC with time zone: those periods are listed, be they empty. Without them the periods go
    from the first row's to the last row's.  one: the name of the only period, for By.ONE.
    """

    def __init__(
        self,
        bins: Mapping[str, Bins],
        *,
        by: By = By.ONE,
        since: datetime | None = None,
        until: datetime | None = None,
        one: str = "all",
    ) -> None:
        if since is not None and until is not None and not since < until:
            raise BadUsage(f"{since:%Y-%m-%d} is not before {until:%Y-%m-%d}", hint="--since must come before --until")
        self.bins = bins
        self._by = by
        self._since, self._until = since, until
        self._one = one
        self._edges = {name: _with_range(of) for name, of in bins.items() if of.is_number}
        self._rows: dict[int, int] = {}
        self._counts: dict[str, dict[int, Counts]] = {}
        self._faults: dict[str, str] = {}
        self._outside = 0

    def rows(self, times: pa.Array[Any] | pa.ChunkedArray[Any] | None, count: int | None = None) -> Counts:
        """Count rows by the period of their time (timestamps or dates); returns each row's period for `add`.

        Rows without a time, or with one outside since and until, belong to none. times None: `count` rows of By.ONE.
        """
        places = self.periods(times, count)
        found, rows = np.unique(places, return_counts=True)
        for place, number in zip(found.tolist(), rows.tolist(), strict=True):
            if place == OUTSIDE:
                self._outside += number
            else:
                self._rows[place] = self._rows.get(place, 0) + number
        return places

    def periods(self, times: pa.Array[Any] | pa.ChunkedArray[Any] | None, count: int | None = None) -> Counts:
        """The same without counting them."""
        if times is None:
            if self._by is not By.ONE or count is None:
                raise BadUsage("the rows have no time", hint="count them as one period")
            return np.zeros(count, dtype=np.int64)
        moments = _moments(times)
        inside = ~np.isnat(moments)
        if self._since is not None:
            inside &= moments >= _moment(self._since)
        if self._until is not None:
            inside &= moments < _moment(self._until)
        return np.where(inside, _places(moments, self._by), OUTSIDE)

    def add(self, name: str, column: pa.Array[Any] | pa.ChunkedArray[Any], places: Counts) -> None:
        """Count a column's rows; places: their periods, shape (n,), as `rows` gave them.

        A column of another type is a fault and is not counted.
        """
        if name in self._faults:
            return
        bins = self.bins[name]
        fault = wrong_type(column.type, bins)
        if fault:
            self.fault(name, fault)
            return
        chunked = _chunked(column)
        of = _number_places(chunked, self._edges[name]) if bins.is_number else _word_places(chunked, bins.words)
        counts = self._counts.setdefault(name, {})
        for place, told in _by_period(of, places, _finest_size(bins)):
            counts[place] = counts[place] + told if place in counts else told

    def fault(self, name: str, why: str) -> None:
        """This column cannot be counted; what was counted of it does not stand."""
        self._faults.setdefault(name, why)
        self._counts.pop(name, None)

    def counted(self) -> Counted:
        """What was counted so far. A column that nobody added has counts of zero.

        Raises BadData where the times lie so far apart that they cannot be right.
        """
        places = self._listed()
        finest = {name: self._finest(name, places) for name in self.bins if name not in self._faults}
        numbers = {name for name in finest if self.bins[name].is_number}
        ranged = {name for name in numbers if self.bins[name].low is not None and self.bins[name].high is not None}
        return Counted(
            tuple(_period_name(place, self._by, self._one) for place in places),
            np.array([self._rows.get(place, 0) for place in places], dtype=np.int64),
            {name: _without_range(counts) if name in numbers else counts for name, counts in finest.items()},
            {name: counts[:, [0, -2]] for name, counts in finest.items() if name in ranged},
            dict(self._faults),
            self._outside,
        )

    def _finest(self, name: str, places: Sequence[int]) -> Counts:
        counts = np.zeros((len(places), _finest_size(self.bins[name])), dtype=np.int64)
        for row, place in enumerate(places):
            if place in self._counts.get(name, {}):
                counts[row] = self._counts[name][place]
        return counts

    def _listed(self) -> list[int]:
        seen = sorted(self._rows)
        if self._by is By.ONE:
            return [0]
        first = seen[:1] if self._since is None else [_place(self._since, self._by)]
        last = seen[-1:] if self._until is None else [_place(self._until - timedelta(microseconds=1), self._by)]
        if not first or not last:
            return seen
        if last[0] - first[0] >= MOST_PERIODS:
            names = [_period_name(place, self._by, self._one) for place in (first[0], last[0])]
            raise BadData(
                f"the rows' times go from {names[0]} to {names[1]}: at most {MOST_PERIODS} periods can be told apart",
                hint="name the time that is wanted: --since and --until",
            )
        return list(range(first[0], last[0] + 1))


def count_parquet(path: Path, columns: Mapping[str, str], counting: Counting, *, time: str | None = None) -> None:
    """Count a Parquet file of any size. columns: {counted name: the file's column}; one that is not there is a fault.

    time: the file's column of times; without it all rows are one period.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        there = set(file.schema_arrow.names)
        for name, column in columns.items():
            if column not in there:
                counting.fault(name, "there is no such column")
        present = [name for name, column in columns.items() if column in there]
        for number, group in enumerate(batched(present, COLUMNS_AT_ONCE) if present else [()]):
            count = counting.rows if number == 0 else counting.periods
            for batch in _read(file, [columns[name] for name in group], time):
                places = count(None if time is None else batch.column(time), batch.num_rows)
                for name in group:
                    counting.add(name, batch.column(columns[name]), places)


def _read(file: Any, columns: Sequence[str], time: str | None) -> Iterator[pa.RecordBatch]:
    wanted = list(dict.fromkeys([*columns, *([time] if time else [])])) or file.schema_arrow.names[:1]
    return file.iter_batches(batch_size=ROWS_AT_ONCE, columns=wanted)


def wrong_type(kind: pa.DataType, bins: Bins) -> str | None:
    """Why a column of this type cannot be counted in these bins; None where it can."""
    import pyarrow as pa

    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_null(value):
        return None
    text = pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)
    number = pa.types.is_integer(value) or pa.types.is_floating(value) or pa.types.is_decimal(value)
    if bins.is_number and not (number or pa.types.is_boolean(value)):
        return f"the reference has numbers, here the column is {kind}"
    if not bins.is_number and not text:
        return f"the reference has words, here the column is {kind}"
    return None


def _with_range(bins: Bins) -> NDArray[np.float64]:
    """The edges with the range's ends around them, so that one pass counts both; without a range nothing is beyond."""
    inner = np.empty(0) if bins.edges is None else bins.edges
    low = -np.inf if bins.low is None else bins.low
    high = np.inf if bins.high is None else np.nextafter(bins.high, np.inf)
    return np.concatenate([[low], inner, [high]])


def _without_range(counts: Counts) -> Counts:
    """(periods, bins + 2) with the rows beyond the range back in the first and the last bin of numbers."""
    told = counts[:, 1:-2].copy()
    told[:, 0] += counts[:, 0]
    told[:, -1] += counts[:, -2]
    return np.concatenate([told, counts[:, -1:]], axis=1)


def _finest_size(bins: Bins) -> int:
    """Bins with those beyond the range."""
    return bins.size + 2 if bins.is_number else bins.size


def _chunked(column: pa.Array[Any] | pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    import pyarrow as pa

    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _number_places(column: pa.ChunkedArray[Any], edges: NDArray[np.float64]) -> NDArray[np.intp]:
    from creditrisk.modelling.preprocess import numbers

    values = numbers(column)
    places = bin_places(values, edges)
    places[np.isinf(values)] = len(edges) + 1
    return places


def _word_places(column: pa.ChunkedArray[Any], words: tuple[str, ...]) -> NDArray[np.intp]:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = column.cast(pa.string())
    known: Any = pc.fill_null(pc.index_in(text, value_set=pa.array(words, pa.string())), len(words))
    return np.where(text.is_null().to_numpy(), len(words) + 1, known.to_numpy()).astype(np.intp)


def _by_period(of: NDArray[np.intp], places: Counts, size: int) -> Iterator[tuple[int, Counts]]:
    """Each period of these rows with its counts, shape (size,)."""
    inside = places != OUTSIDE
    if not np.all(inside):
        of, places = of[inside], places[inside]
    if not len(places):
        return
    first, last = int(np.min(places)), int(np.max(places))
    flat = of if first == last else of + (places - first) * size
    counts = np.bincount(flat, minlength=(last - first + 1) * size).reshape(-1, size).astype(np.int64)
    for place, told in enumerate(counts, start=first):
        if np.any(told):
            yield place, told


def _moments(times: pa.Array[Any] | pa.ChunkedArray[Any]) -> NDArray[np.datetime64]:
    """Shape (n,), microseconds of UTC."""
    import pyarrow as pa

    kind = times.type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise BadUsage(f"the column of times is {kind}", hint="a timestamp or a date is needed")
    zone = kind.tz if pa.types.is_timestamp(kind) else None
    moments = _chunked(times).cast(pa.timestamp("us", zone), safe=False).cast(pa.timestamp("us"))
    return moments.to_numpy().astype("datetime64[us]")


def _moment(time: datetime) -> np.datetime64:
    return np.datetime64(time.astimezone(UTC).replace(tzinfo=None), "us")


def _place(time: datetime, by: By) -> int:
    return int(_places(np.array([_moment(time)]), by)[0])


def _places(moments: NDArray[np.datetime64], by: By) -> Counts:
    """Months since 1970, or weeks since Monday 29 December 1969; 0 where all is one."""
    if by is By.ONE:
        return np.zeros(len(moments), dtype=np.int64)
    if by is By.MONTH:
        return moments.astype("datetime64[M]").astype(np.int64)
    return (moments.astype("datetime64[D]").astype(np.int64) + 3) // 7


def _period_name(place: int, by: By, one: str) -> str:
    if by is By.ONE:
        return one
    if by is By.MONTH:
        return str(np.datetime64(place, "M"))
    year, week, _ = (datetime(1969, 12, 29, tzinfo=UTC) + timedelta(weeks=place)).isocalendar()
    return f"{year}-W{week:02d}"
