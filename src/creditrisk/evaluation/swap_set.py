"""Who would change sides if this model replaced the previous one, and how they fared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk import stats
from creditrisk.errors import BadData
from creditrisk.evaluation.verdicts import FAIL, NOT_ENOUGH, PASS
from creditrisk.stats.two_shares import share_difference_interval


def swap_set(
    y: ArrayLike,
    pd: ArrayLike,
    approved: ArrayLike,
    previous_pd: ArrayLike,
    previous_approved: ArrayLike,
    *,
    level: float = 0.95,
) -> dict[str, Any]:
    """Four groups of the same rows by what the two models say, and whether those swapped in fare better.

    y: 1 = bad; every column of shape (n,).  Each group has rows, bads, bad rate with interval and both models' mean PD.
    It passes where fewer of those swapped in turn bad than of those swapped out, and fails where more do, in each case
    by more than chance explains.  Raises BadData for columns of different lengths.
    """
    target, now, before = (
        np.asarray(y),
        np.asarray(approved, dtype=np.bool_),
        np.asarray(previous_approved, dtype=np.bool_),
    )
    new, old = np.asarray(pd, dtype=np.float64), np.asarray(previous_pd, dtype=np.float64)
    if len({len(column) for column in (target, now, before, new, old)}) > 1:
        raise BadData("columns of different lengths", where="swap set")
    groups = {
        "approved_by_both": _group(target, new, old, now & before, level),
        "swapped_in": _group(target, new, old, now & ~before, level),
        "swapped_out": _group(target, new, old, ~now & before, level),
        "approved_by_neither": _group(target, new, old, ~now & ~before, level),
    }
    return {**_judged(groups["swapped_in"], groups["swapped_out"], level), "groups": groups}


def _group(
    y: NDArray[Any], pd: NDArray[np.float64], previous: NDArray[np.float64], inside: NDArray[np.bool_], level: float
) -> dict[str, Any]:
    rows, bads = int(np.count_nonzero(inside)), int(np.count_nonzero(inside & (y == 1)))
    return {
        "rows": rows,
        "share": rows / len(y) if len(y) else None,
        "bads": bads,
        "bad_rate": stats.wilson_interval(bads, rows, level=level).as_json() if rows else None,
        "mean_pd": math.fsum(pd[inside].tolist()) / rows if rows else None,
        "previous_mean_pd": math.fsum(previous[inside].tolist()) / rows if rows else None,
    }


def _judged(came: dict[str, Any], went: dict[str, Any], level: float) -> dict[str, Any]:
    said = f"{came['bads']} of {came['rows']} swapped in turned bad, {went['bads']} of {went['rows']} swapped out"
    if not came["rows"] and not went["rows"]:
        return {"verdict": NOT_ENOUGH, "reason": "nobody changes sides", "difference": None}
    if not came["rows"] or not went["rows"]:
        return {"verdict": NOT_ENOUGH, "reason": f"{said}: one side is empty", "difference": None}
    apart = share_difference_interval(came["bads"], came["rows"], went["bads"], went["rows"], level=level)
    if apart.high < 0.0:
        verdict, why = PASS, "fewer, by more than chance explains"
    elif apart.low > 0.0:
        verdict, why = FAIL, "more, by more than chance explains"
    else:
        verdict, why = NOT_ENOUGH, "chance explains the difference"
    return {"verdict": verdict, "reason": f"{said}: {why}", "difference": apart.as_json()}
