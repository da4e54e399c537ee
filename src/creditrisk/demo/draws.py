"""How invented columns are drawn: uniforms that follow a hidden factor, turned into categories, numbers and gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtr

type Rng = np.random.Generator
type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]
type Bools = npt.NDArray[np.bool_]


DAYS_PER_MONTH = 30.4375


def following(rng: Rng, factor: Floats, strength: float) -> Floats:
    """Uniforms in (0, 1) that rise with a standard normal factor; strength is the correlation of the normals."""
    own = rng.standard_normal(factor.shape)
    return np.asarray(ndtr(strength * factor + np.sqrt(1.0 - strength * strength) * own))


def rank(factor: Floats) -> Floats:
    """The share of people below, in (0, 1), of a standard normal factor."""
    return np.asarray(ndtr(factor))


def pick(shares: Mapping[str, float], uniform: Floats) -> pl.Series:
    """A category for each uniform: low uniforms get the first names. `shares` need not sum to one."""
    return named(pick_index(list(shares.values()), uniform), list(shares))


def pick_index(shares: Sequence[float], uniform: Floats) -> Ints:
    """As `pick`, giving the position in `shares`."""
    limits = np.cumsum(shares) / np.sum(shares)
    return np.searchsorted(limits[:-1], uniform, side="right").astype(np.int64)


def named(index: Ints, names: Sequence[str]) -> pl.Series:
    """Positions as the words they stand for."""
    physical = np.uint8 if len(names) < 256 else np.uint16
    return pl.Series(index.astype(physical)).cat.to(pl.Enum(names))


def quantile(points: Sequence[tuple[float, float]], uniform: Floats) -> Floats:
    """The value at each uniform of a distribution given by some of its quantiles, (share below, value) rising."""
    shares, values = zip(*points, strict=True)
    return np.interp(uniform, shares, values)


def number(values: npt.ArrayLike, missing: Bools | None = None, digits: int | None = None) -> pl.Series:
    """A column written with a decimal point ("-492.0"); NULL where missing or not a number."""
    column = np.array(values, dtype=np.float64) + 0.0  # plus zero, so that no "-0.0" is ever written
    if digits is not None:
        column = np.round(column, digits) + 0.0
    if missing is not None:
        column[missing] = np.nan
    return pl.Series(column, nan_to_null=True)


def whole(values: npt.ArrayLike) -> pl.Series:
    """A column of integers, written without a decimal point."""
    return pl.Series(np.asarray(values).astype(np.int64))


def gaps(column: pl.Series, missing: Bools) -> pl.Series:
    """The same column with NULL where `missing`."""
    keep = pl.Series(~missing)
    return pl.select(pl.when(keep).then(column)).to_series()


def step(values: Floats, size: float) -> Floats:
    """Rounded to a multiple of `size` (Home Credit's amounts are multiples of 4.5 or 4500)."""
    return np.round(values / size) * size


def logistic(logit: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-logit))


def within(counts: Ints) -> tuple[Ints, Ints]:
    """For groups of these sizes laid end to end: the group of each row, and its place in the group from 0.

    >>> within(np.array([2, 0, 1]))
    (array([0, 0, 2]), array([0, 1, 0]))
    """
    group = np.repeat(np.arange(counts.size), counts)
    first = np.cumsum(counts) - counts
    return group, np.arange(group.size) - first[group]


def one_plus_skewed(rng: Rng, mean: Floats, shape: float) -> Ints:
    """Counts from 1 with that mean, skewed as gamma-mixed Poisson counts are (small shape: long tail)."""
    return 1 + rng.poisson(rng.gamma(shape, np.maximum(mean - 1.0, 0.0) / shape))
