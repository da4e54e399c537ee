"""Settings come from the environment; a wrong one is told with the variable's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.config import read_decision_store_settings, read_settings
from creditrisk.errors import BadConfig


def test_the_environment_says_who_acts_and_what_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "CREDITRISK_ACTOR": "ann", "CREDITRISK_MEMORY_LIMIT": "2 GiB", "CREDITRISK_THREADS": "3",
        "MLFLOW_TRACKING_URI": "http://tracker",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert (settings.actor, settings.memory_limit, settings.threads) == ("ann", "2 GiB", 3)
    assert settings.tracking_uri == "http://tracker"


@pytest.mark.parametrize(
    ("name", "value"),
    [("CREDITRISK_THREADS", "many"), ("CREDITRISK_THREADS", "0"), ("CREDITRISK_MEMORY_LIMIT", "lots")],
)
def test_a_wrong_setting_is_told_with_its_variable(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadConfig) as caught:
        read_settings()
    assert caught.value.what.startswith(f"{name}: ")
    assert repr(value) in caught.value.what


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "address"
    file.write_text("postgresql://ann:secret@db/decisions\n", encoding="utf-8")
    monkeypatch.setenv("CREDITRISK_DECISIONS_URL", "")
    monkeypatch.setenv("CREDITRISK_DECISIONS_URL_FILE", str(file))
    told = read_decision_store_settings().decisions_url
    assert told is not None
    assert told.get_secret_value() == "postgresql://ann:secret@db/decisions"


def test_what_the_environment_says_itself_comes_before_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker")
    monkeypatch.setenv("MLFLOW_TRACKING_URI_FILE", str(tmp_path / "none"))
    assert read_settings().tracking_uri == "http://tracker"


def test_a_file_of_a_secret_that_cannot_be_read_is_told_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(BadConfig, match="the file of MLFLOW_TRACKING_PASSWORD cannot be read") as caught:
        read_settings()
    assert caught.value.where == str(tmp_path / "none")
