"""Alarms as a message that people read on a phone: plain text, the worst first, bounded in length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from creditrisk.monitoring import Notice, OpenAlarm, worst
from creditrisk.ports import Message

MOST_ALARMS = 12
"""In one message; of the others it says how many there are."""
MOST_LETTERS = 300
"""Of one text of an alarm."""


def alarm_message(book: str, sent: Notice) -> Message:
    """One message for all alarms of a run."""
    severity = worst(sent)
    parts = [
        _counted(len(of), one, many)
        for of, one, many in (
            (sent.new, "new alarm", "new alarms"),
            (sent.worse, "alarm is worse", "alarms are worse"),
            (sent.again, "alarm is still open", "alarms are still open"),
            (sent.over, "alarm is over", "alarms are over"),
        )
        if of
    ]
    lines = [line for alarm in sent.told[:MOST_ALARMS] for line in (*_lines(alarm), "")]
    lines += [f"and {left} more", ""] if (left := len(sent.told) - MOST_ALARMS) > 0 else []
    lines += [f"over: {_plain(before.what)}" for before in sent.over[:MOST_ALARMS]]
    title = f"creditrisk {book}: {', '.join(parts)}" + (f" ({severity})" if severity else "")
    return Message(title, "\n".join(lines).strip() or title, severity or "good")


def channel_test(book: str, channel: str) -> Message:
    """What `creditrisk notify test` sends."""
    return Message(
        f"creditrisk {book}: test",
        f"Channel {channel} works: alarms of the book {book} will be told here. Nothing is wrong.",
        "info",
    )


def delivery_lines(result: Mapping[str, Any]) -> list[str]:
    """What `creditrisk notify` did, as a terminal shows it; failures are warnings beside it."""
    lines = [f"{_counted(result['open'], 'open alarm', 'open alarms')}"] if "open" in result else []
    for name, of in result["channels"].items():
        if of["warning"] is None:
            lines.append(f"{name}: {_delivered(of)}")
    return lines


def _delivered(of: Mapping[str, Any]) -> str:
    if "told" not in of:
        return "a test message was sent"
    counts = [(len(of["told"]), "told"), (len(of["over"]), "told as over"), (len(of["held"]), "held for quiet hours")]
    return ", ".join(f"{number} {what}" for number, what in counts if number) or "nothing to tell"


def _lines(alarm: OpenAlarm) -> Iterator[str]:
    yield f"{alarm.severity.upper()}: {_plain(alarm.what)}"
    facts = [
        f"since {_plain(alarm.since)}" if alarm.since else "",
        f"now {alarm.now:.4g}" if alarm.now is not None else "",
        f"limit {alarm.limit:.4g}" if alarm.limit is not None else "",
        f"owner {_plain(alarm.owner)}" if alarm.owner else "",
    ]
    if any(facts):
        yield "  " + ", ".join(fact for fact in facts if fact)
    yield from _listed("portfolio", alarm.portfolio)
    yield from _listed("look at", alarm.look_at)


def _listed(head: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield f"  {head}: {'; '.join(_plain(text) for text in texts)}"


def _plain(text: str) -> str:
    """One line without control characters, cut where it is long."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= MOST_LETTERS else line[: MOST_LETTERS - 1] + "…"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
