"""Groups treated alike or not: hand-made counts, fairlearn as reference, and groups too small to tell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, demographic_parity_ratio, selection_rate, true_positive_rate
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.errors import BadData
from creditrisk.evaluation.fairness import NOT_STATED, Limits, Outcomes, assess_groups
from creditrisk.kinds import canonical_json
from creditrisk.stats import wilson_interval
from creditrisk.stats.two_shares import share_difference_interval, share_ratio_interval

LIMITS = Limits()

type Counts = dict[str | None, tuple[int, int, int, int]]
"""{level: (goods approved, goods not, bads approved, bads not)}."""


def outcomes_of(counts: Counts, pd: float = 0.1) -> tuple[Outcomes, list[str | None]]:
    """Rows with exactly these counts, each with the same PD."""
    y, approved, level = [], [], []
    for name, cells in counts.items():
        for count, (bad, yes) in zip(cells, ((0, 1), (0, 0), (1, 1), (1, 0)), strict=True):
            y += [bad] * count
            approved += [bool(yes)] * count
            level += [name] * count
    return Outcomes.of(y, np.full(len(y), pd), approved), level


def assessed(
    counts: Counts, *, pd: float = 0.1, known: tuple[str, ...] = (), limits: Limits = LIMITS
) -> dict[str, Any]:
    outcomes, level = outcomes_of(counts, pd)
    return assess_groups(outcomes, {"town": level}, {"town": known}, limits)


def row(report: dict[str, Any], level: str) -> dict[str, Any]:
    return next(row for row in report["levels"] if row["level"] == level)


EVEN: Counts = {"big": (800, 100, 50, 50), "small": (790, 110, 50, 50)}
UNEVEN: Counts = {"big": (850, 50, 50, 50), "small": (400, 500, 20, 80)}


def test_groups_treated_alike_pass_with_their_figures_worked_out_by_hand() -> None:
    report = assessed(EVEN)
    small = row(report, "small")
    assert (report["verdict"], small["verdict"]) == ("pass", "pass")
    assert (small["rows"], small["bads"], small["approved"]) == (1000, 100, 840)
    ratio = share_ratio_interval(840, 1000, 850, 1000)
    assert small["tests"]["approval_ratio"]["value"] == ratio.as_json()
    assert small["tests"]["approval_ratio"]["against"] == "big"
    assert small["tests"]["equal_opportunity"]["value"] == share_difference_interval(790, 900, 800, 900).as_json()
    assert small["approval_rate_of_goods"] == wilson_interval(790, 900).as_json()
    promised = wilson_interval(100, 1000)
    assert small["tests"]["calibration"]["value"]["low"] == pytest.approx(promised.low / 0.1)
    assert small["tests"]["calibration"]["value"]["value"] == pytest.approx(1.0)


def test_a_group_that_is_approved_half_as_often_fails_both_tests_of_approval() -> None:
    report = assessed(UNEVEN)
    tests = row(report, "small")["tests"]
    assert (tests["approval_ratio"]["verdict"], tests["equal_opportunity"]["verdict"]) == ("fail", "fail")
    assert report["verdict"] == "fail"
    assert report["counts"] == {"pass": 1, "fail": 1, "not_enough_evidence": 0}
    assert "420 of 1000 rows approved, in big 900 of 1000" in report["reason"]


def test_the_same_shares_of_few_people_are_not_enough_evidence_and_say_their_counts() -> None:
    few = assessed({"big": (850, 50, 50, 50), "small": (26, 9, 3, 2)})
    test = row(few, "small")["tests"]["approval_ratio"]
    assert test["verdict"] == "not_enough_evidence"
    assert test["value"]["low"] < 0.8 < test["value"]["high"]
    assert test["reason"].startswith("29 of 40 rows approved, in big 900 of 1000: ")
    assert few["verdict"] == "not_enough_evidence"


def test_pds_too_low_for_a_group_fail_its_calibration() -> None:
    counts: Counts = {"big": (850, 50, 50, 50), "small": (650, 50, 150, 150)}
    report = assessed(counts)
    assert row(report, "small")["tests"]["calibration"]["verdict"] == "fail"
    assert row(report, "small")["tests"]["calibration"]["value"]["value"] == pytest.approx(3.0)
    assert row(report, "big")["tests"]["calibration"]["verdict"] == "pass"


def test_rates_by_group_and_crossing_are_those_of_fairlearn() -> None:
    random = np.random.default_rng(4)
    n = 3000
    sex, age = random.choice(["f", "m"], n), random.choice(["young", "old"], n)
    pd = random.uniform(0.02, 0.4, n)
    y, approved = (random.random(n) < pd).astype(int), pd < np.where(sex == "f", 0.2, 0.25)
    report = assess_groups(Outcomes.of(y, pd, approved), {"sex": sex.tolist(), "age": age.tolist()}, {}, LIMITS)
    theirs = MetricFrame(
        metrics={"rate": selection_rate, "good": true_positive_rate}, y_true=1 - y, y_pred=approved.astype(int),
        sensitive_features={"sex": sex, "age": age},
    ).by_group  # fmt: skip
    for level in report["levels"]:
        expected = theirs.loc[(level["values"]["sex"], level["values"]["age"])]
        assert level["approval_rate"]["value"] == pytest.approx(expected["rate"], abs=1e-9)
        assert level["approval_rate_of_goods"]["value"] == pytest.approx(expected["good"], abs=1e-9)
    alone = assess_groups(Outcomes.of(y, pd, approved), {"sex": sex.tolist()}, {}, LIMITS)
    least = min(level["tests"]["approval_ratio"]["value"]["value"] for level in alone["levels"])
    parity = demographic_parity_ratio(1 - y, approved.astype(int), sensitive_features=sex)
    assert least == pytest.approx(parity, abs=1e-9)


def test_a_failure_needs_an_interval_that_allows_for_every_pair() -> None:
    counts: Counts = {"big": (850, 50, 50, 50), "small": (31, 14, 3, 2)}
    alone = row(assessed(counts), "small")["tests"]["approval_ratio"]
    more: Counts = {f"town {place}": (840, 60, 50, 50) for place in range(8)}
    among = row(assessed({**counts, **more}), "small")["tests"]["approval_ratio"]
    assert alone["corrected"] == alone["value"]
    assert among["corrected"]["level"] == pytest.approx(1 - 0.05 / math.comb(10, 2))
    assert among["corrected"]["high"] > among["value"]["high"]


def test_a_group_of_one_class_has_counts_and_a_reason_in_place_of_what_it_cannot_tell() -> None:
    report = assessed({"big": (800, 100, 50, 50), "only good": (40, 10, 0, 0), "only bad": (0, 0, 20, 30)})
    good, bad = row(report, "only good"), row(report, "only bad")
    assert good["roc_auc"] is None
    assert good["note"] == "no AUC and no slope from 0 bads and 50 goods"
    assert bad["approval_rate_of_goods"] is None
    assert bad["tests"]["equal_opportunity"]["verdict"] == "not_enough_evidence"
    assert bad["tests"]["equal_opportunity"]["reason"] == "0 goods"


def test_an_empty_group_is_listed_with_its_verdict() -> None:
    report = assessed(EVEN, known=("village", "big"))
    assert [level["level"] for level in report["levels"]] == ["village", "big", "small"]
    village = row(report, "village")
    assert (village["rows"], village["verdict"], village["mean_pd"]) == (0, "not_enough_evidence", None)
    assert village["tests"]["approval_ratio"]["reason"] == "0 rows"


def test_who_did_not_state_it_is_a_group_of_its_own_that_nobody_is_compared_with() -> None:
    report = assessed({**EVEN, None: (95, 0, 5, 0)})
    assert report["levels"][-1]["level"] == NOT_STATED
    assert report["references"]["approval_ratio"] == {"best_treated": "big", "largest": "big"}
    assert row(report, NOT_STATED)["tests"]["approval_ratio"]["value"]["value"] > 1.0


@pytest.mark.parametrize("counts", [{}, {"big": (40, 10, 5, 5)}])
def test_one_group_or_none_is_nothing_to_compare(counts: Counts) -> None:
    report = assessed(counts)
    assert report["verdict"] == "not_enough_evidence"
    assert "nothing to compare" in report["reason"]


def test_where_nobody_is_approved_there_is_no_ratio() -> None:
    report = assessed({"big": (0, 100, 0, 20), "small": (0, 80, 0, 20)})
    test = row(report, "small")["tests"]["approval_ratio"]
    assert (test["value"], test["verdict"]) == (None, "not_enough_evidence")
    assert "nobody was approved" in test["reason"]


def test_groups_all_too_small_have_none_to_be_compared_with() -> None:
    report = assessed({"big": (8, 1, 1, 0), "small": (3, 0, 0, 1)})
    assert report["references"]["approval_ratio"] == {"best_treated": None, "largest": None}
    assert "no group has 30 rows" in row(report, "big")["tests"]["approval_ratio"]["reason"]


@pytest.mark.parametrize("counts", [EVEN, UNEVEN, {}, {None: (1, 0, 0, 0)}, {"a": (1, 0, 0, 0), "b": (0, 0, 0, 1)}])
@pytest.mark.parametrize("pd", [0.0, 0.1, 1.0])
def test_whatever_the_counts_no_figure_is_other_than_a_number_or_absent(counts: Counts, pd: float) -> None:
    assert canonical_json(assessed(counts, pd=pd))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.booleans(), st.booleans()), max_size=40), st.randoms())
def test_the_order_of_rows_changes_nothing_and_every_row_is_counted_once(
    rows: list[tuple[str | None, bool, bool]], random: Any
) -> None:
    def told(some: list[tuple[str | None, bool, bool]]) -> dict[str, Any]:
        level, y, approved = ([row[place] for row in some] for place in range(3))
        outcomes = Outcomes.of(np.array(y, dtype=int), np.full(len(y), 0.3), np.array(approved, dtype=bool))
        return assess_groups(outcomes, {"town": level}, {"town": ("a", "z")}, Limits(rows_min=3))

    report = told(rows)
    shuffled = random.sample(rows, len(rows))
    assert canonical_json(told(shuffled)) == canonical_json(report)
    assert sum(level["rows"] for level in report["levels"]) == len(rows)
    assert sum(report["counts"].values()) == len(report["levels"])
    for level in report["levels"]:
        assert {test["verdict"] for test in level["tests"].values()} <= {"pass", "fail", "not_enough_evidence"}
        assert all(test["reason"] for test in level["tests"].values())


def test_the_slope_within_a_group_is_near_one_where_its_pds_are_honest() -> None:
    random = np.random.default_rng(11)
    log_odds = random.normal(-2.0, 1.0, 8000)
    pd = 1 / (1 + np.exp(-log_odds))
    y, level = random.random(8000) < pd, random.choice(["a", "b"], 8000).tolist()
    report = assess_groups(Outcomes.of(y, pd, pd < 0.2), {"town": level}, {}, LIMITS)
    for told in report["levels"]:
        assert told["calibration_slope"]["low"] < 1.0 < told["calibration_slope"]["high"]
        assert told["note"] is None


@pytest.mark.parametrize(("y", "pd"), [([0, 2], [0.1, 0.1]), ([0, 1], [0.1, math.nan]), ([0, 1], [0.1])])
def test_rows_that_are_not_scored_outcomes_are_refused(y: list[int], pd: list[float]) -> None:
    with pytest.raises(BadData):
        Outcomes.of(y, pd, [True, False])


def test_a_grouping_of_other_rows_is_refused() -> None:
    outcomes, level = outcomes_of(EVEN)
    with pytest.raises(BadData, match="one level for each row"):
        assess_groups(outcomes, {"town": level[1:]}, {}, LIMITS)
