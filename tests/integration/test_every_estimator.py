"""Every estimator and every balance through every stage: from raw tables to a registered model and scored people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import creditrisk.scoring
from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.adapters.mlflow_tracking import MlflowTracker
from creditrisk.config import load_book
from creditrisk.evaluation import plots
from creditrisk.files import read_json
from creditrisk.modelling import Bundle
from creditrisk.pipelines import batch_predict, validate_model
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stages
from creditrisk.pipelines.train_model import newest_bundle
from tests.support.schemas import faults_in
from tests.support.tiny_run import copied, tiny_context
from tests.unit.pages.test_run_summary import PNG, Page

WAYS = {
    "lightgbm": "class_weight",
    "random_forest": "smote",
    "logistic": "down_sample",
    "scorecard": "smote_and_down_sample",
}
"""Estimator -> balance: each of both once. XGBoost on rows as they are is what all other tests run."""
SETTINGS: dict[str, Any] = {
    "training.parameters.lightgbm": {"rounds": 20, "min_data_in_leaf": 10},
    "training.parameters.random_forest": {"trees": 15, "max_depth": 5, "min_child_weight": 2, "colsample_bynode": 0.7},
    "policy.monotone": {"income": "pd_falls", "debt_to_income": "pd_rises"},
    "policy.raw_directions": {"income": "pd_falls"},
}


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """The tiny book up to its parts, with MLflow beside it. Nothing is drawn: no picture depends on the estimator."""
    folder = tmp_path_factory.mktemp("every-estimator")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    code = Path(creditrisk.scoring.__file__).with_name("pyfunc.py")
    tracker = MlflowTracker(uri, artifacts=folder / "mlartifacts", model_code=code)
    context = replace(tiny_context(folder), registry=MlflowRegistry(uri, cache=folder / "cache"), tracker=tracker)
    run_stages(context, last="split")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "_png", lambda *_, **__: PNG)
        yield context


@pytest.fixture(scope="module", params=WAYS)
def run(split: Context, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """Trained by one estimator on rows balanced one way, evaluated, validated, registered."""
    settings = {**SETTINGS, "training.estimator": request.param, "training.balance.method": WAYS[request.param]}
    own = copied(replace(split, tracker=None, registry=None), tmp_path_factory.mktemp(request.param) / "workspace")  # type: ignore[arg-type]
    context = replace(own, tracker=split.tracker, registry=split.registry, book=load_book(split.book.folder, settings))
    run_stages(context, first="train")
    return context


@pytest.fixture
def bundle(run: Context) -> Bundle:
    return newest_bundle(run)


def test_every_report_is_made_by_this_model_and_keeps_to_its_schema(run: Context, bundle: Bundle) -> None:
    assert list(faults_in(run.folder.reports)) == []
    trained = read_json(run.folder.report("metrics.json"))
    assert WAYS[trained["estimator"]] == trained["balance"]
    assert trained["estimator"] == bundle.estimator.name == bundle.manifest["estimator"]
    validation = read_json(run.folder.report("post_training_validation.json"))
    assert validation["problems"] == {}
    verdicts = {gate["name"]: gate["verdict"] for gate in validation["gates"]}
    assert {verdicts[name] for name in ("reports", "directions", "raw_directions", "reasons_proved")} == {"pass"}


def test_a_batch_gives_the_evaluations_decisions_to_the_bit_and_says_what_would_help(
    run: Context, tmp_path: Path
) -> None:
    out = tmp_path / "decisions.parquet"
    batch_predict.run(run, run.raw, out, reference="models:/tiny@candidate", with_counterfactuals=True)
    tested = pq.read_table(run.folder.report("test_predictions.parquet")).drop_columns(["target", "reasons"])
    scored = {row["loan_id"]: row for row in pq.read_table(out).to_pylist()}
    ours = [{name: scored[row["loan_id"]][name] for name in row} for row in tested.to_pylist()]
    assert ours == tested.to_pylist()
    declined = [row for row in scored.values() if row["decision"] == "decline"]
    assert len(declined) > 50
    assert all(row["reasons"] and row["counterfactual"]["says"] for row in declined)
    assert any(row["counterfactual"]["decision"] == "approve" for row in declined)


def test_mlflows_own_model_gives_the_same_pds(run: Context, bundle: Bundle) -> None:
    import mlflow.pyfunc

    (version,) = [one for one in run.registry.versions("tiny") if one.bundle_sha256 == bundle.sha256]
    logged = run.registry.fetch(version)
    model = mlflow.pyfunc.load_model(str(logged.parent.parent))
    rows = pq.read_table(run.folder.part("test"), columns=list(bundle.preprocess.names)).to_pandas()
    numbers = [feature.name for feature in bundle.preprocess.features if feature.kind == "number"]
    told = model.predict(rows.astype(dict.fromkeys(numbers, "float64")))  # MLflow takes no int64 for a double
    expected = pq.read_table(run.folder.report("test_predictions.parquet"))
    assert told["pd"].tolist() == expected["pd"].to_pylist()
    assert told["score"].tolist() == expected["score"].to_pylist()


def test_the_document_tells_this_estimator_and_no_other(run: Context, bundle: Bundle) -> None:
    page = Page(run.folder.report("model_document.html").read_text(encoding="utf-8"))
    name = bundle.estimator.name
    grows = name in ("lightgbm", "random_forest")
    assert ("Within each of its trees no leaf" in page.text) == grows
    assert ("Trees of the final fit" in page.text) == grows
    assert ("Early stopping" in page.text) == (name == "lightgbm")
    assert ("Points table" in page.text) == (name == "scorecard")
    assert ("Coefficients" in page.text) == (name == "logistic")
    assert f"Balance of the training rows {WAYS[name]}" in page.text


def test_validated_again_without_the_words_of_its_training_the_document_is_the_same(run: Context) -> None:
    """`train --estimator X` and then a bare `validate`: what the model was made by stands in its bundle."""
    written = run.folder.report("model_document.html").read_bytes()
    validate_model.run(replace(run, book=load_book(run.book.folder)))
    assert run.folder.report("model_document.html").read_bytes() == written
