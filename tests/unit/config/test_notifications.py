"""Who is told of alarms: strict words in the book, addresses in the environment only, told nowhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from creditrisk.config import (
    BESIDE_THE_MODEL,
    Notifications,
    QuietHours,
    channel_address,
    load_book,
    read_sink_settings,
)
from creditrisk.errors import BadConfig
from tests.support.tiny_book import write_tiny_book

SECRET = "json://lender:planted@127.0.0.1/hook"


def test_a_lender_who_says_nothing_has_one_channel_without_quiet_hours() -> None:
    said = Notifications()
    assert list(said.channels) == ["team"]
    assert said.channels["team"].severity_from == "warning"
    assert (said.quiet_hours, said.remind_after_days) == (None, 7)
    assert said.secret_variables() == ["CREDITRISK_NOTIFY_TEAM", "CREDITRISK_NOTIFY_TEAM_FILE"]


def test_who_is_told_is_no_part_of_a_model(tmp_path: Path) -> None:
    folder = write_tiny_book(tmp_path)
    other = load_book(folder, {"notifications.channels": {"risk": {}, "on_call": {"severity_from": "critical"}}})
    assert "notifications" in BESIDE_THE_MODEL
    assert load_book(folder).sha256 == other.sha256


def test_an_address_has_no_place_in_a_book(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as told:
        load_book(write_tiny_book(tmp_path), {"notifications.channels": {"team": {"url": SECRET}}})
    assert "planted" not in str(told.value)


@pytest.mark.parametrize("name", ["team_file", "Team", "on-call", ""])
def test_a_channel_whose_variable_would_be_another_thing_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Notifications.model_validate({"channels": {name: {}}})


@pytest.mark.parametrize(
    ("hour", "held"), [(21, False), (22, True), (23, True), (0, True), (6, True), (7, False), (12, False)]
)
def test_quiet_hours_go_over_midnight_in_their_own_time_zone(hour: int, held: bool) -> None:
    quiet = QuietHours(begin="22:00", end="07:00", time_zone="Asia/Tokyo")  # nine hours ahead, all year round
    assert quiet.hold(datetime(2026, 5, 5, (hour - 9) % 24, tzinfo=UTC)) is held


@pytest.mark.parametrize(("hour", "held"), [(11, False), (12, True), (13, False)])
def test_quiet_hours_within_a_day(hour: int, held: bool) -> None:
    assert QuietHours(begin="12:00", end="13:00").hold(datetime(2026, 5, 5, hour, tzinfo=UTC)) is held


@pytest.mark.parametrize(
    "wrong",
    [
        {"begin": "25:00", "end": "07:00"},
        {"begin": "22:00", "end": "07:00", "time_zone": "Europe/Berln"},
        {"begin": "22:00", "end": "07:00", "time_zone": "../etc/passwd"},
        {"begin": "22:00"},
        {"begin": "22:00", "end": "07:00", "except_for": "loud"},
    ],
)
def test_quiet_hours_that_are_none_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        QuietHours.model_validate(wrong)


def test_an_address_comes_from_its_variable_or_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "address"
    path.write_text(f"{SECRET}\n", encoding="utf-8")
    monkeypatch.setenv("CREDITRISK_NOTIFY_ON_CALL_FILE", str(path))
    assert channel_address("on_call").get_secret_value() == SECRET
    monkeypatch.setenv("CREDITRISK_NOTIFY_ON_CALL", "json://other")
    assert channel_address("on_call").get_secret_value() == "json://other"
    assert "other" not in repr(channel_address("on_call"))


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_channel_without_address_says_which_variable_to_set(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "address"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("CREDITRISK_NOTIFY_TEAM_FILE", str(path))
    with pytest.raises(BadConfig, match="CREDITRISK_NOTIFY_TEAM_FILE"):
        channel_address("team")


def test_a_namespace_that_cloudwatch_keeps_for_itself_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITRISK_CLOUDWATCH_NAMESPACE", "AWS/EC2")
    with pytest.raises(BadConfig, match="CREDITRISK_CLOUDWATCH_NAMESPACE"):
        read_sink_settings()


def test_a_gateways_password_is_told_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITRISK_PUSHGATEWAY_URL", "https://lender:planted@gateway:9091")
    settings = read_sink_settings()
    assert "planted" not in f"{settings!r}{settings.model_dump()}"
