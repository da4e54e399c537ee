"""Log-odds and probabilities, and the one-variable logistic regression that calibration and its tests share."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

LOG_ODDS_BOUND = 30.0
"""Beyond it (1e-13) a float64 probability loses its digits; no probability leaves 0 < p < 1."""


def sigmoid(log_odds: Floats) -> Floats:
    """Probability from log-odds, shape (n,). Rises with log_odds, never 0 or 1.

    The C library's exp, one element at a time: numpy picks a vectorised exp by processor, whose last bit differs from
    the scalar one, and a replayed decision must not depend on the machine or on its neighbours in a batch.
    """
    bounded = np.clip(log_odds, -LOG_ODDS_BOUND, LOG_ODDS_BOUND)
    exponentials = np.fromiter(map(math.exp, (-bounded).tolist()), dtype=np.float64, count=len(bounded))
    return 1.0 / (1.0 + exponentials)


def log_elementwise(values: Floats) -> Floats:
    """Natural logarithm of positive numbers, shape (n,); element by element for the reason given at `sigmoid`."""
    return np.fromiter(map(math.log, values.tolist()), dtype=np.float64, count=len(values))


def logit(probability: Floats) -> Floats:
    """Log-odds of probabilities strictly between 0 and 1, shape (n,)."""
    return log_elementwise(probability / (1.0 - probability))


def softplus_both_ways(values: Floats) -> tuple[Floats, Floats]:
    """ln(1 + e^-x) and ln(1 + e^x), each shape (n,), finite for any finite x.

    They share what costs: it is made element by element for the reason given at `sigmoid`.
    """
    both = map(math.log1p, map(math.exp, (-np.abs(values)).tolist()))
    rest = np.fromiter(both, dtype=np.float64, count=len(values))
    return np.maximum(-values, 0.0) + rest, np.maximum(values, 0.0) + rest


def fit_line(log_odds: Floats, target: Floats, *, slope: float | None = None) -> tuple[float, float]:
    """Slope and intercept of P(target) = sigmoid(slope * log_odds + intercept), by maximum likelihood (Newton).

    log_odds: shape (n,).  target: shape (n,), in [0, 1] (Platt's smoothed targets are fine).
    slope: held fixed at this value when given; only the intercept is then fitted.
    The likelihood has no maximum when log_odds separates the targets: iteration stops at a slope of some size.
    """
    mean = min(max(float(np.mean(target)), 1e-12), 1.0 - 1e-12)
    centre, spread = float(np.mean(log_odds)), float(np.std(log_odds)) or 1.0
    z = (log_odds - centre) / spread
    a = 0.0 if slope is None else slope * spread
    b = math.log(mean / (1.0 - mean))
    loss = _mean_loss(a * z + b, target)
    for _ in range(100):
        step_a, step_b = _newton_step(a, b, z, target, free_slope=slope is None)
        size = 1.0
        while (tried := _mean_loss((a - size * step_a) * z + b - size * step_b, target)) > loss + 1e-15 and size > 1e-9:
            size /= 2.0
        a, b, loss = a - size * step_a, b - size * step_b, min(tried, loss)
        if max(abs(step_a), abs(step_b)) < 1e-12:
            break
    return a / spread, b - a * centre / spread


def fit_plane(columns: Floats, target: Floats, offset: Floats | None = None) -> tuple[Floats, float]:
    """Weights and intercept of P(target) = sigmoid(columns @ weights + intercept + offset), by maximum likelihood.

    columns: shape (n, k), k small.  target: shape (n,), in [0, 1].  offset: shape (n,), held fixed.
    Of columns that say the same (or nothing) the smallest weights are taken.
    """
    held = np.zeros(len(target)) if offset is None else offset
    centre, spread = columns.mean(axis=0), columns.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    z = np.column_stack([(columns - centre) / spread, np.ones(len(target))])
    weights = np.zeros(z.shape[1])
    loss = _mean_loss(z @ weights + held, target)
    for _ in range(100):
        p = sigmoid(z @ weights + held)
        gradient = z.T @ (p - target)
        curvature = (z * (p * (1.0 - p))[:, None]).T @ z
        step = np.linalg.lstsq(curvature, gradient, rcond=1e-12)[0]
        size = 1.0
        while (tried := _mean_loss(z @ (weights - size * step) + held, target)) > loss + 1e-15 and size > 1e-9:
            size /= 2.0
        weights, loss = weights - size * step, min(tried, loss)
        if np.max(np.abs(step)) < 1e-12:
            break
    slopes = weights[:-1] / spread
    return slopes, float(weights[-1] - slopes @ centre)


def _newton_step(a: float, b: float, z: Floats, target: Floats, *, free_slope: bool) -> tuple[float, float]:
    p = sigmoid(a * z + b)
    residual, weight = p - target, p * (1.0 - p)
    g_a, g_b = float(np.sum(residual * z)), float(np.sum(residual))
    h_aa, h_ab, h_bb = (float(np.sum(weight * power)) for power in (z * z, z, np.ones_like(z)))
    determinant = h_aa * h_bb - h_ab * h_ab
    if not free_slope or determinant <= 1e-12 * max(h_aa * h_bb, 1e-300):
        return 0.0, g_b / max(h_bb, 1e-300)
    return (h_bb * g_a - h_ab * g_b) / determinant, (h_aa * g_b - h_ab * g_a) / determinant


def _mean_loss(log_odds: Floats, target: Floats) -> float:
    """Mean negative log likelihood, written so that large log-odds do not overflow."""
    return float(np.mean(np.logaddexp(0.0, log_odds) - target * log_odds))
