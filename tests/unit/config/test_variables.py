"""Which variables are secrets: their names are told, their values never."""

from __future__ import annotations

import pytest

from creditrisk.config.variables import SETTINGS, secret_variables, settings_given

SECRET = "c2VjcmV0"


def test_every_secret_and_every_file_of_one_is_named() -> None:
    assert secret_variables() == [
        "CREDITRISK_API_KEYS", "CREDITRISK_API_KEYS_FILE", "CREDITRISK_DECISIONS_URL", "CREDITRISK_DEPLOY_API_KEY",
        "CREDITRISK_DEPLOY_API_KEY_FILE", "CREDITRISK_PAYLOAD_KEY", "CREDITRISK_PAYLOAD_KEY_FILE",
        "CREDITRISK_PUSHGATEWAY_URL", "CREDITRISK_SIGNING_KEY", "CREDITRISK_SIGNING_KEY_FILE",
    ]  # fmt: skip


def test_the_value_of_no_secret_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in secret_variables():
        monkeypatch.setenv(variable, SECRET)
    assert SECRET not in str(settings_given())


def test_a_plain_setting_is_told_as_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITRISK_SERVE_WATCH_SECONDS", "5")
    assert settings_given()["CREDITRISK_SERVE_WATCH_SECONDS"] == "5"
    assert "CREDITRISK_SERVE_BODY_MAX_BYTES" not in settings_given()


def test_a_password_in_an_address_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"https://ann:{SECRET}@mlflow.example.org/base")
    assert settings_given()["MLFLOW_TRACKING_URI"] == "https://mlflow.example.org/base"


def test_what_concerns_one_machine_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITRISK_THREADS", "2")
    assert settings_given() == {}


def test_every_settings_class_is_looked_at() -> None:
    from creditrisk import config

    known = {name for name in dir(config) if name.endswith("Settings")}
    assert {settings.__name__ for settings in SETTINGS} == known
