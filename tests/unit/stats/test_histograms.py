"""Frozen bins, counts, and the stability index by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from creditrisk.errors import BadData
from creditrisk.stats import bin_counts, psi, psi_of_each, quantile_edges


def test_ten_bins_of_different_numbers_hold_the_same_number_of_rows() -> None:
    values = np.random.default_rng(1).permutation(1000).astype(float)
    edges = quantile_edges(values, 10)
    assert len(edges) == 9
    assert np.ptp(bin_counts(values, edges)[:-1]) <= 2


def test_missing_values_are_counted_last_and_do_not_move_the_edges() -> None:
    values = np.array([1.0, 2.0, np.nan, 3.0, 4.0])
    edges = quantile_edges(values, 2)
    assert edges.tolist() == [2.0]
    assert bin_counts(values, edges).tolist() == [1, 3, 1]


def test_constant_has_bins_for_below_itself_and_above() -> None:
    edges = quantile_edges([5.0, 5.0, 5.0], 10)
    assert bin_counts([4.0, 5.0, 5.1], edges).tolist() == [1, 1, 1, 0]


def test_column_that_is_nearly_all_zero_still_tells_zero_from_the_rest() -> None:
    values = np.array([0.0] * 97 + [1.0, 2.0, 3.0])
    assert bin_counts(values, quantile_edges(values, 10)).tolist() == [0, 97, 3, 0]


def test_all_missing_column_has_one_empty_bin_and_the_missing_one() -> None:
    values = np.array([np.nan, np.nan])
    assert quantile_edges(values, 10).tolist() == []
    assert bin_counts(values, []).tolist() == [0, 2]


def test_psi_by_hand() -> None:
    expected = [30.5 / 101, 70.5 / 101]
    actual = [60.5 / 101, 40.5 / 101]
    by_hand = sum((x - y) * math.log(x / y) for x, y in zip(actual, expected, strict=True))
    assert psi([30, 70], [60, 40]) == pytest.approx(by_hand, abs=1e-12)


def test_psi_of_equal_shares_is_zero() -> None:
    assert psi([10, 10], [10, 10]) == 0.0


def test_psi_is_not_moved_by_bins_that_nobody_is_in() -> None:
    assert psi([30_000, 70_000, 0, 0], [30, 70, 0, 0]) == pytest.approx(psi([30_000, 70_000], [30, 70]), abs=1e-15)


def test_psi_of_an_empty_bin_is_large_but_finite() -> None:
    assert 0.25 < psi([100, 0], [50, 50]) < 10


def test_psi_of_different_bins_or_no_rows_is_refused() -> None:
    with pytest.raises(BadData, match="bins"):
        psi([1, 2], [1, 2, 3])
    with pytest.raises(BadData, match="without rows"):
        psi([1, 2], [0, 0])


def test_many_histograms_at_once_have_each_the_same_index() -> None:
    expected, actual = [30, 50, 20, 0], np.array([[3, 5, 2, 0], [9, 0, 0, 1], [0, 0, 0, 0]])
    told = psi_of_each(expected, actual)
    assert told[:2].tolist() == pytest.approx([psi(expected, row) for row in actual[:2]], rel=1e-12)
    assert math.isnan(told[2])
    with pytest.raises(BadData, match="bins"):
        psi_of_each([1, 2], actual)
