"""Who changes sides between two models."""

from __future__ import annotations

import pytest

from creditrisk.errors import BadData
from creditrisk.evaluation.swap_set import swap_set
from creditrisk.stats import wilson_interval
from creditrisk.stats.two_shares import share_difference_interval

type Cells = list[tuple[bool, bool, int, int]]
"""(approved now, approved before, rows, bads)."""


def told(cells: Cells) -> dict[str, object]:
    y, now, before = [], [], []
    for new, old, rows, bads in cells:
        y += [1] * bads + [0] * (rows - bads)
        now += [new] * rows
        before += [old] * rows
    return swap_set(y, [0.1] * len(y), now, [0.2] * len(y), before)


def test_four_groups_worked_out_by_hand() -> None:
    report = told([(True, True, 600, 30), (True, False, 100, 5), (False, True, 90, 40), (False, False, 210, 80)])
    groups = report["groups"]
    assert isinstance(groups, dict)
    assert {name: (group["rows"], group["bads"]) for name, group in groups.items()} == {
        "approved_by_both": (600, 30),
        "swapped_in": (100, 5),
        "swapped_out": (90, 40),
        "approved_by_neither": (210, 80),
    }
    assert groups["swapped_in"]["bad_rate"] == wilson_interval(5, 100).as_json()
    assert groups["swapped_in"]["mean_pd"] == pytest.approx(0.1)
    assert groups["swapped_in"]["previous_mean_pd"] == pytest.approx(0.2)
    assert report["difference"] == share_difference_interval(5, 100, 40, 90).as_json()
    assert report["verdict"] == "pass"


@pytest.mark.parametrize(
    ("cells", "verdict", "reason"),
    [
        ([(True, False, 100, 50), (False, True, 100, 10)], "fail", "more, by more than chance explains"),
        ([(True, False, 10, 2), (False, True, 10, 3)], "not_enough_evidence", "chance explains the difference"),
        ([(True, False, 10, 2)], "not_enough_evidence", "one side is empty"),
        ([(True, True, 10, 2)], "not_enough_evidence", "nobody changes sides"),
        ([], "not_enough_evidence", "nobody changes sides"),
    ],
)
def test_the_verdict_says_why(cells: Cells, verdict: str, reason: str) -> None:
    report = told(cells)
    assert report["verdict"] == verdict
    assert reason in str(report["reason"])


def test_columns_of_other_rows_are_refused() -> None:
    with pytest.raises(BadData):
        swap_set([0, 1], [0.1, 0.2], [True, True], [0.1], [True, False])
