"""What each input does to the PD when it alone moves by a tenth of the applicants, or to the next category."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creditrisk import stats

type Values = NDArray[np.float32]
type Floats = NDArray[np.float64]


def evenly_by_pd(pd: Floats, most: int) -> NDArray[np.int64]:
    """At most `most` places, spread evenly over the rows in order of PD; a stable choice, rising."""
    order = np.argsort(pd, kind="stable")
    return np.sort(order[np.unique(np.linspace(0, len(pd) - 1, min(most, len(pd))).astype(np.int64))])


def sensitivity(
    values: Values,
    names: Sequence[str],
    reference: Mapping[str, Mapping[str, Any]],
    pd_of: Callable[[Values], Floats],
    verdict_of: Callable[[Floats], NDArray[np.int64]],
) -> list[dict[str, Any]]:
    """One row for each input, those that move the PD most first.

    values: preprocessed rows, shape (n, inputs), named by `names`.  reference: {input: frozen bins of the development
    rows}.  pd_of: rows to PDs, shape (n,).  verdict_of: PDs to decisions.
    A number is raised, and lowered, to the middle value that these rows hold in the next filled bin; a category turns
    into the next and the previous one of the vocabulary. Blanks, and the highest and lowest bin, stay: `moved` counts
    the rows that could move. Changes are over those rows: mean and 95th percentile of the absolute change of PD, mean
    change when raised and when lowered, share of decisions that flip either way.
    """
    base = pd_of(values)
    decided = verdict_of(base)
    told = []
    for place, name in enumerate(names):
        raised, lowered = _moved(values[:, place].astype(np.float64), reference[name])
        told.append({"feature": name, **_change(values, place, (raised, lowered), base, decided, pd_of, verdict_of)})
    return sorted(told, key=lambda row: (-(row["mean_change"] or 0.0), row["feature"]))


def _moved(column: Floats, frozen: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """The column raised and lowered by one step; NaN where it cannot move."""
    if frozen["kind"] == "category":
        words = len(frozen["categories"])
        if words < 2:
            return np.full_like(column, np.nan), np.full_like(column, np.nan)
        return (column + 1) % words, (column - 1) % words
    bins = np.searchsorted(np.asarray(frozen["edges"], dtype=np.float64), column, side="right")
    present = ~np.isnan(column)
    filled = np.unique(bins[present])
    middles = np.array([np.quantile(column[present & (bins == one)], 0.5, method="inverted_cdf") for one in filled])
    stepped = []
    for step in (1, -1):
        place = np.searchsorted(filled, bins) + step
        able = present & (place >= 0) & (place < len(filled))
        target = np.full_like(column, np.nan)
        target[able] = middles[place[able]]
        stepped.append(target)
    return stepped[0], stepped[1]


def _change(
    values: Values,
    place: int,
    targets: tuple[Floats, Floats],
    base: Floats,
    decided: NDArray[np.int64],
    pd_of: Callable[[Values], Floats],
    verdict_of: Callable[[Floats], NDArray[np.int64]],
) -> dict[str, Any]:
    able = [np.flatnonzero(~np.isnan(target)) for target in targets]
    rows = np.concatenate(able)
    if not len(rows):
        return {"moved": 0, "mean_change": None, "p95_change": None, "mean_when_raised": None,
                "mean_when_lowered": None, "decisions_flipped": None, "reason": "no row could move"}  # fmt: skip
    changed = values[rows].copy()
    changed[:, place] = np.concatenate([target[kept] for target, kept in zip(targets, able, strict=True)])
    pds = pd_of(changed)
    change = pds - base[rows]
    up = len(able[0])
    return {
        "moved": len(rows),
        "mean_change": float(np.mean(np.abs(change))),
        "p95_change": float(np.quantile(np.abs(change), 0.95, method="inverted_cdf")),
        "mean_when_raised": float(np.mean(change[:up])) if up else None,
        "mean_when_lowered": float(np.mean(change[up:])) if up < len(rows) else None,
        "decisions_flipped": stats.wilson_interval(
            int(np.count_nonzero(verdict_of(pds) != decided[rows])), len(rows)
        ).as_json(),
        "reason": None,
    }
