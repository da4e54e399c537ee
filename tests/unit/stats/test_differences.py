"""Paired differences against SciPy's bootstrap and its two-sided normal p values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, norm

from creditrisk.errors import BadData
from creditrisk.stats import paired_difference, paired_quantile_gaps, paired_share_difference
from creditrisk.stats.differences import normal_difference


def test_normal_difference_agrees_with_scipy() -> None:
    found = normal_difference(0.02, 0.008, level=0.9)
    assert found.p_value == pytest.approx(2 * norm.sf(0.02 / 0.008), rel=1e-12)
    assert (found.low, found.high) == pytest.approx(norm.interval(0.9, 0.02, 0.008), abs=1e-12)


def test_paired_interval_agrees_with_scipys_percentile_bootstrap() -> None:
    random = np.random.default_rng(1)
    one, other = random.gamma(2, 1, 400), random.gamma(2, 1, 400)
    found = paired_difference(one, other, seed=3, rounds=4000)
    theirs = bootstrap((one - other,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(4))
    # Two sets of 4,000 draws: the ends of the interval differ by a few hundredths of its width.
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=0.05 * width)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=0.05 * width)
    assert found.difference == pytest.approx(np.mean(one - other), abs=1e-12)


def test_pairs_that_never_differ_have_p_value_one_and_a_clear_gap_the_smallest_there_is() -> None:
    rows = np.linspace(0, 1, 50)
    assert paired_difference(rows, rows, seed=1) == (0.0, 0.0, 0.0, 1.0)
    assert paired_difference(rows + 1, rows, seed=1, rounds=99).p_value == pytest.approx(2 / 100)


def test_same_seed_gives_the_same_interval_however_the_draws_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    one, other = random.normal(size=100), random.normal(size=100)
    together = paired_difference(one, other, seed=5)
    monkeypatch.setattr("creditrisk.stats.differences._ROWS_AT_ONCE", 700)
    assert paired_difference(one, other, seed=5) == together


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ([1.0, 2.0], [1.0], "against"),
        ([1.0], [2.0], "needs two"),
        ([1.0, np.inf], [1.0, 2.0], "not finite"),
        ([1.0, np.nan], [1.0, 2.0], "not finite"),
    ],
)
def test_what_cannot_be_paired_is_told(one: list[float], other: list[float], words: str) -> None:
    with pytest.raises(BadData, match=words):
        paired_difference(one, other, seed=1)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200))
def test_shares_of_the_same_rows_differ_alike_in_both_orders(only_one: int, only_other: int, both: int) -> None:
    rows = max(only_one + only_other + both, 1)
    ahead, back = (paired_share_difference(*pair, rows) for pair in ((only_one, only_other), (only_other, only_one)))
    assert ahead.value == -back.value
    assert ahead.low == pytest.approx(-back.high, abs=1e-12)
    assert -1.0 <= ahead.low <= ahead.value <= ahead.high <= 1.0


def test_the_interval_of_a_paired_share_is_that_of_agresti_and_min() -> None:
    # 8 and 3 of 100 rows differ: (8 - 3) / 102 -+ 1.96 sqrt(8.5 + 3.5 - 5^2 / 102) / 102
    found = paired_share_difference(8, 3, 100)
    assert found.value == 0.05
    assert (found.low, found.high) == (pytest.approx(-0.01686, abs=1e-5), pytest.approx(0.11490, abs=1e-5))


def test_shares_without_rows_are_refused() -> None:
    with pytest.raises(BadData, match="no rows"):
        paired_share_difference(0, 0, 0)


def test_quantiles_that_lie_twice_as_high_are_two_thirds_of_their_mean_apart() -> None:
    rows = np.random.default_rng(2).uniform(0.01, 0.5, 400)
    for gap in paired_quantile_gaps(2.0 * rows, rows, (0.1, 0.5, 0.9), seed=1):
        assert gap.value == pytest.approx(2.0 / 3.0)
        assert (gap.low, gap.high) == (pytest.approx(2.0 / 3.0), pytest.approx(2.0 / 3.0))


def test_quantiles_of_columns_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(BadData):
        paired_quantile_gaps([0.1, 0.2], [0.1], (0.5,), seed=1)
