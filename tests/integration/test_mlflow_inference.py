"""Windows of decisions in a real MLflow on SQLite: one run each, made whole by whoever comes last; and MLflow away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from creditrisk.adapters.mlflow_client import mlflow_at
from creditrisk.adapters.mlflow_inference import MlflowInferenceLog
from creditrisk.errors import OutsideFailed
from creditrisk.ports import InferenceWindow
from creditrisk.serving.metrics import Metrics
from creditrisk.serving.windows import Windows
from tests.unit.serving.test_windows import NOON, QUARTER, SetClock, answers, model

pytestmark = pytest.mark.integration

WINDOW = InferenceWindow(
    book="kept",
    server="here",
    since=datetime(2026, 3, 1, 12, tzinfo=UTC),
    until=datetime(2026, 3, 1, 12, 15, tzinfo=UTC),
    model_name="kept",
    model_version="7",
    bundle_sha256="ab" * 32,
    decisions={"approve": 3, "refer": 0, "decline": 1},
    grades={"A+": 3, "B": 0, "C": 1},
)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def inference(uri: str, tmp_path: Path) -> MlflowInferenceLog:
    return MlflowInferenceLog(uri, artifacts=tmp_path / "mlartifacts")


def runs(uri: str, book: str) -> list[Any]:
    with mlflow_at(uri) as client:
        experiment = client.get_experiment_by_name(f"{book}-serving")
        return [] if experiment is None else list(client.search_runs([experiment.experiment_id]))


def test_a_window_is_one_run_with_counts_shares_and_the_model_that_decided(
    inference: MlflowInferenceLog, uri: str
) -> None:
    inference.log_window(WINDOW)
    (run,) = runs(uri, "kept")
    assert run.data.metrics == {
        "decisions": 4, "decisions_approve": 3, "decisions_refer": 0, "decisions_decline": 1, "approval_rate": 0.75,
        "grade_A_2b_": 3, "grade_B": 0, "grade_C": 1,
        "grade_A_2b__share": 0.75, "grade_B_share": 0.0, "grade_C_share": 0.25,
    }  # fmt: skip
    asked = ("book", "model_name", "model_version", "bundle_sha256", "window_since", "window_until")
    assert {name: run.data.tags[name] for name in asked} == {
        "book": "kept", "model_name": "kept", "model_version": "7", "bundle_sha256": "ab" * 32,
        "window_since": "2026-03-01T12:00:00+00:00", "window_until": "2026-03-01T12:15:00+00:00",
    }  # fmt: skip
    assert (run.info.status, run.info.end_time - run.info.start_time) == ("FINISHED", QUARTER * 1000)


def test_a_window_that_is_told_again_keeps_its_run_and_the_larger_counts_hold(
    inference: MlflowInferenceLog, uri: str
) -> None:
    window = replace(WINDOW, book="again")
    inference.log_window(window)
    inference.log_window(replace(window, decisions={"approve": 3, "refer": 4, "decline": 1}))
    (run,) = runs(uri, "again")
    assert (run.data.metrics["decisions"], run.data.metrics["approval_rate"]) == (8, 0.375)


@pytest.mark.parametrize("change", [{"server": "elsewhere"}, {"bundle_sha256": "cd" * 32}, {"since": NOON}])
def test_another_server_model_or_time_is_another_run(
    change: dict[str, Any], inference: MlflowInferenceLog, uri: str
) -> None:
    window = replace(WINDOW, book=f"other_{next(iter(change))}")
    inference.log_window(window)
    inference.log_window(replace(window, **change))
    assert len(runs(uri, window.book)) == 2


def test_an_mlflow_that_is_away_stops_nobody_and_hears_of_it_later(
    tmp_path: Path, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, metrics, folder = SetClock(), Metrics(), tmp_path / "windows"
    nowhere = tmp_path / "file"
    nowhere.write_text("no folder")
    away = MlflowInferenceLog(f"sqlite:///{nowhere}/mlflow.db", artifacts=None)
    with pytest.raises(OutsideFailed):
        away.log_window(WINDOW)
    worker = Windows(away, clock, metrics, folder, book="away", seconds=QUARTER)
    worker.start()
    worker.count(model(), answers("approve", "decline"))
    worker.close()
    assert "window_not_told" in capsys.readouterr().out
    assert b'creditrisk_inference_windows_total{result="failed"}' in metrics.text()
    clock.time += timedelta(hours=3)
    Windows(MlflowInferenceLog(uri, artifacts=None), clock, metrics, folder, book="away", seconds=QUARTER).tell()
    (run,) = runs(uri, "away")
    assert run.data.metrics["decisions"] == 2
