"""The bundle on the rows that nothing was learnt from."""

from __future__ import annotations

import pyarrow.parquet as pq

from creditrisk.files import read_json
from creditrisk.governance import Act, acts_about
from creditrisk.kinds import sha256_of
from creditrisk.pipelines import evaluate_model
from creditrisk.pipelines.context import Context


def test_the_figures_are_about_the_test_part_alone(finished: Context) -> None:
    rows = pq.read_table(finished.folder.part("test"))
    predictions = pq.read_table(finished.folder.report("test_predictions.parquet"))
    figures = read_json(finished.folder.report("test_metrics.json"))
    assert predictions["loan_id"].to_pylist() == rows["loan_id"].to_pylist()
    assert predictions["target"].to_pylist() == rows["target"].to_pylist()
    assert figures["n"] == rows.num_rows
    assert figures["roc_auc"]["value"] > 0.6
    assert "vintages" not in figures


def test_the_figures_name_the_bundle_and_the_predictions(finished: Context) -> None:
    figures = read_json(finished.folder.report("test_metrics.json"))
    assert figures["bundle_sha256"] == figures["inputs"]["bundle"]
    assert set(figures["inputs"]) == {"bundle", "test", "test_predictions"}


def test_a_model_that_is_tested_again_is_no_further_model(own: Context) -> None:
    first = read_json(own.folder.report("test_metrics.json"))
    again = evaluate_model.run(own)
    assert first["test_reads"]["models"] == 1
    assert sha256_of(again) == sha256_of(first)
    assert (first["meta"]["evaluations_on_these_rows"], again["meta"]["evaluations_on_these_rows"]) == (1, 2)


def test_every_model_that_saw_these_loans_before_is_counted(own: Context) -> None:
    (act,) = acts_about(own.workspace.audit, Act.TESTED)
    seen = {**act["hashes"], "bundle": "e" * 64}
    own.workspace.audit.unlink()
    own.act(Act.TESTED, seen)
    own.act(Act.TESTED, {**seen, "test_rows": "f" * 64})
    reads = evaluate_model.run(own)["test_reads"]
    assert reads["models"] == 2
    assert "number 2" in reads["says"]


def test_what_could_be_known_before_the_test_is_told_beside_the_figures(finished: Context) -> None:
    told = read_json(finished.folder.report("test_metrics.json"))["knowledge"]
    assert told == read_json(finished.folder.report("split.json"))["knowledge"]
    assert "not by time" in told["reason"]
