"""Messages by apprise: Slack, e-mail, Teams, PagerDuty, a webhook, and whatever else it has an address for.

Source: https://github.com/caronc/apprise/wiki
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from creditrisk.errors import BadConfig, OutsideFailed
from creditrisk.ports import Message

if TYPE_CHECKING:
    from pydantic import SecretStr

KINDS = {"good": "success", "info": "info", "warning": "warning", "critical": "failure"}
"""Urgency -> apprise's word, from which it makes a colour, or PagerDuty's severity."""

_STATUS = re.compile(r"\berror=(\d{3})\b")
"""How apprise's log tells the status of an answer. The rest of its lines may hold parts of an address."""


class AppriseNotifier:
    """One place. channel: its name, for errors.   address: one apprise URL, which is told nowhere."""

    def __init__(self, channel: str, address: SecretStr) -> None:
        self._channel = channel
        self._address = address

    def send(self, message: Message) -> None:
        apprise = _library()
        # no picture: each would be fetched from apprise's own pages by whoever reads the message
        asset = apprise.AppriseAsset(
            app_id="creditrisk", app_desc="creditrisk", app_url="", image_url_mask="", image_url_logo="",
            async_mode=False, plugin_paths=[],
        )  # fmt: skip
        with _log_kept() as lines, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of its plugins, which it loads when it is asked

            place = apprise.Apprise(asset=asset)
            if not _added(place, self._address.get_secret_value()):
                raise BadConfig(
                    f"the address of channel {self._channel} is none that apprise knows",
                    where=f"channel {self._channel}",
                    hint="one address as in docs/notifications.md; special characters of a password are written as %40",
                )
            delivered = place.notify(
                title=message.title,
                body=message.body,
                notify_type=KINDS[message.urgency],
                body_format=apprise.NotifyFormat.TEXT,
            )
        if not delivered:
            raise _not_delivered(self._channel, lines)


def _added(place: Any, address: str) -> bool:
    try:
        return bool(place.add(address)) and len(place) == 1
    except (TypeError, ValueError):  # what a plugin makes of an odd address
        return False


def _library() -> Any:
    try:
        import apprise
    except ImportError as error:
        raise OutsideFailed(
            "messages need a library that is not installed",
            hint='pip install "creditrisk[notify]"',
            retry_may_help=False,
        ) from error
    return apprise


@contextmanager
def _log_kept() -> Iterator[list[str]]:
    """What apprise logs meanwhile goes nowhere else, what urllib3 logs nowhere: it may hold parts of an address."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    own, http = logging.getLogger("apprise"), logging.getLogger("urllib3.connectionpool")
    before = own.handlers, own.propagate, own.level, http.disabled
    own.handlers, own.propagate, http.disabled = [Keeper()], False, True
    own.setLevel(logging.WARNING)
    try:
        yield lines
    finally:
        own.handlers, own.propagate, level, http.disabled = before
        own.setLevel(level)


def _not_delivered(channel: str, lines: list[str]) -> OutsideFailed:
    status = next((hit[1] for line in lines if (hit := _STATUS.search(line))), None)
    if status is None:
        return OutsideFailed(
            f"channel {channel}: nobody took the message",
            hint="see whether its host is reachable from here, and name and password are right",
        )
    refused = status.startswith("4") and status not in {"408", "429"}
    return OutsideFailed(
        f"channel {channel}: the message was answered with status {status}",
        hint="see whether the address is still good: make a new one there"
        if refused
        else "it is tried again next time",
        retry_may_help=not refused,
    )
