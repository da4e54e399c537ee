"""What a shift does to the portfolio: who is approved, and what is lost among them, then and now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creditrisk.monitoring.counts import DECISION, PD, Counted, reference_counts

APPROVE = "approve"
ASSUMED = "estimated from the PDs, as if the applications with the lowest ones were approved"


@dataclass(frozen=True, slots=True)
class PortfolioChange:
    """Shares in [0, 1]; None where it cannot be known, and `unknown` says why.

    approved_before: of the development rows, had the model decided about them.
    bads_before, bads_now: expected defaults among the approved.
    loss_before, loss_now: the same times what a bad loan costs as a share of its credit (`decision.cost_of_bad`).
    """

    approved_before: float | None = None
    approved_now: float | None = None
    bads_before: float | None = None
    bads_now: float | None = None
    loss_before: float | None = None
    loss_now: float | None = None
    unknown: str = ""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "assumption": ASSUMED if self.bads_now is not None else None}


def portfolio_change(
    reference: Mapping[str, Any],
    counted: Counted,
    first: str,
    last: str,
    *,
    loss_given_bad: float | None,
    observed_over_promised: float = 1.0,
) -> PortfolioChange:
    """Of the decisions made in the periods first to last, both included, against the development rows.

    observed_over_promised: what the PDs of now must be multiplied by, where outcomes have shown it.
    """
    if DECISION not in reference_counts(reference):
        return PortfolioChange(unknown="the bundle's reference is an older one, without decisions: train again")
    inside = [at for at, name in enumerate(counted.periods) if first <= name <= last]
    rows = {name: np.sum(counted.counts[name][inside], axis=0) for name in (DECISION, PD) if name in counted.counts}
    if DECISION not in rows or not np.sum(rows[DECISION]):
        return PortfolioChange(unknown="no decisions were counted in these periods")
    approve = reference["decisions"]["categories"].index(APPROVE)
    before, now = (_share(of, approve) for of in (np.asarray(reference["decisions"]["counts"]), rows[DECISION]))
    centres = reference["pd"].get("centres")
    if centres is None or PD not in rows or not np.sum(rows[PD][:-1]):
        return PortfolioChange(
            before, now, unknown="no PDs were counted in these periods, or the reference is an older one"
        )
    bads_before = _bads_among_best(np.asarray(reference["pd"]["counts"][:-1]), centres, before)
    bads_now = _bads_among_best(rows[PD][:-1], centres, now)
    bads_now = None if bads_now is None else min(bads_now * observed_over_promised, 1.0)
    if bads_before is None or bads_now is None:
        return PortfolioChange(before, now, unknown="nobody was approved, before or now")
    if loss_given_bad is None:
        return PortfolioChange(before, now, bads_before, bads_now, unknown="the book states no `decision.cost_of_bad`")
    return PortfolioChange(before, now, bads_before, bads_now, bads_before * loss_given_bad, bads_now * loss_given_bad)


def _share(counts: NDArray[np.int64], at: int) -> float:
    return float(counts[at] / np.sum(counts))


def _bads_among_best(counts: NDArray[np.int64], centres: list[float | None], approved: float) -> float | None:
    """Mean PD of that share of the rows with the lowest PDs, each at the mean PD of its bin."""
    pd = np.array([0.0 if centre is None else centre for centre in centres], dtype=np.float64)
    wanted = approved * float(np.sum(counts))
    if wanted <= 0.0:
        return None
    taken = np.clip(wanted - (np.cumsum(counts) - counts), 0.0, counts)
    return float(np.sum(taken * pd) / np.sum(taken))
