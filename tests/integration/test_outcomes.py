"""Outcomes at a tenth of the benchmarks: invented books with a known truth, and the real LendingClub book."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import outcomes_coverage, outcomes_lending_club


def test_the_interval_covers_the_true_auc_and_who_does_not_wait_is_wrong() -> None:
    told = outcomes_coverage.measure(outcomes_coverage.QUICK_RUNS)
    ours, still_good, as_they_arrive = (told["ways"][way] for way in outcomes_coverage.WAYS)
    assert ours["covers"] >= outcomes_coverage.COVERS_MIN
    assert ours["default_rate"] == pytest.approx(told["true_default_rate"], rel=0.01)
    assert still_good["auc_bias_in_errors"] < -0.5
    assert as_they_arrive["auc_bias_in_errors"] > 0.5
    assert as_they_arrive["default_rate"] > 2.0 * told["true_default_rate"]
    assert max(still_good["covers"], as_they_arrive["covers"]) < ours["covers"]


@pytest.fixture(scope="module")
def watched(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    asked, work = outcomes_lending_club.ASKED, tmp_path_factory.mktemp("lending_club")
    return outcomes_lending_club.measure(
        real_data, work, every=10, months_at_once=6, asked=(asked[0], asked[2], asked[-1]),
        learning=["training.estimator=logistic"],
    )  # fmt: skip


def test_the_real_book_has_no_number_before_a_vintage_is_over_and_one_afterwards(watched: dict[str, Any]) -> None:
    assert [fault for report in watched["reports"] for fault in outcomes_lending_club.faults(report)] == []
    first, *_, last = watched["reports"]
    assert first["performance"]["roc_auc"] is first["performance"]["default_rate"] is None
    assert [row["vintage"] for row in last["vintages"]] == [
        f"{year}-{m:02}" for year in (2010, 2011) for m in range(1, 13)
    ]
    assert last["counts"]["judged"] == watched["loans"]
    assert 0.55 < last["performance"]["roc_auc"]["value"] < 0.75


def test_what_is_known_of_the_real_loans_in_the_end_is_what_the_file_says(watched: dict[str, Any]) -> None:
    agree = watched["agree"]
    assert agree["judged"] == agree["loans"]
    # Some were paid on beyond their term and charged off after the window.
    assert 0.98 * agree["bads_of_file"] < agree["bads"] <= agree["bads_of_file"]
