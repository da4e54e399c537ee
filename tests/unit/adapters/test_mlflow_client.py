"""Addresses as they may be shown."""

from __future__ import annotations

import pytest

from creditrisk.adapters.mlflow_client import without_password


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ann:secret@registry:5000", "http://***@registry:5000"),
        ("postgresql+psycopg2://ann:p@ss@db/mlflow", "postgresql+psycopg2://***@db/mlflow"),
        ("https://registry/mlflow", "https://registry/mlflow"),
        ("sqlite:////workspace/mlflow.db", "sqlite:////workspace/mlflow.db"),
    ],
)
def test_an_address_is_shown_without_user_and_password(uri: str, shown: str) -> None:
    assert without_password(uri) == shown
