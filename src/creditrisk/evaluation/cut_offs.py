"""What each cut-off would do: who is approved, how many of them fail, what is lost and earned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creditrisk import stats
from creditrisk.errors import BadData

type Floats = NDArray[np.float64]

RATES = tuple(share / 100 for share in range(5, 101, 5))


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one loan, in the book's units: lost when it is approved and turns bad, earned when it is approved and good."""

    bad: float
    good: float


@dataclass(frozen=True, slots=True)
class _Ordered:
    """The rows by rising PD: sums over the first k of them, shape (n + 1,)."""

    pd: Floats
    bads: NDArray[np.int64]
    pds: Floats
    costs: Costs | None
    level: float

    @property
    def rows(self) -> int:
        return len(self.pd)

    def below(self, cut_off: float) -> int:
        return int(np.searchsorted(self.pd, cut_off, side="left"))

    def profit(self, approved: int) -> float | None:
        if self.costs is None:
            return None
        bads = int(self.bads[approved])
        return (approved - bads) * self.costs.good - bads * self.costs.bad


def cut_off_table(
    y: ArrayLike,
    pd: ArrayLike,
    *,
    chosen: Mapping[str, float],
    others: Mapping[str, float] | None = None,
    costs: Costs | None = None,
    rates: Sequence[float] = RATES,
    level: float = 0.95,
) -> dict[str, Any]:
    """A row for each cut-off, lowest first: everybody whose PD is below it is approved.

    y, pd: shape (n,).  chosen: {what it is for: the book's own cut-off}, e.g. {"decline": 0.12, "refer": 0.1}.
    others: {what it is: a PD}, such as limits of grades.  costs: None = no loss and no profit are told.
    rates: shares of the rows to approve; equal PDs are approved together, so the share reached may be higher.
    `best_profit` is the cheapest cut-off in hindsight, on these rows; nothing is chosen by it.
    Raises BadData for no rows, targets other than 0 and 1, or PDs outside [0, 1): no PD that is served is 1.
    """
    ordered = _ordered(y, pd, costs, level)
    marks: dict[float, list[str]] = {}
    for rate in rates:
        marks.setdefault(_of_rate(ordered, rate), []).append(f"approves {100 * rate:g} %")
    for name, cut_off in (others or {}).items():
        marks.setdefault(cut_off, []).append(name)
    for name, cut_off in chosen.items():
        marks.setdefault(cut_off, []).append(f"chosen: {name}")
    best = _best(ordered)
    if best is not None:
        marks.setdefault(best, []).append("best profit")
    return {
        "rows": [{**_row(ordered, cut_off), "marks": marks[cut_off]} for cut_off in sorted(marks)],
        "chosen": {name: _row(ordered, cut_off) for name, cut_off in chosen.items()},
        "best_profit": _row(ordered, best) if best is not None else None,
        "costs": {"bad": costs.bad, "good": costs.good} if costs else None,
        "note": None if costs else "the book states no costs, so no loss and no profit can be told",
    }


def _ordered(y: ArrayLike, pd: ArrayLike, costs: Costs | None, level: float) -> _Ordered:
    target, promise = np.asarray(y, dtype=np.float64), np.asarray(pd, dtype=np.float64)
    if not len(target) or len(target) != len(promise):
        raise BadData(f"{len(target)} outcomes and {len(promise)} PDs", where="cut-offs")
    if not np.all((target == 0) | (target == 1)) or not np.all((promise >= 0) & (promise < 1)):
        raise BadData("a target other than 0 and 1, or a PD outside [0, 1)", where="cut-offs")
    order = np.lexsort((target, promise))  # by outcome within equal PDs: the sums do not hang on the order of rows
    bads = np.concatenate([[0], np.cumsum(target[order].astype(np.int64))])
    return _Ordered(promise[order], bads, np.concatenate([[0.0], np.cumsum(promise[order])]), costs, level)


def _of_rate(ordered: _Ordered, rate: float) -> float:
    """The lowest PD of those not approved, when at least this share of the rows is approved; 1.0 = everybody is."""
    wanted = math.ceil(rate * ordered.rows - 1e-9)
    after = int(np.searchsorted(ordered.pd, ordered.pd[max(wanted, 1) - 1], side="right"))
    return float(ordered.pd[after]) if after < ordered.rows else 1.0


def _best(ordered: _Ordered) -> float | None:
    """The cut-off of the highest profit; among equals the highest, which refuses the fewest."""
    if ordered.costs is None:
        return None
    candidates = np.append(ordered.pd[np.flatnonzero(np.diff(ordered.pd, prepend=-1.0))], 1.0)
    approved = np.searchsorted(ordered.pd, candidates, side="left")
    bads = ordered.bads[approved]
    profits = (approved - bads) * ordered.costs.good - bads * ordered.costs.bad
    return float(candidates[np.flatnonzero(profits == np.max(profits))[-1]])


def _row(ordered: _Ordered, cut_off: float) -> dict[str, Any]:
    approved = ordered.below(cut_off) if cut_off < 1.0 else ordered.rows
    bads = int(ordered.bads[approved])
    promised = float(ordered.pds[approved])
    costs = ordered.costs
    return {
        "cut_off": cut_off,
        "approved": approved,
        "approval_rate": approved / ordered.rows,
        "bads": bads,
        "bad_rate": stats.wilson_interval(bads, approved, level=ordered.level).as_json() if approved else None,
        "mean_pd": promised / approved if approved else None,
        "expected_loss": _money(promised * costs.bad, ordered.rows) if costs else None,
        "loss": _money(bads * costs.bad, ordered.rows) if costs else None,
        "profit": _money(ordered.profit(approved), ordered.rows) if costs else None,
    }


def _money(total: float | None, rows: int) -> dict[str, float] | None:
    return None if total is None else {"total": total, "per_application": total / rows}
