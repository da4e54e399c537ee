"""Ranking figures against scikit-learn, SciPy and hand-made pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp, norm
from sklearn.metrics import average_precision_score, roc_auc_score

from creditrisk.errors import BadData
from creditrisk.stats import (
    auc_difference,
    auc_interval,
    bootstrap_interval,
    gini,
    gini_interval,
    ks,
    ks_interval,
    pr_auc,
    roc_auc,
    roc_points,
)


def _drawn(seed: int, rows: int = 800, decimals: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Targets and figures with many ties."""
    random = np.random.default_rng(seed)
    y = (random.random(rows) < 0.15).astype(int)
    return y, np.round(random.normal(size=rows) + 0.8 * y, decimals)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_figures_agree_with_scikit_learn_and_scipy_even_with_ties(seed: int, decimals: int) -> None:
    y, p = _drawn(seed, decimals=decimals)
    assert roc_auc(y, p) == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert gini(y, p) == pytest.approx(2 * roc_auc_score(y, p) - 1, abs=1e-12)
    assert pr_auc(y, p) == pytest.approx(average_precision_score(y, p), abs=1e-12)
    assert ks(y, p) == pytest.approx(ks_2samp(p[y == 1], p[y == 0]).statistic, abs=1e-12)


def test_auc_counts_pairs_by_hand() -> None:
    # bads 0.8 and 0.4 against goods 0.4, 0.3, 0.9: wins 2 of 3, then 1 and a half of 3
    assert roc_auc([1, 1, 0, 0, 0], [0.8, 0.4, 0.4, 0.3, 0.9]) == pytest.approx(3.5 / 6)


@pytest.mark.parametrize("seed", range(3))
def test_delong_interval_agrees_with_its_quadratic_definition(seed: int) -> None:
    y, p = _drawn(seed, rows=300, decimals=1)
    bads, goods = p[y == 1], p[y == 0]
    wins = (bads[:, None] > goods) + 0.5 * (bads[:, None] == goods)
    variance = np.var(wins.mean(axis=1), ddof=1) / len(bads) + np.var(wins.mean(axis=0), ddof=1) / len(goods)
    interval = auc_interval(y, p)
    assert interval.value == pytest.approx(wins.mean(), abs=1e-12)
    assert interval.high - interval.low == pytest.approx(2 * 1.959963984540054 * variance**0.5, abs=1e-12)


def test_delong_interval_redone_on_paper() -> None:
    # The bads win 2, 3 and 3 of 3 pairs, so do the goods: sample variance 1/27 on each side, over 3 rows each.
    interval = auc_interval([0, 0, 0, 1, 1, 1], [1, 2, 4, 3, 5, 6])
    assert interval.value == pytest.approx(8 / 9)
    assert interval.high == 1.0
    assert interval.low == pytest.approx(8 / 9 - 1.959963984540054 * ((1 / 27) / 3 * 2) ** 0.5, abs=1e-9)


def test_gini_interval_is_the_auc_interval_stretched() -> None:
    y, p = _drawn(1)
    auc, both = auc_interval(y, p), gini_interval(y, p)
    assert (both.low, both.high) == (2 * auc.low - 1, 2 * auc.high - 1)


def test_perfect_ranking_has_auc_one_and_ks_one() -> None:
    y, p = [0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]
    interval = auc_interval(y, p)
    assert (roc_auc(y, p), ks(y, p), pr_auc(y, p)) == (1.0, 1.0, 1.0)
    assert (interval.low, interval.high) == (1.0, 1.0)


def test_roc_points_run_from_corner_to_corner() -> None:
    bads, goods = roc_points([1, 0, 1, 0], [0.9, 0.9, 0.5, 0.1])
    assert bads.tolist() == [0.0, 0.5, 1.0, 1.0]
    assert goods.tolist() == [0.0, 0.5, 0.5, 1.0]


def test_one_bad_alone_still_has_an_interval() -> None:
    interval = auc_interval([1, 0, 0, 0], [0.9, 0.1, 0.2, 0.95])
    assert interval.low <= interval.value <= interval.high


@pytest.mark.parametrize("figure", [roc_auc, auc_interval, gini, ks, pr_auc, roc_points])
def test_one_class_alone_is_refused(figure: object) -> None:
    with pytest.raises(BadData, match="0 bads and 3 goods"):
        figure([0, 0, 0], [0.1, 0.2, 0.3])  # type: ignore[operator]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_delong_difference_agrees_with_its_quadratic_definition(seed: int, decimals: int) -> None:
    # DeLong, DeLong & Clarke-Pearson (1988), equations 4 to 6, written out pair by pair.
    y, first = _drawn(seed, rows=300, decimals=decimals)
    second = np.round(first + np.random.default_rng(seed + 100).normal(size=300), decimals)
    wins = [(p[y == 1][:, None] > p[y == 0]) + 0.5 * (p[y == 1][:, None] == p[y == 0]) for p in (first, second)]
    of_bads = np.cov([one.mean(axis=1) for one in wins])
    of_goods = np.cov([one.mean(axis=0) for one in wins])
    contrast = np.array([1.0, -1.0])
    variance = contrast @ (of_bads / np.sum(y == 1) + of_goods / np.sum(y == 0)) @ contrast
    gap = wins[0].mean() - wins[1].mean()
    found = auc_difference(y, first, second)
    assert found.difference == pytest.approx(gap, abs=1e-12)
    assert found.p_value == pytest.approx(2 * norm.sf(abs(gap) / variance**0.5), abs=1e-10)
    assert found.high - found.low == pytest.approx(2 * 1.959963984540054 * variance**0.5, abs=1e-12)
    assert auc_difference(y, second, first).p_value == pytest.approx(found.p_value, abs=1e-12)


def test_rankings_that_are_alike_differ_by_nothing() -> None:
    y, p = _drawn(3)
    assert auc_difference(y, p, 2.0 * p + 1.0) == (0.0, 0.0, 0.0, 1.0)


def test_a_difference_without_an_error_is_told() -> None:
    with pytest.raises(BadData, match="no error"):
        auc_difference([0, 0, 1, 1], [1, 2, 3, 4], [4, 3, 2, 1])
    with pytest.raises(BadData, match="two of each"):
        auc_difference([0, 0, 1], [1, 2, 3], [3, 2, 1])


def test_the_interval_of_a_ks_holds_it_and_is_that_of_resampled_rows() -> None:
    random = np.random.default_rng(11)
    p = random.beta(1.0, 4.0, 3000)
    y = (random.random(3000) < p).astype(float)
    told = ks_interval(y, p, seed=3, rounds=400)
    plain = bootstrap_interval(ks, y, p, seed=4, rounds=400)
    assert told.value == ks(y, p)
    assert told.low <= told.value <= told.high
    assert (told.low, told.high) == pytest.approx((plain.low, plain.high), abs=0.01)


def test_the_interval_of_a_ks_needs_both_classes() -> None:
    with pytest.raises(BadData):
        ks_interval([1, 1], [0.2, 0.3], seed=1)
