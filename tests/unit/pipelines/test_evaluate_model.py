"""The bundle on the rows that nothing was learnt from."""

from __future__ import annotations

import pyarrow.parquet as pq

from creditrisk.files import read_json
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
