"""Ratios and differences of two shares, against statsmodels and where it stops."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from creditrisk.errors import BadData
from creditrisk.stats import wilson_interval
from creditrisk.stats.two_shares import share_difference_interval, share_ratio_interval, shares_test

COUNTS = [(30, 50, 70, 100), (1, 1000, 3, 900), (45, 300, 80, 250), (40, 40, 30, 60), (500, 900, 3000, 5000)]


@st.composite
def two_samples(draw: st.DrawFn) -> tuple[int, int, int, int]:
    rows, other_rows = draw(st.integers(1, 400)), draw(st.integers(1, 400))
    return draw(st.integers(0, rows)), rows, draw(st.integers(1, other_rows)), other_rows


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_the_ratios_interval_is_that_of_statsmodels(counts: tuple[int, int, int, int], level: float) -> None:
    interval = share_ratio_interval(*counts, level=level)
    low, high = confint_proportions_2indep(*counts, method="score", compare="ratio", alpha=1 - level, correction=False)
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=2e-9)
    assert interval.value == pytest.approx(counts[0] / counts[1] / (counts[2] / counts[3]), rel=1e-15)


@pytest.mark.parametrize("counts", [*COUNTS, (0, 40, 30, 60), (40, 40, 60, 60)])
def test_the_differences_interval_is_that_of_statsmodels(counts: tuple[int, int, int, int]) -> None:
    interval = share_difference_interval(*counts, level=0.95)
    low, high = confint_proportions_2indep(*counts, method="newcomb", compare="diff", alpha=1 - 0.95)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-9)


@given(two_samples())
def test_a_ratio_lies_within_its_interval_and_a_wider_level_holds_a_narrower_one(
    counts: tuple[int, int, int, int],
) -> None:
    narrow, wide = (share_ratio_interval(*counts, level=level) for level in (0.8, 0.99))
    assert 0.0 <= wide.low <= narrow.low <= narrow.value * (1 + 1e-12)
    assert narrow.value * (1 - 1e-12) <= narrow.high <= wide.high


@given(two_samples())
def test_a_difference_turns_its_sign_with_its_samples(counts: tuple[int, int, int, int]) -> None:
    there, back = share_difference_interval(*counts), share_difference_interval(*counts[2:], *counts[:2])
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))
    assert -1.0 <= there.low <= there.value <= there.high <= 1.0


def test_nobody_of_many_is_a_ratio_of_zero_with_an_end() -> None:
    interval = share_ratio_interval(0, 40, 30, 60)
    assert (interval.value, interval.low) == (0.0, 0.0)
    # the other end is where the score test just rejects; statsmodels finds the same
    assert interval.high == pytest.approx(0.1762277254, abs=1e-6)


def test_everybody_in_both_samples_is_a_ratio_of_one() -> None:
    interval = share_ratio_interval(40, 40, 60, 60)
    # where all of one sample are hits, the score test is Wilson's on the other
    assert interval.value == 1.0
    assert interval.low == pytest.approx(wilson_interval(40, 40).low, rel=1e-9)
    assert interval.high == pytest.approx(1 / wilson_interval(60, 60).low, rel=1e-9)


@pytest.mark.parametrize("counts", [(1, 0, 1, 2), (1, 2, 1, 0), (1, 2, 0, 5)])
def test_a_ratio_that_is_no_number_is_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(BadData):
        share_ratio_interval(*counts)


@pytest.mark.parametrize(
    "counts", [(0, 10, 0, 20), (3, 10, 9, 12), (0, 40, 5, 60), (700, 15_000, 7_000, 200_000), (12, 12, 3, 9)]
)
def test_the_exact_test_of_two_shares_is_twice_scipys_smaller_tail(counts: tuple[int, int, int, int]) -> None:
    from scipy.stats import hypergeom

    hits, rows, other_hits, other_rows = counts
    deal = hypergeom(rows + other_rows, hits + other_hits, rows)
    expected = min(2.0 * min(deal.sf(hits - 1), deal.cdf(hits)), 1.0)
    assert shares_test(*counts) == pytest.approx(expected, rel=1e-7)


def test_the_exact_test_takes_no_side() -> None:
    assert shares_test(3, 10, 9, 12) == pytest.approx(shares_test(9, 12, 3, 10), rel=1e-9)


@pytest.mark.parametrize("counts", [(1, 0, 1, 2), (3, 2, 1, 2), (-1, 2, 1, 2)])
def test_the_exact_test_refuses_counts_that_cannot_be(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(BadData):
        shares_test(*counts)
