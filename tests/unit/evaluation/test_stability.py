"""Shifts against chance, and AUC by group against that of all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from creditrisk.evaluation.stability import counts_of, feature_shifts, ranking_by_group, shift, vintages
from creditrisk.kinds import canonical_json
from creditrisk.stats import auc_interval, psi

FROZEN: dict[str, Any] = {
    "income": {"kind": "number", "edges": [1.0, 2.0], "counts": [40, 30, 20, 10]},
    "town": {"kind": "category", "categories": ["big", "small"], "counts": [50, 50, 0, 0]},
}
ROWS = pa.table({"income": [0.5, 1.0, 2.0, None, float("inf")], "town": ["big", "small", "village", None, "big"]})


def test_a_shift_worked_out_by_hand() -> None:
    # half a row is added to each bin: shares 100.5/201 and 100.5/201 against 50.5/201 and 150.5/201
    e, a = np.array([0.5, 0.5]), np.array([50.5, 150.5]) / 201
    told = shift([100, 100], [50, 150], limit=0.25)
    assert told["psi"] == pytest.approx(float(np.sum((a - e) * np.log(a / e))), rel=1e-12)
    assert told["by_chance"] == pytest.approx(chi2.isf(0.05, 1) * (1 / 200 + 1 / 200), rel=1e-9)
    assert told["verdict"] == "fail"
    assert told["reason"].endswith("above the limit of 0.25 (200 rows against 200)")


@pytest.mark.parametrize(
    ("expected", "actual", "verdict"),
    [
        ([1000, 1000], [980, 1020], "pass"),
        ([1000, 1000], [1600, 400], "fail"),
        ([1000, 1000], [4, 1], "not_enough_evidence"),
        ([1000, 1000], [0, 0], "not_enough_evidence"),
        ([500, 0], [40, 0], "pass"),
    ],
)
def test_few_rows_that_look_moved_are_not_enough_evidence(expected: list[int], actual: list[int], verdict: str) -> None:
    told = shift(expected, actual, limit=0.25)
    assert told["verdict"] == verdict
    assert told["reason"]
    assert canonical_json(told)


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=12), st.integers(1, 400), st.integers(1, 50))
def test_what_chance_brings_shrinks_with_rows_and_grows_with_tests(counts: list[int], times: int, tests: int) -> None:
    counts[0] += 1
    few = shift(counts, counts, limit=0.25)
    many = shift(counts, [times * count for count in counts], limit=0.25)
    more = shift(counts, counts, limit=0.25, comparisons=tests)
    assert few["psi"] == pytest.approx(0.0, abs=1e-12)
    assert many["by_chance"] <= few["by_chance"] <= more["by_chance"]


def test_rows_drawn_anew_from_the_same_shares_stay_below_what_chance_brings() -> None:
    random = np.random.default_rng(5)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    before = random.multinomial(3000, shares)
    told = [shift(before, now, limit=0.0) for now in random.multinomial(400, shares, size=400)]
    above = np.mean([row["psi"] > row["by_chance"] for row in told])
    assert 0.0 < above < 0.15  # one in twenty, given a `before` that is itself drawn


def test_counts_of_a_column_follow_the_frozen_bins_and_blanks_stand_last() -> None:
    assert counts_of(ROWS["income"], FROZEN["income"]).tolist() == [1, 1, 1, 2]
    assert counts_of(ROWS["town"], FROZEN["town"]).tolist() == [2, 1, 1, 1]


def test_features_are_told_with_their_weight_largest_shift_first() -> None:
    told = feature_shifts({"features": FROZEN}, ROWS, limit=0.25, importance={"income": 0.7})
    assert [row["feature"] for row in told] == sorted(FROZEN, key=lambda name: -next(
        row["psi"] for row in told if row["feature"] == name
    ))  # fmt: skip
    income = next(row for row in told if row["feature"] == "income")
    assert income["psi"] == pytest.approx(psi([40, 30, 20, 10], [1, 1, 1, 2]))
    assert (income["importance"], income["missing_before"], income["missing_now"]) == (0.7, 0.1, 0.4)
    assert next(row for row in told if row["feature"] == "town")["importance"] == 0.0


def test_vintages_are_quarters_and_of_long_files_years() -> None:
    months = np.arange("2010-01", "2011-01", dtype="datetime64[M]").astype("datetime64[D]")
    long = np.arange("2000-01", "2012-01", dtype="datetime64[M]").astype("datetime64[D]")
    quarterly = vintages(pa.chunked_array([pa.array(months)]))
    yearly = vintages(pa.chunked_array([pa.array(long)]))
    assert quarterly is not None
    assert sorted(set(quarterly.tolist())) == ["2010-Q1", "2010-Q2", "2010-Q3", "2010-Q4"]
    assert yearly is not None
    assert sorted(set(yearly.tolist()))[0] == "2000"
    assert vintages(pa.chunked_array([pa.nulls(3, pa.date32())])) is None


def ranked_rows(n: int, *, ranks: bool) -> tuple[Any, Any]:
    random = np.random.default_rng(n)
    pd = random.uniform(0.05, 0.5, n)
    return (random.random(n) < (pd if ranks else 0.25)).astype(int), pd


def test_a_vintage_that_the_model_does_not_rank_fails_and_a_small_one_is_not_enough_evidence() -> None:
    good, bad, small = ranked_rows(6000, ranks=True), ranked_rows(3000, ranks=False), ranked_rows(60, ranks=True)
    y, pd = (np.concatenate(column) for column in zip(good, bad, small, strict=True))
    group = ["old"] * 6000 + ["new"] * 3000 + ["newest"] * 60
    report = ranking_by_group(y, pd, group, drop_max=0.05, known=("empty",))
    verdicts = {row["group"]: row["verdict"] for row in report["groups"]}
    assert verdicts == {"old": "pass", "new": "fail", "newest": "not_enough_evidence", "empty": "not_enough_evidence"}
    assert report["verdict"] == "fail"
    assert report["reason"].startswith("new: AUC ")
    old = next(row for row in report["groups"] if row["group"] == "old")
    assert old["roc_auc"] == auc_interval(good[0], good[1]).as_json()
    assert old["corrected"]["level"] == pytest.approx(1 - 0.05 / 4)
    assert canonical_json(report)


@pytest.mark.parametrize("group", [["one"] * 4, ["one", "two"] * 2])
def test_one_class_or_one_group_is_a_verdict_with_a_reason(group: list[str]) -> None:
    report = ranking_by_group([1, 1, 1, 1], [0.1, 0.2, 0.3, 0.4], group, drop_max=0.05)
    assert report["verdict"] == "not_enough_evidence"
    assert report["overall"] is None
    assert report["reason"]
