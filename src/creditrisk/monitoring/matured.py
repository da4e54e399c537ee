"""Which loans can be judged: their window has passed, and what happened in it was told. Nothing else is counted.

A loan that went bad early is not counted before its window has passed: bads are heard of first, and counting them
as they come makes every young month look worse than it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

type Days = NDArray[np.datetime64]
"""datetime64[D], in UTC."""


class Meaning(IntEnum):
    """What a status word says of a loan."""

    OPEN = 0
    """It runs, in some bucket of lateness."""
    GOOD = 1
    """It ended well."""
    BAD = 2
    NO_LOAN = 3
    """It was granted and never paid out."""


class Known(IntEnum):
    """What is known of a loan when its window is over."""

    NOT_YET = 0
    """The window, and the time until its outcomes are known, has not passed."""
    UNHEARD = 1
    """It has passed, and nobody said what happened until its end."""
    GOOD = 2
    BAD = 3
    NO_LOAN = 4
    """There is none to judge: not approved and never heard of, or never paid out."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Decisions of one model, each array of shape (n,)."""

    day: Days
    """Of the decision."""
    pd: NDArray[np.float64]
    window_months: NDArray[np.int64]
    """Within which a loan must turn bad to be a bad one."""
    approved: NDArray[np.bool_]
    """By the last word that was said: the model's, or the person's who overruled it."""

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was told of these loans, each array of shape (m,), a loan's oldest first; corrections are made already."""

    loan: NDArray[np.int64]
    """Place in `Decided`."""
    day: Days
    meaning: NDArray[np.int8]
    bucket: NDArray[np.int8]
    """Of lateness, 0 best, for what is open; -1 for the rest."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Until when one can see."""

    as_of: dt.date
    complete_until: dt.date | None = None
    """Everything that happened until this day was delivered: a loan that nothing was said of was not bad by then."""
    known_after_months: int = 1
    """From the end of a window until what happened in it has been delivered."""


@dataclass(frozen=True, slots=True)
class Matured:
    """Outcomes against what was promised, period by period, for one model; arrays of shape (periods,).

    A period that cannot be judged has 0 rows, and `why_not` says why: its zeros are no figures.
    """

    periods: tuple[str, ...]
    """UTC months, oldest first, none left out between the first and the last."""
    rows: NDArray[np.int64]
    """Loans with a known outcome."""
    bads: NDArray[np.int64]
    expected: NDArray[np.float64]
    """Sum of their PDs."""
    variance: NDArray[np.float64]
    """Sum of PD (1 - PD)."""
    why_not: Mapping[str, str] = field(default_factory=dict)


def known_of(decided: Decided, heard: Heard, seen: Seen) -> NDArray[np.int8]:
    """`Known` of each decision, shape (n,).

    Bad: a bad status within the window. Good: heard of at its end or later, ended well, or nothing bad was told by a
    lender who told everything. A decision that was not approved counts once something was heard of it; where only bads
    are delivered it never does, as its silence would not mean good.
    """
    until = window_end(decided)
    passed = (until <= _day(seen.as_of)) & ((judged_from(decided, seen) <= _day(seen.as_of)) | _told_by(until, seen))
    in_time = heard.day <= _day(seen.as_of)
    loan, day, meaning = heard.loan[in_time], heard.day[in_time], heard.meaning[in_time]
    first_bad = _first(day, loan, meaning == Meaning.BAD, len(decided))
    last = _last(day, loan, len(decided))
    bad = first_bad <= until
    good = ~bad & (_any(loan, meaning == Meaning.GOOD, len(decided)) | (last >= until) | _told_by(until, seen))
    bads_only = seen.complete_until is not None and not np.any((meaning == Meaning.OPEN) | (meaning == Meaning.GOOD))
    there = decided.approved | ((not bads_only) & ~np.isnat(last))
    no_loan = ~there | _any(loan, meaning == Meaning.NO_LOAN, len(decided))
    known = np.select([bad, good], [Known.BAD, Known.GOOD], Known.UNHEARD)
    return np.select([no_loan, ~passed], [Known.NO_LOAN, Known.NOT_YET], known).astype(np.int8)


def window_end(decided: Decided) -> Days:
    """The last day of each window, shape (n,)."""
    return months_after(decided.day, decided.window_months)


def judged_from(decided: Decided, seen: Seen) -> Days:
    """The day from which each loan's outcome should be known, shape (n,)."""
    return months_after(decided.day, decided.window_months + seen.known_after_months)


def months_after(day: Days, months: NDArray[np.int64] | int) -> Days:
    """The same day of the month so many months later, or the last one of a shorter month."""
    month = day.astype("datetime64[M]")
    later = month + np.asarray(months).astype("timedelta64[M]")
    longest = (later + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    same: Days = later.astype("datetime64[D]") + (day - month.astype("datetime64[D]"))
    return np.minimum(same, longest)


def month_of(day: Days) -> NDArray[np.str_]:
    """'2026-10' of each day, shape (n,)."""
    return day.astype("datetime64[M]").astype(np.str_)


def matured(
    decided: Decided,
    known: NDArray[np.int8],
    seen: Seen,
    *,
    by: Literal["decision", "maturity"],
    unheard_max: float,
) -> Matured:
    """Counts by the month of the decision, or by the month in which its outcome should be known.

    known: as `known_of` tells.  unheard_max: a period is not judged where more than this share of its loans was never
    heard of until the end of their windows.
    """
    real = known != Known.NO_LOAN
    day = decided.day if by == "decision" else judged_from(decided, seen)
    month = day.astype("datetime64[M]").astype(np.int64)
    if not np.any(real):
        nothing = np.zeros(0)
        return Matured((), nothing.astype(np.int64), nothing.astype(np.int64), nothing, nothing)
    last = int(month[real].max())
    if by == "maturity":  # of the months to come nothing is known, and they are many
        last = min(last, int(_day(seen.as_of).astype("datetime64[M]").astype(np.int64)))
    first = min(int(month[real].min()), last)
    here = real & (month <= last)
    place, periods = month[here] - first, last - first + 1

    def summed(values: NDArray[np.float64] | NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.bincount(place, weights=values.astype(np.float64), minlength=periods)

    state, pd = known[here], decided.pd[here]
    judged = (state == Known.GOOD) | (state == Known.BAD)
    counted = np.stack([summed(state == value) for value in Known]).astype(np.int64)
    names = (np.datetime64(first, "M") + np.arange(periods)).astype(np.str_).tolist()
    unfinished = _unfinished(np.arange(first, last + 1), seen)
    why_not: dict[str, str] = {}
    for at, name in enumerate(names):
        not_yet, unheard, good, bad, _ = counted[:, at].tolist()
        if reason := why_not_judged(not_yet, unheard, good, bad, unheard_max, unfinished=bool(unfinished[at])):
            why_not[name] = reason
    usable = np.array([name not in why_not for name in names])
    figures = [summed(judged), summed(state == Known.BAD), summed(pd * judged), summed(pd * (1.0 - pd) * judged)]
    rows, bads, expected, variance = (figure * usable for figure in figures)
    return Matured(tuple(names), rows.astype(np.int64), bads.astype(np.int64), expected, variance, why_not)


def why_not_judged(
    not_yet: int, unheard: int, good: int, bad: int, unheard_max: float, *, unfinished: bool = False
) -> str:
    """Why loans that belong together cannot be judged; "" where they can. The counts are of loans, by `Known`."""
    loans = not_yet + unheard + good + bad
    if not loans:
        return "no loans"
    if not_yet:
        return f"the window of {not_yet:,} of {loans:,} loans has not passed"
    if unfinished:
        return "the month is not over"
    if unheard > unheard_max * loans:
        return (
            f"{unheard:,} of {loans:,} loans were not heard of until the end of their windows, more than "
            f"{100 * unheard_max:g} %: bads are heard of first"
        )
    return ""


def _unfinished(months: NDArray[np.int64], seen: Seen) -> NDArray[np.bool_]:
    """Months (since 1970) that still get loans."""
    after: NDArray[np.bool_] = (months + 1).astype("datetime64[M]").astype("datetime64[D]") > _day(seen.as_of)
    return after


def _told_by(until: Days, seen: Seen) -> NDArray[np.bool_]:
    if seen.complete_until is None:
        return np.zeros(len(until), dtype=np.bool_)
    told: NDArray[np.bool_] = until <= _day(seen.complete_until)
    return told


def _first(day: Days, loan: NDArray[np.int64], which: NDArray[np.bool_], n: int) -> Days:
    """Of each loan the first such day; the end of time where there is none."""
    never = np.iinfo(np.int64).max
    first = np.full(n, never, dtype=np.int64)
    np.minimum.at(first, loan[which], day[which].astype(np.int64))
    return first.astype("datetime64[D]")


def _last(day: Days, loan: NDArray[np.int64], n: int) -> Days:
    """Of each loan the last day on which it was heard of; NaT where it never was."""
    last = np.full(n, np.iinfo(np.int64).min, dtype=np.int64)  # which numpy reads as NaT
    np.maximum.at(last, loan, day.astype(np.int64))
    return last.astype("datetime64[D]")


def _any(loan: NDArray[np.int64], which: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    told = np.zeros(n, dtype=np.bool_)
    told[loan[which]] = True
    return told


def _day(day: dt.date) -> np.datetime64:
    return np.datetime64(day, "D")
