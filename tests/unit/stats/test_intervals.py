"""Intervals against published figures and by their own promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from creditrisk.errors import BadData
from creditrisk.stats import bootstrap_interval, roc_auc, wilson_interval


@pytest.mark.parametrize(("hits", "rows"), [(0, 10), (1, 10), (10, 10), (81, 263), (15, 148)])
def test_wilson_interval_agrees_with_scipy(hits: int, rows: int) -> None:
    reference = binomtest(hits, rows).proportion_ci(method="wilson")
    interval = wilson_interval(hits, rows)
    assert interval.value == hits / rows
    assert interval.low == pytest.approx(reference.low, abs=1e-12)
    assert interval.high == pytest.approx(reference.high, abs=1e-12)


def test_wilson_interval_of_a_published_example() -> None:
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662
    interval = wilson_interval(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


def test_share_of_no_rows_is_refused() -> None:
    with pytest.raises(BadData, match="no rows"):
        wilson_interval(0, 0)


def test_bootstrap_interval_is_the_same_for_the_same_seed_and_holds_the_value() -> None:
    random = np.random.default_rng(5)
    values = random.normal(3.0, 1.0, 500)
    one = bootstrap_interval(lambda rows: float(np.mean(rows)), values, seed=1)
    assert one == bootstrap_interval(lambda rows: float(np.mean(rows)), values, seed=1)
    assert one != bootstrap_interval(lambda rows: float(np.mean(rows)), values, seed=2)
    assert one.low < one.value < one.high
    assert one.high - one.low == pytest.approx(2 * 1.96 / 500**0.5, rel=0.15)


def test_bootstrap_leaves_out_resamples_of_one_class() -> None:
    y, p = np.array([1, 0, 0, 0]), np.array([0.9, 0.2, 0.3, 0.1])
    interval = bootstrap_interval(roc_auc, y, p, seed=3, rounds=50)
    assert (interval.low, interval.value, interval.high) == (1.0, 1.0, 1.0)
