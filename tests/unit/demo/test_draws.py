from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from creditrisk.demo.draws import following, gaps, number, one_plus_skewed, pick, quantile, within


def test_pick_gives_the_first_names_to_low_uniforms() -> None:
    chosen = pick({"safe": 0.5, "middle": 0.25, "risky": 0.25}, np.array([0.0, 0.49, 0.5, 0.74, 0.99]))
    assert chosen.to_list() == ["safe", "safe", "middle", "middle", "risky"]


def test_pick_takes_more_names_than_a_byte_can_count() -> None:
    names = {f"month {k}": 1.0 for k in range(300)}
    assert pick(names, np.array([0.999])).to_list() == ["month 299"]


def test_following_keeps_uniforms_uniform_and_ties_them_to_the_factor() -> None:
    rng = np.random.default_rng(1)
    factor = rng.standard_normal(40_000)
    uniform = following(rng, factor, 0.6)
    assert uniform.mean() == pytest.approx(0.5, abs=0.01)
    assert uniform.std() == pytest.approx(np.sqrt(1 / 12), abs=0.01)
    assert np.corrcoef(factor, uniform)[0, 1] == pytest.approx(0.58, abs=0.03)


def test_numbers_are_written_with_a_point_and_zero_has_no_sign() -> None:
    column = number([-492, -0.0, 3], np.array([False, False, True]))
    assert pl.DataFrame({"x": column}).write_csv() == "x\n-492.0\n0.0\n\n"


def test_gaps_keep_the_other_values() -> None:
    assert gaps(pl.Series(["a", "b", "c"]), np.array([False, True, False])).to_list() == ["a", None, "c"]


def test_quantile_interpolates_between_the_known_points() -> None:
    assert quantile(((0.0, 10.0), (0.5, 20.0), (1.0, 40.0)), np.array([0.25, 0.75])).tolist() == [15.0, 30.0]


def test_within_numbers_the_rows_of_each_group() -> None:
    group, place = within(np.array([2, 0, 3]))
    assert group.tolist() == [0, 0, 2, 2, 2]
    assert place.tolist() == [0, 1, 0, 1, 2]


def test_within_of_nobody_is_empty() -> None:
    group, place = within(np.array([], dtype=np.int64))
    assert group.size == place.size == 0


def test_skewed_counts_start_at_one_and_keep_their_mean() -> None:
    counts = one_plus_skewed(np.random.default_rng(1), np.full(40_000, 5.0), 1.7)
    assert counts.min() == 1
    assert counts.mean() == pytest.approx(5.0, rel=0.02)
    assert np.quantile(counts, 0.99) > 15
