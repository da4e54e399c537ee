"""The report on outcomes: what is known of which loans, how the model did on them, and when the rest can be told."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creditrisk.kinds import Verdict
from creditrisk.monitoring.matured import (
    Decided,
    Heard,
    Known,
    Meaning,
    Seen,
    judged_from,
    known_of,
    month_of,
    months_after,
    why_not_judged,
)
from creditrisk.monitoring.performance import (
    LINE,
    LOSSES,
    RANKS,
    against,
    by_grade,
    calibration,
    estimated,
    performance,
    ranks,
)

ESTIMATE_SAYS = (
    "an estimate: no outcome is in it. It holds while the PDs are right, a share p of the loans with PD p turning bad; "
    "it cannot see that the risk behind the same facts has changed"
)
SELECTION_SAYS = (
    "outcomes exist for loans that were granted only. The applications that were not are mostly the riskier ones: "
    "without them PDs lie closer together, and an AUC is lower than it would be among all who applied"
)
ALL_GRANTED_SAYS = (
    "every decision counts as a loan, whatever the model answered, as monitoring.outcomes.granted says; nothing is "
    "known of applications that were refused before the model saw them"
)
RANGE_SAYS = "both AUC are estimates from the PDs: among all who applied, and among those granted"

MONTHS_ON_BOOK = (3, 6, 9, 12, 18, 24, 36, 48, 60)
"""After which the ranks are told, short of the whole window."""


@dataclass(frozen=True, slots=True)
class Loans:
    """Decisions of one model, one for each entity, and what was heard of them; arrays of shape (n,)."""

    decided: Decided
    heard: Heard
    grade: NDArray[np.str_]
    answer: NDArray[np.str_]
    """The last word: a person's who overruled the model, else the model's."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the report judges. buckets: of lateness, best first."""

    seen: Seen
    unheard_max: float
    grades: Sequence[str]
    buckets: Sequence[str]
    all_granted: bool = False
    """Did every decision become a loan?"""


def report(loans: Loans, rules: Rules, development: Mapping[str, Any] | None) -> dict[str, Any]:
    """The body of outcomes_report.json for one model.

    development: test_metrics.json of this model; None where it is not known.
    """
    known = known_of(loans.decided, loans.heard, rules.seen)
    judged = (known == Known.GOOD) | (known == Known.BAD)
    y, pd = (known[judged] == Known.BAD).astype(np.float64), loans.decided.pd[judged]
    counts = _counts(known)
    passed = {**counts, "not_yet": 0}
    why_not = _why_not(passed, rules) if counts["judged"] or counts["unheard"] else "no window has passed"
    figures = performance(y, pd) if not why_not else _nothing()
    lines = calibration(y, pd) if not why_not else {"observed_over_expected": None, **dict.fromkeys(LINE)}
    figures |= {**{k: v for k, v in lines.items() if k != "notes"}, "notes": figures["notes"] | lines.get("notes", {})}
    grades = {row["grade"]: row for row in (development or {}).get("grades", [])}
    return {
        "counts": {"decisions": len(loans.decided), **counts},
        "bounds": _bounds(y, counts),
        "performance": {**figures, "why_not": why_not, "observable_from": _from(loans, known, rules, why_not)},
        "grades": by_grade(y, pd, loans.grade[judged], rules.grades, grades) if not why_not else None,
        "against_development": against(figures, development, ("roc_auc", *RANKS[1:], *LOSSES, "default_rate")),
        "vintages": _vintages(loans, known, rules),
        "months_on_book": _months_on_book(loans, rules),
        "vintage_curves": _curves(loans, rules),
        "roll_rates": _roll_rates(loans, rules),
        "estimated": {
            "says": ESTIMATE_SAYS,
            "not_yet_observable": estimated(loans.decided.pd[known == Known.NOT_YET]),
            "observed": estimated(pd) if not why_not else None,
        },
        "selection": _selection(loans, known, rules),
    }


def _counts(known: NDArray[np.int8]) -> dict[str, int]:
    of = {state: int(np.count_nonzero(known == state)) for state in Known}
    return {
        "not_yet": of[Known.NOT_YET],
        "unheard": of[Known.UNHEARD],
        "judged": of[Known.GOOD] + of[Known.BAD],
        "bads": of[Known.BAD],
        "no_loan": of[Known.NO_LOAN],
    }


def _why_not(counts: Mapping[str, int], rules: Rules, *, unfinished: bool = False) -> str:
    return why_not_judged(
        counts["not_yet"], counts["unheard"], counts["judged"] - counts["bads"], counts["bads"], rules.unheard_max,
        unfinished=unfinished,
    )  # fmt: skip


def _nothing() -> dict[str, Any]:
    """The figures of loans that cannot be judged: none, `why_not` beside them says why."""
    names = ("n", "bads", "expected_bads", "mean_pd", "default_rate", *RANKS, *LOSSES)
    return {**dict.fromkeys(names), "notes": {}}


def _bounds(y: NDArray[np.float64], counts: Mapping[str, int]) -> dict[str, float] | None:
    """The default rate if every loan that was not heard of had been good, and if every one had been bad."""
    n = counts["judged"] + counts["unheard"]
    if not n:
        return None
    bads = float(np.sum(y))
    return {"default_rate_low": bads / n, "default_rate_high": (bads + counts["unheard"]) / n}


def _from(loans: Loans, known: NDArray[np.int8], rules: Rules, why_not: str) -> str | None:
    """The first day on which some loan can be judged, where none can be today."""
    waiting = known == Known.NOT_YET
    if not why_not or not np.any(waiting):
        return None
    return str(judged_from(loans.decided, rules.seen)[waiting].min())


def _vintages(loans: Loans, known: NDArray[np.int8], rules: Rules) -> list[dict[str, Any]]:
    """A row for each month of decision, oldest first. No figure before all its windows have passed."""
    month = month_of(loans.decided.day)
    return [_vintage(name, loans, known, month == name, rules) for name in np.unique(month).tolist()]


def _vintage(name: str, loans: Loans, known: NDArray[np.int8], here: NDArray[np.bool_], rules: Rules) -> dict[str, Any]:
    counts, over = _counts(known[here]), _month_end(name) <= np.datetime64(rules.seen.as_of, "D")
    why_not = _why_not(counts, rules, unfinished=not over)
    judged = here & ((known == Known.GOOD) | (known == Known.BAD))
    waiting = here & (known != Known.NO_LOAN)
    row = {
        "vintage": name,
        "decisions": int(np.count_nonzero(here)),
        **counts,
        "why_not": why_not,
        "observable_from": _observable_from(name, loans.decided, waiting, rules) if counts["not_yet"] else None,
    }
    if why_not:
        row["bads"] = None  # bads are heard of first: their number before the end says nothing
        return {**row, "expected_bads": None, **_without(_nothing()), "estimated": _short(loans, waiting)}
    figures = performance((known[judged] == Known.BAD).astype(np.float64), loans.decided.pd[judged])
    return {**row, "expected_bads": figures["expected_bads"], **_without(figures), "estimated": None}


def _without(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if name not in ("n", "bads", "expected_bads")}


def _short(loans: Loans, which: NDArray[np.bool_]) -> dict[str, Any] | None:
    """What to expect of loans that cannot be judged yet; `estimated.says` of the report tells how far to trust it."""
    pd = loans.decided.pd[which]
    return {"n": len(pd), "default_rate": float(np.mean(pd))} if len(pd) else None


def _observable_from(name: str, decided: Decided, waiting: NDArray[np.bool_], rules: Rules) -> str:
    """The day from which every window of the month has passed; of a month that is not over, its last day's."""
    months = decided.window_months[waiting] + rules.seen.known_after_months
    end = _month_end(name) - np.timedelta64(1, "D")
    last = months_after(decided.day[waiting], months).max()
    if end >= np.datetime64(rules.seen.as_of, "D"):
        last = max(last, months_after(np.array([end]), int(months.max()))[0])
    return str(last)


def _month_end(name: str) -> np.datetime64:
    """The first day of the next month."""
    day: np.datetime64 = (np.datetime64(name, "M") + np.timedelta64(1, "M")).astype("datetime64[D]")
    return day


def _months_on_book(loans: Loans, rules: Rules) -> list[dict[str, Any]]:
    """How bads by so many months rank, of all loans that are so old: sooner than the whole window, and less."""
    rows = []
    for months in MONTHS_ON_BOOK:
        there = loans.decided.approved & (loans.decided.window_months > months)
        if not np.any(there):
            continue
        known = _known_by(loans, months, rules)
        old = there & (known != Known.NOT_YET)
        counts = _counts(known[old])
        why_not = _why_not(counts, rules) if np.any(old) else f"no loan is {months} months old, and known to be"
        judged = old & ((known == Known.GOOD) | (known == Known.BAD))
        row: dict[str, Any] = {"months_on_book": months, "loans": int(np.count_nonzero(old)), "why_not": why_not}
        y = (known[judged] == Known.BAD).astype(np.float64)
        figures = ranks(y, loans.decided.pd[judged]) if not why_not else {**dict.fromkeys(RANKS), "notes": {}}
        share = float(np.mean(y)) if not why_not and len(y) else None
        rows.append({**row, "bads": None if why_not else int(np.sum(y)), "bad_share": share, **figures})
    return rows


def _curves(loans: Loans, rules: Rules) -> list[dict[str, Any]]:
    """For each vintage the share of its loans that was bad by so many months on book; None where not all are so old."""
    month = month_of(loans.decided.day)
    names = np.unique(month).tolist()
    longest = int(loans.decided.window_months[loans.decided.approved].max(initial=0))
    table: dict[str, list[float | None]] = {name: [] for name in names}
    over = {name: _month_end(name) <= np.datetime64(rules.seen.as_of, "D") for name in names}
    masks = {name: (month == name) & loans.decided.approved for name in names}
    for months in range(1, longest + 1):
        known = _known_by(loans, months, rules)
        for name, here in masks.items():
            counts = _counts(known[here])
            is_told = over[name] and counts["judged"] > 0 and not _why_not(counts, rules)
            table[name].append(counts["bads"] / counts["judged"] if is_told else None)
    return [
        {"vintage": name, "loans": int(np.count_nonzero(masks[name])), "bad_share": _until_first_gap(table[name])}
        for name in names
    ]


def _until_first_gap(shares: Sequence[float | None]) -> list[float]:
    return [share for share in itertools.takewhile(lambda share: share is not None, shares) if share is not None]


def _known_by(loans: Loans, months: int, rules: Rules) -> NDArray[np.int8]:
    """`known_of` with a window of so many months."""
    short = replace(loans.decided, window_months=np.full(len(loans.decided), months, dtype=np.int64))
    return known_of(short, loans.heard, rules.seen)


def _roll_rates(loans: Loans, rules: Rules) -> dict[str, Any]:
    """Where loans go from each bucket of lateness within a month, by their statuses of two months running."""
    heard = loans.heard
    end = np.datetime64(rules.seen.as_of, "D")
    place = np.where(heard.meaning == Meaning.BAD, len(rules.buckets), heard.bucket)
    place = np.where(heard.meaning == Meaning.GOOD, len(rules.buckets) + 1, place)
    usable = (place >= 0) & (heard.day <= end)
    loan, month, place = heard.loan[usable], heard.day[usable].astype("datetime64[M]").astype(np.int64), place[usable]
    last = np.append((loan[1:] != loan[:-1]) | (month[1:] != month[:-1]), True)[: len(loan)]
    loan, month, place = loan[last], month[last], place[last]
    running = (loan[1:] == loan[:-1]) & (month[1:] == month[:-1] + 1)
    before, after, when = place[:-1][running], place[1:][running], month[1:][running]
    to = [*rules.buckets, "bad", "good"]
    recent = when > int(end.astype("datetime64[M]").astype(np.int64)) - 12
    return {
        "buckets": list(rules.buckets),
        "all": _matrix(before, after, rules.buckets, to),
        "last_12_months": _matrix(before[recent], after[recent], rules.buckets, to),
        "why_not": "" if np.any(running) else "no loan has statuses of two months running",
    }


def _matrix(
    before: NDArray[Any], after: NDArray[Any], buckets: Sequence[str], to: Sequence[str]
) -> list[dict[str, Any]]:
    rows = []
    for place, name in enumerate(buckets):
        counts = np.bincount(after[before == place].astype(np.int64), minlength=len(to))
        n = int(counts.sum())
        worse = int(counts[place + 1 : len(to) - 1].sum())
        shares = {other: int(count) / n for other, count in zip(to, counts.tolist(), strict=True)} if n else None
        rows.append({"from": name, "loans": n, "to": shares, "worse": worse / n if n else None})
    return rows


def _selection(loans: Loans, known: NDArray[np.int8], rules: Rules) -> dict[str, Any]:
    """Whose outcomes are known at all, and what that does to the AUC."""
    judged = (known == Known.GOOD) | (known == Known.BAD)
    heard = np.zeros(len(known), dtype=np.bool_)
    heard[loans.heard.loan] = True
    rows = []
    for answer in (Verdict.APPROVE.value, Verdict.REFER.value, Verdict.DECLINE.value):
        here = loans.answer == answer
        n = int(np.count_nonzero(here))
        rows.append(
            {
                "answer": answer,
                "decisions": n,
                "share": n / len(known) if len(known) else None,
                "heard_of": int(np.count_nonzero(here & heard)),
                "judged": int(np.count_nonzero(here & judged)),
            }
        )
    granted = known != Known.NO_LOAN
    everybody, some = estimated(loans.decided.pd)["roc_auc"], estimated(loans.decided.pd[granted])["roc_auc"]
    return {
        "says": ALL_GRANTED_SAYS if rules.all_granted else SELECTION_SAYS,
        "answers": rows,
        "granted_share": float(np.mean(granted)) if len(granted) else None,
        "range_says": RANGE_SAYS,
        "estimated_auc_all": everybody,
        "estimated_auc_granted": some,
        "estimated_auc_lost": everybody["value"] - some["value"] if everybody and some else None,
    }
