"""Who is told of alarms (`notifications:` in portfolio.yaml), and where figures go (the environment).

No address stands in a book: each channel's is read from the environment, or from a file that the environment names.
"""

from __future__ import annotations

import os
from datetime import datetime, time
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from creditrisk.config.from_environment import from_environment
from creditrisk.config.strict import Strict
from creditrisk.errors import BadConfig
from creditrisk.ports import Urgency


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}; for example Europe/Berlin") from error
    return name


def _own(namespace: str) -> str:
    if namespace.startswith("AWS/"):
        raise ValueError("CloudWatch keeps what begins with AWS/ for itself")
    return namespace


def _no_file(channel: str) -> str:
    if channel.endswith("_file"):
        raise ValueError("a channel's name cannot end in _file: so does the variable that names another one's file")
    return channel


TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
ChannelName = Annotated[str, AfterValidator(_no_file), Field(pattern=r"^[a-z][a-z0-9_]*$")]


class QuietHours(Strict):
    """When nobody is disturbed: what is found then is told by the first run afterwards."""

    begin: TimeOfDay
    """From this time of the day on, "22:00"."""
    end: TimeOfDay
    """Until this one, "07:00"; before `begin` = on the next day."""
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """In which those times are meant: Europe/Berlin."""
    except_for: Urgency = "critical"
    """Alarms of this severity or a worse one are told all the same."""

    def hold(self, now: datetime) -> bool:
        """Do they last at this moment (with its time zone)?"""
        clock = now.astimezone(ZoneInfo(self.time_zone)).time()
        begin, end = time.fromisoformat(self.begin), time.fromisoformat(self.end)
        return begin <= clock < end if begin <= end else clock >= begin or clock < end


class Channel(Strict):
    """One place where people are told. Its address is an apprise URL in `CREDITRISK_NOTIFY_<NAME>(_FILE)`."""

    severity_from: Urgency = "warning"
    """Alarms of this severity or a worse one."""
    owners: tuple[str, ...] = ()
    """Only alarms of these owners; empty = of all."""


class Notifications(Strict):
    channels: dict[ChannelName, Channel] = Field(default={"team": Channel()})
    """By name: the address of `team` is CREDITRISK_NOTIFY_TEAM, or stands in the file CREDITRISK_NOTIFY_TEAM_FILE."""
    quiet_hours: QuietHours | None = None
    """When nobody is disturbed; empty = never."""
    remind_after_days: Annotated[int, Field(ge=1)] | None = 7
    """After how many days an alarm that is still open is told again; empty = never."""

    def secret_variables(self) -> list[str]:
        """Every variable that may hold an address, or name a file with one."""
        return sorted(variable for name in self.channels for variable in channel_variables(name))


def channel_variables(channel: str) -> tuple[str, str]:
    """The variable with the channel's address, and the one that names a file with it."""
    variable = f"CREDITRISK_NOTIFY_{channel.upper()}"
    return variable, f"{variable}_FILE"


def channel_address(channel: str) -> SecretStr:
    """The channel's address. Raises BadConfig, which never holds it, where there is none."""
    variable, file_variable = channel_variables(channel)
    text, where = os.environ.get(variable, ""), variable
    if not text and os.environ.get(file_variable):
        where = file_variable
        try:
            text = Path(os.environ[file_variable]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadConfig(
                "the file with the channel's address cannot be read",
                where=file_variable,
                hint="see whether it is there, is text, and may be read by this user",
            ) from error
    if not text.strip():
        raise BadConfig(
            f"channel {channel} has no address",
            where=where,
            hint=f"set {variable}, or {file_variable} to a file that holds it; docs/notifications.md",
        )
    return SecretStr(text.strip())


def read_sink_settings() -> SinkSettings:
    """Where figures go, by this process's environment. Raises BadConfig naming the variable, never its value."""
    return from_environment(SinkSettings)


class SinkSettings(BaseSettings):
    """CREDITRISK_METRICS_FOLDER, CREDITRISK_PUSHGATEWAY_URL, CREDITRISK_CLOUDWATCH_NAMESPACE."""

    model_config = SettingsConfigDict(env_prefix="CREDITRISK_", frozen=True, hide_input_in_errors=True)

    metrics_folder: Path | None = None
    """Folder that node-exporter's textfile collector reads; empty = `metrics` in the workspace."""
    pushgateway_url: SecretStr | None = None
    """`https://user:password@host:9091`; empty = nothing is pushed."""
    cloudwatch_namespace: (
        Annotated[str, AfterValidator(_own), Field(pattern=r"^[A-Za-z0-9_.\-/#:]+$", max_length=255)] | None
    ) = None
    """Namespace in CloudWatch, `CreditRisk`; empty = nothing is sent. Region, credentials and endpoint as boto3 finds
    them."""
