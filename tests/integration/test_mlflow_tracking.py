"""Trainings in MLflow on SQLite: what is kept, what a failure leaves behind, and how quiet it is."""

from __future__ import annotations

import os
import pickletools
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from creditrisk.adapters.mlflow_client import mlflow_at
from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.adapters.mlflow_tracking import MlflowTracker
from creditrisk.errors import BadUsage, ExitCode, OutsideFailed
from creditrisk.ports import LoggedRun, TrainingRun
from tests.support.stub_model import STUB_MODEL, stub_run

HASH = "ab" * 32


class Store:
    """One workspace's MLflow."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uri = f"sqlite:///{root / 'mlflow.db'}"
        self.tracker = MlflowTracker(self.uri, artifacts=root / "mlartifacts", model_code=STUB_MODEL)
        self.registry = MlflowRegistry(self.uri, cache=root / "cache")

    def ask[T](self, question: Callable[[Any], T]) -> T:
        with mlflow_at(self.uri) as client:
            return question(client)

    def runs(self, book: str) -> list[Any]:
        def question(client: Any) -> list[Any]:
            experiment = client.get_experiment_by_name(book)
            return list(client.search_runs([experiment.experiment_id])) if experiment else []

        return self.ask(question)

    def model_folder(self, logged: LoggedRun) -> Path:
        model_id = logged.model_uri.removeprefix("models:/")
        return next(self.root.glob(f"mlartifacts/*/models/{model_id}/artifacts"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("workspace"))


def test_a_run_keeps_parameters_metrics_files_and_who_did_it(store: Store, tmp_path: Path) -> None:
    many = {f"metric_{number}": number / 7 for number in range(250)}
    run = replace(stub_run(tmp_path, book="kept"), metrics=many, parameters={f"p{number}": number for number in many})
    logged = store.tracker.log_run(run)
    kept = store.ask(lambda client: client.get_run(logged.run_id))
    assert kept.info.status == "FINISHED"
    assert kept.data.metrics == many
    assert kept.data.params == {name: str(value) for name, value in run.parameters.items()}
    assert kept.data.tags["mlflow.user"] == "ann"
    assert run.tags.items() <= kept.data.tags.items()
    folder = store.root / "mlartifacts" / "kept" / logged.run_id / "artifacts"
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == ["plots/roc.png", "reports/metrics.json"]


def test_the_logged_model_is_code_bundle_and_wheel_without_a_pickle(store: Store, tmp_path: Path) -> None:
    folder = store.model_folder(store.tracker.log_run(stub_run(tmp_path, book="content")))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    wheels = {name for name in files if name.startswith("wheels/")}
    assert len(wheels) == 1
    assert files - wheels == {
        "MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "stub_pyfunc.py",
        "artifacts/bundle/manifest.json", "artifacts/bundle/pd.txt", "artifacts/bundle/sql/features.sql",
    }  # fmt: skip
    assert not [name for name in files if _is_pickle((folder / name).read_bytes())]
    assert "python_model:" not in (folder / "MLmodel").read_text()


def _is_pickle(content: bytes) -> bool:
    """Protocol 2 or newer, which is what cloudpickle writes, and readable to its end."""
    if not content.startswith(b"\x80"):
        return False
    try:
        return sum(1 for _ in pickletools.genops(content)) > 1
    except ValueError:
        return False


def test_the_model_asks_for_the_projects_wheel_and_exact_versions(store: Store, tmp_path: Path) -> None:
    folder = store.model_folder(store.tracker.log_run(stub_run(tmp_path, book="requirements")))
    wheel, *pins = (folder / "requirements.txt").read_text().split()
    assert (folder / wheel).is_file()
    pinned = {"lightgbm", "mlflow", "numpy", "pandas", "pyarrow", "xgboost-cpu"}
    assert {pin.partition("==")[0] for pin in pins} == pinned
    assert all("==" in pin for pin in pins)


def test_the_model_file_tells_the_bundle_and_nothing_of_the_folders_it_came_from(store: Store, tmp_path: Path) -> None:
    folder = store.model_folder(store.tracker.log_run(stub_run(tmp_path, book="paths")))
    described = (folder / "MLmodel").read_text()
    assert f"bundle_sha256: {HASH}" in described
    assert str(tmp_path) not in described
    assert str(STUB_MODEL.parent) not in described


def test_nothing_is_printed_and_nothing_phones_home(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.delenv(name)
    fresh = Store(tmp_path / "workspace")
    run = stub_run(tmp_path)
    fresh.registry.register("loans", fresh.tracker.log_run(run), alias="candidate", tags={})
    assert capfd.readouterr() == ("", "")
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == os.environ["DO_NOT_TRACK"] == "true"
    assert not list(tmp_path.rglob("mlruns"))


def test_a_run_that_fails_half_way_is_marked_and_has_no_version(store: Store, tmp_path: Path) -> None:
    broken = MlflowTracker(store.uri, artifacts=store.root / "mlartifacts", model_code=tmp_path / "no_such_model.py")
    run = stub_run(tmp_path, book="half_way")
    with pytest.raises(OutsideFailed) as failure:
        broken.log_run(run)
    assert failure.value.exit_code == ExitCode.OUTSIDE_FAILED
    assert [kept.info.status for kept in store.runs("half_way")] == ["FAILED"]
    assert list(store.registry.versions("half_way")) == []
    logged = store.tracker.log_run(run)  # the failed model is not taken for the bundle's
    assert store.registry.fetch(store.registry.register("half_way", logged, alias="candidate", tags={})).is_dir()


KILLED = """
import sys
from pathlib import Path
from tests.integration.test_mlflow_tracking import Store
from tests.support.stub_model import stub_run
import mlflow.pyfunc
store, run = Store(Path(sys.argv[1])), stub_run(Path(sys.argv[2]), book="killed")
print("ready", flush=True)
while True:
    logged = store.tracker.log_run(run)
    store.registry.register("killed", logged, alias="candidate", tags={})
"""


def test_a_run_that_is_killed_leaves_no_alias_on_a_broken_model(tmp_path: Path, repository: Path) -> None:
    fresh = Store(tmp_path / "workspace")
    command = [sys.executable, "-c", KILLED, str(fresh.root), str(tmp_path / "first")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=repository) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1.0)  # by then it makes the database, logs or registers, whichever this machine has come to
        process.kill()
    for version in fresh.registry.versions("killed"):
        assert (fresh.registry.fetch(version) / "manifest.json").is_file()
    logged = fresh.tracker.log_run(stub_run(tmp_path / "last", book="killed"))
    version = fresh.registry.register("killed", logged, alias="candidate", tags={})
    assert (version.version, version.aliases) == (1, ("candidate",))


def test_a_database_that_was_not_finished_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow.store.db.utils

    def out_of_room(_engine: object) -> None:
        raise OSError(28, "No space left on device")

    run = stub_run(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(mlflow.store.db.utils, "_initialize_tables", out_of_room)
        with pytest.raises(OutsideFailed, match="No space left"):
            Store(tmp_path).tracker.log_run(run)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".db" or ".partial" in path.name]
    assert Store(tmp_path).registry.versions("loans") == []
    Store(tmp_path).tracker.log_run(run)
    assert (tmp_path / "mlflow.db").is_file()


def test_two_first_users_of_a_workspace_share_one_database(tmp_path: Path) -> None:
    runs = [stub_run(tmp_path / name, book=name) for name in ("one", "two")]
    failed: list[BaseException] = []

    def log(run: TrainingRun) -> None:
        try:
            Store(tmp_path).tracker.log_run(run)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=log, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [len(Store(tmp_path).runs(run.book)) for run in runs] == [1, 1]


def test_a_moved_workspace_is_not_written_to_where_it_was(tmp_path: Path) -> None:
    Store(tmp_path / "old").tracker.log_run(stub_run(tmp_path))
    (tmp_path / "old").rename(tmp_path / "new")
    with pytest.raises(BadUsage, match="not in this workspace"):
        Store(tmp_path / "new").tracker.log_run(stub_run(tmp_path / "again"))
    assert not (tmp_path / "old").exists()


def test_a_bundle_whose_files_are_gone_is_told_with_a_remedy(tmp_path: Path) -> None:
    store = Store(tmp_path / "old")
    version = store.registry.register("loans", store.tracker.log_run(stub_run(tmp_path)), alias="candidate", tags={})
    (tmp_path / "old").rename(tmp_path / "new")
    with pytest.raises(OutsideFailed, match="gone"):
        Store(tmp_path / "new").registry.fetch(version)


def test_a_damaged_database_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(OutsideFailed) as failure:
        Store(tmp_path).registry.versions("loans")
    assert str(tmp_path / "mlflow.db") in failure.value.where
