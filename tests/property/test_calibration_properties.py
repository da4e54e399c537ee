"""A lower margin always gives a lower PD, whatever the rows were."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.errors import BadData
from creditrisk.kinds import canonical_json
from creditrisk.modelling import CALIBRATORS, Calibrator
from creditrisk.modelling.calibration import calibrator_from_json
from creditrisk.stats import sigmoid

margins = st.lists(
    st.floats(-12.0, 12.0, allow_nan=False).map(lambda number: round(number, 6)), min_size=2, max_size=60, unique=True
)


@st.composite
def calibrators(draw: st.DrawFn) -> Calibrator:
    """Fitted on drawn rows: any slope and noise, ties, few or many bads."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    margin = np.round(random.normal(draw(st.floats(-4, 2)), draw(st.floats(0.05, 3.0)), 600), draw(st.integers(0, 6)))
    target = (random.random(600) < sigmoid(draw(st.floats(-0.5, 3.0)) * margin + draw(st.floats(-1, 1)))).astype(float)
    target[:2] = [0.0, 1.0]
    try:
        return CALIBRATORS[draw(st.sampled_from(sorted(CALIBRATORS)))].fit(margin, target)
    except BadData:
        return CALIBRATORS["platt"].fit(margin, target)


@given(calibrators(), margins)
def test_pd_strictly_increases_with_the_margin(calibrator: Calibrator, values: list[float]) -> None:
    pd = calibrator(np.sort(values))
    inside = (pd > 1e-12) & (pd < 1 - 1e-12)
    assert np.all(np.diff(pd) >= 0)
    assert np.all(np.diff(pd[inside]) > 0)
    assert pd.min() > 0.0
    assert pd.max() < 1.0


@given(calibrators(), margins)
def test_calibrator_survives_json_to_the_last_bit(calibrator: Calibrator, values: list[float]) -> None:
    again = calibrator_from_json(json.loads(canonical_json(calibrator.to_json())))
    assert np.array_equal(again(np.array(values)), calibrator(np.array(values)))


@given(calibrators(), margins, st.randoms(use_true_random=False))
def test_order_and_company_do_not_change_a_pd(calibrator: Calibrator, values: list[float], random: object) -> None:
    margin = np.array(values)
    order = list(range(len(margin)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert np.array_equal(calibrator(margin)[order], calibrator(margin[order]))
    assert calibrator(margin[:1])[0] == calibrator(margin)[0]


@pytest.mark.parametrize("method", sorted(CALIBRATORS))
def test_neighbouring_float32_margins_keep_their_order(method: str) -> None:
    random = np.random.default_rng(2)
    margin = random.normal(-2, 1, 5000)
    calibrator = CALIBRATORS[method].fit(margin, (random.random(5000) < sigmoid(margin)).astype(float))
    for start in (-4.0, -1.3, 0.7, 3.0):
        steps = [np.float32(start)]
        for _ in range(200):
            steps.append(np.nextafter(steps[-1], np.float32(np.inf)))
        assert np.all(np.diff(calibrator(np.array(steps, dtype=np.float64))) > 0)
