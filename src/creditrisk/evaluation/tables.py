"""Rows for JSON: promise against outcome by grade, part and vintage; what the model leans on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk import stats
from creditrisk.errors import BadData

type Labels = Sequence[str] | NDArray[np.str_]


def grade_table(
    y: ArrayLike, pd: ArrayLike, grade: Labels, grades: Sequence[str], *, level: float = 0.95
) -> list[dict[str, Any]]:
    """One row per name in `grades`, in that order: n, bads, share, mean PD, observed rate with Wilson's interval.

    y, pd, grade: shape (n,).  A grade without rows has None for what it cannot tell.
    Raises BadData when a row has a grade that `grades` does not name.
    """
    target, promise, given = np.asarray(y), np.asarray(pd, dtype=np.float64), np.asarray(grade, dtype=np.str_)
    unknown = sorted(set(given.tolist()) - set(grades))
    if unknown:
        what = f"grades without a rule: {', '.join(unknown[:3])}"
        raise BadData(what, where="evaluation", hint="score the rows again")
    return [
        {"grade": name, "share": _share(given == name), **_row(target[given == name], promise[given == name], level)}
        for name in grades
    ]


def grade_tables(
    y: ArrayLike, pd: ArrayLike, grade: Labels, group: Labels, grades: Sequence[str], *, level: float = 0.95
) -> dict[str, list[dict[str, Any]]]:
    """A grade table for each group (a part of the split, a vintage), by the group's name in sorted order."""
    target, promise = np.asarray(y), np.asarray(pd, dtype=np.float64)
    given, group_of = np.asarray(grade, dtype=np.str_), np.asarray(group, dtype=np.str_)
    tables = {}
    for name in np.unique(group_of).tolist():
        rows = group_of == name
        tables[name] = grade_table(target[rows], promise[rows], given[rows], grades, level=level)
    return tables


def group_table(y: ArrayLike, pd: ArrayLike, group: Labels, *, level: float = 0.95) -> list[dict[str, Any]]:
    """One row per group, sorted: n, bads, share, mean PD, default rate, and AUC (None where one class is absent)."""
    target, promise, group_of = np.asarray(y), np.asarray(pd, dtype=np.float64), np.asarray(group, dtype=np.str_)
    rows = []
    for name in np.unique(group_of).tolist():
        inside = group_of == name
        figures = _row(target[inside], promise[inside], level)
        figures["default_rate"] = figures.pop("observed")
        figures["roc_auc"] = _auc(target[inside], promise[inside], level)
        rows.append({"group": name, "share": _share(inside), **figures})
    return rows


def importance_table(shares: Mapping[str, float], words: Mapping[str, str]) -> list[dict[str, Any]]:
    """Features with their share of the model's importance, largest first, equal ones by name.

    shares: {feature: share}, as an estimator's `importance` tells them.  words: {feature: what an applicant reads}.
    """
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return [{"feature": name, "share": float(share), "reason": words.get(name, "")} for name, share in ordered]


def quarters(dates: ArrayLike) -> NDArray[np.str_]:
    """The vintage of each date, e.g. '2011-Q3'; shape (n,), a missing date is 'unknown'.

    dates: shape (n,), datetime64 or ISO text.
    """
    months = np.asarray(dates, dtype="datetime64[M]")
    missing = np.isnat(months)
    since_1970 = np.where(missing, 0, months.astype(np.int64))
    years, quarter = 1970 + since_1970 // 12, since_1970 % 12 // 3 + 1
    named = np.char.add(np.char.add(years.astype(np.str_), "-Q"), quarter.astype(np.str_))
    return np.where(missing, "unknown", named)


def _row(y: NDArray[Any], pd: NDArray[np.float64], level: float) -> dict[str, Any]:
    n, bads = len(y), int(np.count_nonzero(y == 1))
    observed = stats.wilson_interval(bads, n, level=level).as_json() if n else None
    return {"n": n, "bads": bads, "mean_pd": float(np.mean(pd)) if n else None, "observed": observed}


def _share(rows: NDArray[np.bool_]) -> float | None:
    return float(np.count_nonzero(rows) / len(rows)) if len(rows) else None


def _auc(y: NDArray[Any], pd: NDArray[np.float64], level: float) -> dict[str, float] | None:
    if np.all(y == 1) or np.all(y == 0):
        return None
    return stats.auc_interval(y, pd, level=level).as_json()
