"""Which alarms a channel is told of: each once, again after days, held in quiet hours, and when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from creditrisk.config import Channel, Notifications, QuietHours
from creditrisk.monitoring import Notice, OpenAlarm, Told, notice, told_after, worst
from creditrisk.ports import URGENCIES

NOON = datetime(2026, 5, 5, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 5, 6, 0, tzinfo=UTC)
SCORE = OpenAlarm("score-1", "the scores moved", "critical", owner="risk")
FEED = OpenAlarm("feed-1", "bureau is missing more often", "warning", owner="data")
NOTE = OpenAlarm("note-1", "a stage is overdue", "info", owner="data")
RULES = Notifications()
TEAM = RULES.channels["team"]


def after(*runs: tuple[datetime, list[OpenAlarm]], rules: Notifications = RULES, channel: Channel = TEAM) -> Notice:
    """The last of several runs, each delivered."""
    told: dict[str, Told] = {}
    for now, alarms in runs[:-1]:
        told = told_after(told, notice(alarms, told, channel, rules, now=now), now=now)
    now, alarms = runs[-1]
    return notice(alarms, told, channel, rules, now=now)


def test_what_is_new_is_told_worst_first_and_what_is_below_the_channel_is_not() -> None:
    sent = after((NOON, [NOTE, FEED, SCORE]))
    assert sent.new == (SCORE, FEED)
    assert sent.is_due
    assert worst(sent) == "critical"


def test_the_same_alarm_is_told_once_until_the_days_are_over() -> None:
    days = timedelta(days=1)
    assert not after((NOON, [SCORE]), (NOON + 6 * days, [SCORE])).is_due
    assert after((NOON, [SCORE]), (NOON + 7 * days, [SCORE])).again == (SCORE,)
    assert not after((NOON, [SCORE]), (NOON + 7 * days, [SCORE]), (NOON + 8 * days, [SCORE])).is_due


def test_nobody_is_reminded_where_the_book_says_never() -> None:
    rules = Notifications(remind_after_days=None)
    assert not after((NOON, [SCORE]), (NOON + timedelta(days=900), [SCORE]), rules=rules).is_due


def test_an_alarm_that_got_worse_is_told_at_once_and_one_that_got_better_is_not() -> None:
    feed = OpenAlarm(FEED.id, FEED.what, "critical")
    assert after((NOON, [FEED]), (NOON, [feed])).worse == (feed,)
    assert not after((NOON, [feed]), (NOON, [FEED])).is_due


def test_what_is_over_is_told_once() -> None:
    over = after((NOON, [SCORE, FEED]), (NOON, [SCORE]))
    assert [told.what for told in over.over] == [FEED.what]
    assert worst(over) is None
    assert not after((NOON, [SCORE, FEED]), (NOON, [SCORE]), (NOON, [SCORE])).is_due


def test_an_alarm_that_is_less_severe_than_the_channel_wants_is_not_over() -> None:
    assert not after((NOON, [FEED]), (NOON, [OpenAlarm(FEED.id, FEED.what, "info")])).is_due


def test_an_alarm_that_comes_back_is_new() -> None:
    assert after((NOON, [SCORE]), (NOON, []), (NOON, [SCORE])).new == (SCORE,)


def test_quiet_hours_hold_what_can_wait_and_the_first_run_afterwards_tells_it() -> None:
    rules = Notifications(quiet_hours=QuietHours(begin="22:00", end="07:00"))
    night = after((MIDNIGHT, [SCORE, FEED]), rules=rules)
    assert (night.new, night.held) == ((SCORE,), (FEED,))
    morning = after((MIDNIGHT, [SCORE, FEED]), (NOON, [SCORE, FEED]), rules=rules)
    assert (morning.new, morning.held) == ((FEED,), ())


def test_in_quiet_hours_nobody_hears_that_something_is_over_until_they_end() -> None:
    rules = Notifications(quiet_hours=QuietHours(begin="22:00", end="07:00"))
    assert not after((NOON, [FEED]), (MIDNIGHT, []), rules=rules).is_due
    assert len(after((NOON, [FEED]), (MIDNIGHT, []), (NOON, []), rules=rules).over) == 1


def test_a_channel_of_one_owner_hears_of_nobody_elses_alarms() -> None:
    channel = Channel(severity_from="info", owners=("data",))
    assert after((NOON, [SCORE, FEED, NOTE]), channel=channel).new == (FEED, NOTE)


alarms = st.lists(
    st.builds(OpenAlarm, id=st.sampled_from("abcde"), what=st.just("x"), severity=st.sampled_from(URGENCIES)),
    unique_by=lambda alarm: alarm.id,
)


@given(runs=st.lists(alarms, max_size=6), last=alarms, hour=st.integers(0, 23))
def test_told_twice_in_the_same_moment_the_second_run_has_nothing_to_say(
    runs: list[list[OpenAlarm]], last: list[OpenAlarm], hour: int
) -> None:
    rules = Notifications(quiet_hours=QuietHours(begin="22:00", end="07:00"))
    now = NOON.replace(hour=hour)
    assert not after(*((now, run) for run in runs), (now, last), (now, last), rules=rules).is_due


@given(runs=st.lists(alarms, max_size=6), last=alarms)
def test_every_alarm_that_concerns_a_channel_is_told_held_or_known(
    runs: list[list[OpenAlarm]], last: list[OpenAlarm]
) -> None:
    channel = Channel(severity_from="info")
    told: dict[str, Told] = {}
    for run in runs:
        told = told_after(told, notice(run, told, channel, RULES, now=NOON), now=NOON)
    sent = notice(last, told, channel, RULES, now=NOON)
    assert {alarm.id for alarm in (*sent.told, *sent.held)} | set(told) >= {alarm.id for alarm in last}
    assert set(told_after(told, sent, now=NOON)) == {alarm.id for alarm in last}
