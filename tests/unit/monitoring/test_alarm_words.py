"""An alarm is a sentence that somebody who is called at night understands."""

from __future__ import annotations

from typing import Any

import pytest

from creditrisk.monitoring.alarm_words import in_the_portfolio, look_at, what_moved
from creditrisk.monitoring.alarms import Rung
from creditrisk.monitoring.portfolio_change import PortfolioChange

AGAINST = "beyond chance against the development rows"
LINEAGE = {"bureau_debt": {"bureau": ["AMT_DEBT", "STATUS"]}}


def alarm(kind: str, what: str, **figures: Any) -> Rung:
    return Rung("ab" * 8, kind, what, "warning", None, "2026-05", "2026-06", None, 1e-9, 1e-6, figures)


@pytest.mark.parametrize(
    ("rung", "words"),
    [
        (alarm("score", "score", size=0.0597), f"the scores moved: PSI 0.0597 {AGAINST}"),
        (alarm("features", "feature:income", size=0.1), f"income moved: PSI 0.1 {AGAINST}"),
        (alarm("decisions", "decision", size=0.1), f"the mix of answers moved: PSI 0.1 {AGAINST}"),
        (alarm("approval", "approval rate", before=0.7, now=0.62), "the approval rate fell from 70.0 % to 62.0 %"),
        (alarm("missing", "bureau", before=0.1, now=0.5, columns=["feature:bureau_debt", "b"], columns_moved=15),
         "bureau: values are missing more often than they were: bureau_debt is empty in 50.0 % of the rows, before in "
         "10.0 %, and 14 more of its columns"),
        (alarm("missing", "bureau", before=0.5, now=0.1, columns=["raw:bureau.debt"], columns_moved=1),
         "bureau: values are filled more often than they were: bureau.debt is empty in 10.0 % of the rows, before in "
         "50.0 %"),
        (alarm("new_categories", "feature:purpose", before=0.0, now=0.02),
         "purpose has words that the model never saw in 2.0 % of the rows, before in 0.0 %"),
        (alarm("calibration", "calibration", before=0.08, now=0.1, rows=9000, ratio=1.25),
         "the PDs are too low: 10.0 % of 9,000 loans went bad where 8.0 % were promised, 1.25 times as many"),
        (alarm("calibration_slow", "calibration", before=0.08, now=0.06, rows=9000, ratio=0.75),
         "the PDs are too high: 6.0 % of 9,000 loans went bad where 8.0 % were promised, 0.75 times as many"),
    ],
)  # fmt: skip
def test_each_kind_says_what_moved_with_its_figures(rung: Rung, words: str) -> None:
    assert what_moved(rung) == words


def test_the_portfolio_is_told_then_and_now() -> None:
    assert in_the_portfolio(PortfolioChange(0.7, 0.62, 0.04, 0.05, 0.018, 0.0225)) == (
        "approvals fall: 70.0 % before, 62.0 % now",
        "expected defaults among the approved: 4.0 % before, 5.0 % now",
        "expected loss on the credit granted: 1.8 % before, 2.2 % now",
    )
    assert in_the_portfolio(PortfolioChange(0.7, 0.7, unknown="no PDs")) == (
        "approvals stay as they are: 70.0 % before, 70.0 % now",
        "not known: no PDs",
    )


@pytest.mark.parametrize(
    ("rung", "begin"),
    [
        (alarm("score", "score"), "what moved with it: income"),
        (alarm("features", "feature:bureau_debt"), "what it is made from: bureau.AMT_DEBT, bureau.STATUS"),
        (alarm("missing", "bureau"), "the feed of bureau: when its source last changed (creditrisk freshness tiny)"),
        (alarm("new_categories", "feature:bureau_debt"), "what it is made from: bureau.AMT_DEBT, bureau.STATUS"),
        (alarm("calibration", "calibration"), "by grade and vintage: creditrisk monitor outcomes tiny"),
    ],
)
def test_it_says_where_to_begin(rung: Rung, begin: str) -> None:
    assert look_at(rung, "tiny", moved=["income"], lineage=LINEAGE)[0] == begin


def test_a_shift_that_no_feature_explains_says_so() -> None:
    assert "no main feature moved" in look_at(alarm("score", "score"), "tiny", moved=[], lineage={})[0]
    assert "economy" in look_at(alarm("calibration", "calibration"), "tiny", moved=[], lineage={})[1]
