"""Is everything still running: when each stage last ran, and which should have run again by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from creditrisk.monitoring.freshness import CLOCKS_MAY_DIFFER


class Health(StrEnum):
    """`unknown` is a time that cannot be right."""

    ON_TIME = "on_time"
    OVERDUE = "overdue"
    NEVER = "never"
    NO_LIMIT = "no_limit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LastRun:
    """Of one stage. due: the moment until which it should have run again; None where the book sets no limit."""

    stage: str
    verdict: Health
    last: datetime | None
    due: datetime | None
    why: str

    def as_json(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "verdict": self.verdict.value,
            "last": None if self.last is None else self.last.isoformat(),
            "due": None if self.due is None else self.due.isoformat(),
            "why": self.why,
        }


def last_runs(
    last: Mapping[str, datetime | None],
    limits: Mapping[str, float | None],
    *,
    expected_since: Mapping[str, datetime],
    now: datetime,
) -> list[LastRun]:
    """Of each stage in `last`. limits: days.

    expected_since: from when on a stage that never ran is waited for; one that is not named need not run.
    """
    return [_last_run(stage, time, limits.get(stage), expected_since.get(stage), now) for stage, time in last.items()]


def _last_run(
    stage: str, last: datetime | None, limit: float | None, expected_since: datetime | None, now: datetime
) -> LastRun:
    if last is not None and last - now > CLOCKS_MAY_DIFFER:
        return LastRun(stage, Health.UNKNOWN, last, None, "its last run is still to come: a clock has jumped")
    begin = last or expected_since
    if limit is None:
        return LastRun(stage, Health.NEVER if last is None else Health.NO_LIMIT, last, None, "no limit is set")
    if begin is None:
        return LastRun(stage, Health.NEVER, None, None, "it never ran, and need not yet")
    due = begin + timedelta(days=limit)
    if now > due:
        since = "it never ran" if last is None else "its last run"
        return LastRun(stage, Health.OVERDUE, last, due, f"{since}, and {limit:g} days have passed")
    return LastRun(stage, Health.NEVER if last is None else Health.ON_TIME, last, due, f"within {limit:g} days")
