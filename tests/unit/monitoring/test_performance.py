from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from creditrisk import stats
from creditrisk.monitoring.performance import against, by_grade, calibration, estimated, performance


def drawn(n: int = 2000, seed: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    pd = random.beta(1.0, 5.0, n).clip(0.001, 0.999)
    return (random.random(n) < pd).astype(float), pd


def test_every_figure_is_that_of_the_room_of_figures_and_lies_in_its_interval() -> None:
    y, pd = drawn()
    told = performance(y, pd)
    assert told["roc_auc"]["value"] == stats.roc_auc(y, pd)
    assert told["normalized_gini"]["value"] == pytest.approx(stats.gini(y, pd))
    assert told["ks"]["value"] == stats.ks(y, pd)
    assert told["brier"]["value"] == pytest.approx(stats.brier(y, pd))
    assert told["log_loss"]["value"] == pytest.approx(stats.log_loss(y, pd))
    assert told["notes"] == {}
    for name in ("roc_auc", "normalized_gini", "ks", "brier", "log_loss", "default_rate"):
        assert told[name]["low"] < told[name]["value"] < told[name]["high"]


@pytest.mark.parametrize(
    ("y", "why"),
    [
        ([0.0] * 40, "0 bads and 40 goods: one class only"),
        ([1.0] * 40, "40 bads and 0 goods: one class only"),
        ([1.0] * 9 + [0.0] * 40, "9 bads and 40 goods: a rank needs 10 of each"),
    ],
)
def test_without_enough_of_both_classes_there_is_no_rank_and_the_reason(y: list[float], why: str) -> None:
    told = performance(np.array(y), np.linspace(0.1, 0.5, len(y)))
    assert told["roc_auc"] is told["ks"] is told["normalized_gini"] is None
    assert told["notes"]["roc_auc"] == why
    assert told["brier"] is not None


def test_no_loans_have_no_figures() -> None:
    none = np.zeros(0)
    told = performance(none, none)
    assert told["default_rate"] is told["brier"] is told["mean_pd"] is None
    assert set(told["notes"]) >= {"roc_auc", "brier", "default_rate", "mean_pd"}
    assert calibration(none, none)["observed_over_expected"] is None
    assert estimated(none)["roc_auc"] is None


def test_calibration_tells_bads_against_what_was_expected() -> None:
    y, pd = drawn()
    told = calibration(y, pd)
    assert told["observed_over_expected"]["value"] == pytest.approx(y.sum() / pd.sum())
    assert told["calibration_slope"]["low"] < 1.0 < told["calibration_slope"]["high"]
    assert calibration(np.zeros(50), np.full(50, 0.1))["calibration_slope"] is None


def test_a_grade_whose_pd_is_too_low_fails_and_the_others_pass() -> None:
    y, pd = drawn(6000)
    grade = np.where(pd < 0.1, "A", np.where(pd < 0.3, "B", "C"))
    y[(grade == "B") & (np.arange(6000) % 5 == 0)] = 1.0
    rows = by_grade(y, pd, grade, ["A", "B", "C", "D"], {"B": {"n": 10, "bads": 1, "mean_pd": 0.2, "observed": None}})
    assert {row["grade"]: row["verdict"] for row in rows} == {
        "A": "pass", "B": "fail", "C": "pass", "D": "not_enough_evidence",
    }  # fmt: skip
    assert rows[1]["reason"] == "its PD is too low"
    assert rows[1]["development"] == {"n": 10, "bads": 1, "mean_pd": 0.2, "observed": None}
    assert rows[3]["mean_pd"] is rows[3]["default_rate"] is rows[3]["p_value"] is None


def test_an_estimate_needs_no_outcome_and_says_where_no_auc_can_be_expected() -> None:
    _, pd = drawn(500)
    told = estimated(pd)
    assert told["roc_auc"]["value"] == stats.expected_auc(pd)
    assert told["brier"] == pytest.approx(stats.expected_brier(pd))
    few = estimated(np.full(20, 0.01))
    assert few["roc_auc"] is None
    assert "expected: 0 bads" in few["notes"]["roc_auc"]
    assert few["brier"] is not None


def test_a_difference_to_development_is_sure_only_beyond_both_errors() -> None:
    now = {"roc_auc": {"value": 0.70, "low": 0.68, "high": 0.72, "level": 0.95}, "ks": None}
    then = {"roc_auc": {"value": 0.71, "low": 0.69, "high": 0.73, "level": 0.95}, "ks": None}
    near, absent = against(now, then, ("roc_auc", "ks"))
    assert near["difference"]["low"] < -0.01 < near["difference"]["high"]
    assert near["difference"]["low"] == pytest.approx(-0.01 - 0.02 * 2**0.5)
    assert (absent["difference"], absent["why_not"]) == (None, "it is not known now")
    assert against(now, None, ("roc_auc",))[0]["why_not"] == "the development figure is not known"
