from typing import Any

import pytest

from creditrisk.pages import story


def figure(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high, "level": 0.95}


def careful(**metrics: Any) -> list[str]:
    return story.cautions({"metrics": metrics})


def test_the_story_is_told_in_whole_applications() -> None:
    told = story.in_plain_words({"metrics": {
        "n": 1000, "default_rate": figure(0.15, 0.13, 0.17), "mean_pd": 0.14, "roc_auc": figure(0.7, 0.68, 0.72),
        "brier": figure(0.12, 0.11, 0.13), "brier_of_mean": 0.1275, "approval_rate": 0.8, "refer_rate": 0.05,
        "precision": 0.4, "recall": 0.3,
    }})  # fmt: skip
    text = " ".join(told)
    assert "Of 100 applications in the test part (1,000 rows the model never saw), 15.0 turned bad" in text
    assert "70.0 times out of 100 (with 95% confidence 68.0 to 72.0)" in text
    assert "5.9% closer" in text
    assert "80.0 of 100 applications are approved and 5.0 go to a person; of those declined 40.0% did turn bad" in text


def test_without_figures_nothing_is_told() -> None:
    assert story.in_plain_words({}) == []
    assert story.cautions({}) == []


def test_a_mean_pd_outside_the_interval_of_the_default_rate_is_a_caution() -> None:
    rate = figure(0.08, 0.075, 0.085)
    assert "promises more risk" in careful(mean_pd=0.26, default_rate=rate)[0]
    assert "promises less risk" in careful(mean_pd=0.02, default_rate=rate)[0]
    assert careful(mean_pd=0.08, default_rate=rate) == []


def test_a_slope_whose_interval_leaves_one_out_is_a_caution() -> None:
    assert "too extreme" in careful(calibration_slope=figure(0.6, 0.5, 0.7))[0]
    assert "too timid" in careful(calibration_slope=figure(1.4, 1.2, 1.6))[0]
    assert careful(calibration_slope=figure(1.05, 0.9, 1.2)) == []


def test_pds_worse_than_the_mean_are_not_praised() -> None:
    worse = {"brier": figure(0.185, 0.18, 0.19), "brier_of_mean": 0.122}
    assert "no better than giving everybody the average" in careful(**worse)[0]
    assert story.in_plain_words({"metrics": worse}) == []


def test_few_bads_and_missing_figures_are_told() -> None:
    told = careful(n=156, default_rate=figure(0.07, 0.04, 0.12), notes={"precision": "nobody was declined"})
    assert told[0].startswith("The test part holds only 11 bads among 156 rows")
    assert told[1] == "Precision: nobody was declined"


@pytest.mark.parametrize("name", ["roc", "precision_recall", "calibration", "score_distribution", "gains",
                                  "pd_histogram", "importance"])  # fmt: skip
def test_every_plot_has_a_reading_aid_even_without_figures(name: str) -> None:
    assert story.reading_aid(name, {}).endswith(".")
