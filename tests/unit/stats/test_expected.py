from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk import stats
from creditrisk.errors import BadData

PDS = st.lists(st.floats(0.001, 0.999), min_size=2, max_size=30)


def by_pairs(pd: list[float]) -> float:
    """Every pair of two rows, one bad and the other good."""
    hits = pairs = 0.0
    for at, bad in enumerate(pd):
        for other, good in enumerate(pd):
            if at != other:
                chance = bad * (1.0 - good)
                pairs += chance
                hits += chance * (1.0 if bad > good else 0.5 if bad == good else 0.0)
    return hits / pairs


@given(PDS)
def test_the_expected_auc_is_that_of_all_pairs(pd: list[float]) -> None:
    assert stats.expected_auc(pd) == pytest.approx(by_pairs(pd), abs=1e-9)


def test_the_expected_auc_is_what_drawn_outcomes_come_to_on_average() -> None:
    random = np.random.default_rng(5)
    pd = random.beta(1.0, 5.0, 2000).clip(0.001, 0.999)
    drawn = [stats.roc_auc(random.random(2000) < pd, pd) for _ in range(200)]
    assert stats.expected_auc(pd) == pytest.approx(np.mean(drawn), abs=3 * np.std(drawn) / 200**0.5)
    by_chance = stats.auc_by_chance(pd, seed=1)
    assert np.mean([by_chance.low <= auc <= by_chance.high for auc in drawn]) > 0.9


def test_expected_losses_are_what_drawn_outcomes_come_to_on_average() -> None:
    random = np.random.default_rng(6)
    pd = random.beta(1.0, 5.0, 2000).clip(0.001, 0.999)
    outcomes = [(random.random(2000) < pd).astype(float) for _ in range(300)]
    assert stats.expected_brier(pd) == pytest.approx(np.mean([stats.brier(y, pd) for y in outcomes]), rel=0.01)
    assert stats.expected_log_loss(pd) == pytest.approx(np.mean([stats.log_loss(y, pd) for y in outcomes]), rel=0.01)


@pytest.mark.parametrize("pd", [[0.3], [0.0, 0.5], [0.5, 1.0], [0.5, float("nan")]])
def test_pds_of_which_nothing_can_be_expected_are_refused(pd: list[float]) -> None:
    with pytest.raises(BadData):
        stats.expected_auc(pd)


def test_where_hardly_a_bad_is_expected_no_auc_is_told() -> None:
    with pytest.raises(BadData, match="no AUC will come of them"):
        stats.auc_by_chance([1e-12, 2e-12], seed=1, rounds=20)
