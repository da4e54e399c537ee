"""Tracking and registry on MLflow servers that other machines reach: one open to all, one on Postgres with passwords.

What every tracker and registry promises (`tests/unit/test_ports.py`) is asked of both here, in one file, so that each
server is started once.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.adapters.mlflow_tracking import MlflowTracker
from creditrisk.errors import ExitCode, OutsideFailed
from creditrisk.ports import ModelVersion, TrainingRun
from tests.support.dying_server import DyingServer, dying
from tests.support.mlflow_auth_server import ADMIN, READER, AuthServer
from tests.support.server_process import serving
from tests.support.stub_model import STUB_MODEL, stub_run
from tests.support.typed_commands import ROOT, blocks
from tests.unit.test_ports import (  # noqa: F401
    Store,
    run,
    test_a_registered_bundle_has_a_version_with_alias_tags_and_hash,
    test_a_tag_may_be_emptied_and_hold_any_letter,
    test_a_version_is_tagged_anew_and_keeps_its_other_tags,
    test_an_alias_for_a_version_that_is_not_there_is_refused,
    test_an_alias_that_is_removed_means_nothing_and_leaves_the_others,
    test_an_unknown_name_has_no_versions,
    test_one_version_may_have_several_aliases,
    test_removing_an_alias_that_means_nothing_is_no_error,
    test_the_alias_moves_to_a_newer_bundle_and_back_to_an_older_one,
    test_the_fetched_folder_is_the_bundle_byte_for_byte,
    test_the_figures_of_a_run_come_back_to_the_last_bit,
    test_the_figures_of_an_unknown_run_are_refused,
    test_the_same_bundle_is_kept_once_and_gets_no_second_version,
)


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    store = ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination", str(folder / "art")]

    def command(port: int) -> list[str]:
        return ["mlflow", "server", *store, "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]

    with serving(command, folder, ready="/health", environment={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}) as url:
        yield url


@pytest.fixture(params=["open", "passwords"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of either; of the one with passwords, its keeper's stand in the environment."""
    if request.param == "open":
        return str(request.getfixturevalue("open_server"))
    protected: AuthServer = request.getfixturevalue("mlflow_auth_server")
    return protected.log_in(ADMIN, monkeypatch)


@pytest.fixture
def store(server: str, tmp_path: Path) -> Store:
    return at(server, tmp_path)


def at(uri: str, folder: Path) -> Store:
    return MlflowTracker(uri, artifacts=None, model_code=STUB_MODEL), MlflowRegistry(uri, cache=folder / "cache")


def test_a_bundle_is_fetched_once_and_kept_beside_the_workspace(store: Store, run: TrainingRun, tmp_path: Path) -> None:  # noqa: F811
    tracker, registry = store
    folder = registry.fetch(registry.register(run.book, tracker.log_run(run), alias="candidate", tags={}))
    assert folder.is_relative_to(tmp_path / "cache")
    (folder / "pd.txt").touch()
    assert registry.fetch(registry.versions(run.book)[0]) == folder


@pytest.mark.parametrize("uri", ["http://ann:secret@127.0.0.1:9", "http://127.0.0.1:9"])
def test_a_server_that_is_away_is_told_without_its_password(uri: str, tmp_path: Path) -> None:
    with pytest.raises(OutsideFailed) as failure:
        MlflowTracker(uri, artifacts=None, model_code=STUB_MODEL).log_run(stub_run(tmp_path))
    assert failure.value.exit_code == ExitCode.OUTSIDE_FAILED
    assert failure.value.retry_may_help
    assert "secret" not in str(failure.value)
    assert "is the server up" in failure.value.hint


def test_a_database_whose_driver_is_not_installed_is_told_with_a_remedy(tmp_path: Path) -> None:
    uri = "mssql+pymssql://ann:secret@127.0.0.1:9/mlflow"
    with pytest.raises(OutsideFailed) as failure:
        MlflowRegistry(uri, cache=tmp_path).versions("loans")
    assert "secret" not in str(failure.value)
    assert "driver" in failure.value.hint


@pytest.fixture(scope="module")
def registered(mlflow_auth_server: AuthServer, tmp_path_factory: pytest.TempPathFactory) -> ModelVersion:
    """A version that the keeper of the server registered: the candidate of its own book."""
    folder = tmp_path_factory.mktemp("registered")
    tracker, registry = at(mlflow_auth_server.uri(ADMIN), folder)
    logged = stub_run(folder, book="kept_by_the_keeper")
    return registry.register(logged.book, tracker.log_run(logged), alias="candidate", tags={"deployed": ""})


def all_that_may_change(server: AuthServer, version: ModelVersion, folder: Path) -> list[ModelVersion]:
    return list(MlflowRegistry(server.uri(ADMIN), cache=folder).versions(version.name))


def test_a_reader_reads_and_fetches(mlflow_auth_server: AuthServer, registered: ModelVersion, tmp_path: Path) -> None:
    tracker, registry = at(mlflow_auth_server.uri(READER), tmp_path)
    assert registry.versions(registered.name) == [registered]
    assert (registry.fetch(registered) / "manifest.json").is_file()
    assert tracker.figures(registered.run_id) == {"roc_auc": 0.71, "brier": 0.066}


@pytest.mark.parametrize("act", ["set_alias", "remove_alias", "tag", "log_run"])
def test_what_a_reader_may_not_do_is_told_and_not_done(
    mlflow_auth_server: AuthServer,
    registered: ModelVersion,
    act: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracker, registry = at(mlflow_auth_server.log_in(READER, monkeypatch), tmp_path)
    acts = {
        "set_alias": lambda: registry.set_alias(registered.name, "production", 1),
        "remove_alias": lambda: registry.remove_alias(registered.name, "candidate"),
        "tag": lambda: registry.tag(registered.name, 1, {"deployed": "by nobody"}),
        "log_run": lambda: tracker.log_run(replace(stub_run(tmp_path, book=registered.name), metrics={"brier": 0.07})),
    }
    with pytest.raises(OutsideFailed) as failure:
        acts[act]()
    assert failure.value.exit_code == ExitCode.OUTSIDE_FAILED
    assert not failure.value.retry_may_help
    assert "docs/registry.md" in failure.value.hint
    assert all_that_may_change(mlflow_auth_server, registered, tmp_path) == [registered]


@pytest.mark.parametrize("who", ["wrong password", "unknown user", "nobody"])
def test_who_is_not_let_in_learns_what_to_set_and_no_password_is_told(
    mlflow_auth_server: AuthServer,
    registered: ModelVersion,
    who: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if who != "nobody":
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "someone" if who == "unknown user" else ADMIN)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "not-the-password")
    tracker, registry = at(mlflow_auth_server.url, tmp_path)
    for question in (
        lambda: registry.versions(registered.name),
        lambda: registry.set_alias(registered.name, "production", 1),
        lambda: tracker.figures(registered.run_id),
    ):
        with pytest.raises(OutsideFailed) as failure:
            question()
        assert "MLFLOW_TRACKING_USERNAME" in failure.value.hint
        assert not failure.value.retry_may_help
        assert "not-the-password" not in str(failure.value)
    assert all_that_may_change(mlflow_auth_server, registered, tmp_path) == [registered]


@pytest.fixture
def frail(mlflow_auth_server: AuthServer) -> Iterator[DyingServer]:
    with dying(mlflow_auth_server.url) as server:
        yield server


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_a_server_that_dies_in_the_middle_is_told_and_the_next_call_does_it(
    frail: DyingServer,
    mlflow_auth_server: AuthServer,
    registered: ModelVersion,
    passes: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """set_alias asks three times: the model, its versions, the alias. The third was done before the server died."""
    mlflow_auth_server.log_in(ADMIN, monkeypatch)
    registry = MlflowRegistry(frail.url, cache=tmp_path)
    frail.passes = passes
    with pytest.raises(OutsideFailed, match="did not answer") as failure:
        registry.set_alias(registered.name, "staging", 1)
    assert failure.value.retry_may_help
    [left] = all_that_may_change(mlflow_auth_server, registered, tmp_path)
    assert left.aliases == (("candidate", "staging") if passes == 3 else ("candidate",))
    frail.passes = None
    registry.set_alias(registered.name, "staging", 1)
    assert registry.versions(registered.name)[0].aliases == ("candidate", "staging")
    registry.remove_alias(registered.name, "staging")
    assert all_that_may_change(mlflow_auth_server, registered, tmp_path) == [registered]


def test_the_command_of_the_page_on_secrets_changes_a_password(
    mlflow_auth_server: AuthServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (command,) = [
        one for block in blocks(ROOT / "docs" / "secrets.md") for one in block.commands if "update-pass" in one
    ]
    users, keeper = f"{mlflow_auth_server.url}/api/2.0/mlflow/users", (ADMIN, mlflow_auth_server.passwords[ADMIN])
    old, new = (secrets.token_urlsafe(24) for _ in range(2))
    requests.post(
        f"{users}/create", json={"username": "ann", "password": old}, auth=keeper, timeout=60
    ).raise_for_status()
    told = {"username": "ann", "current_password": old, "password": new}
    (tmp_path / "new-password.json").write_text(json.dumps(told), encoding="utf-8")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_auth_server.url)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", old)
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    def asked(password: str) -> int:
        return requests.get(f"{users}/get", {"username": "ann"}, auth=("ann", password), timeout=60).status_code

    assert (asked(new), asked(old)) == (200, 401)
