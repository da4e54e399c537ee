"""Both commands as they are typed, on invented loans: the search is killed and goes on, MLflow has every trial."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from creditrisk.cli import main
from creditrisk.demo import write_demo
from tests.support.schemas import faults

BOOK = "lending_club"
QUICK = ("--set", "training.parameters.xgboost.rounds=5", "--set", "split.folds=2", "--set", "training.threads=1")
TUNE = (*QUICK, "--estimator", "logistic", "--trials", "4")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Invented loans, split."""
    folder = tmp_path_factory.mktemp("compare-and-tune")
    write_demo(BOOK, folder / "raw", rows=2_000, seed=7, progress=lambda *_: None)
    root = folder / "workspace"
    assert main(["run", BOOK, "--workspace", str(root), "--raw", str(folder / "raw"), "--until", "split", *QUICK]) == 0
    return root


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def finished(database: Path) -> list[tuple[Any, ...]]:
    """(parameter, value) of every complete trial, in order; [] before there is a table."""
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as con:
        try:
            return con.execute(
                "select t.number, p.param_name, p.param_value from trials t join trial_params p using (trial_id) "
                "where t.state = 'COMPLETE' order by 1, 2"
            ).fetchall()
        except sqlite3.OperationalError:
            return []


def test_compare_answers_its_four_questions(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, "compare", BOOK, "--workspace", str(workspace), "--estimators", "logistic", *QUICK)
    assert faults(workspace / BOOK / "reports" / "comparison.json") == []
    assert [row["name"] for row in told["estimators"]] == ["logistic"]
    assert [row["name"] for row in told["balance"]] == [
        "none", "class_weight", "smote", "down_sample", "smote_and_down_sample",
    ]  # fmt: skip
    assert {row["name"]: row["reason"] for row in told["prices"]}["prohibited_columns_put_back"] is None
    assert any(row["name"] == "preset_with_price" and row["reason"] is None for row in told["prices"])
    weighted = next(row for row in told["balance"] if row["name"] == "class_weight")
    assert weighted["figures"]["uncalibrated"]["mean_pd"] > 1.5 * weighted["figures"]["default_rate"]
    assert weighted["figures"]["mean_pd"] == pytest.approx(weighted["figures"]["default_rate"], rel=0.1)


def test_a_search_that_is_killed_goes_on_and_mlflow_has_every_trial(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = workspace / BOOK / "tuning.db"
    command = [sys.executable, "-m", "creditrisk.pipelines.tune_model", BOOK, "--workspace", str(workspace), *TUNE]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and len({row[0] for row in finished(database)}) < 2:
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = finished(database)
    assert before
    told = answer(capsys, "tune", BOOK, "--workspace", str(workspace), *TUNE)
    assert faults(workspace / BOOK / "reports" / "tuning.json") == []
    assert finished(database)[: len(before)] == before
    assert [trial["number"] for trial in told["trials"]] == list(range(4))
    assert logged_trials(workspace) == [str(number) for number in range(4)]
    again = answer(capsys, "tune", BOOK, "--workspace", str(workspace), *TUNE)
    assert {**again, "meta": 0} == {**told, "meta": 0}
    assert logged_trials(workspace) == [str(number) for number in range(4)]


def logged_trials(workspace: Path) -> list[str]:
    """Numbers of the trials that MLflow keeps inside the one run of their search."""
    from creditrisk.adapters.mlflow_client import mlflow_at

    with mlflow_at(f"sqlite:///{workspace.resolve() / 'mlflow.db'}") as client:
        experiment = client.get_experiment_by_name(BOOK)
        runs = client.search_runs([experiment.experiment_id])
    parents = {run.info.run_id for run in runs if "trial" not in run.data.tags}
    trials = [run for run in runs if "trial" in run.data.tags]
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == parents
    assert len(parents) == 1
    return sorted(run.data.tags["trial"] for run in trials)


def test_a_shipped_book_is_not_written_to(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", BOOK, "--workspace", str(workspace), "--write-back", *TUNE]) == 2
    assert "copy the folder" in capsys.readouterr().err
