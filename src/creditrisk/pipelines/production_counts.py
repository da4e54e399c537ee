"""Recorded decisions counted in the bundle's frozen bins, by period: read once, oldest first, nothing is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any

import pyarrow as pa

from creditrisk.config import MAIN
from creditrisk.contracts.values import NotReadable, Read, Rounded, Value, value_reader
from creditrisk.decisions.passport import sent
from creditrisk.decisions.tables import arrow_of, arrow_type
from creditrisk.monitoring.counts import (
    DECISION,
    FEATURE,
    GRADE,
    PD,
    RAW,
    SCORE,
    By,
    Counted,
    Counting,
    Counts,
    bins_of,
)
from creditrisk.pipelines.watched_model import Watched
from creditrisk.ports import DECIDED, DecisionStore, Kept

ROWS_AT_ONCE = 5_000

ANSWERS = {PD: pa.float64(), SCORE: pa.int64(), GRADE: pa.string(), DECISION: pa.string()}


@dataclass(frozen=True)
class Production:
    """counted: decisions of the watched model.  others: how many each other model made in the time, by its hash."""

    counted: Counted
    others: Mapping[str, int]


def count_production(
    store: DecisionStore,
    book: str,
    model: Watched,
    *,
    by: By = By.MONTH,
    since: datetime | None = None,
    until: datetime | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Production:
    """The decisions, corrections and batch decisions of one model with since <= time < until.

    Features, and the raw columns of the main table as its contract types them, are those of the payload; a decision
    whose payload is gone, or locked, has its answer only. progress: called with the decisions read so far.
    Raises BadUsage for a time that ends before it begins, and as the store does.
    """
    counting = Counting(bins_of(model.bundle.reference), by=by, since=since, until=until)
    others: Counter[str] = Counter()
    raw = _RawColumns(model)
    done = 0
    decided = (kept for kept in store.kept(book, since=since, until=until) if kept.passport.kind in DECIDED)
    for chunk in batched(decided, ROWS_AT_ONCE):
        own = []
        for kept in chunk:
            if kept.passport.bundle_sha256 == model.bundle.sha256:
                own.append(kept)
            else:
                others[kept.passport.bundle_sha256] += 1
        _count(own, counting, raw)
        done += len(chunk)
        progress(done)
    return Production(counting.counted(), dict(sorted(others.items())))


def _count(rows: Sequence[Kept], counting: Counting, raw: _RawColumns) -> None:
    passports = [kept.passport for kept in rows]
    places = counting.rows(pa.array([one.time for one in passports], pa.timestamp("us", "UTC")))
    for name, kind in ANSWERS.items():
        if name in counting.bins:
            counting.add(name, pa.array([getattr(one, name) for one in passports], kind), places)
    readable = [place for place, one in enumerate(passports) if "features" in one.payload]
    payloads = [passports[place].payload for place in readable]
    _count_features([one["features"] for one in payloads], places[readable], counting)
    raw.count([one.get("raw", {}).get(MAIN) for one in payloads], places[readable], counting)


def _count_features(features: Sequence[Mapping[str, Any]], places: Counts, counting: Counting) -> None:
    for name in counting.bins:
        if not name.startswith(FEATURE):
            continue
        key = name.removeprefix(FEATURE)
        try:
            column = pa.array([one[key] for one in features])
        except KeyError:
            counting.fault(name, "a recorded decision has no such feature")
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            counting.fault(name, "recorded decisions have values of several types")
        else:
            counting.add(name, column, places)


class _RawColumns:
    """Columns of the main table's records, typed value by value as the contract of the bundle's own book says.

    Only those that the reference knows: typing a whole record takes ten times as long.
    """

    def __init__(self, model: Watched) -> None:
        prefix = f"{RAW}{MAIN}."
        contract = model.book.contracts[MAIN]
        wanted = [name for name in bins_of(model.bundle.reference) if name.startswith(prefix)]
        columns = {name: contract.column(name.removeprefix(prefix)) for name in wanted}
        self._columns = {
            name: (column.name, value_reader(column, contract.reading.dates), arrow_of(arrow_type(column)))
            for name, column in columns.items()
        }

    def count(self, records: Sequence[Mapping[str, Any] | None], places: Counts, counting: Counting) -> None:
        there = [place for place, record in enumerate(records) if record is not None]
        told = [record for record in records if record is not None]
        for name, (key, read, make) in self._columns.items():
            given = [record.get(key) for record in told]
            try:
                typed = [None if value is None else _typed(read, value) for value in given]
            except NotReadable:
                counting.fault(name, "a recorded value is not what the contract of the bundle reads")
            else:
                counting.add(name, make(typed), places[there])


def _typed(read: Read, value: Any) -> Value:
    try:
        return read(sent(value) if isinstance(value, dict) else value)
    except Rounded as kept:
        return kept.value
