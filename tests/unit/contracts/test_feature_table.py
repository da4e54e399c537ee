"""What the features' SQL hands to the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.contracts import check_feature_table
from creditrisk.kinds import Severity


def _written(folder: Path, **columns: object) -> Path:
    path = folder / "feature_store.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def _rules(path: Path) -> list[tuple[str, str | None]]:
    findings = check_feature_table(path, "SK_ID")
    assert all(finding.severity is Severity.REFUSE for finding in findings)
    return [(finding.rule, finding.column) for finding in findings]


def _long(**columns: object) -> dict[str, object]:
    """Two thousand sound rows, with some columns instead."""
    return {"SK_ID": list(range(2000)), "x": [0.5] * 2000, **columns}


def test_sound_table_gives_no_finding(tmp_path):
    path = _written(tmp_path, SK_ID=[1, 2, 5], ratio=[0.5, None, -1.0], town=["a", None, "b"], flag=[True, None, False])
    assert _rules(path) == []


def test_a_hashed_key_is_a_key_too(tmp_path):
    assert _rules(_written(tmp_path, SK_ID=["00a", "0b", "f"], x=[1, 2, 3])) == []
    assert _rules(_written(tmp_path, SK_ID=["0b", "00a", "f"], x=[1, 2, 3])) == [("unique", "SK_ID")]


def test_infinite_and_not_a_number_are_told_by_column(tmp_path):
    path = _written(tmp_path, SK_ID=[1, 2, 3], a=[1.0, np.inf, -np.inf], b=[np.nan, 1.0, None], c=[1.0, 2.0, 3.0])
    assert _rules(path) == [("finite", "a"), ("finite", "b")]


def test_one_infinite_number_far_down_is_found_and_counted(tmp_path):
    path = _written(tmp_path, **_long(x=[0.5] * 1998 + [np.inf, np.nan]))
    (finding,) = check_feature_table(path, "SK_ID")
    assert (finding.rule, finding.column, finding.rows) == ("finite", "x", 2)


def test_finite_numbers_whose_sum_is_not_are_sound(tmp_path):
    assert _rules(_written(tmp_path, **_long(x=[1.7e308] * 2000))) == []


@pytest.mark.parametrize(("keys", "rule"), [([1, 1, 2], "unique"), ([2, 1, 3], "unique"), ([1, None, 2], "not null")])
def test_key_that_is_doubled_missing_or_out_of_order_refuses(tmp_path, keys, rule):
    assert (rule, "SK_ID") in _rules(_written(tmp_path, SK_ID=keys, x=[1, 2, 3]))


@pytest.mark.parametrize(("last", "rule"), [(1998, "unique"), (3, "unique"), (None, "not null")])
def test_key_that_goes_wrong_far_down_refuses(tmp_path, last, rule):
    assert _rules(_written(tmp_path, **_long(SK_ID=[*range(1999), last]))) == [(rule, "SK_ID")]


def test_names_and_types_that_no_model_takes_refuse(tmp_path):
    day, money, short = pa.array([1], pa.date32()), pa.array([1], pa.decimal128(18, 3)), pa.array([1], pa.float32())
    told = _rules(_written(tmp_path, SK_ID=[1], money=money, day=day, short=short))
    assert told == [("type", "day"), ("type", "money"), ("type", "short")]
    assert _rules(_written(tmp_path, SK_ID=[1], Income=[1.0])) == [("name", "Income")]


def test_key_comes_first(tmp_path):
    assert _rules(_written(tmp_path, x=[1], SK_ID=[1])) == [("key first", None)]


def test_empty_table_refuses(tmp_path):
    empty = pa.array([], pa.int64())
    assert _rules(_written(tmp_path, SK_ID=empty, x=empty)) == [("no rows", None)]
