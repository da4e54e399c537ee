"""Margins to PDs: close to the outcomes, strictly increasing, the same bits in any company."""

from __future__ import annotations

import json

import numpy as np
import pytest

from creditrisk.errors import BadData, BrokenFile
from creditrisk.kinds import canonical_json
from creditrisk.modelling import CALIBRATORS, Isotonic, Platt
from creditrisk.modelling.calibration import LEAST_PER_BLOCK, calibrator_from_json
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
        {"method": "platt", "slope": "steep"},
        {"method": "isotonic", "margins": [0.0, 1.0], "levels": [1.0, 0.0]},
        {"method": "isotonic", "margins": [0.0], "levels": [1.0]},
    ],
)
def test_damaged_calibration_is_named(value: dict[str, object]) -> None:
    with pytest.raises(BrokenFile, match=r"calibration\.json"):
        calibrator_from_json(value)
