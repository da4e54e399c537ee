"""What the development rows looked like, in frozen bins, so that drift can be measured without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.modelling.preprocess import Feature, Preprocess, numbers
from creditrisk.stats import bin_counts, quantile_edges

BINS = 10


def reference_of(
    development: pa.Table, preprocess: Preprocess, pd: NDArray[np.float64], score: NDArray[np.int32]
) -> dict[str, Any]:
    """Histograms of each feature, and of the out-of-fold PD and score, over the development rows.

    A number has `edges` (an edge belongs to the bin above it) and `counts` (bins, then missing); a category has
    `categories` and `counts` (one for each, then words not listed, then missing).
    """
    return {
        "rows": development.num_rows,
        "features": {
            feature.name: histogram(development.column(feature.name), feature) for feature in preprocess.features
        },
        "pd": _numeric(pd) | {"mean": float(np.mean(pd))},
        "score": _numeric(score.astype(np.float64)),
    }


def histogram(column: pa.ChunkedArray[Any], feature: Feature) -> dict[str, Any]:
    if feature.kind == "number":
        values = numbers(column)
        return {"kind": "number", **_numeric(np.where(np.isfinite(values), values, np.nan))}
    return {
        "kind": "category",
        "categories": list(feature.categories),
        "counts": category_counts(column, feature.categories),
        "missing_share": column.null_count / max(len(column), 1),
    }


def category_counts(column: pa.ChunkedArray[Any], categories: tuple[str, ...]) -> list[int]:
    """Rows of each category, then of words not listed, then missing."""
    codes: Any = pc.index_in(column.cast(pa.string()), value_set=pa.array(categories, pa.string()))
    index = numbers(codes)
    known = np.bincount(index[~np.isnan(index)].astype(np.int64), minlength=len(categories))
    return [*known.tolist(), len(column) - column.null_count - int(np.sum(known)), column.null_count]


def _numeric(values: NDArray[np.float64]) -> dict[str, Any]:
    edges = quantile_edges(values, BINS)
    counts = bin_counts(values, edges)
    return {
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "missing_share": int(counts[-1]) / max(len(values), 1),
    }
