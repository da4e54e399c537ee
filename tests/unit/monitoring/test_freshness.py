"""Ages are never negative, a table never becomes fresher by growing old, and what is not known is not fresh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.monitoring import Age, Freshness, TableTimes, ages, overall
from creditrisk.monitoring.freshness import CLOCKS_MAY_DIFFER

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TIMES = st.floats(-1e6, 1e6).map(lambda hours: NOW + timedelta(hours=hours))
LIMITS = st.none() | st.floats(0, 1e6)


def age(modified: datetime | None, ingested: datetime | None = NOW, limit: float | None = 24.0) -> Age:
    return ages({"table": TableTimes(modified, ingested)}, now=NOW, max_age_hours=limit)["table"]


def ago(**spent: float) -> datetime:
    return NOW - timedelta(**spent)


@pytest.mark.parametrize(
    ("modified", "ingested", "verdict"),
    [
        (ago(hours=24), ago(hours=1), Freshness.FRESH),
        (ago(hours=24, seconds=1), ago(hours=1), Freshness.STALE),
        (ago(days=900), NOW, Freshness.STALE),
        (None, NOW, Freshness.UNKNOWN),
        (ago(hours=1), None, Freshness.UNKNOWN),
    ],
)
def test_a_table_is_as_old_as_the_last_change_at_its_source(
    modified: datetime | None, ingested: datetime | None, verdict: Freshness
) -> None:
    assert age(modified, ingested).verdict is verdict


def test_without_a_limit_nothing_is_fresh_or_stale() -> None:
    told = age(ago(hours=1), limit=None)
    assert (told.verdict, told.why, told.source_hours) == (Freshness.UNKNOWN, "no limit is set", 1.0)


def test_a_source_time_that_is_still_to_come_is_a_finding_and_no_age() -> None:
    told = age(NOW + timedelta(days=3))
    assert (told.verdict, told.source_hours) == (Freshness.UNKNOWN, None)
    assert "2026-03-04T12:00:00+00:00, which is still to come" in told.odd


def test_clocks_that_differ_by_a_little_are_forgiven() -> None:
    told = age(NOW + CLOCKS_MAY_DIFFER)
    assert (told.verdict, told.source_hours, told.odd) == (Freshness.FRESH, 0.0, "")


def test_a_clock_that_jumped_back_after_the_ingestion_is_a_finding() -> None:
    told = age(ago(hours=1), NOW + timedelta(hours=2))
    assert told.verdict is Freshness.UNKNOWN
    assert "a clock has jumped" in told.odd


def test_bytes_taken_in_long_ago_are_old_whatever_the_source_says() -> None:
    told = age(ago(hours=1), ago(hours=100))
    assert told.verdict is Freshness.STALE
    assert "after these bytes were taken in" in told.odd


@given(modified=st.none() | TIMES, ingested=st.none() | TIMES, limit=LIMITS)
def test_no_age_is_ever_negative(modified: datetime | None, ingested: datetime | None, limit: float | None) -> None:
    told = age(modified, ingested, limit)
    assert all(hours is None or hours >= 0 for hours in (told.source_hours, told.ingestion_hours))
    if told.verdict is Freshness.FRESH:
        assert told.source_hours is not None
        assert limit is not None
        assert told.source_hours <= limit


@given(older=st.floats(0, 1e5), more=st.floats(0, 1e5), ingested=st.floats(0, 1e5), limit=st.floats(0, 1e5))
def test_a_table_never_becomes_fresher_by_growing_old(older: float, more: float, ingested: float, limit: float) -> None:
    young, old = (age(ago(hours=hours), ago(hours=ingested), limit) for hours in (older, older + more))
    assert (young.verdict, old.verdict) != (Freshness.STALE, Freshness.FRESH)


def test_the_worst_table_decides() -> None:
    assert overall([Freshness.FRESH, Freshness.FRESH]) is Freshness.FRESH
    assert overall([Freshness.FRESH, Freshness.UNKNOWN]) is Freshness.UNKNOWN
    assert overall([Freshness.UNKNOWN, Freshness.STALE]) is Freshness.STALE
    assert overall([]) is Freshness.UNKNOWN
