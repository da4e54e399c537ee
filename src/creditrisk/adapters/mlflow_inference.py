"""What a server decided, in MLflow: a run for each window of time and bundle, in an experiment beside the trainings."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from creditrisk.adapters.mlflow_client import experiment_named, mlflow_at
from creditrisk.kinds import Verdict
from creditrisk.ports import BUNDLE_TAG, InferenceWindow

if TYPE_CHECKING:
    from mlflow.client import MlflowClient

SERVER_TAG = "server"
SINCE_TAG = "window_since"


class MlflowInferenceLog:
    """The experiment of a book has its name and "-serving". artifacts: as MlflowTracker, though nothing lies there."""

    def __init__(self, tracking_uri: str, *, artifacts: Path | None) -> None:
        self._tracking_uri = tracking_uri
        self._artifacts = artifacts

    def log_window(self, window: InferenceWindow) -> None:
        """Raises OutsideFailed when MLflow does not take it; half a window is made whole by the next call."""
        name = f"{window.book}-serving"
        location = None if self._artifacts is None else (self._artifacts.resolve() / name).as_uri()
        with mlflow_at(self._tracking_uri) as client:
            from mlflow.entities import Metric, RunTag

            run_id = _run_of(client, experiment_named(client, name, location).experiment_id, window)
            until_ms = _milliseconds(window.until)
            # Counts of a window only grow, so the step with the most decisions is the one that holds.
            step = sum(window.decisions.values())
            client.log_batch(
                run_id,
                metrics=[Metric(key, value, until_ms, step) for key, value in figures_of(window).items()],
                tags=[RunTag(key, value) for key, value in _tags(window).items()],
            )
            client.set_terminated(run_id, "FINISHED", end_time=until_ms)


def figures_of(window: InferenceWindow) -> dict[str, float]:
    """{metric: value}: counts, and shares of all decisions of the window."""
    total = sum(window.decisions.values())
    figures: dict[str, float] = {"decisions": total}
    figures |= {f"decisions_{decision}": count for decision, count in window.decisions.items()}
    figures |= {f"grade_{_spelt(grade)}": count for grade, count in window.grades.items()}
    if total:
        figures["approval_rate"] = window.decisions.get(Verdict.APPROVE.value, 0) / total
        figures |= {f"grade_{_spelt(grade)}_share": count / total for grade, count in window.grades.items()}
    return figures


def _run_of(client: MlflowClient, experiment: str, window: InferenceWindow) -> str:
    known = {SERVER_TAG: window.server, SINCE_TAG: window.since.isoformat(), BUNDLE_TAG: window.bundle_sha256}
    asked = " and ".join(f"tags.{name} = '{value}'" for name, value in known.items())
    for run in client.search_runs([experiment], filter_string=asked, max_results=1):
        return str(run.info.run_id)
    run_name = f"{window.since:%Y-%m-%d %H:%M} to {window.until:%H:%M}, version {window.model_version or 'none'}"
    made = client.create_run(experiment, start_time=_milliseconds(window.since), tags=_tags(window), run_name=run_name)
    return str(made.info.run_id)


def _tags(window: InferenceWindow) -> dict[str, str]:
    return {
        "mlflow.user": "creditrisk serve",
        "book": window.book,
        SERVER_TAG: window.server,
        SINCE_TAG: window.since.isoformat(),
        "window_until": window.until.isoformat(),
        "model_name": window.model_name,
        "model_version": window.model_version or "",
        BUNDLE_TAG: window.bundle_sha256,
    }


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _spelt(grade: str) -> str:
    """A grade as MLflow takes it in a name.

    >>> _spelt("B"), _spelt("A+")
    ('B', 'A_2b_')
    """
    return re.sub(r"[^\w.-]", lambda sign: f"_{ord(sign[0]):x}_", grade)
