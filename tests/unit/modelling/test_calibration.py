"""Margins to PDs: close to the outcomes, strictly increasing, the same bits in any company."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from creditrisk.errors import BadData, BrokenFile
from creditrisk.kinds import canonical_json
from creditrisk.modelling import CALIBRATORS, Beta, Isotonic, Platt, Shifted, on_plateaus
from creditrisk.modelling.calibration import (
    LEAST_PER_BLOCK,
    LEAST_SLOPE,
    PlainIsotonic,
    calibrator_from_json,
    shifted_to,
)
from creditrisk.stats import calibration_line, log_loss, sigmoid

every_method = pytest.mark.parametrize("method", sorted(CALIBRATORS))


def _scored(rows: int = 8000, seed: int = 1, *, bent: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Margins, and targets whose log-odds are a straight or a bent function of them."""
    random = np.random.default_rng(seed)
    margin = random.normal(-1.5, 1.2, rows)
    truth = 0.7 * margin - 0.4 if not bent else np.where(margin < -1.5, -3.0 + 0.1 * margin, 1.6 * margin - 0.6)
    return margin, (random.random(rows) < sigmoid(truth)).astype(float)


@every_method
def test_mean_pd_is_the_default_rate_and_the_slope_is_one(method: str) -> None:
    margin, target = _scored()
    pd = CALIBRATORS[method].fit(margin, target)(margin)
    assert pd.mean() == pytest.approx(target.mean(), rel=0.01)
    assert calibration_line(target, pd).slope == pytest.approx(1.0, abs=0.05)


def test_platt_recovers_the_line_it_was_drawn_from() -> None:
    platt = Platt.fit(*_scored(60_000))
    assert platt.slope == pytest.approx(0.7, abs=0.03)
    assert platt.intercept == pytest.approx(-0.4, abs=0.05)


def test_isotonic_beats_platt_where_the_truth_is_bent() -> None:
    margin, target = _scored(20_000, bent=True)
    new_margin, new_target = _scored(20_000, seed=2, bent=True)
    losses = {
        method: log_loss(new_target, CALIBRATORS[method].fit(margin, target)(new_margin)) for method in CALIBRATORS
    }
    assert losses["isotonic"] < losses["platt"] - 0.001


@every_method
def test_pd_stays_inside_zero_and_one_for_any_margin(method: str) -> None:
    pd = CALIBRATORS[method].fit(*_scored())(np.array([-1e6, -50.0, 0.0, 50.0, 1e6]))
    assert pd.min() > 0.0
    assert pd.max() < 1.0


@every_method
def test_a_pd_has_the_same_bits_alone_and_in_a_batch(method: str) -> None:
    margin, target = _scored(3001)
    calibrator = CALIBRATORS[method].fit(margin, target)
    together = calibrator(margin)
    assert np.array_equal(together, np.concatenate([calibrator(margin[i : i + 1]) for i in range(len(margin))]))


@every_method
def test_json_round_trip_is_exact(method: str) -> None:
    margin, target = _scored()
    calibrator = CALIBRATORS[method].fit(margin, target)
    again = calibrator_from_json(json.loads(canonical_json(calibrator.to_json())))
    assert again == calibrator
    assert np.array_equal(again(margin), calibrator(margin))


def test_each_isotonic_step_holds_twenty_bads_and_twenty_goods() -> None:
    margin, target = _scored(3000)
    curve = Isotonic.fit(margin, target)
    bads = int(target.sum())
    assert 2 <= len(curve.margins) <= bads // LEAST_PER_BLOCK
    assert np.all(np.diff(curve.levels) > 0)
    assert np.all(np.diff(curve.margins) > 0)


def test_isotonic_goes_through_the_centres_of_two_clear_groups() -> None:
    margin = np.repeat([0.0, 2.0], 100)
    target = np.concatenate([np.repeat([1.0, 0.0], [20, 80]), np.repeat([1.0, 0.0], [60, 40])])
    curve = Isotonic.fit(margin, target)
    assert curve.margins == (0.0, 2.0)
    assert curve(np.array([0.0, 2.0])) == pytest.approx([20.5 / 101, 60.5 / 101])
    between = curve(np.array([1.0]))[0]
    assert 20.5 / 101 < between < 60.5 / 101


def test_useless_margin_gets_pds_close_to_the_default_rate_that_still_rise() -> None:
    margin, target = _scored()
    useless = np.sort(-margin)
    platt = Platt.fit(-margin, target)
    pd = platt(useless)
    assert platt.slope == pytest.approx(0.02)
    assert np.all(np.diff(pd) > 0)
    assert pd.mean() == pytest.approx(target.mean(), rel=0.02)


def test_isotonic_refuses_too_few_bads_and_a_falling_default_rate() -> None:
    margin, target = _scored(100)
    with pytest.raises(BadData, match="needs 40 of each"):
        Isotonic.fit(margin, target)
    margin, target = _scored()
    with pytest.raises(BadData, match="does not rise"):
        Isotonic.fit(-margin, target)


def test_one_class_cannot_be_calibrated() -> None:
    with pytest.raises(BadData, match="0 bads and 5 goods"):
        Platt.fit(np.arange(5.0), np.zeros(5))


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"method": "beta"},
        {"method": "beta", "safe": 1.0, "risky": -0.1, "intercept": 0.0},
        {"method": "plain_isotonic"},
        {"method": "platt", "slope": 1.0, "intercept": 0.0, "shift": "up"},
        {"method": "platt", "slope": 1.0, "intercept": 0.0, "shift": float("nan")},
        {"method": "platt", "slope": "steep"},
        {"method": "isotonic", "margins": [0.0, 1.0], "levels": [1.0, 0.0]},
        {"method": "isotonic", "margins": [0.0], "levels": [1.0]},
    ],
)
def test_damaged_calibration_is_named(value: dict[str, object]) -> None:
    with pytest.raises(BrokenFile, match=r"calibration\.json"):
        calibrator_from_json(value)


def _kinked(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds of a beta calibration: steep among the safe, flat among the risky."""
    random = np.random.default_rng(seed)
    margin = random.normal(-0.5, 1.5, rows)
    truth = Beta(1.6, 0.4, -0.8).log_odds(margin)
    return margin, (random.random(rows) < sigmoid(truth)).astype(float)


def test_beta_recovers_the_curve_it_was_drawn_from_and_agrees_with_a_free_logistic_regression() -> None:
    margin, target = _kinked(60_000, 3)
    curve = Beta.fit(margin, target)
    assert (curve.safe, curve.risky, curve.intercept) == pytest.approx((1.6, 0.4, -0.8), abs=0.06)
    # Kull et al. fit it as a logistic regression on ln(s) and -ln(1 - s); Platt's targets move it by a trifle.
    s = 1 / (1 + np.exp(-margin))
    columns = np.column_stack([np.log(s), -np.log1p(-s)])
    theirs = LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cholesky").fit(columns, target)
    assert (curve.safe, curve.risky) == pytest.approx(theirs.coef_[0], abs=1e-3)


def test_beta_with_equal_ends_is_platt() -> None:
    margin = np.array([-30.0, -2.0, 0.0, 1.0, 40.0])
    assert Beta(0.7, 0.7, -0.3).log_odds(margin) == pytest.approx(Platt(0.7, -0.3).log_odds(margin), abs=1e-12)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_beta_holds_an_end_that_would_fall_at_the_least_slope(sign: float) -> None:
    # Above 0 the truth falls with the margin; mirrored, it falls below 0.
    random = np.random.default_rng(5)
    margin = random.normal(0.0, 2.0, 8000)
    truth = sign * np.where(sign * margin > 0, -0.4 * sign * margin, 1.2 * sign * margin) - 0.5
    target = (random.random(8000) < sigmoid(truth)).astype(float)
    curve = Beta.fit(margin, target)
    assert min(curve.safe, curve.risky) == LEAST_SLOPE
    assert max(curve.safe, curve.risky) > LEAST_SLOPE
    assert np.all(np.diff(curve(np.linspace(-25.0, 25.0, 500))) > 0)


def test_beta_of_a_margin_that_says_the_contrary_is_nearly_flat() -> None:
    margin, target = _scored()
    curve = Beta.fit(-margin, target)
    assert (curve.safe, curve.risky) == (LEAST_SLOPE, LEAST_SLOPE)
    assert curve(-margin).mean() == pytest.approx(target.mean(), rel=0.02)


@every_method
def test_shifted_calibration_has_the_declared_mean_keeps_the_order_and_remembers_the_best_estimate(method: str) -> None:
    margin, target = _scored()
    base = CALIBRATORS[method].fit(margin, target)
    shifted = shifted_to(base, margin, 0.04)
    assert shifted(margin).mean() == pytest.approx(0.04, abs=1e-12)
    assert np.array_equal(np.argsort(shifted(margin), kind="stable"), np.argsort(base(margin), kind="stable"))
    again = calibrator_from_json(json.loads(canonical_json(shifted.to_json())))
    assert isinstance(again, Shifted)
    assert again.base == base
    assert np.array_equal(again(margin), shifted(margin))


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_a_long_run_rate_that_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(BadData, match="default rate"):
        shifted_to(Platt(1.0, 0.0), np.zeros(3), rate)


@pytest.mark.parametrize("decimals", [1, 8])
def test_plain_isotonic_agrees_with_scikit_learn_and_lies_on_plateaus(decimals: int) -> None:
    margin, target = _scored(3000)
    margin = np.round(margin, decimals)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(margin, target)
    plain, new = PlainIsotonic.fit(margin, target), np.linspace(-8.0, 5.0, 1001)
    assert plain(margin) == pytest.approx(theirs.predict(margin), abs=1e-9)
    assert plain(new) == pytest.approx(theirs.predict(new), abs=1e-9)
    assert on_plateaus(margin, plain(margin)) > 0.4


@every_method
def test_what_is_served_has_no_plateau(method: str) -> None:
    margin, target = _scored(3000)
    assert on_plateaus(margin, CALIBRATORS[method].fit(margin, target)(margin)) == 0.0


def test_plateaus_are_counted_in_rows() -> None:
    # Margins 1 and 2 share a PD, 3 stands alone: three of four rows could move without a change.
    assert on_plateaus(np.array([1.0, 2.0, 2.0, 3.0]), np.array([0.1, 0.1, 0.1, 0.2])) == 0.75
    assert on_plateaus(np.array([1.0, 1.0]), np.array([0.1, 0.1])) == 0.0
