"""Real object stores and an MLflow server, each started when the first test needs it and ended with the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.mlflow_auth_server import AuthServer, mlflow_with_passwords
from tests.support.postgres import PostgresServer
from tests.support.stores import RUNNING, RunningStore


@pytest.fixture(scope="session")
def running_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], RunningStore]]:
    """running_store("s3") -> the store of that kind."""
    started: dict[str, RunningStore] = {}
    with ExitStack() as stack:

        def get(kind: str) -> RunningStore:
            if kind not in started:
                started[kind] = stack.enter_context(RUNNING[kind](tmp_path_factory.mktemp(f"{kind}-server")))
            return started[kind]

        yield get


@pytest.fixture(scope="session")
def mlflow_auth_server(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthServer]:
    """MLflow on Postgres, with passwords; it takes half a minute to start."""
    with mlflow_with_passwords(postgres, tmp_path_factory.mktemp("mlflow-with-passwords")) as server:
        yield server
