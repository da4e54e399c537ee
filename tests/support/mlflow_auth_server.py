"""An MLflow server on Postgres that asks for a user and a password, made for a test session and thrown away."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.support.postgres import PostgresServer
from tests.support.server_process import serving

ADMIN = "keeper"
READER = "reader"


@dataclass(frozen=True)
class AuthServer:
    """passwords: {user: generated password}. ADMIN may do everything, READER may only read."""

    url: str
    passwords: dict[str, str]

    def uri(self, user: str) -> str:
        """The address with user and password in it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{user}:{quote(self.passwords[user], safe='')}@{parts.netloc}"

    def log_in(self, user: str, monkeypatch: pytest.MonkeyPatch) -> str:
        """The address; the password stands in the environment, as people are told to keep it."""
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", user)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", self.passwords[user])
        return self.url


@contextmanager
def mlflow_with_passwords(postgres: PostgresServer, folder: Path) -> Iterator[AuthServer]:
    """postgres: gets two databases, of the runs and of the users, which stay.   folder: for files and the log."""
    for name in ("mlflow", "mlflow_logins"):
        postgres.sql("postgres", f"create database {name}")
    # plain postgresql:// means another driver to an older SQLAlchemy; psycopg is what our own extra brings
    address = f"postgresql+psycopg://postgres@127.0.0.1:{postgres.port}"
    passwords = {name: secrets.token_urlsafe(24) for name in (ADMIN, READER)}
    logins = folder / "logins.ini"
    logins.write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = {address}/mlflow_logins\nadmin_username = {ADMIN}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        "auth_cache_ttl_seconds = 600\n"  # else each of a hundred requests to log a run hashes the password anew
    )
    environment = {
        "MLFLOW_AUTH_CONFIG_PATH": str(logins),
        "MLFLOW_AUTH_ADMIN_PASSWORD": passwords[ADMIN],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_urlsafe(24),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }

    def command(port: int) -> list[str]:
        store = ["--backend-store-uri", f"{address}/mlflow", "--artifacts-destination", str(folder / "artifacts")]
        where = ["--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
        return ["mlflow", "server", "--app-name", "basic-auth", "--serve-artifacts", *store, *where]

    with serving(command, folder, ready="/health", environment=environment) as url:
        server = AuthServer(url, passwords)
        _make_user(server, READER)
        yield server


def _make_user(server: AuthServer, name: str) -> None:
    import requests

    answer = requests.post(
        f"{server.url}/api/2.0/mlflow/users/create",
        json={"username": name, "password": server.passwords[name]},
        auth=(ADMIN, server.passwords[ADMIN]),
        timeout=30,
    )
    answer.raise_for_status()
