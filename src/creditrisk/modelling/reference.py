"""What the development rows looked like, in frozen bins, so that drift can be measured without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.modelling.preprocess import Feature, Preprocess, numbers
from creditrisk.stats import bin_counts, bin_places, quantile_edges

REFERENCE_SCHEMA = 2
"""Of reference.json. 1 (it does not say so): without ranges, centres, importance, raw columns, grades, decisions and
calibration; what needs them cannot be told of such a bundle."""

BINS = 10

MOST_WORDS = 50
"""Of a raw column of text: its most frequent words. The others are counted together, before and now."""

LEAST_ROWS_OF_A_WORD = 10
"""A word that fewer development rows have may name somebody: it does not stand in a bundle."""

type Floats = NDArray[np.float64]


def reference_of(
    development: pa.Table,
    preprocess: Preprocess,
    pd: Floats,
    score: NDArray[np.int32],
    importance: Mapping[str, float],
) -> dict[str, Any]:
    """Histograms of each feature, and of the out-of-fold PD and score, over the development rows.

    A number has `edges` (an edge belongs to the bin above it), `counts` (bins, then missing), `centres` (mean of the
    rows in each bin), `low`, `high` and `spread` (standard deviation); a category has `categories` and `counts` (one
    for each, then words not listed, then missing).  importance: {feature: the model's share of it}.
    """
    return {
        "schema_version": REFERENCE_SCHEMA,
        "rows": development.num_rows,
        "features": {
            feature.name: {
                **histogram(development.column(feature.name), feature),
                "importance": _short(importance.get(feature.name, 0.0)),
            }
            for feature in preprocess.features
        },
        "pd": _numeric(pd) | {"mean": float(np.mean(pd))},
        "score": _numeric(score.astype(np.float64)),
    }


def with_answers(
    reference: Mapping[str, Any], grades: Mapping[str, int], decisions: Mapping[str, int]
) -> dict[str, Any]:
    """The reference with how many development rows got each grade and each decision, in their order."""
    return {**reference, "grades": _answers(grades), "decisions": _answers(decisions)}


def calibration_by_grade(
    target: Floats, pd: Floats, grade: NDArray[np.intp], names: Sequence[str], rows_are: str
) -> dict[str, Any]:
    """What the PDs promised and what came, by grade and in all. target, pd, grade (place in names): shape (n,)."""
    told = [
        {"grade": name, **_promised(target[grade == place], pd[grade == place])} for place, name in enumerate(names)
    ]
    return {"rows_are": rows_are, **_promised(target, pd), "grades": told}


def raw_histogram(column: pa.ChunkedArray[Any]) -> dict[str, Any] | None:
    """Of a raw column; None for dates and what else is neither number, boolean nor text."""
    kind = column.type
    if (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    ):
        return histogram(column, Feature("", "number"))
    if not pa.types.is_string(kind) and not pa.types.is_large_string(kind):
        return None
    return histogram(column, Feature("", "category", _frequent_words(column)))


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


def _frequent_words(column: pa.ChunkedArray[Any]) -> tuple[str, ...]:
    counted = Counter({str(row["values"]): row["counts"] for row in pc.value_counts(column.drop_null()).to_pylist()})
    frequent = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:MOST_WORDS]
    return tuple(sorted(word for word, rows in frequent if rows >= LEAST_ROWS_OF_A_WORD))


def _numeric(values: Floats) -> dict[str, Any]:
    edges = quantile_edges(values, BINS)
    counts = bin_counts(values, edges)
    stated = values[~np.isnan(values)]
    return {
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "missing_share": int(counts[-1]) / max(len(values), 1),
        "centres": _centres(stated, edges, counts[:-1]),
        "low": float(np.min(stated)) if len(stated) else None,
        "high": float(np.max(stated)) if len(stated) else None,
        "spread": _short(np.std(stated)) if len(stated) else None,
    }


def _centres(stated: Floats, edges: Floats, counts: NDArray[np.int64]) -> list[float | None]:
    """The mean of the rows in each bin; of an empty one beside the only value, that value."""
    if not len(stated):
        return [None]
    sums = np.bincount(bin_places(stated, edges), weights=stated, minlength=len(edges) + 1)[: len(counts)]
    only = float(stated[0])
    return [_short(total / rows) if rows else only for total, rows in zip(sums, counts.tolist(), strict=True)]


def _short(value: float) -> float:
    """Without the last digits, which depend on how a sum was added up."""
    return float(f"{value:.12g}")


def _answers(rows: Mapping[str, int]) -> dict[str, Any]:
    return {"kind": "category", "categories": list(rows), "counts": [*rows.values(), 0, 0], "missing_share": 0.0}


def _promised(target: Floats, pd: Floats) -> dict[str, Any]:
    return {
        "rows": len(target),
        "bads": int(np.sum(target)),
        "mean_pd": _short(np.mean(pd)) if len(pd) else None,
        "variance": _short(np.sum(pd * (1.0 - pd))),
    }
