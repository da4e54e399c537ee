"""What a shift does to approvals and losses; what cannot be known is said, never filled in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from creditrisk.monitoring.counts import Counted
from creditrisk.monitoring.portfolio_change import portfolio_change

REFERENCE: dict[str, Any] = {
    "features": {},
    "pd": {"edges": [0.05, 0.1], "counts": [60, 30, 10, 0], "centres": [0.02, 0.07, 0.3]},
    "score": {"edges": [600], "counts": [50, 50, 0]},
    "decisions": {"categories": ["approve", "refer", "decline"], "counts": [80, 10, 10, 0, 0]},
}


def counted(pd: list[int], decisions: list[int]) -> Counted:
    counts = {"pd": np.array([pd] * 2), "decision": np.array([decisions] * 2)}
    return Counted(("2026-01", "2026-02"), np.array([sum(pd)] * 2), counts)


def test_the_same_applicants_are_the_same_portfolio() -> None:
    told = portfolio_change(
        REFERENCE, counted([60, 30, 10, 0], [80, 10, 10, 0, 0]), "2026-01", "2026-02", loss_given_bad=0.45
    )
    assert (told.approved_before, told.approved_now) == (0.8, 0.8)
    assert told.bads_before == told.bads_now == pytest.approx((60 * 0.02 + 20 * 0.07) / 80)
    assert told.loss_now == pytest.approx(0.45 * (60 * 0.02 + 20 * 0.07) / 80)
    assert told.unknown == ""


def test_riskier_applicants_are_approved_less_and_lose_more() -> None:
    told = portfolio_change(
        REFERENCE, counted([30, 40, 30, 0], [60, 10, 30, 0, 0]), "2026-01", "2026-02", loss_given_bad=0.45
    )
    assert told.approved_now == 0.6
    assert told.bads_now == pytest.approx((30 * 0.02 + 30 * 0.07) / 60)
    assert told.as_json()["assumption"]


def test_what_outcomes_have_shown_of_the_pds_counts_for_the_losses_of_now() -> None:
    same = counted([60, 30, 10, 0], [80, 10, 10, 0, 0])
    told = portfolio_change(REFERENCE, same, "2026-01", "2026-02", loss_given_bad=0.45, observed_over_promised=1.5)
    assert told.bads_before is not None
    assert told.bads_now == pytest.approx(1.5 * told.bads_before)


@pytest.mark.parametrize(
    ("reference", "months", "loss", "why"),
    [
        ({key: value for key, value in REFERENCE.items() if key != "decisions"}, "2026-01", 0.4, "train again"),
        (REFERENCE, "2027-01", 0.4, "no decisions were counted"),
        ({**REFERENCE, "pd": {"edges": [0.05, 0.1], "counts": [60, 30, 10, 0]}}, "2026-01", 0.4, "older one"),
        (REFERENCE, "2026-01", None, "cost_of_bad"),
    ],
)
def test_what_cannot_be_known_has_its_reason(
    reference: dict[str, Any], months: str, loss: float | None, why: str
) -> None:
    told = portfolio_change(
        reference, counted([60, 30, 10, 0], [80, 10, 10, 0, 0]), months, months, loss_given_bad=loss
    )
    assert told.loss_now is None
    assert why in told.unknown


def test_of_a_portfolio_that_approves_nobody_no_loss_is_told() -> None:
    told = portfolio_change(
        REFERENCE, counted([0, 0, 100, 0], [0, 0, 100, 0, 0]), "2026-01", "2026-02", loss_given_bad=0.4
    )
    assert (told.approved_now, told.bads_now) == (0.0, None)
    assert "nobody" in told.unknown
