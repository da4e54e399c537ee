"""stability.json of a first model, of a second one, and where the previous one cannot be asked."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from creditrisk.adapters.in_memory import InMemoryRegistry
from creditrisk.config import load_book
from creditrisk.errors import OutsideFailed, Refused
from creditrisk.files import read_json
from creditrisk.pipelines.assessments import stability, tested
from creditrisk.pipelines.assessments.previous import find_previous, scored_by
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stage
from creditrisk.pipelines.train_model import newest_bundle
from creditrisk.ports import CANDIDATE, ModelVersion
from tests.support.schemas import faults


class DeafRegistry(InMemoryRegistry):
    def versions(self, name: str) -> Sequence[ModelVersion]:
        raise OutsideFailed(f"nobody answers for {name}")


def scored_rows(context: Context) -> tested.Tested:
    folder = context.folder
    rows, decisions = pq.read_table(folder.part("test")), pq.read_table(folder.report("test_predictions.parquet"))
    return tested.Tested(newest_bundle(context), rows, decisions, folder)


def test_a_first_model_is_told_whole_and_has_no_swap_set(finished: Context) -> None:
    path = finished.folder.report("stability.json")
    report = read_json(path)
    assert faults(path) == []
    assert report["swap_set"]["verdict"] is None
    assert report["swap_set"]["reason"].startswith("the first model of this book")
    assert report["vintages"]["verdict"] is None
    assert [point["share"] for point in report["learning_curve"]["points"]] == [0.1, 0.2, 0.4, 0.7, 1.0]
    inputs = {row["feature"] for row in report["sensitivity"]["features"]}
    assert inputs == {row["feature"] for row in report["features"]["features"]}
    drawn = {path.name for path in (finished.folder.reports / "test_evaluation").iterdir()}
    assert {"cut_offs.png", "psi.png", "roc.png"} <= drawn


def test_the_same_rows_write_the_same_report(own: Context) -> None:
    before = {**read_json(own.folder.report("stability.json")), "meta": None}
    assert {**stability.assess(replace(own, registry=InMemoryRegistry()), scored_rows(own)), "meta": None} == before


def test_a_model_of_other_sql_is_compared_by_the_previous_ones_own(own: Context, tmp_path: Path) -> None:
    first = pq.read_table(own.folder.report("test_predictions.parquet"))
    sql = shutil.copytree(own.book.folder, tmp_path / "book") / "sql" / "feature_table.sql"
    # another feature of the same name: income in thousands
    text = sql.read_text(encoding="utf-8").replace("cast(a.income as double) as", "cast(a.income as double) / 1000 as")
    sql.write_text(text, encoding="utf-8")
    context = replace(own, book=load_book(tmp_path / "book", {"training.parameters.xgboost.min_child_weight": 1}))
    for stage in ("features", "split", "train", "evaluate"):
        run_stage(context, stage)
    path = own.folder.report("stability.json")
    swap = read_json(path)["swap_set"]
    assert faults(path) == []
    assert (swap["previous"]["version"], swap["previous"]["own_sql_ran"], swap["previous"]["same_split"]) == (
        1,
        True,
        True,
    )
    assert sum(group["rows"] for group in swap["groups"].values()) == first.num_rows
    previous = find_previous(context, newest_bundle(context).sha256)
    assert previous is not None
    assert previous.version.aliases == (CANDIDATE,)
    run_stage(context, "validate")
    run_stage(context, "register")  # which takes that alias
    again = stability.assess(context, scored_rows(context))
    assert {**again, "meta": None} == {**read_json(path), "meta": None}
    theirs, _ = scored_by(previous, context, scored_rows(context))
    assert theirs["pd"].to_pylist() == first["pd"].to_pylist()


def test_a_registry_that_does_not_answer_is_a_verdict_with_its_reason(own: Context) -> None:
    report = stability.assess(replace(own, registry=DeafRegistry()), scored_rows(own))
    assert report["swap_set"]["verdict"] == "not_enough_evidence"
    assert "nobody answers for tiny" in report["swap_set"]["reason"]


def test_too_many_cells_for_a_learning_curve_are_a_reason(own: Context) -> None:
    book = load_book(own.book.folder, {"stability.learning_curve_cells": 100})
    curve = stability.assess(replace(own, book=book), scored_rows(own))["learning_curve"]
    assert curve["points"] == []
    assert "raise stability.learning_curve_cells" in curve["reason"]


def test_out_of_fold_scores_of_another_training_are_refused(own: Context) -> None:
    own.folder.out_of_fold.write_bytes(b"other")
    with pytest.raises(Refused, match=r"out_of_fold\.parquet"):
        stability.assess(own, scored_rows(own))
