import numpy as np
import pytest

from creditrisk.errors import BadData
from creditrisk.evaluation.tables import grade_table, grade_tables, group_table, importance_table, quarters

Y = [0, 1, 0, 1, 1]
PD = [0.1, 0.2, 0.3, 0.4, 0.5]
GRADE = ["A", "A", "A", "C", "C"]


def test_a_grade_tells_its_rows_promise_and_outcome() -> None:
    first = grade_table(Y, PD, GRADE, ["A", "B", "C"])[0]
    assert (first["grade"], first["n"], first["bads"], first["share"]) == ("A", 3, 1, 0.6)
    assert first["mean_pd"] == pytest.approx(0.2)
    # Wilson at 1 of 3
    assert first["observed"]["value"] == pytest.approx(1 / 3)
    assert first["observed"]["low"] == pytest.approx(0.06149, abs=1e-5)
    assert first["observed"]["high"] == pytest.approx(0.79234, abs=1e-5)


def test_a_grade_nobody_has_stays_in_the_table_without_figures() -> None:
    empty = grade_table(Y, PD, GRADE, ["A", "B", "C"])[1]
    assert empty == {"grade": "B", "share": 0.0, "n": 0, "bads": 0, "mean_pd": None, "observed": None}


def test_a_grade_without_a_rule_is_refused() -> None:
    with pytest.raises(BadData, match="without a rule: C"):
        grade_table(Y, PD, GRADE, ["A", "B"])


def test_every_row_stands_in_one_grade_of_one_group() -> None:
    tables = grade_tables(Y, PD, GRADE, ["train", "test", "train", "test", "test"], ["A", "C"])
    assert list(tables) == ["test", "train"]
    assert [row["n"] for row in tables["train"]] == [2, 0]
    assert sum(row["n"] for rows in tables.values() for row in rows) == 5


def test_a_group_of_one_class_has_no_auc() -> None:
    early, late = group_table(Y, PD, ["2010-Q4", "2010-Q4", "2010-Q4", "2011-Q1", "2011-Q1"])
    assert early["roc_auc"]["value"] == 0.5
    assert early["default_rate"]["value"] == pytest.approx(1 / 3)
    assert late["roc_auc"] is None
    assert (late["n"], late["bads"]) == (2, 2)


def test_dates_fall_into_their_quarter() -> None:
    dates = np.array(["2011-01-01", "2011-03-31", "2011-04-01", "1969-12-31", "NaT"], dtype="datetime64[D]")
    assert quarters(dates).tolist() == ["2011-Q1", "2011-Q1", "2011-Q2", "1969-Q4", "unknown"]
    assert quarters(["2011-12-31"]).tolist() == ["2011-Q4"]


def test_features_stand_in_the_order_of_their_share_then_of_their_name() -> None:
    rows = importance_table({"b": 0.25, "a": 0.25, "c": 0.5}, {"c": "Income is low"})
    assert [row["feature"] for row in rows] == ["c", "a", "b"]
    assert rows[0] == {"feature": "c", "share": 0.5, "reason": "Income is low"}
