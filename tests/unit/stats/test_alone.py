"""What a column alone says within vintage: worked by hand, and against the plain AUC."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.stats import roc_auc
from creditrisk.stats.alone import (
    Outcomes,
    auc_of_missing,
    auc_of_rank,
    auc_out_of_fold,
    group_of,
    groups_of,
    rank_correlation,
    ranked,
)

NAN = float("nan")


def outcomes(y: list[int], vintage: list[int] | None = None, folds: int = 2) -> Outcomes:
    return Outcomes(
        np.array(y, dtype=np.int8),
        np.array(vintage or [0] * len(y), dtype=np.int64),
        np.arange(len(y), dtype=np.int64) % folds,
    )


def made_up(rows: int = 4_000, seed: int = 5, vintages: int = 6) -> tuple[Outcomes, np.ndarray]:
    """Outcomes whose rate rises by vintage, and a column that tells the outcome half-heartedly."""
    random = np.random.default_rng(seed)
    vintage = random.integers(0, vintages, rows)
    y = (random.random(rows) < 0.05 + 0.05 * vintage).astype(np.int8)
    return Outcomes(y, vintage, random.integers(0, 5, rows)), random.normal(0.0, 1.0, rows) + 0.7 * y


def test_levels_follow_the_rank_and_equal_numbers_share_one() -> None:
    assert ranked(np.array([3.0, 1.0, NAN, 3.0, 2.0])).codes(10).tolist() == [3, 1, 0, 3, 2]
    many = ranked(np.arange(1_000.0)).codes(4)
    assert np.bincount(many).tolist() == [0, 250, 250, 250, 250]


def test_without_vintages_it_is_the_plain_auc() -> None:
    told, values = made_up(vintages=1)
    assert auc_of_rank(told, ranked(values).codes(10_000)) == pytest.approx(roc_auc(told.y, values))


def test_only_pairs_of_one_vintage_count() -> None:
    told = outcomes([1, 0, 1, 0], vintage=[0, 0, 1, 1])
    assert auc_of_rank(told, np.array([2, 1, 1, 2])) == 0.5
    assert auc_of_rank(told, np.array([1, 1, 2, 2])) == 0.5
    assert auc_of_rank(told, np.array([2, 1, 4, 3])) == 1.0


def test_a_pair_with_a_missing_value_is_a_tie_unless_enough_rows_are_known() -> None:
    told, codes = outcomes([1, 0, 1, 0]), np.array([2, 1, 0, 0])
    assert auc_of_rank(told, codes) == pytest.approx(0.625)
    assert auc_of_rank(told, codes, known_min=1) == 1.0


def test_rates_are_learnt_on_other_folds_so_noise_says_nothing() -> None:
    told, _ = made_up()
    noise = np.random.default_rng(1).integers(0, 900, len(told.y))
    assert auc_out_of_fold(told, noise, smoothing=20) == pytest.approx(0.5, abs=0.03)
    assert auc_out_of_fold(told, told.y.astype(np.int64), smoothing=20) == 1.0


def test_a_bend_that_no_rank_sees_is_seen_by_rates() -> None:
    told, values = made_up()
    bent = ranked(np.where(told.y == 1, np.sign(values), 0.1 * values)).codes(32)
    assert auc_of_rank(told, bent) == pytest.approx(0.7, abs=0.2)
    assert auc_out_of_fold(told, bent, smoothing=20) > 0.9


def test_a_column_that_marks_the_era_says_nothing() -> None:
    told, _ = made_up()
    era = told.vintage >= 3
    assert auc_of_missing(told, era) == 0.5
    assert auc_out_of_fold(told, era.astype(np.int64), smoothing=20) == pytest.approx(0.5, abs=1e-12)
    assert group_of(told, era) is None


def test_a_group_is_held_against_its_own_vintages() -> None:
    told = outcomes([1, 1, 1, 0, 0, 0, 0, 0], vintage=[0] * 4 + [1] * 4)
    group = group_of(told, np.array([True, True, False, False, False, False, False, False]))
    assert group is not None
    assert (group.rows, group.bads, group.rate, group.expected) == (2, 2, 1.0, 0.75)
    assert group.odds_ratio == math.inf
    assert group.chance == pytest.approx(0.75**2)


def test_no_bad_among_many_is_as_likely_as_the_goods_together() -> None:
    told = outcomes([0] * 30 + [1] * 30 + [0] * 40)
    group = group_of(told, np.arange(100) < 30)
    assert group is not None
    assert group.chance == pytest.approx(0.7**30)


def test_values_that_are_nearly_always_bad_are_told_and_missing_is_not_one() -> None:
    told = outcomes([1] * 40 + [1] * 40 + [0] * 200)
    codes = np.array([0] * 40 + [1] * 40 + [2] * 200)
    (found,) = groups_of(told, codes, rows_min=30, rate_min=0.9)
    assert (found[0], found[1].rows) == (1, 40)


def test_rank_correlation_knows_no_scale() -> None:
    values = np.array([1.0, 2.0, NAN, 30.0])
    assert rank_correlation(values, np.exp(values)) == pytest.approx(1.0)
    assert rank_correlation(values, -values) == pytest.approx(-1.0)
    assert rank_correlation(np.ones(5), np.arange(5.0)) == 0.0


@given(seed=st.integers(0, 2**32 - 1))
def test_row_order_and_rising_transforms_change_nothing(seed: int) -> None:
    told, values = made_up(rows=400)
    order = np.random.default_rng(seed).permutation(len(values))
    shuffled = Outcomes(told.y[order], told.vintage[order], told.fold[order])
    values = np.round(values, 1)
    for levels in (8, 1_000):
        here = ranked(values).codes(levels)
        there = ranked(np.exp(values[order]) * 3 - 1).codes(levels)
        assert auc_of_rank(told, here) == pytest.approx(auc_of_rank(shuffled, there), abs=1e-12)
        assert auc_out_of_fold(told, here, smoothing=20) == pytest.approx(
            auc_out_of_fold(shuffled, there, smoothing=20), abs=1e-9
        )
