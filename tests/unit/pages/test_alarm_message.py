"""Alarms as a message: short, plain, the worst first, and nothing in it that was not asked for."""

from __future__ import annotations

from datetime import UTC, datetime

from creditrisk.monitoring import Notice, OpenAlarm, Told
from creditrisk.pages.alarm_message import MOST_ALARMS, MOST_LETTERS, alarm_message

SCORE = OpenAlarm(
    "score-1", "the scores moved", "critical", owner="risk", since="2026-08", now=0.13251, limit=0.04,
    portfolio=("approvals fall from 62.0 % to 51.3 %",), look_at=("EXT_SOURCE_2 first",),
)  # fmt: skip


def test_one_message_tells_all_alarms_of_a_run_with_figure_limit_owner_and_what_to_look_at() -> None:
    told = alarm_message("tiny", Notice(new=(SCORE,)))
    assert told.title == "creditrisk tiny: 1 new alarm (critical)"
    assert told.urgency == "critical"
    assert told.body.splitlines() == [
        "CRITICAL: the scores moved",
        "  since 2026-08, now 0.1325, limit 0.04, owner risk",
        "  portfolio: approvals fall from 62.0 % to 51.3 %",
        "  look at: EXT_SOURCE_2 first",
    ]


def test_what_is_not_known_is_left_out() -> None:
    told = alarm_message("tiny", Notice(again=(OpenAlarm("a", "a stage is overdue", "info"),)))
    assert told.body == "INFO: a stage is overdue"
    assert told.title == "creditrisk tiny: 1 alarm is still open (info)"


def test_what_is_over_is_good_news() -> None:
    over = Told("score-1", datetime(2026, 5, 5, tzinfo=UTC), "critical", "the scores moved")
    told = alarm_message("tiny", Notice(over=(over,)))
    assert (told.urgency, told.body) == ("good", "over: the scores moved")
    assert told.title == "creditrisk tiny: 1 alarm is over"


def test_a_thousand_alarms_are_one_bounded_message() -> None:
    many = tuple(OpenAlarm(f"a{number}", "x" * 5_000, "warning") for number in range(1_000))
    told = alarm_message("tiny", Notice(new=many))
    assert told.title == "creditrisk tiny: 1000 new alarms (warning)"
    assert f"and {1_000 - MOST_ALARMS} more" in told.body
    assert len(told.body) < MOST_ALARMS * (MOST_LETTERS + 20)


def test_text_of_an_alarm_cannot_make_lines_or_control_a_terminal() -> None:
    told = alarm_message("tiny", Notice(new=(OpenAlarm("a", "moved\r\n\x1b[31mCRITICAL: fire\u202e", "info"),)))
    assert told.body == "INFO: moved [31mCRITICAL: fire"
