"""What crosses a border after the feature table is sound, or refused with the column and an example."""

from __future__ import annotations

import os
import subprocess
import sys

import pyarrow as pa
import pytest

from creditrisk.contracts import decisions_schema, need_sound, training_schema
from creditrisk.errors import BadData

GRADES = ["A", "B"]


def _decisions(**columns: list[object]) -> pa.Table:
    sound = {"SK_ID": [1, 2], "pd": [0.01, 0.5], "score": [600, 500], "grade": ["A", "B"],
             "decision": ["approve", "decline"], "reasons": [[], ["x"]]}  # fmt: skip
    return pa.table({**sound, **columns})


def test_sound_frames_pass():
    need_sound(_decisions(), decisions_schema("SK_ID", GRADES), what="scored")
    need_sound(pa.table({"key": ["a", "b"], "target": [0, 1], "x": [None, 1.5]}), training_schema("key"), what="rows")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("pd", [0.0, 0.5]), ("pd", [1.0, 0.5]), ("pd", [float("nan"), 0.5]), ("pd", [None, 0.5]),
        ("grade", ["A", "C"]), ("decision", ["approve", "perhaps"]), ("SK_ID", [1, 1]), ("SK_ID", [None, 1]),
        ("score", [None, 1]),
    ],
)  # fmt: skip
def test_decisions_that_no_policy_makes_are_refused(column, values):
    with pytest.raises(BadData, match="scored") as caught:
        need_sound(_decisions(**{column: values}), decisions_schema("SK_ID", GRADES), what="scored")
    assert caught.value.where == f"column {column}"


@pytest.mark.parametrize("columns", [{"target": [0, 2]}, {"target": [0, None]}, {"key": ["a", "a"]}])
def test_rows_nobody_can_learn_from_are_refused(columns):
    with pytest.raises(BadData, match="rows to learn from") as caught:
        need_sound(
            pa.table({"key": ["a", "b"], "target": [0, 1], **columns}),
            training_schema("key"),
            what="rows to learn from",
        )
    assert caught.value.where == f"column {next(iter(columns))}"


def test_a_missing_column_is_named():
    with pytest.raises(BadData) as caught:
        need_sound(_decisions().drop_columns(["grade"]), decisions_schema("SK_ID", GRADES), what="scored")
    assert "grade" in str(caught.value)


CHECKS = {
    "frames": "from creditrisk.contracts.frames import training_schema as schema",
    "feature_table": "from creditrisk.contracts.feature_table import feature_table_schema as schema",
}


@pytest.mark.parametrize("which", CHECKS)
def test_checking_frames_leaves_times_with_their_zones(which: str) -> None:
    """In a process of its own: what an import does, it does once."""
    told = f"""
import datetime as dt, os, sys
import pyarrow as pa
{CHECKS[which]}
schema("loan_id")
late = dt.datetime(2025, 6, 1, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-2)))
(read,) = pa.array([late], pa.timestamp("us", "UTC")).to_pylist()
assert read == late, read
assert "PYARROW_IGNORE_TIMEZONE" not in os.environ
assert "pyspark.pandas" not in sys.modules
"""
    clean = {name: value for name, value in os.environ.items() if name != "PYARROW_IGNORE_TIMEZONE"}
    command = [sys.executable, "-W", "ignore", "-c", told]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
