"""A server's settings come from the environment, and a wrong one is named without its value."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.config import read_serving_settings
from creditrisk.errors import BadConfig


def test_without_a_word_nothing_is_configured_and_the_limits_are_set() -> None:
    settings = read_serving_settings()
    assert (settings.model_name, settings.api_keys_file, settings.oidc_issuer) == (None, None, None)
    assert settings.body_max_bytes == 2 * 2**20


def test_variables_are_read_under_their_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_ALIAS", "candidate")
    monkeypatch.setenv("CREDITRISK_API_KEYS_FILE", "/run/keys")
    monkeypatch.setenv("CREDITRISK_OIDC_ALGORITHMS", "ES256, EdDSA")
    monkeypatch.setenv("CREDITRISK_SERVE_GROUP_MAX", "7")
    settings = read_serving_settings()
    assert settings.model_alias == "candidate"
    assert settings.api_keys_file == Path("/run/keys")
    assert settings.oidc_algorithms == ("ES256", "EdDSA")
    assert settings.group_max == 7


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CREDITRISK_OIDC_ALGORITHMS", "HS256"),
        ("CREDITRISK_OIDC_ALGORITHMS", "none"),
        ("CREDITRISK_OIDC_ALGORITHMS", ""),
        ("CREDITRISK_SERVE_WAITING_MAX", "0"),
        ("CREDITRISK_SERVE_TIMEOUT_SECONDS", "soon-and-secret"),
    ],
)
def test_a_wrong_setting_is_told_by_its_variable_and_not_by_its_value(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadConfig, match=variable) as caught:
        read_serving_settings()
    assert "secret" not in str(caught.value)
