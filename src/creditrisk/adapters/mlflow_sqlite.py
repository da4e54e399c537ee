"""The few calls that a registry needs of MLflow's own SQLite file, without importing MLflow, which takes seconds.

A rollback must not wait for that. Only a file of the schema that is known here is touched, and the rows are those that
MLflow's own store writes, which tests compare. Any other file is left to MLflow.
Names and arguments are those of `MlflowClient`, as in `mlflow_rest`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from creditrisk.adapters.mlflow_rest import RegisteredModel, RegisteredVersion

KNOWN_SCHEMA = "dc11669786a5"
"""Of MLflow 3.17, as its migrations name it."""

WAIT_S = 30.0
"""For another process that writes."""

DELETED = "Deleted_Internal"
"""MLflow's stage of versions that were deleted."""


class NotThere(LookupError):
    """What was asked for does not exist, with MLflow's word for it."""

    error_code = "RESOURCE_DOES_NOT_EXIST"


def plain_file(tracking_uri: str) -> Path | None:
    """The SQLite file at that address, where it is one whose schema is known here; else None."""
    scheme, separator, text = tracking_uri.partition(":///")
    path = Path(text)
    if scheme != "sqlite" or not separator or "?" in text or not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=WAIT_S)) as database:
            found = database.execute("select version_num from alembic_version").fetchall()
    except sqlite3.Error as error:
        return path if error.sqlite_errorcode == sqlite3.SQLITE_BUSY else None  # who asks next is told so
    return path if found == [(KNOWN_SCHEMA,)] else None


class SqliteClient:
    """Raises NotThere, sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get_registered_model(self, name: str) -> RegisteredModel:
        with self._open() as database:
            _need_model(database, name)
            rows = database.execute("select alias, version from registered_model_aliases where name = ?", [name])
            return RegisteredModel(name, {alias: str(version) for alias, version in rows})

    def search_model_versions(self, filter_string: str, *, max_results: int) -> list[RegisteredVersion]:
        """filter_string: name = '<name>', and no other."""
        name = filter_string.removeprefix("name = '").removesuffix("'")
        with self._open() as database:
            tags: dict[int, dict[str, str]] = {}
            for version, key, value in database.execute(
                "select version, key, value from model_version_tags where name = ?", [name]
            ):
                tags.setdefault(version, {})[key] = value
            rows = database.execute(
                "select version, run_id from model_versions where name = ? and current_stage != ? limit ?",
                [name, DELETED, max_results],
            )
            return [RegisteredVersion(name, str(version), run or "", tags.get(version, {})) for version, run in rows]

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        with self._open() as database:
            workspace = _need_version(database, name, version)
            database.execute(
                "insert into registered_model_aliases (workspace, name, alias, version) values (?, ?, ?, ?) "
                "on conflict (workspace, name, alias) do update set version = excluded.version",
                [workspace, name, alias, int(version)],
            )

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        with self._open() as database:
            _need_model(database, name)
            database.execute("delete from registered_model_aliases where name = ? and alias = ?", [name, alias])

    def set_model_version_tag(self, name: str, version: str, key: str, value: str) -> None:
        with self._open() as database:
            workspace = _need_version(database, name, version)
            database.execute(
                "insert into model_version_tags (workspace, name, version, key, value) values (?, ?, ?, ?, ?) "
                "on conflict (workspace, key, name, version) do update set value = excluded.value",
                [workspace, name, int(version), key, value],
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction: on disk at the end, or nothing changed."""
        with closing(sqlite3.connect(self._path, timeout=WAIT_S)) as database:
            database.execute("pragma foreign_keys = on")
            with database:
                yield database


def _need_model(database: sqlite3.Connection, name: str) -> None:
    if not database.execute("select 1 from registered_models where name = ?", [name]).fetchone():
        raise NotThere(f"no registered model {name}")


def _need_version(database: sqlite3.Connection, name: str, version: str) -> str:
    """The name of the version's workspace, which is MLflow's and not ours."""
    row = database.execute(
        "select workspace from model_versions where name = ? and version = ? and current_stage != ?",
        [name, int(version), DELETED],
    ).fetchone()
    if row is None:
        raise NotThere(f"no version {version} of {name}")
    return str(row[0])
