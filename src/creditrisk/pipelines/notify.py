"""Tells each channel of a book what is open and was not told yet, and keeps what was told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from creditrisk.config import BookFolder, Notifications
from creditrisk.errors import BadConfig, BadUsage, BrokenFile, MissingInput, OutsideFailed, did_you_mean
from creditrisk.files import held, read_json, write_json
from creditrisk.monitoring import Notice, OpenAlarm, Told, notice, told_after
from creditrisk.pages.alarm_message import alarm_message, channel_test
from creditrisk.ports import URGENCIES, Clock, Message, Notifier

ALARMS = "alarms.json"
TOLD = "notifications.json"
"""Beside the reports: what each channel was told. Without it every open alarm is told again."""


def run(
    book: str,
    folder: BookFolder,
    rules: Notifications,
    notifier: Callable[[str], Notifier],
    *,
    clock: Clock,
    only: Iterable[str] = (),
) -> dict[str, Any]:
    """Send what is due to each channel, or to those of `only`. A channel that fails is a warning, and told next time.

    notifier: of a channel; it may raise what sending raises.
    What was told is kept after each delivery: a run that is killed in between tells it twice rather than never.
    Raises MissingInput before `creditrisk monitor alarms` ran, BrokenFile for a report that is none.
    """
    names, report = _chosen(rules, only), folder.report(ALARMS)
    if not report.is_file():
        raise MissingInput("nobody looked for alarms yet", where=str(report), hint=f"creditrisk monitor alarms {book}")
    alarms = open_alarms(read_json(report), where=report)
    channels = {}
    with held(folder.root / ".notifications.lock"):
        told, warning = _told(folder.root / TOLD)
        for name in names:
            now = clock.now()
            due = notice(alarms, told.get(name, {}), rules.channels[name], rules, now=now)
            failed = _sent(notifier, name, alarm_message(book, due)) if due.is_due else None
            if due.is_due and failed is None:
                told[name] = told_after(told.get(name, {}), due, now=now)
                write_json(folder.root / TOLD, _as_json(book, told))
            channels[name] = _outcome(due, failed)
    return {"book": book, "open": len(alarms), "channels": channels, "warnings": _warnings(channels, warning)}


def run_test(
    book: str, rules: Notifications, notifier: Callable[[str], Notifier], *, only: Iterable[str] = ()
) -> dict[str, Any]:
    """A test message to each channel, or to those of `only`, at any hour."""
    channels: dict[str, dict[str, Any]] = {}
    for name in _chosen(rules, only):
        failed = _sent(notifier, name, channel_test(book, name))
        channels[name] = {"sent": failed is None, "warning": failed}
    return {"book": book, "channels": channels, "warnings": _warnings(channels, None)}


def open_alarms(report: Mapping[str, Any], *, where: Path) -> list[OpenAlarm]:
    """The open alarms of alarms.json, as far as they go out. Raises BrokenFile where it is none."""
    try:
        return [_alarm(one) for one in report["alarms"]]
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenFile(
            "this is no report of alarms", where=str(where), hint="run it again: creditrisk monitor alarms BOOK"
        ) from error


def _alarm(told: Mapping[str, Any]) -> OpenAlarm:
    if told["severity"] not in URGENCIES:
        raise ValueError(told["severity"])
    return OpenAlarm(
        id=str(told["id"]),
        what=str(told["what"]),
        severity=told["severity"],
        owner=told.get("owner"),
        since=told.get("since"),
        now=_number(told.get("now")),
        limit=_number(told.get("limit")),
        portfolio=_texts(told.get("portfolio")),
        look_at=_texts(told.get("look_at")),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(text) for text in ([value] if isinstance(value, str) else value or ()))


def _chosen(rules: Notifications, only: Iterable[str]) -> list[str]:
    names = list(dict.fromkeys(only)) or list(rules.channels)
    for name in names:
        if name not in rules.channels:
            raise BadUsage(
                f'no channel "{name}"', where="notifications.channels", hint=did_you_mean(name, rules.channels)
            )
    return names


def _sent(notifier: Callable[[str], Notifier], name: str, message: Message) -> str | None:
    """None where it was delivered, else why not, in one line."""
    try:
        notifier(name).send(message)
    except (OutsideFailed, BadConfig) as error:
        return f"{error.what}; {error.hint}" if error.hint else error.what
    return None


def _outcome(due: Notice, failed: str | None) -> dict[str, Any]:
    return {
        "sent": due.is_due and failed is None,
        "told": [alarm.id for alarm in due.told],
        "over": [before.id for before in due.over],
        "held": [alarm.id for alarm in due.held],
        "warning": failed,
    }


def _warnings(channels: Mapping[str, Mapping[str, Any]], other: str | None) -> list[str]:
    found = [f"{name}: {of['warning']}" for name, of in channels.items() if of["warning"] is not None]
    return ([] if other is None else [other]) + found


def _told(path: Path) -> tuple[dict[str, dict[str, Told]], str | None]:
    """By channel, by alarm; and a warning where the file cannot be read: to tell twice is better than to be silent."""
    if not path.exists():
        return {}, None
    try:
        kept = read_json(path)["channels"]
        return {name: {key: _before(key, of) for key, of in each.items()} for name, each in kept.items()}, None
    except (BrokenFile, KeyError, TypeError, ValueError, AttributeError):
        return {}, f"{path.name} cannot be read: every open alarm is told again"


def _before(key: str, of: Mapping[str, Any]) -> Told:
    if of["severity"] not in URGENCIES:
        raise ValueError(of["severity"])
    return Told(key, datetime.fromisoformat(of["at"]), of["severity"], str(of["what"]))


def _as_json(book: str, told: Mapping[str, Mapping[str, Told]]) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "book": book,
        "channels": {
            name: {
                key: {"at": before.at.isoformat(), "severity": before.severity, "what": before.what}
                for key, before in each.items()
            }
            for name, each in told.items()
        },
    }


def need_delivered(result: Mapping[str, Any]) -> None:
    """Raises OutsideFailed when there was any warning: for `--strict`."""
    if result["warnings"]:
        raise OutsideFailed(
            f"not everything was delivered: {len(result['warnings'])} of {len(result['channels'])} failed",
            where=str(result["book"]),
            hint="the warnings above say what to do; without --strict they do not fail the command",
        )


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("notify"))
