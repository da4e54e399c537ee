"""Tracking and registry on an MLflow server that other machines reach over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.adapters.mlflow_tracking import MlflowTracker
from creditrisk.errors import ExitCode, OutsideFailed
from tests.support.server_process import serving
from tests.support.stub_model import STUB_MODEL, stub_run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    store = ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination", str(folder / "art")]

    def command(port: int) -> list[str]:
        return ["mlflow", "server", *store, "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]

    with serving(command, folder, ready="/health", environment={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}) as url:
        yield url


def test_a_training_is_logged_registered_and_fetched_over_http(server: str, tmp_path: Path) -> None:
    tracker = MlflowTracker(server, artifacts=None, model_code=STUB_MODEL)
    registry = MlflowRegistry(server, cache=tmp_path / "cache")
    run = stub_run(tmp_path)
    version = registry.register(run.book, tracker.log_run(run), alias="candidate", tags={"actor": "ann"})
    again = registry.register(run.book, tracker.log_run(run), alias="candidate", tags={"actor": "ann"})
    assert version == again
    assert (version.version, version.aliases, version.tags["actor"]) == (1, ("candidate",), "ann")
    folder = registry.fetch(version)
    assert folder.is_relative_to(tmp_path / "cache")
    files = sorted(path.relative_to(run.bundle) for path in run.bundle.rglob("*") if path.is_file())
    assert sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()) == files
    assert all((folder / name).read_bytes() == (run.bundle / name).read_bytes() for name in files)
    (folder / "pd.txt").touch()
    assert registry.fetch(version) == folder  # not fetched twice


def test_aliases_move_over_http(server: str, tmp_path: Path) -> None:
    tracker = MlflowTracker(server, artifacts=None, model_code=STUB_MODEL)
    registry = MlflowRegistry(server, cache=tmp_path / "cache")
    run = stub_run(tmp_path, book="moving")
    for digest in ("ab" * 32, "cd" * 32):
        logged = tracker.log_run(replace(run, bundle_sha256=digest))
        registry.register(run.book, logged, alias="candidate", tags={})
    registry.set_alias(run.book, "production", 1)
    assert [version.aliases for version in registry.versions(run.book)] == [("production",), ("candidate",)]


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
