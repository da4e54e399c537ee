"""Trainings in MLflow: parameters, metrics, files, and the bundle as a model that MLflow can load anywhere."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Mapping
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING

from creditrisk.adapters.mlflow_client import experiment_named, is_not_there, mlflow_at, without_password
from creditrisk.adapters.mlflow_model import write_model
from creditrisk.errors import BadUsage
from creditrisk.ports import BUNDLE_TAG, LoggedRun, ParameterSearch, TrainingRun, TriedParameters

if TYPE_CHECKING:
    from mlflow.client import MlflowClient

SEARCH_TAG = "parameter_search"
TRIAL_TAG = "trial"
MARK_TAG = "training_sha256"
"""TrainingRun.mark: one training is one run."""
MOST_AT_ONCE = 100
"""Parameters in one request to MLflow."""


class MlflowTracker:
    """Experiments are named as the books.

    artifacts: the folder for files of new experiments; None lets the tracking server choose.
    model_code: the Python file that MLflow runs to score with a bundle.
    """

    def __init__(self, tracking_uri: str, *, artifacts: Path | None, model_code: Path) -> None:
        self._tracking_uri = tracking_uri
        self._artifacts = artifacts
        self._model_code = model_code

    def log_run(self, run: TrainingRun) -> LoggedRun:
        """A run that fails half way is marked FAILED, one that is killed stays RUNNING; neither has a version."""
        with mlflow_at(self._tracking_uri) as client:
            experiment = self._experiment(client, run.book)
            if (kept := _kept_run(client, experiment, run)) is not None:
                return kept
            told = {BUNDLE_TAG: run.bundle_sha256, MARK_TAG: run.mark}
            tags = {"mlflow.user": run.tags.get("actor", ""), **run.tags, **told}
            run_id = client.create_run(experiment, run_name=run.bundle_sha256[:16], tags=tags).info.run_id
            try:
                _log_figures(client, run_id, run)
                _log_files(client, run_id, run.files)
                model_id = self._model(client, experiment, run_id, run)
            except BaseException:
                with contextlib.suppress(Exception):  # the first failure is the one to tell
                    client.set_terminated(run_id, "FAILED")
                raise
            client.set_terminated(run_id, "FINISHED")
            return LoggedRun(run_id, f"models:/{model_id}", run.bundle_sha256)

    def attach(self, run_id: str, files: Mapping[str, Path], tags: Mapping[str, str]) -> None:
        with mlflow_at(self._tracking_uri) as client:
            _log_files(client, run_id, files)
            for name, value in tags.items():
                client.set_tag(run_id, name, value)

    def figures(self, run_id: str) -> Mapping[str, float]:
        with mlflow_at(self._tracking_uri) as client:
            try:
                return dict(client.get_run(run_id).data.metrics)
            except Exception as error:
                if not is_not_there(error):
                    raise
                raise BadUsage(
                    f"MLflow has no run {run_id}",
                    where=without_password(self._tracking_uri),
                    hint="is MLFLOW_TRACKING_URI the one that it was logged with? else register it again",
                ) from error

    def log_search(self, search: ParameterSearch) -> int:
        """A run for the search, and one for each trial inside it; a killed call leaves trials for the next one."""
        with mlflow_at(self._tracking_uri) as client:
            experiment = self._experiment(client, search.book)
            tags = {"mlflow.user": search.tags.get("actor", ""), **search.tags, SEARCH_TAG: search.name}
            kept = _kept_trials(client, experiment, search.name)
            parent = kept.pop(None, None)
            if parent is None:
                parent = client.create_run(experiment, run_name=search.name, tags=tags).info.run_id
                client.log_param(parent, "objective", search.objective)
                client.set_terminated(parent, "FINISHED")
            new = [trial for trial in search.trials if trial.number not in kept]
            for trial in new:
                _log_trial(client, experiment, search, trial, {**tags, "mlflow.parentRunId": parent})
            return len(new)

    def _experiment(self, client: MlflowClient, book: str) -> str:
        location = None if self._artifacts is None else (self._artifacts.resolve() / book).as_uri()
        experiment = experiment_named(client, book, location)
        if location is not None and experiment.artifact_location != location:
            raise BadUsage(
                f"MLflow keeps the files of {book} at {experiment.artifact_location}, not in this workspace",
                where=self._tracking_uri,
                hint="was the workspace moved? move it back, or remove its mlflow.db and mlartifacts and train again; "
                "several workspaces share one MLflow through a server: MLFLOW_TRACKING_URI=http://...",
            )
        return str(experiment.experiment_id)

    def _model(self, client: MlflowClient, experiment: str, run_id: str, run: TrainingRun) -> str:
        """The id of the bundle's model: the one that is kept already, or a new one."""
        from mlflow.entities import LoggedModelOutput

        model_id = _kept_model(client, experiment, run) or self._new_model(client, experiment, run_id, run)
        client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
        return model_id

    def _new_model(self, client: MlflowClient, experiment: str, run_id: str, run: TrainingRun) -> str:
        tags = {**run.tags, BUNDLE_TAG: run.bundle_sha256}
        model = client.create_logged_model(experiment, name=run.book, source_run_id=run_id, tags=tags)
        try:
            with tempfile.TemporaryDirectory(prefix="creditrisk-") as scratch:
                folder = Path(scratch) / "model"
                write_model(folder, run, model, self._model_code)
                client.log_model_artifacts(model.model_id, str(folder))
        except BaseException:
            with contextlib.suppress(Exception):
                client.finalize_logged_model(model.model_id, "FAILED")
            raise
        client.finalize_logged_model(model.model_id, "READY")
        return model.model_id


def _kept_run(client: MlflowClient, experiment: str, run: TrainingRun) -> LoggedRun | None:
    """This training, where it was logged to its end before, and its model is still whole."""
    found = client.search_runs(
        [experiment],
        filter_string=f"tags.{MARK_TAG} = '{run.mark}' and attributes.status = 'FINISHED'",
        order_by=["attributes.start_time"],
    )
    model_id = _kept_model(client, experiment, run) if found else None
    return LoggedRun(found[0].info.run_id, f"models:/{model_id}", run.bundle_sha256) if model_id else None


def _kept_model(client: MlflowClient, experiment: str, run: TrainingRun) -> str | None:
    kept = client.search_logged_models([experiment], filter_string=f"tags.{BUNDLE_TAG} = '{run.bundle_sha256}'")
    return next((str(model.model_id) for model in kept if model.status == "READY"), None)


def _kept_trials(client: MlflowClient, experiment: str, name: str) -> dict[int | None, str]:
    """{number: run} of the trials of a search that are finished; None: the run of the search itself."""
    kept: dict[int | None, str] = {}
    page: str | None = None
    while True:
        runs = client.search_runs(
            [experiment],
            filter_string=f"tags.{SEARCH_TAG} = '{name}' and attributes.status != 'RUNNING'",
            page_token=page,
        )
        for run in runs:
            number = run.data.tags.get(TRIAL_TAG)
            kept.setdefault(None if number is None else int(number), run.info.run_id)
        page = runs.token
        if not page:
            return kept


def _log_trial(
    client: MlflowClient, experiment: str, search: ParameterSearch, trial: TriedParameters, tags: dict[str, str]
) -> None:
    from mlflow.entities import Metric, Param

    told = {**tags, TRIAL_TAG: str(trial.number), "trial_state": trial.state}
    run_id = client.create_run(experiment, run_name=f"trial {trial.number}", tags=told).info.run_id
    now_ms = time.time_ns() // 1_000_000
    client.log_batch(
        run_id,
        metrics=[] if trial.value is None else [Metric(search.objective, trial.value, now_ms, step=0)],
        params=[Param(name, str(value)) for name, value in trial.parameters.items()],
    )
    client.set_terminated(run_id, "FAILED" if trial.state == "failed" else "FINISHED")


def _log_figures(client: MlflowClient, run_id: str, run: TrainingRun) -> None:
    from mlflow.entities import Metric, Param

    now_ms = time.time_ns() // 1_000_000
    metrics = [Metric(name, value, now_ms, step=0) for name, value in run.metrics.items()]
    parameters = [Param(name, str(value)) for name, value in run.parameters.items()]
    for some in batched(metrics, MOST_AT_ONCE):
        client.log_batch(run_id, metrics=some)
    for some in batched(parameters, MOST_AT_ONCE):
        client.log_batch(run_id, params=some)


def _log_files(client: MlflowClient, run_id: str, files: Mapping[str, Path]) -> None:
    for folder, path in files.items():
        if path.is_dir():
            client.log_artifacts(run_id, str(path), artifact_path=folder)
        else:
            client.log_artifact(run_id, str(path), artifact_path=folder)
