"""A quiet MLflow client that phones nobody, and MLflow's failures in this project's words.

MLflow is imported inside the functions: it takes seconds, and `creditrisk --help` should not wait for it.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from creditrisk.adapters.mlflow_rest import RestClient, RestError, speaks_plainly
from creditrisk.adapters.mlflow_sqlite import SqliteClient, plain_file
from creditrisk.errors import CreditRiskError, OutsideFailed
from creditrisk.files import whole_file

if TYPE_CHECKING:
    from mlflow.client import MlflowClient

NO_TELEMETRY = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
DEFAULTS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",  # else it copies the current folder's pyproject.toml into each model
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # the default of 7 keeps people waiting minutes for a server that is away
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


@contextmanager
def mlflow_at(tracking_uri: str) -> Iterator[MlflowClient]:
    """A client of the tracking server and registry at that address.

    Raises OutsideFailed for whatever MLflow, its database, its disk or the network raise inside the block.
    """
    os.environ.update(NO_TELEMETRY)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        # MLflow 3.17 warns about its own type hints and SQLAlchemy's noload: nothing a user of ours can mend
        warnings.simplefilter("ignore")
        from mlflow.client import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        try:
            _make_sqlite_whole(tracking_uri)
            yield MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
        except CreditRiskError:
            raise
        except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
            raise _translated(error, tracking_uri) from error


@contextmanager
def registry_at(tracking_uri: str) -> Iterator[MlflowClient | RestClient | SqliteClient]:
    """A client for versions, aliases and tags that needs no import of MLflow, wherever there is one: of a server by its
    REST API, of a SQLite file by its tables.

    Raises OutsideFailed as `mlflow_at`.
    """
    file = plain_file(tracking_uri)
    if file is None and not speaks_plainly(tracking_uri):
        with mlflow_at(tracking_uri) as client:
            yield client
        return
    try:
        yield RestClient(tracking_uri) if file is None else SqliteClient(file)
    except (RestError, sqlite3.Error) as error:
        raise _translated(error, tracking_uri) from error


def experiment_named(client: MlflowClient, name: str, location: str | None) -> Any:
    """The experiment, made where there is none. location: for the files of a new one; None lets the server choose."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.get_experiment(client.create_experiment(name, artifact_location=location))
        except Exception as error:
            if not exists_already(error):
                raise
            experiment = client.get_experiment_by_name(name)  # another run was faster
    return experiment


def is_not_there(error: Exception) -> bool:
    """Whether an MlflowException says that what was asked for does not exist."""
    return getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST"


def exists_already(error: Exception) -> bool:
    return getattr(error, "error_code", "") == "RESOURCE_ALREADY_EXISTS"


def _translated(error: Exception, tracking_uri: str) -> OutsideFailed:
    retry_may_help = True
    if tracking_uri.startswith("http"):
        hint, retry_may_help = _remedy(_status(error))
    elif tracking_uri.startswith("sqlite"):
        hint = "check that the workspace is writable and has room, then run the command again"
    else:
        hint = "check MLFLOW_TRACKING_URI, that its driver is installed and that the database answers; then try again"
    first_line = next(iter(str(error).splitlines()), "") or type(error).__name__
    secret = _user_and_password(tracking_uri)
    told = first_line.replace(f"{secret}@", "***@") if secret else first_line
    what = f"MLflow did not do its part: {told[:500]}"
    return OutsideFailed(what, where=without_password(tracking_uri), hint=hint, retry_may_help=retry_may_help)


def _status(error: Exception) -> int | None:
    """Of HTTP, as MLflow's client or ours tells it; None where nobody answered."""
    if isinstance(error, RestError):
        return error.status
    told = getattr(error, "get_http_status_code", None)
    return told() if told is not None else None


def _remedy(status: int | None) -> tuple[str, bool]:
    """What to do about a server's answer, and whether asking again may help."""
    if status == 401:
        return "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to a user that the server knows", False
    if status == 403:
        return "its user may not do this: ask who keeps the server for it; docs/registry.md lists what is needed", False
    return "is the server up, and is MLFLOW_TRACKING_URI its address? then run the command again", True


def without_password(uri: str) -> str:
    """The address as it may be shown.

    >>> without_password("http://ann:secret@registry:5000")
    'http://***@registry:5000'
    """
    secret = _user_and_password(uri)
    return uri.replace(f"{secret}@", "***@", 1) if secret else uri


def _user_and_password(uri: str) -> str:
    return urlsplit(uri).netloc.rpartition("@")[0]


def is_not_begun(tracking_uri: str) -> bool:
    """Is it a SQLite file that nobody has made yet? Making one takes seconds, and it would hold nothing."""
    scheme, separator, path = tracking_uri.partition(":///")
    return bool(separator and path) and scheme == "sqlite" and not Path(path.partition("?")[0]).exists()


def _make_sqlite_whole(tracking_uri: str) -> None:
    """Make a missing SQLite database under another name, then rename it.

    MLflow's own first use runs its migrations in place, one fsync each: a killed run leaves a database that no later
    run can open. Here they run without fsync (five times faster) on a file nobody else sees.
    """
    import sqlalchemy
    from filelock import FileLock

    url = sqlalchemy.engine.make_url(tracking_uri) if tracking_uri.startswith("sqlite") else None
    if url is None or not url.database or url.database == ":memory:" or Path(url.database).exists():
        return
    from mlflow.store.db.utils import _initialize_tables

    target = Path(url.database).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f".{target.name}.lock")):
        if target.exists():  # another run was faster
            return
        with whole_file(target) as partial:
            engine = sqlalchemy.create_engine(url.set(database=str(partial)))
            sqlalchemy.event.listen(engine, "connect", _without_fsync)
            _initialize_tables(engine)
            engine.dispose()


def _without_fsync(connection: Any, _record: Any) -> None:
    connection.execute("pragma synchronous = off")
    connection.execute("pragma journal_mode = memory")
