"""Calibration figures against scikit-learn and hand-made groups."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from sklearn.linear_model import LogisticRegression

from creditrisk.stats import brier, calibration_line, ece, log_loss, logit, reliability


def _drawn(seed: int, rows: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    pd = random.beta(1.5, 12.0, rows)
    return (random.random(rows) < pd).astype(int), pd


@pytest.mark.parametrize("seed", range(4))
def test_brier_and_log_loss_agree_with_scikit_learn(seed: int) -> None:
    y, pd = _drawn(seed)
    assert brier(y, pd) == pytest.approx(sklearn.metrics.brier_score_loss(y, pd), abs=1e-12)
    assert log_loss(y, pd) == pytest.approx(sklearn.metrics.log_loss(y, pd), abs=1e-12)


def test_log_loss_of_a_certain_and_wrong_pd_is_large_but_finite() -> None:
    assert log_loss([1, 0], [0.0, 1.0]) == pytest.approx(sklearn.metrics.log_loss([1, 0], [0.0, 1.0]), abs=1e-9)


def test_ece_by_hand_with_two_groups() -> None:
    # lower group: promised 0.1, observed 0.5; upper group: promised 0.6, observed 0.5
    assert ece([0, 1, 0, 1], [0.1, 0.1, 0.6, 0.6], bins=2) == pytest.approx((0.4 + 0.1) / 2)


def test_ece_of_one_pd_for_all_is_its_distance_from_the_bad_rate() -> None:
    assert ece([0, 0, 0, 1], [0.1] * 4) == pytest.approx(0.15)


def test_reliability_groups_hold_every_row_once() -> None:
    y, pd = _drawn(1)
    groups = reliability(y, pd)
    assert len(groups.rows) == 10
    assert groups.rows.sum() == len(y)
    assert groups.bads.sum() == y.sum()
    assert np.all(np.diff(groups.mean_pd) > 0)
    assert np.ptp(groups.rows) <= 2


@pytest.mark.parametrize("seed", range(4))
def test_calibration_line_agrees_with_an_unpenalised_logistic_regression(seed: int) -> None:
    y, pd = _drawn(seed)
    distorted = 1 / (1 + np.exp(-(0.6 * logit(pd) + 0.4)))
    line = calibration_line(y, distorted)
    reference = LogisticRegression(C=np.inf, tol=1e-13, solver="newton-cholesky").fit(logit(distorted)[:, None], y)
    assert line.slope == pytest.approx(reference.coef_[0, 0], abs=1e-9)
    assert line.intercept == pytest.approx(reference.intercept_[0], abs=1e-9)


def test_intercept_at_slope_one_brings_mean_pd_to_the_default_rate() -> None:
    y, pd = _drawn(2)
    halved = pd / 2
    shift = calibration_line(y, halved).intercept_at_slope_one
    corrected = 1 / (1 + np.exp(-(logit(halved) + shift)))
    assert corrected.mean() == pytest.approx(y.mean(), abs=1e-9)


def test_true_pds_have_slope_one_and_intercept_zero_within_noise() -> None:
    line = calibration_line(*_drawn(3, rows=60_000))
    assert line.slope == pytest.approx(1.0, abs=0.05)
    assert line.intercept_at_slope_one == pytest.approx(0.0, abs=0.05)
