"""Two models on the same rows: how far their PDs, grades, decisions and figures lie apart. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creditrisk import stats
from creditrisk.errors import BadData
from creditrisk.kinds import Interval, Verdict
from creditrisk.stats.two_shares import share_difference_interval

type Floats = NDArray[np.float64]
type Words = NDArray[np.str_]

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
SEED = 20260101
"""Of what is resampled: the same rows give the same intervals."""

DECISIONS = tuple(verdict.value for verdict in Verdict)


@dataclass(frozen=True)
class Decided:
    """What one model says of the rows; arrays of shape (n,). grades: the scale's names, best first."""

    pd: Floats
    grade: Words
    decision: Words
    grades: tuple[str, ...]

    @property
    def approved(self) -> NDArray[np.bool_]:
        return self.decision == Verdict.APPROVE.value

    @property
    def declined(self) -> NDArray[np.bool_]:
        return self.decision == Verdict.DECLINE.value

    def only(self, inside: NDArray[np.bool_]) -> Self:
        return replace(self, pd=self.pd[inside], grade=self.grade[inside], decision=self.decision[inside])


def alone(one: Decided, level: float) -> dict[str, Any]:
    """What one model says of the rows by itself."""
    rows = len(one.pd)
    return {
        "mean_pd": float(np.mean(one.pd)),
        "approval_rate": stats.wilson_interval(int(np.count_nonzero(one.approved)), rows, level=level).as_json(),
    }


def pds_apart(candidate: Decided, production: Decided, *, level: float) -> dict[str, Any]:
    """Differences, candidate less production, of the mean PD and of the quantiles.

    `mean` and each quantile's `change` are shares of the mean of both models' figures, so that neither is the measure
    of the other. Raises BadData for fewer than two rows or different lengths.
    """
    apart = stats.paired_difference(candidate.pd, production.pd, seed=SEED, level=level)
    middle = (float(np.mean(candidate.pd)) + float(np.mean(production.pd))) / 2.0
    gaps = stats.paired_quantile_gaps(candidate.pd, production.pd, QUANTILES, seed=SEED, level=level)
    here, there = np.quantile(candidate.pd, QUANTILES), np.quantile(production.pd, QUANTILES)
    return {
        "difference": _interval(apart, level).as_json(),
        "mean": _interval(apart, level, per=middle).as_json(),
        "quantiles": [
            {"share": share, "candidate": float(mine), "production": float(theirs), "change": gap.as_json()}
            for share, mine, theirs, gap in zip(QUANTILES, here, there, gaps, strict=True)
        ],
    }


def decisions_apart(candidate: Decided, production: Decided, *, level: float) -> dict[str, Any]:
    """Who is decided otherwise: the table of both, each way by itself, and the approval rates on the same rows."""
    rows = len(candidate.pd)
    flipped = candidate.decision != production.decision
    gained = int(np.count_nonzero(candidate.approved & ~production.approved))
    lost = int(np.count_nonzero(~candidate.approved & production.approved))
    return {
        "table": table(production.decision, candidate.decision, DECISIONS, DECISIONS),
        "flipped": _share(flipped, level),
        "newly_approved": gained,
        "no_longer_approved": lost,
        "newly_declined": int(np.count_nonzero(candidate.declined & ~production.declined)),
        "no_longer_declined": int(np.count_nonzero(~candidate.declined & production.declined)),
        "approval_rate": stats.paired_share_difference(gained, lost, rows, level=level).as_json(),
    }


def flips_explained(
    candidate: Words, production: Words, candidate_by_their_cut_offs: Words, production_by_our_cut_offs: Words
) -> dict[str, int]:
    """How many flips come from the PDs (and knock-out rules), how many from the cut-offs.

    Each is a column of decisions, shape (n,).  A flip comes from the PDs where it would be one under production's
    cut-offs too, else from the cut-offs; `undone` are no flips only because the cut-offs moved along. The last two are
    the flips there would be under the cut-offs of either.
    """
    flipped, by_pd = candidate != production, candidate_by_their_cut_offs != production
    return {
        "flips": int(np.count_nonzero(flipped)),
        "from_pds": int(np.count_nonzero(flipped & by_pd)),
        "from_cut_offs": int(np.count_nonzero(flipped & ~by_pd)),
        "undone_by_cut_offs": int(np.count_nonzero(~flipped & by_pd)),
        "under_production_cut_offs": int(np.count_nonzero(by_pd)),
        "under_candidate_cut_offs": int(np.count_nonzero(candidate != production_by_our_cut_offs)),
    }


def grades_apart(candidate: Decided, production: Decided, *, level: float) -> dict[str, Any]:
    """Who moves from which grade to which. Steps are counted only where both scales have the same grades."""
    told: dict[str, Any] = {
        "table": table(production.grade, candidate.grade, production.grades, candidate.grades),
        "same_scale": candidate.grades == production.grades,
        "moved": None,
        "moved_by_two": None,
        "better": None,
        "worse": None,
    }
    if not told["same_scale"]:
        return told
    place = {name: number for number, name in enumerate(candidate.grades)}
    steps = _places(candidate.grade, place) - _places(production.grade, place)
    return {
        **told,
        "moved": _share(steps != 0, level),
        "moved_by_two": _share(np.abs(steps) >= 2, level),
        "better": int(np.count_nonzero(steps < 0)),
        "worse": int(np.count_nonzero(steps > 0)),
    }


def outcomes_apart(y: NDArray[np.int64], candidate: Decided, production: Decided, *, level: float) -> dict[str, Any]:
    """AUC and Brier skill, candidate less production, on the rows whose outcome is known, and default rates by grade.

    y: shape (n,), 1 = bad.  A figure without an interval is None, and `notes` says why.
    """
    notes: dict[str, str] = {}
    bads = int(np.count_nonzero(y == 1))

    def figure(name: str, of: Any) -> dict[str, float] | None:
        try:
            return dict(of().as_json())
        except BadData as error:
            notes[name] = error.what
            return None

    def brier_skill() -> Interval:
        average = float(np.mean(y)) * (1.0 - float(np.mean(y)))
        if average <= 0.0:
            raise BadData("every outcome is the same: the average's Brier is 0")
        lost = stats.paired_difference((production.pd - y) ** 2, (candidate.pd - y) ** 2, seed=SEED, level=level)
        return _interval(lost, level, per=average)

    return {
        "rows": len(y),
        "bads": bads,
        "default_rate": figure("default_rate", lambda: stats.wilson_interval(bads, len(y), level=level)),
        "auc": figure(
            "auc", lambda: _interval(stats.auc_difference(y, candidate.pd, production.pd, level=level), level)
        ),
        "auc_of_candidate": figure("auc_of_candidate", lambda: stats.auc_interval(y, candidate.pd, level=level)),
        "auc_of_production": figure("auc_of_production", lambda: stats.auc_interval(y, production.pd, level=level)),
        "brier_skill": figure("brier_skill", brier_skill),
        "grades": _grade_rates(y, candidate, production, level),
        "notes": notes,
    }


def table(rows: Words, columns: Words, row_names: Sequence[str], column_names: Sequence[str]) -> dict[str, Any]:
    """Counts of every pair; rows: as production says, columns: as the candidate says."""
    row, column = {n: i for i, n in enumerate(row_names)}, {n: i for i, n in enumerate(column_names)}
    flat = _places(rows, row) * len(column) + _places(columns, column)
    counts = np.bincount(flat, minlength=len(row) * len(column)).reshape(len(row), len(column))
    return {"production": list(row_names), "candidate": list(column_names), "counts": counts.tolist()}


def _grade_rates(y: NDArray[np.int64], candidate: Decided, production: Decided, level: float) -> list[dict[str, Any]]:
    """Of each grade of both scales: default rate of whom either model puts there, and how far the two lie apart.

    The two groups overlap, which the interval of their difference does not use: it is a little too wide.
    """
    told = []
    for name in dict.fromkeys((*production.grades, *candidate.grades)):
        mine, theirs = (_counts(y, one.grade == name) for one in (candidate, production))
        both = mine["rows"] > 0 and theirs["rows"] > 0
        apart = (
            share_difference_interval(mine["bads"], mine["rows"], theirs["bads"], theirs["rows"], level=level)
            if both
            else None
        )
        told.append(
            {
                "grade": name,
                "candidate": {**mine, "default_rate": _rate(mine, level)},
                "production": {**theirs, "default_rate": _rate(theirs, level)},
                "difference": None if apart is None else apart.as_json(),
            }
        )
    return told


def _interval(apart: stats.Difference, level: float, per: float = 1.0) -> Interval:
    return Interval(apart.difference / per, apart.low / per, apart.high / per, level)


def _counts(y: NDArray[np.int64], inside: NDArray[np.bool_]) -> dict[str, int]:
    return {"rows": int(np.count_nonzero(inside)), "bads": int(np.count_nonzero(inside & (y == 1)))}


def _rate(counts: Mapping[str, int], level: float) -> dict[str, float] | None:
    if not counts["rows"]:
        return None
    return stats.wilson_interval(counts["bads"], counts["rows"], level=level).as_json()


def _share(inside: NDArray[np.bool_], level: float) -> dict[str, Any]:
    hits = int(np.count_nonzero(inside))
    return {"rows": hits, **stats.wilson_interval(hits, len(inside), level=level).as_json()}


def _places(words: Words, place: Mapping[str, int]) -> NDArray[np.int64]:
    return np.array([place[word] for word in words.tolist()], dtype=np.int64)
