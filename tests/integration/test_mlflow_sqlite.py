"""What is written into MLflow's SQLite file without MLflow is what MLflow itself writes there."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from creditrisk.adapters.mlflow_client import mlflow_at, registry_at
from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.adapters.mlflow_sqlite import SqliteClient, plain_file
from creditrisk.adapters.mlflow_tracking import MlflowTracker
from creditrisk.errors import OutsideFailed
from tests.support.stub_model import STUB_MODEL, stub_run

type Step = Callable[[Any], object]

STEPS: dict[str, Step] = {
    "a new alias": lambda client: client.set_registered_model_alias("loans", "production", "1"),
    "the same alias elsewhere": lambda client: client.set_registered_model_alias("loans", "candidate", "1"),
    "an alias goes": lambda client: client.delete_registered_model_alias("loans", "candidate"),
    "an alias that is not there goes": lambda client: client.delete_registered_model_alias("loans", "nobody"),
    "a new tag": lambda client: client.set_model_version_tag("loans", "1", "deployed", "ünïcode ' \" \n"),
    "an empty tag": lambda client: client.set_model_version_tag("loans", "1", "deployed", ""),
    "a tag again": lambda client: client.set_model_version_tag("loans", "1", "actor", "bob"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one version behind `candidate`. To read only."""
    folder = tmp_path_factory.mktemp("made")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    run = stub_run(folder, book="loans")
    logged = MlflowTracker(uri, artifacts=folder / "artifacts", model_code=STUB_MODEL).log_run(run)
    MlflowRegistry(uri, cache=folder / "cache").register("loans", logged, alias="candidate", tags={"actor": "ann"})
    return folder / "mlflow.db"


def rows(database: Path) -> dict[str, list[Any]]:
    """Of every table of the registry."""
    tables = ("registered_models", "registered_model_aliases", "model_versions", "model_version_tags")
    with closing(sqlite3.connect(database)) as connection:
        return {table: sorted(connection.execute(f"select * from {table}"), key=repr) for table in tables}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_leaves_the_rows_that_mlflow_leaves(step: str, made: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    for copy in (ours, theirs):
        shutil.copy(made, copy)
    with mlflow_at(f"sqlite:///{theirs}") as client:
        STEPS[step](client)
    with registry_at(f"sqlite:///{ours}") as client:
        assert isinstance(client, SqliteClient)
        STEPS[step](client)
    assert rows(ours) == rows(theirs)


def test_both_read_the_same(made: Path) -> None:
    uri = f"sqlite:///{made}"
    with mlflow_at(uri) as client, registry_at(uri) as ours:
        theirs = client.search_model_versions("name = 'loans'", max_results=10)
        found = ours.search_model_versions("name = 'loans'", max_results=10)
        assert [(one.name, int(one.version), one.run_id, dict(one.tags)) for one in found] == [
            (one.name, int(one.version), one.run_id, dict(one.tags)) for one in theirs
        ]
        aliases = client.get_registered_model("loans").aliases
        assert {alias: int(number) for alias, number in ours.get_registered_model("loans").aliases.items()} == {
            alias: int(number) for alias, number in aliases.items()
        }


@pytest.mark.parametrize(
    "step",
    [
        lambda client: client.get_registered_model("nobody"),
        lambda client: client.set_registered_model_alias("loans", "production", "9"),
        lambda client: client.set_model_version_tag("loans", "9", "key", "value"),
        lambda client: client.delete_registered_model_alias("nobody", "production"),
    ],
)
def test_what_is_not_there_is_told_in_mlflows_word(step: Step, made: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(made, tmp_path / "copy.db"))
    before = rows(copy)
    with mlflow_at(f"sqlite:///{copy}") as client:
        theirs = refusal(step, client)
    with registry_at(f"sqlite:///{copy}") as client:
        assert refusal(step, client) == theirs == "RESOURCE_DOES_NOT_EXIST"
    assert rows(copy) == before


def refusal(step: Step, client: Any) -> str:
    """MLflow's word for why the step was not made."""
    try:
        step(client)
    except Exception as error:  # noqa: BLE001  (two families, MLflow's and ours)
        return str(getattr(error, "error_code", error))
    return "done"


def test_a_file_of_another_schema_is_left_to_mlflow(made: Path, tmp_path: Path) -> None:
    assert plain_file(f"sqlite:///{made}") == made, (
        "an MLflow that migrates anew: compare its store, then name its schema"
    )
    copy = Path(shutil.copy(made, tmp_path / "copy.db"))
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("update alembic_version set version_num = 'abc'")
    assert plain_file(f"sqlite:///{copy}") is None
    (tmp_path / "text.db").write_text("no database")
    assert plain_file(f"sqlite:///{tmp_path / 'text.db'}") is None
    assert plain_file(f"sqlite:///{made}?mode=ro") is None
    assert plain_file("http://127.0.0.1:9") is None


def test_a_database_that_is_held_by_another_writer_is_told(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creditrisk.adapters.mlflow_sqlite.WAIT_S", 0.05)
    copy = Path(shutil.copy(made, tmp_path / "copy.db"))
    with closing(sqlite3.connect(copy)) as other:
        other.execute("begin exclusive")
        with pytest.raises(OutsideFailed, match="locked"):
            MlflowRegistry(f"sqlite:///{copy}", cache=tmp_path).set_alias("loans", "production", 1)
