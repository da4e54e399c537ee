"""Log-odds that do not depend on their neighbours, and a line fitted through them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from creditrisk.stats import fit_line, fit_plane, log_elementwise, logit, sigmoid, softplus_both_ways


def test_sigmoid_and_logit_undo_each_other() -> None:
    z = np.linspace(-20, 15, 201)
    assert logit(sigmoid(z)) == pytest.approx(z, abs=1e-8)


def test_sigmoid_never_reaches_zero_or_one() -> None:
    p = sigmoid(np.array([-1e9, -40.0, 40.0, 1e9]))
    assert p.min() > 0.0
    assert p.max() < 1.0


@pytest.mark.parametrize(
    "function", [sigmoid, lambda x: softplus_both_ways(x)[1], lambda x: log_elementwise(np.abs(x) + 0.1)]
)
def test_each_number_has_the_same_bits_alone_and_among_others(function: object) -> None:
    z = np.random.default_rng(1).normal(size=1003) * 6
    together = function(z)  # type: ignore[operator]
    alone = np.array([function(z[i : i + 1])[0] for i in range(len(z))])  # type: ignore[operator]
    assert np.array_equal(together, alone)


def test_line_through_soft_targets_recovers_slope_and_intercept() -> None:
    z = np.linspace(-4, 4, 101)
    slope, intercept = fit_line(z, sigmoid(0.7 * z - 1.3))
    assert slope == pytest.approx(0.7, abs=1e-9)
    assert intercept == pytest.approx(-1.3, abs=1e-9)


def test_line_with_a_slope_held_fixed_moves_the_intercept_alone() -> None:
    z = np.linspace(-4, 4, 101)
    slope, intercept = fit_line(z, sigmoid(z + 0.5), slope=1.0)
    assert slope == 1.0
    assert intercept == pytest.approx(0.5, abs=1e-9)


def test_one_log_odds_for_all_gives_the_mean() -> None:
    slope, intercept = fit_line(np.full(10, 2.0), np.array([1.0] * 3 + [0.0] * 7))
    assert slope == 0.0
    assert intercept == pytest.approx(math.log(3 / 7))


def test_separated_targets_end_with_a_finite_line() -> None:
    slope, intercept = fit_line(np.array([-1.0, -0.5, 0.5, 1.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert math.isfinite(slope)
    assert math.isfinite(intercept)
    assert slope > 5


def test_softplus_has_the_bits_of_the_c_librarys_functions() -> None:
    z = np.array([0.0, -0.0, 745.0, -745.0, 5e-324, 1e300, -1e300, *np.random.default_rng(3).normal(-2.0, 2.0, 500)])
    told = np.array([max(x, 0.0) + math.log1p(math.exp(-abs(x))) for x in z.tolist()])
    below, above = softplus_both_ways(z)
    assert above.tobytes() == told.tobytes()
    assert below.tobytes() == softplus_both_ways(-z)[1].tobytes()


def test_softplus_is_finite_far_out_and_exact_near_zero() -> None:
    z = np.array([-1e9, -800.0, -3.0, 0.0, 3.0, 800.0, 1e9])
    below, above = softplus_both_ways(z)
    assert above == pytest.approx(np.logaddexp(0.0, z), rel=1e-15)
    assert below == pytest.approx(np.logaddexp(0.0, -z), rel=1e-15)


@pytest.mark.parametrize("seed", range(3))
def test_plane_agrees_with_statsmodels(seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = random.normal(size=(1500, 2)) * [1.0, 30.0] + [0.0, 5.0]
    offset = random.normal(size=1500)
    target = (random.random(1500) < sigmoid(columns @ [0.7, -0.02] + offset - 1.0)).astype(float)
    slopes, intercept = fit_plane(columns, target, offset)
    theirs = sm.GLM(target, sm.add_constant(columns), family=sm.families.Binomial(), offset=offset).fit(tol=1e-14)
    assert [intercept, *slopes] == pytest.approx(theirs.params.tolist(), abs=1e-9)


def test_plane_of_one_column_is_the_line_and_of_none_the_mean() -> None:
    random = np.random.default_rng(4)
    z = random.normal(size=800)
    target = (random.random(800) < sigmoid(z - 1.0)).astype(float)
    slopes, intercept = fit_plane(z[:, None], target)
    assert (slopes[0], intercept) == pytest.approx(fit_line(z, target), abs=1e-9)
    none, mean = fit_plane(np.empty((800, 0)), target)
    assert len(none) == 0
    assert sigmoid(np.array([mean]))[0] == pytest.approx(target.mean(), abs=1e-12)


def test_plane_of_two_columns_that_say_the_same_shares_the_weight() -> None:
    random = np.random.default_rng(5)
    z = random.normal(size=800)
    target = (random.random(800) < sigmoid(z)).astype(float)
    slopes, _ = fit_plane(np.column_stack([z, z]), target)
    assert slopes.tolist() == pytest.approx([fit_line(z, target)[0] / 2] * 2, abs=1e-6)
