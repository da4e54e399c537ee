"""Settings come from the environment; a wrong one is told with the variable's name."""

from __future__ import annotations

import pytest

from creditrisk.config import read_settings
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
