"""What should have run again by now is overdue; what never ran, and need not, is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from creditrisk.monitoring.health import Health, last_runs

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def verdict(last: datetime | None, limit: float | None = 40, since: datetime | None = None) -> Health:
    expected = {} if since is None else {"outcomes": since}
    (told,) = last_runs({"outcomes": last}, {"outcomes": limit}, expected_since=expected, now=NOW)
    return told.verdict


@pytest.mark.parametrize(
    ("days", "limit", "told"),
    [(39, 40, Health.ON_TIME), (41, 40, Health.OVERDUE), (900, None, Health.NO_LIMIT), (-1, 40, Health.UNKNOWN)],
)
def test_a_stage_is_overdue_once_its_days_have_passed(days: int, limit: float | None, told: Health) -> None:
    assert verdict(NOW - timedelta(days=days), limit) is told


def test_a_stage_that_never_ran_is_waited_for_from_when_a_model_decides() -> None:
    assert verdict(None) is Health.NEVER
    assert verdict(None, since=NOW - timedelta(days=10)) is Health.NEVER
    assert verdict(None, since=NOW - timedelta(days=41)) is Health.OVERDUE


def test_the_moment_from_which_it_is_overdue_stays_the_same() -> None:
    (told,) = last_runs({"outcomes": NOW - timedelta(days=50)}, {"outcomes": 40}, expected_since={}, now=NOW)
    assert told.as_json()["due"] == (NOW - timedelta(days=10)).isoformat()
