"""A cut-off table small enough to check by head, and what holds for any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.errors import BadData
from creditrisk.evaluation.cut_offs import Costs, cut_off_table
from creditrisk.kinds import canonical_json
from creditrisk.stats import wilson_interval

Y = [0, 0, 1, 0, 1]
PD = [0.1, 0.2, 0.3, 0.4, 0.5]
COSTS = Costs(bad=4.0, good=1.0)


def test_a_table_worked_out_by_hand() -> None:
    table = cut_off_table(Y, PD, chosen={"decline": 0.35}, others={"end of A": 0.15}, costs=COSTS, rates=(0.4, 1.0))
    assert [(row["cut_off"], row["marks"]) for row in table["rows"]] == [
        (0.15, ["end of A"]),
        (0.3, ["approves 40 %", "best profit"]),
        (0.35, ["chosen: decline"]),
        (1.0, ["approves 100 %"]),
    ]
    chosen = table["chosen"]["decline"]
    assert (chosen["approved"], chosen["bads"], chosen["approval_rate"]) == (3, 1, 0.6)
    assert chosen["bad_rate"] == wilson_interval(1, 3).as_json()
    assert chosen["mean_pd"] == pytest.approx(0.2)
    assert chosen["expected_loss"] == pytest.approx({"total": 2.4, "per_application": 0.48})
    assert chosen["loss"] == {"total": 4.0, "per_application": 0.8}
    assert chosen["profit"] == pytest.approx({"total": -2.0, "per_application": -0.4})
    assert table["best_profit"]["profit"]["total"] == 2.0
    assert table["rows"][-1]["profit"]["total"] == 3 * 1.0 - 2 * 4.0


def test_a_book_without_costs_has_neither_loss_nor_profit_and_says_so() -> None:
    table = cut_off_table(Y, PD, chosen={"decline": 0.35})
    assert table["best_profit"] is None
    assert table["chosen"]["decline"]["profit"] is None
    assert "no costs" in table["note"]


def test_a_cut_off_below_everybody_approves_nobody_and_has_no_bad_rate() -> None:
    row = cut_off_table(Y, PD, chosen={"decline": 0.05}, costs=COSTS)["chosen"]["decline"]
    assert (row["approved"], row["bad_rate"], row["mean_pd"], row["profit"]["total"]) == (0, None, None, 0.0)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=60),
    st.floats(0.1, 9.0), st.floats(0.1, 9.0),
)  # fmt: skip
def test_no_cut_off_earns_more_than_the_best_and_order_does_not_matter(
    rows: list[tuple[bool, int]], bad: float, good: float
) -> None:
    y, pd = [int(one) for one, _ in rows], [step / 21 for _, step in rows]
    costs = Costs(bad, good)
    table = cut_off_table(y, pd, chosen={"decline": 0.5}, costs=costs)
    best = table["best_profit"]["profit"]["total"]
    assert all(row["profit"]["total"] <= best + 1e-9 for row in table["rows"])
    rates = [row["approval_rate"] for row in table["rows"]]
    assert rates == sorted(rates)
    backwards = cut_off_table(y[::-1], pd[::-1], chosen={"decline": 0.5}, costs=costs)
    assert canonical_json(backwards) == canonical_json(table)
    for row in table["rows"]:
        for mark in row["marks"]:
            if mark.startswith("approves"):
                assert row["approval_rate"] >= float(mark.split()[1]) / 100 - 1e-9


def test_equal_pds_are_approved_together() -> None:
    table = cut_off_table([0, 1, 0, 1], [0.2] * 4, chosen={}, rates=(0.25,))
    assert [(row["approved"], row["cut_off"]) for row in table["rows"]] == [(4, 1.0)]


@pytest.mark.parametrize(("y", "pd"), [([], []), ([0, 2], [0.1, 0.2]), ([0], [np.nan]), ([0], [1.0]), ([0, 1], [0.1])])
def test_rows_that_are_no_scored_outcomes_are_refused(y: list[int], pd: list[float]) -> None:
    with pytest.raises(BadData):
        cut_off_table(y, pd, chosen={})
