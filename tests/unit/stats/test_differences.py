"""Paired differences against SciPy's bootstrap and its two-sided normal p values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap, norm

from creditrisk.errors import BadData
from creditrisk.stats import paired_difference
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
