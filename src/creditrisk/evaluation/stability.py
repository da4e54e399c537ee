"""Have the rows moved since the model was learnt, and does it rank every vintage and segment alike?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from creditrisk import stats
from creditrisk.evaluation.tables import quarters
from creditrisk.evaluation.verdicts import FAIL, NOT_ENOUGH, PASS, counted, worst
from creditrisk.modelling.preprocess import numbers
from creditrisk.modelling.reference import category_counts

MOST_QUARTERS = 16
"""Of a file of more, vintages are years."""

type Labels = NDArray[np.str_]


def shift(
    expected: ArrayLike, actual: ArrayLike, *, limit: float, comparisons: int = 1, level: float = 0.95
) -> dict[str, Any]:
    """PSI between two histograms over the same bins, judged by the limit and by what chance brings with these rows.

    expected, actual: rows per bin, shape (bins,).  comparisons: how many such tests are made at once.
    `by_chance` is what the PSI of unmoved rows stays under, all comparisons together with probability `level`.
    Source: Yurdakul & Naranjo (2020): (1/n + 1/m) times chi-square with bins - 1 degrees of freedom.
    """
    before, now = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    rows = {"expected_rows": int(np.sum(before)), "actual_rows": int(np.sum(now))}
    if not all(rows.values()):
        return {
            "psi": None,
            "by_chance": None,
            **rows,
            "verdict": NOT_ENOUGH,
            "reason": f"no rows to compare: {_of(rows)}",
        }
    index = stats.psi(before, now)
    chance = _by_chance(int(np.count_nonzero(before + now)), rows, comparisons, level)
    told = {"psi": index, "by_chance": chance, **rows}
    if index <= limit:
        return {**told, "verdict": PASS, "reason": f"PSI {index:.4f}, not above the limit of {limit:g}"}
    if index <= chance:
        why = (
            f"PSI {index:.4f} is above the limit of {limit:g}, but chance alone brings up to {chance:.4f} ({_of(rows)})"
        )
        return {**told, "verdict": NOT_ENOUGH, "reason": why}
    return {**told, "verdict": FAIL, "reason": f"PSI {index:.4f} is above the limit of {limit:g} ({_of(rows)})"}


def _by_chance(bins: int, rows: Mapping[str, int], comparisons: int, level: float) -> float:
    from scipy.special import chdtri

    if bins < 2:
        return 0.0
    quantile = float(chdtri(bins - 1, (1.0 - level) / max(comparisons, 1)))
    return quantile * (1.0 / rows["expected_rows"] + 1.0 / rows["actual_rows"])


def _of(rows: Mapping[str, int]) -> str:
    return f"{rows['actual_rows']} rows against {rows['expected_rows']}"


def score_shift(reference: Mapping[str, Any], score: ArrayLike, *, limit: float, level: float = 0.95) -> dict[str, Any]:
    """Of the points of these rows, shape (n,), against the development rows' in the bundle's frozen bins."""
    bins = reference["score"]
    return shift(bins["counts"], stats.bin_counts(score, bins["edges"]), limit=limit, level=level)


def feature_shifts(
    reference: Mapping[str, Any],
    rows: pa.Table,
    *,
    limit: float,
    importance: Mapping[str, float] | None = None,
    level: float = 0.95,
) -> list[dict[str, Any]]:
    """Of each feature of the bundle, largest PSI first, in the bundle's frozen bins; corrected for their number.

    importance: {feature: the model's share of it}, told beside, as are the shares of blanks before and now.
    """
    bins: Mapping[str, Mapping[str, Any]] = reference["features"]
    told = []
    for name, frozen in bins.items():
        now = counts_of(rows.column(name), frozen)
        told.append(
            {
                "feature": name,
                "importance": None if importance is None else float(importance.get(name, 0.0)),
                "missing_before": _last_share(frozen["counts"]),
                "missing_now": _last_share(now),
                **shift(frozen["counts"], now, limit=limit, comparisons=len(bins), level=level),
            }
        )
    return sorted(told, key=lambda row: (-(row["psi"] or 0.0), row["feature"]))


def _last_share(counts: ArrayLike) -> float | None:
    rows = np.asarray(counts, dtype=np.float64)
    return float(rows[-1] / np.sum(rows)) if np.sum(rows) else None


def counts_of(column: pa.ChunkedArray[Any], frozen: Mapping[str, Any]) -> NDArray[np.int64]:
    """Rows per bin of a column, in the bins that the bundle froze; an infinite number counts as missing."""
    if frozen["kind"] == "category":
        return np.array(category_counts(column, tuple(frozen["categories"])), dtype=np.int64)
    values = numbers(column)
    return stats.bin_counts(np.where(np.isfinite(values), values, np.nan), frozen["edges"])


def vintages(dates: pa.ChunkedArray[Any]) -> Labels | None:
    """Quarter of each row's date, or its year where there are many quarters; None where no row has a date."""
    if dates.null_count == len(dates):
        return None
    named = quarters(dates.to_numpy(zero_copy_only=False) if isinstance(dates, pa.Array) else dates.to_numpy())
    if len(set(named.tolist())) <= MOST_QUARTERS:
        return named
    return np.array([name.partition("-")[0] for name in named.tolist()], dtype=np.str_)


def ranking_by_group(
    y: ArrayLike,
    pd: ArrayLike,
    group: ArrayLike,
    *,
    drop_max: float,
    least: int = 30,
    level: float = 0.95,
    known: Sequence[str] = (),
) -> dict[str, Any]:
    """AUC of each group against that of all rows: verdict, reason, and a row for each group by name.

    y, pd, group: shape (n,).  known: groups that are listed even when nobody is in them.
    A group fails where its interval, widened for the number of groups, ends below the AUC of all rows less `drop_max`;
    it passes where the plain one begins above. AUC within a group may be lower for no fault of the model, where the
    group is alike in itself.
    """
    target, promise, named = np.asarray(y), np.asarray(pd, dtype=np.float64), np.asarray(group, dtype=np.str_)
    names = sorted({*named.tolist(), *known})
    overall = _auc(target, promise, 1, level)
    floor = overall["value"] - drop_max if overall else None
    told = []
    for name in names:
        inside = named == name
        told.append({"group": name, **_ranked(target[inside], promise[inside], floor, least, len(names), level)})
    verdicts = [row["verdict"] for row in told]
    return {
        "verdict": worst(verdicts),
        "reason": _why(told),
        "counts": counted(verdicts),
        "overall": overall,
        "groups": told,
    }


def _ranked(
    y: NDArray[Any], pd: NDArray[np.float64], floor: float | None, least: int, groups: int, level: float
) -> dict[str, Any]:
    bads, rows = int(np.count_nonzero(y == 1)), len(y)
    told: dict[str, Any] = {
        "rows": rows,
        "bads": bads,
        "default_rate": stats.wilson_interval(bads, rows, level=level).as_json() if rows else None,
        "mean_pd": math.fsum(pd.tolist()) / rows if rows else None,
        "roc_auc": _auc(y, pd, 1, level),
        "corrected": _auc(y, pd, groups, level),
    }
    auc, corrected = told["roc_auc"], told["corrected"]
    if floor is None or auc is None or min(bads, rows - bads) < least:
        why = f"{bads} bads and {rows - bads} goods: an AUC needs {least} of each"
        return {**told, "verdict": NOT_ENOUGH, "reason": why}
    said = f"AUC {auc['value']:.3f}"
    if auc["low"] >= floor:
        return {**told, "verdict": PASS, "reason": f"{said}, surely not below {floor:.3f}"}
    if corrected["high"] < floor:
        return {**told, "verdict": FAIL, "reason": f"{said}, surely below {floor:.3f}"}
    return {**told, "verdict": NOT_ENOUGH, "reason": f"{said}; {floor:.3f} lies within what {bads} bads leave open"}


def _auc(y: NDArray[Any], pd: NDArray[np.float64], tests: int, level: float) -> dict[str, float] | None:
    if not np.any(y == 1) or not np.any(y == 0):
        return None
    return stats.auc_interval(y, pd, level=1.0 - (1.0 - level) / tests).as_json()


def _why(told: Sequence[Mapping[str, Any]]) -> str:
    failed = [f"{row['group']}: {row['reason']}" for row in told if row["verdict"] == FAIL]
    if failed:
        return "; ".join(failed[:3]) + (f"; and {len(failed) - 3} more" if len(failed) > 3 else "")
    counts = counted(row["verdict"] for row in told)
    if len(told) < 2:
        return f"{len(told)} group: there is nothing to compare"
    if counts[NOT_ENOUGH]:
        return f"{counts[PASS]} of {len(told)} groups pass, {counts[NOT_ENOUGH]} have too few bads or goods to tell"
    return f"all {len(told)} groups pass"
