"""fairness.json of a run, and groups that do not fit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from creditrisk.errors import BadConfig, Refused
from creditrisk.files import read_json
from creditrisk.pipelines.assessments.groups import check_groups
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stage
from tests.support.schemas import faults


def test_a_run_tells_how_groups_fare_from_columns_that_are_no_features(finished: Context) -> None:
    path = finished.folder.report("fairness.json")
    report = read_json(path)
    assert faults(path) == []
    (sex,) = report["groups"]
    assert sex["name"] == "sex"
    assert [level["level"] for level in sex["levels"]] == ["f", "m"]
    assert sum(level["rows"] for level in sex["levels"]) == report["rows"]
    assert set(report["inputs"]) == {"audit", "bundle", "test_predictions"}
    learnt = {row["feature"] for row in read_json(finished.folder.report("metrics.json"))["importance"]}
    assert not learnt & {"sex"}


def test_an_audit_table_that_was_changed_is_refused(own: Context) -> None:
    own.folder.audit_table.write_bytes(own.folder.audit_table.read_bytes() + b" ")
    with pytest.raises(Refused, match=r"audit\.parquet"):
        run_stage(own, "evaluate")


@pytest.mark.parametrize("sql", ["income", "sex +", "no_such_column", "(select 1", "sex) from audit; select ("])
def test_a_group_over_columns_that_are_not_kept_apart_is_refused_before_anything_runs(
    sql: str, fresh: Callable[..., Context]
) -> None:
    book = fresh(fairness__groups={"sex": {"sql": sql}}).book
    with pytest.raises(BadConfig) as told:
        check_groups(book)
    assert "fairness.groups.sex" in told.value.where
    assert "kept apart from features: sex" in told.value.hint


def test_a_crossing_of_an_unknown_group_is_refused(fresh: Callable[..., Context]) -> None:
    with pytest.raises(BadConfig, match="names 'age', not among"):
        fresh(fairness__crossings=[["sex", "age"]])
