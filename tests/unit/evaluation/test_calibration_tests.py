"""Verdicts on PDs: right ones pass, wrong ones fail, few rows say so, and nothing is ever NaN."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.errors import BadData
from creditrisk.evaluation import calibration_tests
from creditrisk.kinds import Judgement

PASS, FAIL, NOT_ENOUGH = (verdict.value for verdict in (Judgement.PASS, Judgement.FAIL, Judgement.NOT_ENOUGH_EVIDENCE))


def _drawn(rows: int = 4000, seed: int = 1, *, times: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes, and PDs that are `times` the true ones."""
    random = np.random.default_rng(seed)
    truth = random.beta(1.5, 9.0, rows)
    return (random.random(rows) < truth).astype(float), np.minimum(truth * times, 0.99)


def _verdicts(told: dict[str, Any]) -> dict[str, str]:
    return {row["test"]: row["verdict"] for row in told["tests"]}


def test_right_pds_pass_every_test_and_the_rows_behind_each_are_told() -> None:
    told = calibration_tests.overall(*_drawn())
    assert set(_verdicts(told).values()) == {PASS}
    assert {row["n"] for row in told["tests"]} == {4000}
    assert all(row["p_value"] == row["p_value_corrected"] for row in told["tests"])
    assert told["slope"]["low"] < 1.0 < told["slope"]["high"]
    assert told["mean_pd_over_default_rate"]["low"] < 1.0 < told["mean_pd_over_default_rate"]["high"]


def test_pds_that_are_too_low_fail_both_sided_and_one_sided_and_too_high_ones_only_the_former() -> None:
    low, high = (_verdicts(calibration_tests.overall(*_drawn(times=times))) for times in (0.7, 1.4))
    for test in ("in_the_large", "slope_and_intercept", "binomial", "jeffreys"):
        assert low[test] == high[test] == FAIL
    for test in ("binomial_too_low", "jeffreys_too_low"):
        assert (low[test], high[test]) == (FAIL, PASS)


def test_hosmer_and_lemeshow_is_for_information_and_says_why() -> None:
    (row,) = [row for row in calibration_tests.overall(*_drawn())["tests"] if row["for_information"]]
    assert row["test"] == "hosmer_lemeshow"
    assert "rejects any model" in row["reason"]


def test_grades_are_corrected_together_and_a_grade_too_small_is_no_verdict() -> None:
    y, pd = _drawn()
    grade = np.array(["A", "B", "C"])[np.searchsorted([0.08, 0.55], pd)]
    rows = calibration_tests.by_grade(y, pd, grade, ["A", "B", "C", "D"], margin=0.1)
    assert [row["grade"] for row in rows] == ["A", "B", "C", "D"]
    by_name = {row["grade"]: row for row in rows}
    assert {test["asked_together"] for test in by_name["A"]["tests"]} == {2}
    assert set(_verdicts(by_name["C"]).values()) == set(_verdicts(by_name["D"]).values()) == {NOT_ENOUGH}
    assert "expected of" in by_name["C"]["tests"][0]["reason"]
    assert by_name["D"]["tests"][0]["reason"] == "no rows"
    assert by_name["A"]["pd_with_margin"] == pytest.approx(1.1 * by_name["A"]["mean_pd"]["value"])
    assert by_name["D"]["pd_with_margin"] is None


def test_margin_stands_beside_the_pd_that_is_served() -> None:
    y, pd = _drawn()
    (row,) = calibration_tests.by_grade(y, pd, ["A"] * len(y), ["A"], served=2 * pd, margin=0.5)
    assert row["mean_pd_served"] == pytest.approx(2 * pd.mean())
    assert row["pd_with_margin"] == pytest.approx(3 * pd.mean())
    assert row["mean_pd"]["value"] == pytest.approx(pd.mean())


def test_one_bad_grade_among_many_fails_only_where_it_outweighs_the_asking() -> None:
    y, pd = np.zeros(1000), np.full(1000, 0.1)
    y[:122] = 1.0  # alone 1.3 %: one-sided, of 1,000 rows with PD 0.1
    alone = calibration_tests.by_grade(y, pd, ["A"] * 1000, ["A"])
    right = np.zeros(9000)
    right[::10] = 1.0
    grade = np.concatenate([np.repeat("A", 1000), np.repeat(list("BCDEFGHIJ"), 1000)])
    among = calibration_tests.by_grade(
        np.concatenate([y, right]), np.full(10_000, 0.1), grade, sorted(set(grade.tolist()))
    )
    assert _verdicts(alone[0])["binomial_too_low"] == FAIL
    assert _verdicts(among[0])["binomial_too_low"] == PASS


def test_segments_are_taken_apart_in_order() -> None:
    y, pd = _drawn()
    term = np.where(np.arange(4000) % 3 == 0, "60 months", "36 months")
    wrong = np.where(term == "60 months", pd * 0.5, pd)
    told = calibration_tests.by_segment(y, wrong, {"term": term})
    assert [group["group"] for group in told["term"]] == ["36 months", "60 months"]
    assert [_verdicts(group)["in_the_large"] for group in told["term"]] == [PASS, FAIL]
    assert "hosmer_lemeshow" not in _verdicts(told["term"][0])


def test_shift_tells_each_window() -> None:
    y, pd = _drawn()
    windows = calibration_tests.shift(y, pd, np.where(np.arange(4000) < 1000, "2009", "2010"))
    assert [(window["window"], window["n"]) for window in windows] == [("2009", 1000), ("2010", 3000)]


def test_a_pd_of_zero_that_went_bad_fails_every_test_with_its_reason() -> None:
    y, pd = _drawn()
    pd[np.flatnonzero(y)[:2]] = 0.0
    told = calibration_tests.overall(y, pd)
    assert set(_verdicts(told).values()) == {FAIL}
    assert "infinite loss" in told["tests"][0]["reason"]
    assert told["slope"] is None
    assert told["notes"]["slope"] == "a PD of 0 or 1 has no log-odds"


def test_one_class_only_has_counts_and_reasons_but_no_line() -> None:
    _, pd = _drawn()
    told = calibration_tests.overall(np.zeros(4000), pd)
    assert told["mean_pd_over_default_rate"] is None
    assert told["notes"]["mean_pd_over_default_rate"] == "no bads"
    assert _verdicts(told)["slope_and_intercept"] == NOT_ENOUGH
    assert _verdicts(told)["binomial"] == FAIL


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([0.0, 1e-9, 0.02, 0.3, 0.5, 0.9, 1.0])), min_size=1, max_size=80
    ),
    st.integers(1, 40),
)
def test_whatever_the_rows_are_every_test_has_a_verdict_a_reason_and_no_nan(
    rows: list[tuple[int, float]], times: int
) -> None:
    y, pd = (np.array(column * times, dtype=float) for column in map(list, zip(*rows, strict=True)))
    told = calibration_tests.overall(y, pd)
    for row in told["tests"]:
        assert row["verdict"] in (PASS, FAIL, NOT_ENOUGH)
        assert row["reason"]
        assert (row["p_value"] is None) == (row["p_value_corrected"] is None)
    numbers = json.dumps(told)
    assert "NaN" not in numbers
    assert "Infinity" not in numbers
    assert all(math.isfinite(row["expected_bads"]) for row in told["tests"])


@pytest.mark.parametrize(
    ("y", "pd", "words"),
    [([], [], "0 outcomes"), ([0, 2], [0.1, 0.1], "other values"), ([0, 1], [0.1, float("nan")], "not a number")],
)
def test_rows_that_cannot_be_judged_are_refused(y: list[float], pd: list[float], words: str) -> None:
    with pytest.raises(BadData, match=words):
        calibration_tests.overall(y, pd)
