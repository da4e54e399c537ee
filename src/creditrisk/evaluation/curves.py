"""The points behind the plots: bounded in number, the same for the same rows, in any order of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk import stats

type Floats = NDArray[np.float64]

MOST_POINTS = 200

LEAST_PER_PANEL = 200
"""Rows of a segment's group that gets a reliability plot of its own."""

MOST_PANELS = 8


def curves(y: ArrayLike, pd: ArrayLike, score: ArrayLike, *, level: float = 0.95) -> dict[str, Any]:
    """All curves by name, as lists for JSON; those that need both classes are left out when one is absent.

    y: shape (n,), 1 = bad, n > 0.  pd: shape (n,), in [0, 1].  score: shape (n,), points.
    """
    target, promise, points = np.asarray(y), np.asarray(pd, dtype=np.float64), np.asarray(score, dtype=np.float64)
    drawn: dict[str, Any] = {
        "calibration": calibration(target, promise, level=level),
        "pd_histogram": pd_histogram(target, promise),
    }
    if np.any(target == 1) and np.any(target == 0):
        drawn["roc"] = roc(target, promise)
        drawn["precision_recall"] = precision_recall(target, promise)
        drawn["gains"] = gains(target, promise)
        drawn["score_distribution"] = score_distribution(target, points)
    return drawn


def roc(y: ArrayLike, pd: ArrayLike) -> dict[str, Any]:
    """Shares of bads and of goods at or above each cut-off, from (0, 0) to (1, 1)."""
    bads, goods = stats.roc_points(y, pd)
    kept = _evenly(bads + goods)
    return {"goods_share": _listed(goods[kept]), "bads_share": _listed(bads[kept])}


def precision_recall(y: ArrayLike, pd: ArrayLike) -> dict[str, Any]:
    """Precision against recall; `chance` is the default rate, the precision of declining at random."""
    recall, rows, rate = _from_the_top(y, pd)
    precision = recall[1:] * rate / rows[1:]  # nobody declined has no precision
    kept = _evenly(recall[1:])
    return {"recall": _listed(recall[1:][kept]), "precision": _listed(precision[kept]), "chance": round(rate, 9)}


def gains(y: ArrayLike, pd: ArrayLike) -> dict[str, Any]:
    """Riskiest first: share of all bads met within each share of rows, and lift: how many times more than at random."""
    bads, rows, _ = _from_the_top(y, pd)
    at = np.linspace(0.0, 1.0, 101)
    met = np.interp(at, rows, bads)  # within a tie, rows count evenly
    return {"rows_share": _listed(at), "bads_share": _listed(met), "lift": _listed(met[1:] / at[1:])}


def calibration(y: ArrayLike, pd: ArrayLike, *, level: float = 0.95) -> dict[str, Any]:
    """Groups of equal size, lowest PD first: mean PD, default rate, Wilson's interval, rows, bads.

    Ten groups, up to twenty where each can hold 200 rows.
    """
    groups = stats.reliability(y, pd, bins=min(max(len(np.asarray(y)) // 200, 10), 20))
    counts = list(zip(groups.bads.tolist(), groups.rows.tolist(), strict=True))
    intervals = [stats.wilson_interval(bads, rows, level=level) for bads, rows in counts]
    return {
        "mean_pd": _listed(groups.mean_pd),
        "default_rate": _listed(groups.bad_rate),
        "low": _listed(np.array([interval.low for interval in intervals])),
        "high": _listed(np.array([interval.high for interval in intervals])),
        "rows": groups.rows.tolist(),
        "bads": groups.bads.tolist(),
        "level": level,
    }


def calibration_by_segment(
    y: ArrayLike, pd: ArrayLike, segments: Mapping[str, ArrayLike], *, level: float = 0.95
) -> list[dict[str, Any]]:
    """`calibration` of each segment's groups with enough rows, at most eight: the largest, in the segments' order.

    segments: name -> each row's group, shape (n,).
    """
    target, promise = np.asarray(y), np.asarray(pd, dtype=np.float64)
    panels = []
    for segment, words in sorted(segments.items()):
        groups = np.asarray(words, dtype=np.str_)
        for group in np.unique(groups).tolist():
            rows = groups == group
            if np.count_nonzero(rows) >= LEAST_PER_PANEL:
                told = calibration(target[rows], promise[rows], level=level)
                panels.append({"segment": segment, "group": group, **told})
    largest = sorted(panels, key=lambda panel: -sum(panel["rows"]))[:MOST_PANELS]
    return sorted(largest, key=panels.index)


def score_distribution(y: ArrayLike, score: ArrayLike) -> dict[str, Any]:
    """Share of the goods and of the bads in bands of points of equal, whole width (at most 40)."""
    points, bad = np.asarray(score, dtype=np.float64), np.asarray(y) == 1
    first, last = np.floor(points.min()), np.floor(points.max()) + 1
    width = max(int(np.ceil((last - first) / 40)), 1)
    edges = np.arange(first, last + width, width, dtype=np.float64)
    shares = {
        name: np.histogram(points[rows], bins=edges)[0] / max(int(np.count_nonzero(rows)), 1)
        for name, rows in (("goods", ~bad), ("bads", bad))
    }
    return {"edges": _listed(edges), "goods": _listed(shares["goods"]), "bads": _listed(shares["bads"])}


def pd_histogram(y: ArrayLike, pd: ArrayLike) -> dict[str, Any]:
    """Rows in 40 bands of PD from 0 to the 99.5th percentile; those above stand in `beyond`."""
    promise = np.asarray(pd, dtype=np.float64)
    top = max(float(np.quantile(promise, 0.995, method="inverted_cdf")), 1e-6)
    counts, edges = np.histogram(promise[promise <= top], bins=40, range=(0.0, top))
    return {
        "edges": _listed(edges),
        "rows": counts.tolist(),
        "beyond": int(np.count_nonzero(promise > top)),
        "mean_pd": round(float(np.mean(np.sort(promise))), 9),
        "default_rate": round(float(np.mean(np.asarray(y) == 1)), 9),
    }


def _from_the_top(y: ArrayLike, pd: ArrayLike) -> tuple[Floats, Floats, float]:
    """Shares of bads and of rows at or above each distinct PD, with a leading zero, and the default rate."""
    rate = float(np.mean(np.asarray(y) == 1))
    bads, goods = stats.roc_points(y, pd)
    return bads, bads * rate + goods * (1.0 - rate), rate


def _evenly(along: Floats) -> NDArray[np.int64]:
    """At most MOST_POINTS indices, first and last among them, spread evenly over the rising `along`."""
    wanted = np.linspace(along[0], along[-1], MOST_POINTS - 1)
    kept = np.minimum(np.searchsorted(along, wanted), len(along) - 1)
    return np.unique(np.append(kept, len(along) - 1))


def _listed(values: Floats) -> list[float]:
    """Nine decimals: finer than any eye, and rid of the last bits that depend on the order of a sum."""
    return [round(float(value), 9) for value in values]
