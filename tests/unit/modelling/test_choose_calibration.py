"""The simplest calibration is served, unless more freedom wins beyond noise."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from creditrisk.errors import BadData
from creditrisk.modelling import CALIBRATORS
from creditrisk.modelling.calibration import Beta
from creditrisk.modelling.choose_calibration import Choice, choose_calibration, cross_fitted
from creditrisk.modelling.out_of_fold import Development
from creditrisk.stats import log_loss, sigmoid

METHODS = tuple(CALIBRATORS)


def _chosen(truth: np.ndarray, margin: np.ndarray, methods: tuple[str, ...] = METHODS) -> tuple[Choice, Development]:
    rows = len(margin)
    random = np.random.default_rng(9)
    development = Development(
        table=pa.table({}),
        features=(),
        target=(random.random(rows) < sigmoid(truth)).astype(float),
        fold=random.integers(0, 3, rows),
        in_calibration=random.random(rows) < 0.3,
        stopping=np.zeros(rows, dtype=np.bool_),
    )
    return choose_calibration(methods, margin, development), development


def _margins(rows: int) -> np.ndarray:
    return np.random.default_rng(8).normal(-1.0, 1.5, rows)


def test_where_the_truth_is_a_line_platt_is_served() -> None:
    margin = _margins(6000)
    choice, development = _chosen(0.8 * margin - 0.3, margin)
    assert choice.method == "platt"
    assert set(choice.losses) == set(METHODS)
    part = development.in_calibration
    pds = cross_fitted("beta", margin, development)
    assert choice.losses["beta"] == pytest.approx(log_loss(development.target[part], pds[part]), abs=1e-15)


def test_where_the_ends_differ_beta_wins_and_isotonic_has_to_beat_beta() -> None:
    margin = _margins(12_000) + 1.5
    choice, _ = _chosen(Beta(1.8, 0.2, -0.6).log_odds(margin), margin)
    assert choice.method == "beta"
    assert choice.gains["beta"]["against"] == "platt"
    assert choice.gains["isotonic"]["against"] == "beta"
    assert not choice.gains["isotonic"]["won"]


def test_where_the_truth_has_a_step_isotonic_wins() -> None:
    margin = _margins(12_000)
    choice, _ = _chosen(np.where(margin < -1.0, -3.0, 0.5), margin)
    assert choice.method == "isotonic"
    assert choice.gains["isotonic"]["loss_saved"] > choice.gains["isotonic"]["standard_error"]


def test_only_the_candidates_are_tried_in_any_order() -> None:
    margin = _margins(3000)
    assert set(_chosen(margin, margin, ("isotonic", "platt"))[0].losses) == {"isotonic", "platt"}
    assert _chosen(margin, margin, ("isotonic", "platt"))[0].method == "platt"
    assert _chosen(margin, margin, ("isotonic",))[0].method == "isotonic"


def test_a_method_that_cannot_be_fitted_is_told_and_none_at_all_is_refused() -> None:
    margin = _margins(60)
    choice, _ = _chosen(margin, margin)
    assert "needs 40 of each" in choice.failed["isotonic"]
    with pytest.raises(BadData, match="no calibration can be fitted"):
        _chosen(margin, margin, ("isotonic",))
