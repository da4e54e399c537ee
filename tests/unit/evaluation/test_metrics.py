import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from creditrisk.errors import BadData
from creditrisk.evaluation import metrics
from creditrisk.kinds import canonical_json
from tests.support.runs import GRADES, scored_rows

# Ten applications, riskiest first, small enough to work out by hand.
Y = [1, 0, 1, 0, 0, 1, 0, 0, 0, 0]
PD = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
SCORE = [400, 420, 440, 460, 480, 500, 520, 540, 560, 580]
DECISION = ["decline"] * 3 + ["refer"] * 2 + ["approve"] * 5


def by_hand(**changes: Any) -> dict[str, Any]:
    figures = {"y": Y, "pd": PD, "score": SCORE, "decision": DECISION, **changes}
    return metrics.test_metrics(figures.pop("y"), figures.pop("pd"), figures.pop("score"), **figures)


def every_figure(value: Any, name: str = "") -> Iterator[tuple[str, dict[str, float]]]:
    """All {"value", "low", "high", "level"} within a report."""
    if isinstance(value, dict):
        if "low" in value:
            yield name, value
        for key, inner in value.items():
            yield from every_figure(inner, f"{name}.{key}")


def test_ten_applications_give_the_figures_worked_out_by_hand() -> None:
    figures = by_hand()
    assert figures["n"] == 10
    assert figures["default_rate"]["value"] == 0.3
    assert figures["mean_pd"] == pytest.approx(4.55 / 10)
    # of 21 (bad, good) pairs the bad is riskier in 7 + 6 + 4
    assert figures["roc_auc"]["value"] == pytest.approx(17 / 21)
    assert figures["normalized_gini"]["value"] == pytest.approx(2 * 17 / 21 - 1)
    # after six rows all 3 bads and 3 of 7 goods are met
    assert figures["ks"]["value"] == pytest.approx(4 / 7)
    assert figures["pr_auc"]["value"] == pytest.approx((1 / 1 + 2 / 3 + 3 / 6) / 3)
    assert figures["brier_of_mean"] == pytest.approx(0.21)
    squares = [(p - y) ** 2 for y, p in zip(Y, PD, strict=True)]
    assert figures["brier"]["value"] == pytest.approx(sum(squares) / 10)
    assert figures["brier_skill"]["value"] == pytest.approx(1 - sum(squares) / 10 / 0.21)


def test_a_decline_is_the_forecast_that_precision_and_recall_judge() -> None:
    figures = by_hand()
    assert figures["precision"]["value"] == pytest.approx(2 / 3)
    assert figures["recall"]["value"] == pytest.approx(2 / 3)
    assert figures["f1"]["value"] == pytest.approx(2 / 3)
    assert [figures[f"{name}_rate"]["value"] for name in ("approval", "refer", "decline")] == [0.5, 0.2, 0.3]
    assert figures["bad_rate_of_approved"]["value"] == pytest.approx(1 / 5)


def test_points_that_fall_with_the_pd_rank_as_it_does() -> None:
    figures = by_hand()
    assert figures["roc_auc_of_score"] == pytest.approx(17 / 21)
    assert figures["score"]["min"] == 400
    assert figures["mean_score"] == {"good": pytest.approx(3560 / 7), "bad": pytest.approx(1340 / 3)}


def test_every_interval_holds_its_value_and_the_stated_level() -> None:
    rows = scored_rows(2_000)
    report = metrics.test_metrics(*rows[:4], level=0.9, grade=rows.grade, grades=list(GRADES))
    intervals = dict(every_figure(report))
    assert {".roc_auc", ".ks", ".pr_auc", ".brier", ".f1", ".precision", ".calibration_slope"} <= set(intervals)
    for name, figure in intervals.items():
        assert figure["low"] <= figure["value"] <= figure["high"], name
        assert figure["level"] == 0.9


def test_honest_pds_pass_their_own_calibration_line_and_chance() -> None:
    figures = metrics.test_metrics(*scored_rows(8_000)[:4], resamples=50)
    assert figures["calibration_slope"]["low"] < 1 < figures["calibration_slope"]["high"]
    assert figures["calibration_in_the_large"]["low"] < 0 < figures["calibration_in_the_large"]["high"]
    assert figures["ece"] < 2 * figures["ece_by_chance"]


def test_the_calibration_interval_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(60):
        rows = scored_rows(600, seed=seed)
        slope = metrics.test_metrics(*rows[:4], resamples=1)["calibration_slope"]
        covered += slope["low"] <= 1 <= slope["high"]
    assert 51 <= covered <= 60


def test_doubled_log_odds_show_as_a_slope_of_a_half() -> None:
    rows = scored_rows(8_000)
    odds = (rows.pd / (1 - rows.pd)) ** 2
    figures = metrics.test_metrics(rows.y, odds / (1 + odds), rows.score, rows.decision, resamples=50)
    assert figures["calibration_slope"]["value"] == pytest.approx(0.5, abs=0.05)
    assert figures["ece"] > figures["ece_by_chance"]


def test_the_same_rows_give_the_same_bytes() -> None:
    rows = scored_rows(500)
    first, second = (canonical_json(metrics.test_metrics(*rows[:4])) for _ in range(2))
    assert first == second


def test_one_class_only_is_told_and_never_a_number() -> None:
    figures = by_hand(y=[0] * 10)
    for name in ("roc_auc", "normalized_gini", "ks", "pr_auc", "brier_skill", "calibration_slope", "recall"):
        assert figures[name] is None
        assert figures["notes"][name]
    assert figures["default_rate"]["value"] == 0
    assert figures["precision"]["value"] == 0
    assert figures["mean_score"]["bad"] is None
    canonical_json(figures)  # holds no NaN


def test_nobody_declined_leaves_precision_without_a_value() -> None:
    figures = by_hand(decision=["approve"] * 10)
    assert figures["precision"] is None
    assert figures["notes"]["precision"] == "nobody was declined"
    assert figures["recall"]["value"] == 0
    assert figures["f1"]["value"] == 0


@pytest.mark.parametrize(
    ("pd", "why"),
    [([0.3] * 10, "all PDs are equal"), ([1.0, *PD[1:]], "no log-odds"), ([0.9 if y else 0.1 for y in Y], "separate")],
)
def test_pds_without_a_calibration_line_say_so(pd: list[float], why: str) -> None:
    figures = by_hand(pd=pd)
    assert figures["calibration_slope"] is None
    assert why in figures["notes"]["calibration_slope"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"y": [2, *Y[1:]]}, "other values than 0 and 1"),
        ({"pd": [float("nan"), *PD[1:]]}, "not a number"),
        ({"pd": [1.1, *PD[1:]]}, r"outside \[0, 1\]"),
        ({"score": SCORE[1:]}, "different lengths"),
        ({"y": [], "pd": [], "score": [], "decision": []}, "no rows"),
    ],
)
def test_rows_that_cannot_be_judged_are_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(BadData, match=why):
        by_hand(**changes)


def test_tables_come_with_the_labels_that_they_need() -> None:
    rows = scored_rows(400)
    vintage = np.where(np.arange(400) < 200, "2011-Q1", "2011-Q2")
    report = metrics.test_metrics(*rows[:4], grade=rows.grade, grades=list(GRADES), vintage=vintage, resamples=5)
    assert [row["grade"] for row in report["grades"]] == list(GRADES)
    assert [row["group"] for row in report["vintages"]] == ["2011-Q1", "2011-Q2"]
    assert list(report["grades_by_vintage"]) == ["2011-Q1", "2011-Q2"]
    assert "grades" not in metrics.test_metrics(*rows[:4], resamples=5)


def test_sixty_thousand_rows_take_seconds() -> None:
    rows = scored_rows(60_000)
    started = time.process_time()
    metrics.test_metrics(*rows[:4], resamples=40)
    assert time.process_time() - started < 5  # 1 on a quiet machine, and 4 for the usual 200 resamples
