"""How old each table is, from two times: when its source last changed it, and when it was taken in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

CLOCKS_MAY_DIFFER = timedelta(minutes=5)
"""A time this far ahead of our clock is one of now; one farther ahead cannot be believed."""


class Freshness(StrEnum):
    """`unknown` is never good enough: who asks for fresh tables gets a no."""

    FRESH = "fresh"
    STALE = "stale"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TableTimes:
    """In UTC, with time zone; None where nobody says."""

    modified: datetime | None
    """When the source says that the file last changed; of a plain file its modification time."""
    ingested: datetime | None
    """When these bytes were last accepted."""


@dataclass(frozen=True, slots=True)
class Age:
    """Of one table. Hours are 0 or more, None where there is no time to believe.

    why: in words, what the verdict rests on.  odd: a time that cannot be right, in words; "" where there is none.
    """

    verdict: Freshness
    source_hours: float | None
    ingestion_hours: float | None
    why: str
    odd: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict.value,
            "source_age_hours": self.source_hours,
            "ingestion_age_hours": self.ingestion_hours,
            "why": self.why,
        }


def ages(times: Mapping[str, TableTimes], *, now: datetime, max_age_hours: float | None) -> dict[str, Age]:
    """The age and verdict of each table.

    A table is as old as the source's last change. Where the source says it changed after these bytes were accepted,
    they are at least as old as their ingestion.  max_age_hours: 0 or more; None = nothing can be called fresh.
    """
    return {table: _age(of, now, max_age_hours) for table, of in times.items()}


def overall(verdicts: Iterable[Freshness]) -> Freshness:
    """The worst of them; unknown where there are none."""
    seen = set(verdicts)
    if Freshness.STALE in seen:
        return Freshness.STALE
    return Freshness.FRESH if seen == {Freshness.FRESH} else Freshness.UNKNOWN


def _age(times: TableTimes, now: datetime, max_age_hours: float | None) -> Age:
    source, ingestion = _hours(times.modified, now), _hours(times.ingested, now)
    odd = _odd(times, now)
    if source is None or ingestion is None:
        why = odd or "nobody says when the source last changed it"
        return Age(Freshness.UNKNOWN, source, ingestion, why, odd)
    if max_age_hours is None:
        return Age(Freshness.UNKNOWN, source, ingestion, "no limit is set", odd)
    oldest = max(source, ingestion)
    if oldest <= max_age_hours:
        return Age(Freshness.FRESH, source, ingestion, f"not older than {max_age_hours:g} h", odd)
    return Age(Freshness.STALE, source, ingestion, f"older than {max_age_hours:g} h", odd)


def _hours(time: datetime | None, now: datetime) -> float | None:
    if time is None or time - now > CLOCKS_MAY_DIFFER:
        return None
    return max((now - time) / timedelta(hours=1), 0.0)


def _odd(times: TableTimes, now: datetime) -> str:
    if times.ingested is None:
        return "it is not known when the table was taken in"
    if times.ingested - now > CLOCKS_MAY_DIFFER:
        return f"it was taken in at {_told(times.ingested)}, which is still to come: a clock has jumped"
    if times.modified is None:
        return ""
    if times.modified - now > CLOCKS_MAY_DIFFER:
        return f"the source says it changed at {_told(times.modified)}, which is still to come: a clock is wrong"
    if times.modified - times.ingested > CLOCKS_MAY_DIFFER:
        return f"the source says it changed at {_told(times.modified)}, after these bytes were taken in"
    return ""


def _told(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
