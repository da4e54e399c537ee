"""What the bundle of a whole run remembers beyond its features."""

from __future__ import annotations

import pyarrow.parquet as pq

from creditrisk.pipelines.context import Context
from creditrisk.pipelines.train_model import newest_bundle


def test_the_bundle_remembers_raw_columns_grades_decisions_and_its_calibration(finished: Context) -> None:
    reference = newest_bundle(finished).reference
    rows = sum(pq.read_metadata(finished.folder.part(part)).num_rows for part in ("train", "calibration"))
    assert set(reference["raw"]) == {"application.income", "application.debt", "application.town"}
    for of in (*reference["raw"].values(), reference["grades"], reference["decisions"]):
        assert sum(of["counts"]) == rows == reference["rows"]
    assert reference["grades"]["categories"] == ["A", "B", "C"]
    assert reference["decisions"]["categories"] == ["approve", "refer", "decline"]
    calibration = reference["calibration"]
    assert calibration["rows"] == pq.read_metadata(finished.folder.part("calibration")).num_rows
    assert sum(grade["bads"] for grade in calibration["grades"]) == calibration["bads"] > 0


def test_no_name_of_a_row_and_no_column_that_may_not_decide_is_remembered(finished: Context) -> None:
    raw = newest_bundle(finished).reference["raw"]
    assert not {"application.loan_id", "application.sex", "application.bad", "application.recovered"} & set(raw)
