"""Tests of a count against SciPy and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, betabinom, binom, binomtest
from statsmodels.stats.proportion import proportion_confint

from creditrisk.errors import BadData
from creditrisk.stats import binomial_test, clopper_pearson_interval, jeffreys_test, promise_test

counts = pytest.mark.parametrize(
    ("bads", "rows", "pd"),
    [(0, 50, 0.02), (3, 50, 0.02), (50, 50, 0.9), (12, 400, 0.05), (31, 400, 0.05), (4900, 60_000, 0.08), (1, 1, 0.3)],
)


@counts
def test_binomial_test_agrees_with_scipy(bads: int, rows: int, pd: float) -> None:
    or_more = binomtest(bads, rows, pd, alternative="greater").pvalue
    or_fewer = binomtest(bads, rows, pd, alternative="less").pvalue
    assert binomial_test(bads, rows, pd) == pytest.approx(or_more, abs=1e-9)
    assert binomial_test(bads, rows, pd, two_sided=True) == pytest.approx(min(2 * min(or_more, or_fewer), 1), abs=1e-9)


@counts
def test_jeffreys_test_agrees_with_scipys_beta(bads: int, rows: int, pd: float) -> None:
    given = beta(bads + 0.5, rows - bads + 0.5)
    assert jeffreys_test(bads, rows, pd) == pytest.approx(given.cdf(pd), abs=1e-9)
    two_sided = 2 * min(given.cdf(pd), given.sf(pd))
    assert jeffreys_test(bads, rows, pd, two_sided=True) == pytest.approx(two_sided, abs=1e-9)


@counts
def test_clopper_pearson_agrees_with_statsmodels_and_scipy(bads: int, rows: int, pd: float) -> None:
    found = clopper_pearson_interval(bads, rows, level=0.9)
    assert (found.low, found.high) == pytest.approx(proportion_confint(bads, rows, 0.1, "beta"), abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(binomtest(bads, rows, pd).proportion_ci(0.9)), abs=1e-9)


def test_two_sided_binomial_inverts_clopper_and_pearsons_interval() -> None:
    found = clopper_pearson_interval(31, 400)
    assert binomial_test(31, 400, found.low, two_sided=True) == pytest.approx(0.05, abs=1e-9)
    assert binomial_test(31, 400, found.high, two_sided=True) == pytest.approx(0.05, abs=1e-9)


def test_certain_promises_have_certain_answers() -> None:
    assert binomial_test(1, 10, 0.0) == 0.0
    assert binomial_test(0, 10, 0.0, two_sided=True) == 1.0
    assert jeffreys_test(10, 10, 1.0) == 1.0


@pytest.mark.parametrize(("bads", "rows", "pd"), [(0, 0, 0.1), (3, 2, 0.1), (-1, 2, 0.1), (1, 2, 1.5)])
def test_counts_that_cannot_be_are_told(bads: int, rows: int, pd: float) -> None:
    for test in (binomial_test, jeffreys_test):
        with pytest.raises(BadData):
            test(bads, rows, pd)


@pytest.mark.parametrize(("bads", "rows", "pd"), [(0, 50, 0.02), (3, 50, 0.02), (31, 400, 0.05), (4900, 60_000, 0.08)])
def test_equal_pds_are_tested_as_binomial(bads: int, rows: int, pd: float) -> None:
    or_more, or_fewer = promise_test(bads, rows * pd, rows * pd * (1.0 - pd))
    assert or_more == pytest.approx(binom.sf(bads - 1, rows, pd), rel=1e-9)
    assert or_fewer == pytest.approx(binom.cdf(bads, rows, pd), rel=1e-9)


@pytest.mark.parametrize("bads", [600, 720, 817, 900])
def test_doubt_about_the_pds_is_that_of_a_beta_binomial_count(bads: int) -> None:
    doubt = 1.0 / 4000
    weight = 1.0 / (0.08 / 0.92 * doubt) - 1.0
    expected = betabinom(9000, 0.08 * weight, 0.92 * weight)
    or_more, or_fewer = promise_test(bads, 720.0, 720.0 * 0.92, doubt=doubt)
    assert or_more == pytest.approx(float(np.sum(expected.pmf(np.arange(bads, 9001)))), rel=1e-6)
    assert or_fewer == pytest.approx(expected.cdf(bads), rel=1e-6)


def test_pds_that_differ_let_the_count_vary_less() -> None:
    alike, unlike = promise_test(130, 100.0, 90.0), promise_test(130, 100.0, 80.0)
    assert unlike[0] < alike[0]


@pytest.mark.parametrize(("expected", "variance"), [(0.0, 0.0), (10.0, 11.0), (10.0, -1.0)])
def test_sums_that_no_pds_have_are_refused(expected: float, variance: float) -> None:
    with pytest.raises(BadData):
        promise_test(3, expected, variance)
