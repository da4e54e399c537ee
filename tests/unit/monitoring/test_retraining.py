"""A model is learnt anew for a reason, once; what nobody looked at is no reason either way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from creditrisk.monitoring.retraining import (
    CALIBRATION_KINDS,
    DRIFT_KINDS,
    Considered,
    Decided,
    Trigger,
    decide,
    from_age,
    from_alarms,
    from_performance,
    from_policy,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
REASON = Considered("calibration", True, "the PDs are too low")
SCORE = {"kind": "score", "what": "the scores moved", "severity": "critical", "since": "2026-04"}
FEED = {"kind": "missing", "of": "bureau", "what": "bureau died", "severity": "critical", "since": "2026-05"}


def decided(
    *triggers: Trigger, mode: Literal["off", "propose", "run"] = "run", reasons: tuple[Considered, ...] = (REASON,)
) -> Decided:
    return decide(reasons, triggers, mode=mode, cool_down_days=90, now=NOW)


def trigger(days_ago: float, ended_days_ago: float | None = None) -> Trigger:
    ended = None if ended_days_ago is None else NOW - timedelta(days=ended_days_ago)
    return Trigger("ab" * 8, NOW - timedelta(days=days_ago), "cd" * 32, ended)


@pytest.mark.parametrize("mode", ["propose", "run"])
def test_a_reason_makes_the_book_do_what_it_says(mode: Literal["propose", "run"]) -> None:
    assert decided(mode=mode).action == mode


def test_off_tells_the_reasons_and_does_nothing() -> None:
    told = decided(mode="off")
    assert (told.action, list(told.reasons)) == ("none", [REASON])


def test_without_a_reason_nothing_happens() -> None:
    told = decided(reasons=(Considered("drift", False, ""), Considered("performance", None, "no outcomes")))
    assert (told.action, told.waiting_for) == ("none", None)


def test_there_is_no_second_trigger_while_one_is_open_however_old() -> None:
    told = decided(trigger(900))
    assert told.action == "wait"
    assert told.waiting_for is not None
    assert "open since" in told.waiting_for


def test_after_a_trigger_ended_the_cool_down_holds_and_then_no_more() -> None:
    assert decided(trigger(200, ended_days_ago=89)).action == "wait"
    assert decided(trigger(200, ended_days_ago=91)).action == "run"
    told = decided(trigger(200, ended_days_ago=89))
    assert told.cool_down_until == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("alarms", "holds"),
    [(None, None), ([], False), ([FEED, SCORE], None), ([SCORE], True), ([{**SCORE, "severity": "info"}], False)],
)
def test_drift_is_a_reason_unless_a_dead_feed_may_explain_it(
    alarms: list[dict[str, Any]] | None, holds: bool | None
) -> None:
    assert from_alarms(alarms, "drift", DRIFT_KINDS).holds is holds
    assert from_alarms(alarms, "calibration", CALIBRATION_KINDS).holds is (None if alarms is None else False)


@pytest.mark.parametrize(
    ("value", "high", "holds"), [(-0.06, -0.031, True), (-0.06, -0.02, False), (0.01, 0.03, False)]
)
def test_performance_is_a_reason_when_the_whole_interval_is_below(value: float, high: float, holds: bool) -> None:
    told = from_performance({"difference": value, "low": value - 0.03, "high": high}, fall_max=0.03, unknown="")
    assert told.holds is holds


def test_an_auc_that_cannot_be_known_is_no_reason_either_way() -> None:
    assert from_performance(None, fall_max=0.03, unknown="no window has passed") == Considered(
        "performance", None, "no window has passed"
    )


@pytest.mark.parametrize(("days", "limit", "holds"), [(731, 730, True), (729, 730, False), (9000, None, False)])
def test_old_training_data_are_a_reason(days: int, limit: float | None, holds: bool) -> None:
    told = from_age(NOW - timedelta(days=days), days_max=limit, what="the newest training row is of", now=NOW)
    assert told.holds is holds


def test_data_of_unknown_age_are_told_as_such() -> None:
    assert from_age(None, days_max=730, what="", now=NOW).holds is None


@pytest.mark.parametrize(
    ("changed", "barred", "holds", "word"),
    [([], [], False, "says what it said"), (["decision"], [], True, "decision"), (["policy"], ["SEX"], True, "SEX")],
)
def test_a_changed_policy_is_a_reason(changed: list[str], barred: list[str], holds: bool, word: str) -> None:
    told = from_policy(changed, barred)
    assert told.holds is holds
    assert word in told.why
