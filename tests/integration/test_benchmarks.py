"""The benchmarks run, at a hundredth of their size; their figures are for `make bench`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks import __main__ as table
from benchmarks import (
    batch,
    costs,
    decision_store,
    drift,
    feature_table,
    one_row,
    out_of_core,
    same_bits,
    training_cost,
)
from benchmarks.figures import Figure
from creditrisk.demo import write_demo

ROWS = 2_000


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo("home_credit", tmp_path_factory.mktemp("bench") / "raw", rows=ROWS).folder


def test_csv_to_features_is_measured_beside_the_scan(raw: Path, tmp_path: Path) -> None:
    told = feature_table.summary(feature_table.measure(raw, tmp_path / "workspace", pandas=True))
    assert told.keys() == {"scan", "csv to features", "features only", "pandas"}
    assert told["scan"]["ratio"] == 1.0
    assert all(row["cpu_s"] > 0 and row["peak_mb"] > 20 for row in told.values())
    assert max(row["peak_mb"] for row in told.values()) < feature_table.PEAK_MB_MAX


def test_loans_are_invented_for_the_stages_where_none_are_given(tmp_path: Path) -> None:
    assert out_of_core.invent(tmp_path / "raw", 60)["cpu_s"] > 0
    assert len(list((tmp_path / "raw").glob("*.csv"))) == 8
    assert (tmp_path / "raw" / "truth").is_dir()


def test_each_stage_is_measured_under_its_memory_limit(raw: Path, tmp_path: Path) -> None:
    told = {stage: out_of_core.measured(stage, raw, tmp_path, "300MB") for stage in ("ingest", "check", "features")}
    assert all(one["cpu_s"] > 0 and 20 < one["peak_mb"] < out_of_core.PEAK_MB_MAX["check"] for one in told.values())
    seen = out_of_core.read(raw, tmp_path)
    assert (seen["applications"], seen["child_rows"] > 10 * ROWS) == (ROWS, True)


def test_shuffled_rows_and_racing_threads_give_the_same_bits(raw: Path, tmp_path: Path) -> None:
    marks = same_bits.fingerprints(raw, tmp_path)
    assert len(marks) == 3
    assert len(set(marks.values())) == 1


def test_training_is_measured_beside_the_bare_library_and_makes_the_same_model() -> None:
    costs = training_cost.measure(1_500, turns=1, parameters={"rounds": 5, "early_stopping_rounds": 50})
    assert costs["same_model"]
    assert costs["ratio"] == costs["ours_cpu_s"][0] / costs["bare_cpu_s"][0]
    assert costs["rounds"] == 5


def test_durable_records_are_measured_beside_a_bare_synced_insert() -> None:
    figures = decision_store.measure(1)
    assert [(one["payload"], one["group"]) for one in figures["costs"]] == [
        (name, group) for name in decision_store.COLUMNS for group in decision_store.GROUPS
    ]
    assert all(one["ratio"] == one["ours_ms"] / one["bare_ms"] for one in figures["costs"])
    assert figures["verified_records"] == 2 + 2 * 3 * sum(decision_store.GROUPS)


def test_drift_is_counted_within_its_limits_and_told_as_json(tmp_path: Path) -> None:
    told = drift.measure(tmp_path, quick=True, only=["ours"])
    assert told["ours"].keys() == {"columns", "rows", "cpu_s", "seconds", "import_cpu_s", "peak_mb"}
    assert told["reached"]["ours: at most 1 GB"]


def test_a_process_is_not_blamed_for_what_its_parent_holds() -> None:
    held = bytearray(300_000_000)
    cost = costs.cost_of([sys.executable, "-c", "print('said'); kept = bytearray(40_000_000)"])
    assert len(held) == 300_000_000
    assert 40 < cost["peak_mb"] < 150
    assert 0 < cost["cpu_s"] < cost["wall_s"] + 1


def test_a_process_that_fails_ends_the_benchmark_with_its_command() -> None:
    with pytest.raises(SystemExit, match=r"failed: .*exit"):
        costs.cost_of([sys.executable, "-c", "import sys; sys.exit(3)"])


def test_one_row_is_measured_beside_a_frame() -> None:
    told = one_row.measure(300, turns=3)
    assert told.keys() == {"trees_ms", "reasons_ms", "wrapper_ms", "frame_ms"}
    assert all(value > 0 for value in told.values())


def test_batch_scores_the_same_rows_as_pandas(tmp_path: Path) -> None:
    told = batch.measure(batch.trained(tmp_path, ROWS), tmp_path, 3_000)
    assert told["rows"] == 3_000
    scored = {way: pq.read_table(tmp_path / f"{way}.parquet").num_rows for way in ("ours", "theirs")}
    assert scored == {"ours": 3_000, "theirs": 3_000}


@pytest.mark.parametrize(
    ("wanted", "ours", "theirs", "reached"),
    [
        ("x <= 5", 9.0, 2.0, True), ("x <= 4", 9.0, 2.0, False), ("x >= 2.5", 5.0, 2.0, True),
        (">= 0.69", 0.6899, 0.5, False), ("<= 2048", 2048.0, None, True), ("0.98 to 1.02", 1.03, 3.0, False),
        ("0.98 to 1.02", 0.98, None, True), ("x >= 1", 1.0, None, None), ("", 1.0, 1.0, None),
    ],
)  # fmt: skip
def test_a_figure_is_judged_by_what_is_promised(
    wanted: str, ours: float, theirs: float | None, reached: bool | None
) -> None:
    assert Figure("work", "s", ours, "another", theirs, wanted).reached is reached


def test_every_run_is_kept_and_the_history_tells_all_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = iter([4.0, 3.0])
    monkeypatch.setattr(
        table, "LINES", {"one-row": lambda _: [Figure("a row", "ms", next(made), "pandas", 8.0, "x <= 0.4")]}
    )
    kept = []
    for quick in (False, True):
        told = table.measure(table.Run(tmp_path, quick, None), ["one-row"])
        kept.append(table.keep(told, tmp_path / "results"))
        assert str(Path.home()) not in kept[-1].read_text(encoding="utf-8")
    assert [json.loads(path.read_text(encoding="utf-8"))["figures"][0]["reached"] for path in kept] == [False, None]
    assert "| a row | ms | 4 | pandas | 8 | 0.5 | ratio <= 0.4 | **missed** |" in kept[0].with_suffix(".md").read_text()
    with pytest.raises(FileExistsError):
        table.keep(json.loads(kept[0].read_text(encoding="utf-8")), tmp_path / "results")
    assert table.show_history(tmp_path / "results") == 0
    shown = capsys.readouterr().out
    assert "0.5" in shown
    assert "0.375" in shown


def test_a_folder_without_the_real_loans_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert table.main(["--quick", "--real", str(tmp_path)]) == 2
    assert "no lending_club" in capsys.readouterr().err
