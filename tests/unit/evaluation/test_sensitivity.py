"""One input moved at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from creditrisk.evaluation.sensitivity import evenly_by_pd, sensitivity

REFERENCE: dict[str, Any] = {
    "town": {"kind": "category", "categories": ["a", "b", "c"]},
    "debt": {"kind": "number", "edges": [1.0, 2.0]},
    "fixed": {"kind": "number", "edges": []},
}
NAMES = ("debt", "town", "fixed")  # in another order than the reference, as a bundle has it
VALUES = np.array([[0.5, 0, 7], [1.5, 1, 7], [2.5, 2, 7], [np.nan, np.nan, 7]], dtype=np.float32)


def pd_of(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Debt adds a tenth for each unit, town c adds 0.3."""
    debt, town = np.nan_to_num(values[:, 0].astype(np.float64)), np.nan_to_num(values[:, 1].astype(np.float64))
    return 0.1 * debt + 0.3 * (town == 2)


def verdict_of(pd: NDArray[np.float64]) -> NDArray[np.int64]:
    return (pd >= 0.2).astype(np.int64)


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, Any]]:
    return {row["feature"]: row for row in sensitivity(VALUES, NAMES, REFERENCE, pd_of, verdict_of)}


def test_a_number_goes_to_the_middle_of_the_next_bin(told: dict[str, dict[str, Any]]) -> None:
    debt = told["debt"]
    assert debt["moved"] == 4  # 0.5 and 1.5 raised, 1.5 and 2.5 lowered; the blank and the ends stay
    assert debt["mean_when_raised"] == pytest.approx(0.1)
    assert debt["mean_when_lowered"] == pytest.approx(-0.1)
    assert debt["mean_change"] == pytest.approx(0.1)
    assert debt["decisions_flipped"]["value"] == pytest.approx(0.25)  # 1.5 to 2.5


def test_a_category_turns_into_its_neighbours(told: dict[str, dict[str, Any]]) -> None:
    town = told["town"]
    assert town["moved"] == 6
    assert town["mean_change"] == pytest.approx(0.2)  # four of six changes leave or reach town c
    assert (town["mean_when_raised"], town["mean_when_lowered"]) == (pytest.approx(0.0), pytest.approx(0.0))


def test_an_input_that_cannot_move_says_so(told: dict[str, dict[str, Any]]) -> None:
    assert told["fixed"] == {
        "feature": "fixed", "moved": 0, "mean_change": None, "p95_change": None, "mean_when_raised": None,
        "mean_when_lowered": None, "decisions_flipped": None, "reason": "no row could move",
    }  # fmt: skip


def test_what_moves_the_pd_most_stands_first() -> None:
    order = [row["feature"] for row in sensitivity(VALUES, NAMES, REFERENCE, pd_of, verdict_of)]
    assert order == ["town", "debt", "fixed"]


def test_rows_are_chosen_evenly_over_the_pds_and_the_same_each_time() -> None:
    pd = np.random.default_rng(1).random(1000)
    chosen = evenly_by_pd(pd, 11)
    assert len(chosen) == 11
    assert sorted(np.searchsorted(np.sort(pd), pd[chosen]).tolist()) == [
        int(place) for place in np.linspace(0, 999, 11)
    ]
    assert evenly_by_pd(pd[:5], 11).tolist() == [0, 1, 2, 3, 4]
