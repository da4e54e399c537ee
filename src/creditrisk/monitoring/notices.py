"""Which open alarms a channel is to be told of now, given what it was told before. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from creditrisk.config import Channel, Notifications
from creditrisk.ports import URGENCIES, Urgency


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """What goes out of an alarm: words and figures of the book, nothing of a single applicant."""

    id: str
    what: str
    severity: Urgency
    owner: str | None = None
    since: str | None = None
    """The period in which it began."""
    now: float | None = None
    """The figure as it stands, where one can be known."""
    limit: float | None = None
    portfolio: tuple[str, ...] = ()
    """How it changes the portfolio, in words."""
    look_at: tuple[str, ...] = ()
    """What to look at, in words."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel was told of an alarm, and when for the last time."""

    id: str
    at: datetime
    severity: Urgency
    what: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What one message is about. Every alarm stands in one place only."""

    new: tuple[OpenAlarm, ...] = ()
    worse: tuple[OpenAlarm, ...] = ()
    """Told before as less severe."""
    again: tuple[OpenAlarm, ...] = ()
    """Told before, still open after the days of the book."""
    over: tuple[Told, ...] = ()
    """Told before and open no more."""
    held: tuple[OpenAlarm, ...] = ()
    """To be told after the quiet hours."""

    @property
    def told(self) -> tuple[OpenAlarm, ...]:
        return self.new + self.worse + self.again

    @property
    def is_due(self) -> bool:
        return bool(self.told or self.over)


def notice(
    alarms: Iterable[OpenAlarm], told: Mapping[str, Told], channel: Channel, rules: Notifications, *, now: datetime
) -> Notice:
    """What the channel is to be told at this moment.

    told: by alarm.   Within quiet hours only what is severe enough goes out, and nobody is told that something is over.
    """
    listed = sorted(alarms, key=lambda alarm: (-_rank(alarm.severity), alarm.id))
    quiet = rules.quiet_hours if rules.quiet_hours is not None and rules.quiet_hours.hold(now) else None
    due: dict[str, list[OpenAlarm]] = {"new": [], "worse": [], "again": [], "held": []}
    for alarm in listed:
        if not _concerns(channel, alarm):
            continue
        why = _why(alarm, told.get(alarm.id), rules.remind_after_days, now)
        if why is not None:
            held = quiet is not None and _rank(alarm.severity) < _rank(quiet.except_for)
            due["held" if held else why].append(alarm)
    still = {alarm.id for alarm in listed}
    over = () if quiet else tuple(before for key, before in sorted(told.items()) if key not in still)
    return Notice(**{why: tuple(of) for why, of in due.items()}, over=over)


def told_after(told: Mapping[str, Told], sent: Notice, *, now: datetime) -> dict[str, Told]:
    """What the channel has been told once the message is delivered."""
    over = {before.id for before in sent.over}
    kept = {key: before for key, before in told.items() if key not in over}
    return kept | {alarm.id: Told(alarm.id, now, alarm.severity, alarm.what) for alarm in sent.told}


def worst(sent: Notice) -> Urgency | None:
    """The highest severity among the alarms; None where something is only over."""
    return max((alarm.severity for alarm in sent.told), key=_rank, default=None)


def _concerns(channel: Channel, alarm: OpenAlarm) -> bool:
    loud = _rank(alarm.severity) >= _rank(channel.severity_from)
    return loud and (not channel.owners or alarm.owner in channel.owners)


def _why(alarm: OpenAlarm, before: Told | None, remind_after_days: int | None, now: datetime) -> str | None:
    if before is None:
        return "new"
    if _rank(alarm.severity) > _rank(before.severity):
        return "worse"
    if remind_after_days is not None and now - before.at >= timedelta(days=remind_after_days):
        return "again"
    return None


def _rank(severity: Urgency) -> int:
    return URGENCIES.index(severity)
