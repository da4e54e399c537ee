"""Raw tables in, decisions out: the evaluation's own bits, in any format, whole or not there."""

from __future__ import annotations

import csv
import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.config import load_book
from creditrisk.errors import BadData, BadUsage
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.pipelines import batch_predict
from creditrisk.pipelines.context import Context
from creditrisk.scoring import LEAST_FALL, score
from tests.support.proving import features_from_raw, mean_margins_without, people, read_tables
from tests.support.tiny_run import write_tiny_raw

CANDIDATE = "models:/tiny@candidate"


def test_scored_rows_have_the_evaluations_bits(finished: Context, tmp_path: Path) -> None:
    out = tmp_path / "decisions.parquet"
    told = batch_predict.run(finished, finished.raw, out, reference=CANDIDATE)
    rows = {row["loan_id"]: row for row in pq.read_table(out).to_pylist()}
    tested = pq.read_table(finished.folder.report("test_predictions.parquet")).drop_columns(["target"]).to_pylist()
    assert [_but_reasons(rows[row["loan_id"]]) for row in tested] == [_but_reasons(row) for row in tested]
    assert list(rows) == sorted(rows)
    assert told["rows"] == sum(told["decisions"].values()) == 600
    assert told["version"] == 1
    assert told["invented_data"] is False
    assert list(tmp_path.iterdir()) == [out]


def _but_reasons(row: dict[str, Any]) -> dict[str, Any]:
    """The batch proves the reasons of everybody, the evaluation those of a sample in a report of their own."""
    return {name: value for name, value in row.items() if name not in ("reasons", "warnings")}


def test_reasons_of_a_batch_are_proved_by_scoring_the_raw_rows_with_a_peers_facts(
    finished: Context, tmp_path: Path
) -> None:
    out = tmp_path / "decisions.parquet"
    told = batch_predict.run(finished, finished.raw, out, reference=CANDIDATE)
    assert told["reasons_unproved"] is None
    (folder,) = finished.folder.models.glob("*/bundle")
    bundle, book = load_bundle(folder), load_book(folder)
    raw = read_tables(finished.folder.bronze, book)
    declined = [row for row in pq.read_table(out).to_pylist() if row["decision"] == "decline"][:5]
    assert declined
    for row in declined:
        own = _margin(bundle, features_from_raw(book, people(book, raw, [row["loan_id"]])))[0]
        codes = [words.code for words in bundle.policy.reasons]
        means = mean_margins_without(bundle, book, raw, [(row["loan_id"], code) for code in codes])
        falls = {code: own - mean for code, mean in zip(codes, means, strict=True)}
        expected = sorted((code for code in falls if falls[code] > LEAST_FALL), key=lambda code: (-falls[code], code))
        assert [reason["code"] for reason in row["reasons"]] == expected[:4]
        for reason in row["reasons"]:
            without = bundle.calibrator(np.array([own - falls[reason["code"]]]))[0]
            assert reason["pd_without"] == pytest.approx(without, abs=1e-12)
            assert reason["pd_without"] < row["pd"]


def _margin(bundle: Bundle, features: pa.Table) -> np.ndarray[Any, np.dtype[np.float64]]:
    return bundle.estimator.margin(bundle.preprocess.matrix(features).values)


def test_a_counterfactual_is_proved_by_its_own_raw_row_and_touches_no_fixed_fact(
    finished: Context, tmp_path: Path
) -> None:
    out = tmp_path / "decisions.parquet"
    batch_predict.run(finished, finished.raw, out, reference=CANDIDATE, with_reasons=False, with_counterfactuals=True)
    (folder,) = finished.folder.models.glob("*/bundle")
    bundle, book = load_bundle(folder), load_book(folder)
    raw = read_tables(finished.folder.bronze, book)
    rows = pq.read_table(out).to_pylist()
    assert {row["counterfactual"] is None for row in rows if row["decision"] == "approve"} == {True}
    helped = [row for row in rows if row["counterfactual"] and row["counterfactual"]["changes"]]
    assert helped
    for row in helped[:5]:
        (change,) = row["counterfactual"]["changes"]
        assert change["column"] == "debt"
        assert change["new"] < change["old"]
        own = people(book, raw, [row["loan_id"]])
        new = pa.array([change["new"]]).cast(own["application"].schema.field("debt").type)
        place = own["application"].column_names.index("debt")
        changed = {**own, "application": own["application"].set_column(place, "debt", new)}
        again = score(bundle, features_from_raw(book, changed), with_reasons=False).to_pylist()[0]
        assert (again["decision"], again["pd"]) == (row["counterfactual"]["decision"], row["counterfactual"]["pd"])
    left = [row for row in rows if row["counterfactual"] and not row["counterfactual"]["changes"]]
    assert all("no change helps" in row["counterfactual"]["says"] for row in left)


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


def test_side_by_side_gives_what_one_by_one_gives(
    finished: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks of any size, of a file with groups of any size, by any number of threads."""
    monkeypatch.setattr(batch_predict, "ROWS_AT_ONCE", 600)
    batch_predict.run(finished, finished.raw, tmp_path / "reasons.parquet", reference=CANDIDATE)
    wanted = [_but_reasons(row) for row in pq.read_table(tmp_path / "reasons.parquet").to_pylist()]
    for chunk, group, threads in ((7, 64, 4), (64, 7, 1), (50, 50, 2), (601, 100, 3)):
        monkeypatch.setattr(batch_predict, "ROWS_PLAIN_AT_ONCE", chunk)
        monkeypatch.setattr("creditrisk.features.engine.ROWS_OF_A_GROUP", group)
        context = replace(finished, duck=replace(finished.duck, threads=threads))
        heard: list[float] = []
        context = replace(context, progress=lambda _stage, _what, share, heard=heard: heard.append(share))
        out = tmp_path / f"{chunk}.parquet"
        batch_predict.run(context, finished.raw, out, reference=CANDIDATE, with_reasons=False)
        assert [_but_reasons(row) for row in pq.read_table(out).to_pylist()] == wanted
        assert heard == sorted(heard)


def test_one_bad_chunk_ends_the_run_and_leaves_no_decisions(
    finished: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_predict, "ROWS_PLAIN_AT_ONCE", 50)
    real, calls = batch_predict.score, itertools.count()

    def broken(*given: Any, **named: Any) -> pa.Table:
        if next(calls) == 5:
            raise BadData("a bad chunk")
        return real(*given, **named)

    monkeypatch.setattr(batch_predict, "score", broken)
    out = tmp_path / "decisions.parquet"
    with pytest.raises(BadData, match="a bad chunk"):
        batch_predict.run(finished, finished.raw, out, reference=CANDIDATE, with_reasons=False)
    assert not out.exists()
    told = batch_predict.run(finished, finished.raw, out, reference=CANDIDATE, with_reasons=False)
    assert 5 * 50 <= told["rows_done_before"] < 600
    assert pq.read_metadata(out).num_rows == 600
    assert list(tmp_path.iterdir()) == [out]


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
