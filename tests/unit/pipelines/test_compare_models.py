"""comparison.json of the tiny book: every question has its rows, what fails says why, and the test part is not read."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console

from creditrisk.errors import BadConfig, Refused
from creditrisk.modelling import COMPARED, ESTIMATORS, comparison
from creditrisk.pages.comparison import comparison_tables
from creditrisk.pipelines import compare_models
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stage
from tests.support.schemas import faults
from tests.support.tiny_run import copied, tiny_context

SECTIONS = ("estimators", "balance", "calibration", "prices")


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """After the split; a second preset sees no income. To read only."""
    folder = tmp_path_factory.mktemp("compare")
    context = tiny_context(
        folder,
        training__threads=1,
        training__parameters__xgboost__rounds=10,
        training__parameters__lightgbm={"rounds": 5, "min_data_in_leaf": 20},
        training__parameters__random_forest={"trees": 5},
        training__parameters__scorecard={"candidates_max": 3, "characteristics_max": 2},
        features__presets__other={"sql": ["payment_features.sql", "feature_table.sql"]},
    )
    for stage in ("ingest", "check", "features", "split"):
        run_stage(context, stage)
    return context


@pytest.fixture(scope="module")
def compared(split: Context, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A copy without its test part, after the comparison."""
    context = copied(split, tmp_path_factory.mktemp("compared") / "workspace")
    context.folder.part("test").unlink()
    compare_models.run(context)
    return context


@pytest.fixture(scope="module")
def report(compared: Context) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(compared.folder.report("comparison.json").read_text(encoding="utf-8"))
    return told


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


def of_estimator(context: Context, name: str) -> Context:
    portfolio = context.book.portfolio
    training = portfolio.training.model_copy(update={"estimator": name})
    return replace(context, book=replace(context.book, portfolio=portfolio.model_copy(update={"training": training})))


def test_the_report_keeps_its_schema(compared: Context) -> None:
    assert faults(compared.folder.report("comparison.json")) == []


def test_every_estimator_and_every_calibration_has_its_row(report: dict[str, Any]) -> None:
    assert names(report["estimators"]) == sorted(ESTIMATORS)
    assert names(report["calibration"]) == list(COMPARED)
    assert names(report["prices"]) == ["prohibited_columns_put_back", "directions_removed", "preset_other", "scorecard"]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_row_has_figures_or_a_reason(report: dict[str, Any], section: str) -> None:
    for row in report[section]:
        assert (row["figures"] is None) == (row["reason"] is not None)
        assert row["own"] or row["reason"] or row["difference"]["roc_auc"] is not None


def test_the_books_own_model_is_fitted_once_and_is_the_one_that_is_trained(
    split: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = copied(split, tmp_path / "workspace")
    fitted = []

    def counted(way: comparison.Way, progress: Any) -> comparison.Judged:
        fitted.append(way.portfolio.training.estimator)
        return comparison.judge(way, progress)

    monkeypatch.setattr(compare_models, "judge", counted)
    monkeypatch.setattr(compare_models._Comparison, "prices", lambda _: iter(()))
    monkeypatch.setattr(compare_models._Comparison, "balance", lambda _: iter(()))
    told = compare_models.run(own, estimators=["xgboost", "scorecard"])
    assert sorted(fitted) == ["scorecard", "xgboost"]
    for row in told["estimators"]:
        trained = run_stage(of_estimator(own, row["name"]), "train")
        assert row["figures"]["roc_auc"] == trained["roc_auc"]
        assert row["figures"]["brier"] == pytest.approx(trained["brier"]["value"])
        assert row["figures"]["approval_rate"] == pytest.approx(trained["approval_rate"]["value"])


def test_the_columns_kept_apart_join_for_the_comparison_alone(compared: Context, report: dict[str, Any]) -> None:
    row = report["prices"][0]
    assert row["reason"] is None
    assert row["figures"]["roc_auc"] != report["own"]["figures"]["roc_auc"]
    assert not compared.folder.models.exists()
    assert [path.name for path in compared.folder.root.iterdir() if path.name.startswith(".partial")] == []


def test_rare_words_of_a_column_that_is_put_back_are_one_word() -> None:
    words = pa.chunked_array([["a"] * 150 + ["b"] + [None], ["c", "a"]])
    told = compare_models._common_words(words).to_pylist()
    assert told == ["a"] * 150 + ["any other", None, "any other", "a"]
    numbers = pa.chunked_array([[1, 2]])
    assert compare_models._common_words(numbers) is numbers


def test_a_preset_that_makes_the_same_features_differs_by_nothing(report: dict[str, Any]) -> None:
    (row,) = (row for row in report["prices"] if row["name"] == "preset_other")
    assert row["verdict"] == comparison.NO_DIFFERENCE
    assert row["difference"]["log_loss"]["value"] == 0.0


def test_one_way_that_fails_says_why_and_the_others_stand(
    split: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = copied(split, tmp_path / "workspace")

    def fails(*_: Any, **__: Any) -> Any:
        raise ValueError("a matrix of one column\nand more")

    monkeypatch.setattr(ESTIMATORS["logistic"], "fit", fails)
    monkeypatch.setattr(compare_models._Comparison, "prices", lambda _: iter(()))
    monkeypatch.setattr(compare_models._Comparison, "balance", lambda _: iter(()))
    told = compare_models.run(own, estimators=["logistic", "xgboost"])
    failed, whole = told["estimators"]
    assert failed["reason"] == "ValueError: a matrix of one column"
    assert failed["figures"] is None
    assert whole["own"]
    assert faults(own.folder.report("comparison.json")) == []


@pytest.mark.parametrize("width", [80, 160])
def test_the_tables_name_every_row_and_break_no_word(report: dict[str, Any], width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    console.print(comparison_tables(report))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    words = {word for section in SECTIONS for row in report[section] for word in row["name"].split("_")}
    assert words <= set(text.split())


def test_an_unknown_estimator_is_told_before_anything_is_fitted(split: Context) -> None:
    with pytest.raises(BadConfig, match='no estimator "xgbost"'):
        compare_models.run(split, estimators=["xgbost"])


def test_rows_that_somebody_edited_are_not_compared(split: Context, tmp_path: Path) -> None:
    own = copied(split, tmp_path / "workspace")
    own.folder.audit_table.write_bytes(own.folder.part("train").read_bytes())
    with pytest.raises(Refused, match=r"audit\.parquet"):
        compare_models.run(own)
