"""Calibration tests against statsmodels, hand computations, and what right PDs give.

Spiegelhalter's and Hosmer and Lemeshow's tests are in none of SciPy, statsmodels and scikit-learn: they are redone in
exact fractions from the formulas of the papers named beside them.
"""

from __future__ import annotations

from fractions import Fraction
from math import erfc, sqrt

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import chi2, norm

from creditrisk.errors import BadData
from creditrisk.stats import (
    calibration_line_intervals,
    hosmer_lemeshow,
    line_test,
    logit,
    mean_test,
    sigmoid,
    spiegelhalter,
)


def _drawn(seed: int, rows: int = 2000, *, slope: float = 1.0, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """PDs, and outcomes whose true log-odds are slope * logit(PD) + shift."""
    random = np.random.default_rng(seed)
    pd = random.beta(1.5, 9.0, rows)
    return (random.random(rows) < sigmoid(slope * logit(pd) + shift)).astype(float), pd


def test_spiegelhalter_redone_in_fractions() -> None:
    # Spiegelhalter (1986): z = sum (y - p)(1 - 2p) / sqrt(sum (1 - 2p)^2 p (1 - p)).
    y, p = [1, 0, 0, 1, 0], [Fraction(1, 10), Fraction(1, 5), Fraction(3, 10), Fraction(3, 5), Fraction(9, 10)]
    above = sum((o - q) * (1 - 2 * q) for o, q in zip(y, p, strict=True))
    below = sum((1 - 2 * q) ** 2 * q * (1 - q) for q in p)
    z = float(above) / sqrt(float(below))
    found = spiegelhalter(y, [float(q) for q in p])
    assert found.statistic == pytest.approx(z, abs=1e-12)
    assert found.p_value == pytest.approx(2 * norm.sf(abs(z)), abs=1e-12)


def test_mean_test_redone_by_hand() -> None:
    # Two bads where 0.1 + 0.2 + 0.3 are promised, variance 0.09 + 0.16 + 0.21.
    z = (2 - 0.6) / sqrt(0.46)
    found = mean_test([1, 1, 0], [0.1, 0.2, 0.3])
    assert found.statistic == pytest.approx(z, abs=1e-12)
    assert found.p_value == pytest.approx(erfc(z / sqrt(2)), abs=1e-12)


def test_hosmer_lemeshow_redone_by_hand() -> None:
    # 1 of 3 bad at 0.1, 2 of 4 at 0.4, 3 of 5 at 0.8; each group adds (O - E)^2 / (n p (1 - p)).
    pd = np.repeat([0.1, 0.4, 0.8], [3, 4, 5])
    y = [1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0]
    statistic = 0.7**2 / 0.27 + 0.4**2 / 0.96 + 1.0**2 / 0.8
    found = hosmer_lemeshow(y, pd, groups=3)
    assert found.statistic == pytest.approx(statistic, abs=1e-12)
    assert found.p_value == pytest.approx(chi2.sf(statistic, 3), abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_line_test_agrees_with_statsmodels_likelihood_ratio(seed: int) -> None:
    y, pd = _drawn(seed, slope=0.8, shift=-0.2)
    fit = sm.Logit(y, sm.add_constant(logit(pd))).fit(disp=0, tol=1e-14)
    ratio = 2 * (fit.llf - sm.Logit(y, sm.add_constant(logit(pd))).loglike([0.0, 1.0]))
    found = line_test(y, pd)
    assert found.statistic == pytest.approx(ratio, abs=1e-8)
    assert found.p_value == pytest.approx(chi2.sf(ratio, 2), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_line_and_its_intervals_agree_with_statsmodels(seed: int) -> None:
    y, pd = _drawn(seed, slope=0.8, shift=-0.2)
    fit = sm.Logit(y, sm.add_constant(logit(pd))).fit(disp=0, tol=1e-14)
    line = calibration_line_intervals(y, pd, level=0.9)
    intercept, slope = fit.conf_int(0.1)
    assert (line.slope.low, line.slope.high) == pytest.approx(slope, abs=1e-9)
    assert (line.intercept.low, line.intercept.high) == pytest.approx(intercept, abs=1e-9)
    in_the_large = sm.GLM(y, np.ones(len(y)), family=sm.families.Binomial(), offset=logit(pd)).fit(tol=1e-14)
    told = line.intercept_at_slope_one
    assert (told.low, told.high) == pytest.approx(in_the_large.conf_int(0.1)[0], abs=1e-9)


def test_right_pds_fail_about_one_time_in_twenty_and_wrong_ones_nearly_always() -> None:
    tests = (spiegelhalter, mean_test, line_test, hosmer_lemeshow)
    right = [[test(*_drawn(seed, 1000)).p_value < 0.05 for test in tests] for seed in range(100)]
    wrong = [[test(*_drawn(seed, slope=0.6, shift=0.3)).p_value < 0.05 for test in tests] for seed in range(10)]
    share = np.mean(right, axis=0)
    assert np.all(share > 0.0)
    assert np.all(share < 0.15)  # 100 draws at 5 %: 15 or more only once in 10,000
    assert np.all(np.mean(wrong, axis=0) > 0.9)


def test_hosmer_lemeshow_rejects_a_harmless_distortion_once_rows_are_many() -> None:
    few, many = (_drawn(4, rows, slope=0.95) for rows in (2000, 200_000))
    assert hosmer_lemeshow(*few).p_value > 0.05
    assert hosmer_lemeshow(*many).p_value < 0.001


@pytest.mark.parametrize(
    ("test", "y", "p", "words"),
    [
        (spiegelhalter, [0, 1], [0.0, 1.0], "no variance"),
        (mean_test, [0, 1], [0.0, 1.0], "no variance"),
        (line_test, [0, 0], [0.1, 0.2], "one class"),
        (line_test, [0, 1], [0.0, 0.2], "no log-odds"),
        (line_test, [0, 1], [0.2, 0.2], "all PDs are equal"),
        (line_test, [0, 1, 1], [0.1, 0.2, 0.3], "separate"),
        (hosmer_lemeshow, [0, 1, 1], [0.2, 0.2, 0.2], "needs three"),
    ],
)
def test_what_cannot_be_tested_is_told(test: object, y: list[int], p: list[float], words: str) -> None:
    with pytest.raises(BadData, match=words):
        test(y, p)  # type: ignore[operator]
