"""tuning.json of the tiny book: goes on, leaves the test part alone, writes back only where it may."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from creditrisk.adapters.in_memory import InMemoryTracker
from creditrisk.config import load_book
from creditrisk.errors import BadUsage, Refused
from creditrisk.pages.tuning import tuning_tables
from creditrisk.pipelines import tune_model
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stage
from tests.support.schemas import faults
from tests.support.tiny_run import copied, tiny_context


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """After the split, without a test part; the logistic regression is quick. To read only."""
    context = tiny_context(tmp_path_factory.mktemp("tune"), training__estimator="logistic")
    for stage in ("ingest", "check", "features", "split"):
        run_stage(context, stage)
    context.folder.part("test").unlink()
    return context


@pytest.fixture(scope="module")
def tuned(split: Context, tmp_path_factory: pytest.TempPathFactory) -> Context:
    context = copied(split, tmp_path_factory.mktemp("tuned") / "workspace")
    tune_model.run(context, trials=4)
    return context


@pytest.fixture(scope="module")
def report(tuned: Context) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(tuned.folder.report("tuning.json").read_text(encoding="utf-8"))
    return told


def kept_trials(context: Context) -> Mapping[str, Mapping[int, Any]]:
    assert isinstance(context.tracker, InMemoryTracker)
    return context.tracker.trials


def test_the_report_keeps_its_schema_and_warns_of_optimism(tuned: Context, report: dict[str, Any]) -> None:
    assert faults(tuned.folder.report("tuning.json")) == []
    assert sum(report["counts"].values()) == len(report["trials"]) == 4
    assert "optimistic" in report["optimism"]
    assert report["own"]["parameters"]["l2"] == 100.0


def test_the_best_is_no_worse_than_the_own_and_the_difference_is_told(report: dict[str, Any]) -> None:
    assert report["best"]["value"] <= report["own"]["value"]
    assert report["best"]["own"] or report["best"]["difference"]["log_loss"] is not None
    assert report["verdict"]


def test_a_search_goes_on_to_the_same_report_and_the_tracker_has_each_trial_once(
    split: Context, tuned: Context, tmp_path: Path
) -> None:
    own = copied(split, tmp_path / "workspace")
    tune_model.run(own, trials=2)
    tune_model.run(own, trials=4)
    one, two = (json.loads(each.folder.report("tuning.json").read_text(encoding="utf-8")) for each in (own, tuned))
    assert {**one, "meta": 0} == {**two, "meta": 0}
    assert [list(trials) for trials in kept_trials(own).values()] == [[0, 1, 2, 3]]


def test_other_settings_are_another_study_and_the_first_is_named(tuned: Context, tmp_path: Path) -> None:
    own = copied(tuned, tmp_path / "workspace")
    first = next(iter(kept_trials(own)))
    portfolio = own.book.portfolio
    training = portfolio.training.model_copy(update={"early_stopping_share": 0.2})
    other = replace(own, book=replace(own.book, portfolio=portfolio.model_copy(update={"training": training})))
    report = tune_model.run(other, trials=1)
    assert report["study"] != first
    assert report["meta"]["other_studies"] == [first]
    assert report["verdict"] == "no trial was better than the book's own parameters"
    console = Console(file=io.StringIO(), width=150)
    console.print(tuning_tables(report))
    assert "1 studies of other rows or settings were left alone" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_best_is_written_back_with_its_comments_and_read_again(
    tuned: Context, report: dict[str, Any], tmp_path: Path
) -> None:
    own = copied(tuned, tmp_path / "workspace")
    path = tmp_path / "book" / "portfolio.yaml"
    for source in own.book.folder.rglob("*.*"):
        target = path.parent / source.relative_to(own.book.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    path.write_text("# ours\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    own = replace(own, book=replace(own.book, folder=path.parent))
    told = tune_model.run(own, trials=4, write_back=True)
    assert told["meta"]["written_back"] is not told["best"]["own"]
    assert path.read_text(encoding="utf-8").startswith("# ours\n")
    written = load_book(path.parent).portfolio.training.parameters["logistic"]
    searched = {name: report["best"]["parameters"][name] for name in report["searched"]}
    assert told["best"]["own"] or written == searched
    assert told["best"]["own"] or yaml.safe_load(told["paste"])["training"]["parameters"]["logistic"] == searched


def test_a_shipped_book_is_not_written_to(split: Context) -> None:
    shipped = replace(split, book=load_book("lending_club"))
    with pytest.raises(BadUsage, match="shipped book") as caught:
        tune_model.run(shipped, trials=1, write_back=True)
    assert "copy the folder" in caught.value.hint


def test_no_time_at_all_is_refused(split: Context, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no trial was begun"):
        tune_model.run(copied(split, tmp_path / "workspace"), minutes=0.0)
