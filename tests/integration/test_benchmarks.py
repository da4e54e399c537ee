"""The benchmarks run, at a hundredth of their size; their figures are for `make bench`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import decision_store, drift, feature_table, same_bits, training_cost
from creditrisk.demo import write_demo

ROWS = 2_000


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo("home_credit", tmp_path_factory.mktemp("bench") / "raw", rows=ROWS).folder


def test_csv_to_features_is_measured_beside_the_scan(raw: Path, tmp_path: Path) -> None:
    table = feature_table.summary(feature_table.measure(raw, tmp_path / "workspace"))
    assert table.keys() == {"scan", "csv to features", "features only"}
    assert table["scan"]["ratio"] == 1.0
    assert all(row["cpu_s"] > 0 and row["peak_mb"] > 20 for row in table.values())
    assert max(row["peak_mb"] for row in table.values()) < feature_table.PEAK_MB_MAX


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
