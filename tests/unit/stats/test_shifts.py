"""Distances between histograms equal SciPy's to the ninth digit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as reference
from scipy.spatial.distance import jensenshannon

from creditrisk.errors import BadData
from creditrisk.stats import chi_square, jensen_shannon_distance, ks_distance, psi, wasserstein_distance

COUNTS = st.lists(st.integers(0, 400), min_size=2, max_size=15).filter(any)


@st.composite
def histograms(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    before = draw(COUNTS)
    now = draw(st.lists(st.integers(0, 400), min_size=len(before), max_size=len(before)).filter(any))
    return before, now


@given(histograms())
def test_figures_equal_the_reference_implementations(both: tuple[list[int], list[int]]) -> None:
    before, now = both
    bins = np.arange(len(before))
    rows_before, rows_now = np.repeat(bins, before), np.repeat(bins, now)
    assert ks_distance(before, now) == pytest.approx(
        reference.ks_2samp(rows_before, rows_now, method="asymp").statistic, abs=1e-9
    )
    p, q = np.array(before) / sum(before), np.array(now) / sum(now)
    assert jensen_shannon_distance(before, now) == pytest.approx(float(np.nan_to_num(jensenshannon(p, q, 2))), abs=1e-9)
    held = np.array(before) + np.array(now) > 0
    e, a = np.array(before)[held] + 0.5, np.array(now)[held] + 0.5
    assert psi(before, now) == pytest.approx(reference.entropy(a, e) + reference.entropy(e, a), abs=1e-9)
    centres = np.cumsum(np.arange(1.0, len(bins) + 1))
    assert wasserstein_distance(centres, before, now) == pytest.approx(
        reference.wasserstein_distance(centres, centres, before, now), abs=1e-9
    )


@given(histograms())
def test_chi_square_equals_the_reference_implementation(both: tuple[list[int], list[int]]) -> None:
    table = np.array(both)
    table = table[:, table.sum(axis=0) > 0]
    told = chi_square(*both)
    if table.shape[1] < 2:
        assert told is None
        return
    expected = reference.chi2_contingency(table, correction=False)
    assert told is not None
    assert told.statistic == pytest.approx(expected.statistic, abs=1e-9, rel=1e-9)
    assert told.degrees == expected.dof
    assert told.p == pytest.approx(expected.pvalue, abs=1e-9)


def test_equal_shares_are_no_distance_apart_and_nothing_in_common_is_the_largest() -> None:
    assert ks_distance([1, 2], [10, 20]) == jensen_shannon_distance([1, 2], [10, 20]) == 0.0
    assert ks_distance([5, 0], [0, 9]) == jensen_shannon_distance([5, 0], [0, 9]) == 1.0
    assert wasserstein_distance([10.0, 30.0], [5, 0], [0, 9]) == 20.0


def test_other_bins_no_rows_and_other_centres_are_refused() -> None:
    with pytest.raises(BadData, match="bins"):
        ks_distance([1], [1, 2])
    with pytest.raises(BadData, match="without rows"):
        chi_square([1, 2], [0, 0])
    with pytest.raises(BadData, match="3 centres for 2 bins"):
        wasserstein_distance([1, 2, 3], [1, 2], [1, 2])
