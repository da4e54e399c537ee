"""Raw tables in, decisions out: the evaluation's own bits, in any format, whole or not there."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from creditrisk.errors import BadData, BadUsage
from creditrisk.pipelines import batch_predict
from creditrisk.pipelines.context import Context
from tests.support.tiny_run import write_tiny_raw

CANDIDATE = "models:/tiny@candidate"


def test_scored_rows_have_the_evaluations_bits(finished: Context, tmp_path: Path) -> None:
    out = tmp_path / "decisions.parquet"
    told = batch_predict.run(finished, finished.raw, out, reference=CANDIDATE)
    rows = {row["loan_id"]: row for row in pq.read_table(out).to_pylist()}
    tested = pq.read_table(finished.folder.report("test_predictions.parquet")).drop_columns(["target"]).to_pylist()
    assert [rows[row["loan_id"]] for row in tested] == tested
    assert list(rows) == sorted(rows)
    assert told["rows"] == sum(told["decisions"].values()) == 600
    assert told["version"] == 1
    assert told["invented_data"] is False
    assert list(tmp_path.iterdir()) == [out]


def test_csv_and_json_hold_what_parquet_holds(finished: Context, tmp_path: Path) -> None:
    for ending in ("parquet", "csv", "json"):
        batch_predict.run(finished, finished.raw, tmp_path / f"d.{ending}", reference=CANDIDATE)
    rows = pq.read_table(tmp_path / "d.parquet").to_pylist()
    lines = (tmp_path / "d.json").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == rows
    with (tmp_path / "d.csv").open(encoding="utf-8", newline="") as stream:
        cells = list(csv.DictReader(stream))
    assert [json.loads(row["reasons"]) for row in cells] == [row["reasons"] for row in rows]
    assert [float(row["pd"]) for row in cells] == [row["pd"] for row in rows]


def test_applications_without_an_outcome_are_scored_from_one_file_by_a_bundles_folder(
    finished: Context, tmp_path: Path
) -> None:
    raw = write_tiny_raw(tmp_path / "raw", rows=5) / "applications.csv"
    lines = [line.split(",") for line in raw.read_text(encoding="utf-8").splitlines()]
    kept = [[cell for place, cell in enumerate(line) if place not in (1, 6)] for line in lines]
    raw.write_text("\n".join(",".join(line) for line in kept) + "\n", encoding="utf-8")
    (folder,) = finished.folder.models.glob("*/bundle")
    told = batch_predict.run(finished, raw, tmp_path / "d.csv", reference=str(folder), with_reasons=False)
    assert told["rows"] == 5
    assert told["version"] is None


@pytest.mark.parametrize("name", ["decisions.xlsx", "decisions"])
def test_an_unknown_ending_names_the_known_ones(name: str, finished: Context, tmp_path: Path) -> None:
    with pytest.raises(BadUsage) as caught:
        batch_predict.run(finished, finished.raw, tmp_path / name, reference=CANDIDATE)
    assert ".parquet" in caught.value.hint


def test_a_folder_is_never_replaced(finished: Context, tmp_path: Path) -> None:
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(BadUsage, match="folder"):
        batch_predict.run(finished, finished.raw, tmp_path / "d.csv", reference=CANDIDATE)


def test_a_refused_batch_leaves_the_earlier_decisions_alone(finished: Context, tmp_path: Path) -> None:
    raw, out = write_tiny_raw(tmp_path / "raw", rows=5), tmp_path / "out" / "d.csv"
    batch_predict.run(finished, raw, out, reference=CANDIDATE)
    before = out.read_bytes()
    path = raw / "applications.csv"
    path.write_text(path.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(BadData):
        batch_predict.run(finished, raw, out, reference=CANDIDATE)
    assert out.read_bytes() == before
    assert list(out.parent.iterdir()) == [out]
