"""Addresses as they may be shown, and a store that nobody has begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.adapters.mlflow_client import is_not_begun, without_password
from creditrisk.adapters.mlflow_registry import MlflowRegistry


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


def test_a_database_that_nobody_made_is_not_begun(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert is_not_begun(uri)
    (tmp_path / "mlflow.db").touch()
    assert not is_not_begun(uri)
    assert not is_not_begun("http://127.0.0.1:5000")


def test_a_registry_that_nobody_began_holds_no_versions_and_is_not_made_by_asking(tmp_path: Path) -> None:
    registry = MlflowRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}", cache=tmp_path)
    assert registry.versions("tiny") == []
    assert list(tmp_path.iterdir()) == []
