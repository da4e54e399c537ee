from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.monitoring.matured import (
    Decided,
    Heard,
    Known,
    Meaning,
    Seen,
    known_of,
    matured,
    months_after,
    why_not_judged,
)

AS_OF = dt.date(2026, 10, 15)


def decided(*days: str, pd: float = 0.1, window: int = 12, approved: Sequence[bool] | None = None) -> Decided:
    n = len(days)
    return Decided(
        np.array(days, dtype="datetime64[D]"),
        np.full(n, pd),
        np.full(n, window, dtype=np.int64),
        np.array([True] * n if approved is None else approved),
    )


def heard(*told: tuple[int, str, Meaning]) -> Heard:
    rows = sorted(told, key=lambda each: (each[0], each[1]))
    return Heard(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype="datetime64[D]"),
        np.array([row[2] for row in rows], dtype=np.int8),
        np.array([0 if row[2] is Meaning.OPEN else -1 for row in rows], dtype=np.int8),
    )


def one(told: Heard, day: str = "2025-01-10", *, seen: Seen | None = None, approved: bool = True) -> Known:
    return Known(int(known_of(decided(day, approved=[approved]), told, seen or Seen(AS_OF))[0]))


def test_a_loan_that_went_bad_early_is_not_counted_before_its_window_has_passed() -> None:
    assert one(heard((0, "2026-06-01", Meaning.BAD)), "2026-03-01") is Known.NOT_YET


def test_a_bad_status_within_the_window_is_a_bad_and_one_after_it_is_not() -> None:
    assert one(heard((0, "2026-01-10", Meaning.BAD))) is Known.BAD
    assert one(heard((0, "2026-01-11", Meaning.BAD))) is Known.GOOD


def test_a_loan_that_recovered_after_it_was_bad_stays_a_bad_one() -> None:
    assert one(heard((0, "2025-06-01", Meaning.BAD), (0, "2025-09-01", Meaning.GOOD))) is Known.BAD


def test_a_loan_counts_as_good_when_it_ended_well_or_was_heard_of_at_the_end_of_its_window() -> None:
    assert one(heard((0, "2025-03-01", Meaning.GOOD))) is Known.GOOD
    assert one(heard((0, "2026-01-10", Meaning.OPEN))) is Known.GOOD
    assert one(heard((0, "2026-01-09", Meaning.OPEN))) is Known.UNHEARD


def test_silence_means_good_only_where_everything_until_the_end_of_the_window_was_told() -> None:
    nothing = heard()
    assert one(nothing) is Known.UNHEARD
    assert one(nothing, seen=Seen(AS_OF, dt.date(2026, 1, 10))) is Known.GOOD
    assert one(nothing, seen=Seen(AS_OF, dt.date(2026, 1, 9))) is Known.UNHEARD


def test_a_window_counts_as_passed_when_its_outcomes_should_be_known_or_all_were_told() -> None:
    told = heard((0, "2026-10-10", Meaning.OPEN))
    assert one(told, "2025-10-10") is Known.NOT_YET
    assert one(told, "2025-10-10", seen=Seen(AS_OF, known_after_months=0)) is Known.GOOD
    assert one(told, "2025-10-10", seen=Seen(AS_OF, dt.date(2026, 10, 10))) is Known.GOOD


def test_what_happened_after_the_day_asked_about_is_not_known() -> None:
    assert one(heard((0, "2026-11-01", Meaning.OPEN)), "2025-06-01") is Known.UNHEARD


def test_a_decision_that_was_not_approved_counts_once_something_was_heard_of_it() -> None:
    assert one(heard(), approved=False) is Known.NO_LOAN
    assert one(heard((0, "2026-02-01", Meaning.OPEN)), approved=False) is Known.GOOD


def test_where_only_bads_are_delivered_a_decision_that_was_not_approved_never_counts() -> None:
    everything = Seen(AS_OF, dt.date(2026, 10, 1))
    both = decided("2025-01-10", "2025-01-11", approved=[False, True])
    told = heard((0, "2025-06-01", Meaning.BAD), (1, "2025-06-01", Meaning.BAD))
    assert known_of(both, told, everything).tolist() == [Known.NO_LOAN, Known.BAD]


def test_a_loan_that_was_never_paid_out_is_none() -> None:
    assert one(heard((0, "2025-02-01", Meaning.NO_LOAN))) is Known.NO_LOAN


def test_months_later_is_the_same_day_or_the_last_of_a_shorter_month() -> None:
    days = np.array(["2025-01-31", "2024-02-29", "2025-12-15"], dtype="datetime64[D]")
    later = months_after(days, np.array([1, 12, 2]))
    assert later.astype(str).tolist() == ["2025-02-28", "2025-02-28", "2026-02-15"]


@given(st.dates(dt.date(1990, 1, 1), dt.date(2060, 1, 1)), st.integers(0, 120))
def test_months_later_falls_into_the_month_so_many_months_later(day: dt.date, months: int) -> None:
    later = months_after(np.array([day], dtype="datetime64[D]"), months)[0].item()
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later + dt.timedelta(days=1)).day == 1


def test_counts_by_month_of_decision_leave_out_what_is_immature_and_say_why() -> None:
    loans = decided("2025-01-10", "2025-01-20", "2025-03-05", "2026-09-01")
    told = heard((0, "2025-05-01", Meaning.BAD), (1, "2026-02-01", Meaning.GOOD), (2, "2026-04-01", Meaning.OPEN))
    seen = Seen(AS_OF)
    counts = matured(loans, known_of(loans, told, seen), seen, by="decision", unheard_max=0.05)
    assert counts.periods[:3] == ("2025-01", "2025-02", "2025-03")
    assert counts.periods[-1] == "2026-09"
    assert counts.rows[:3].tolist() == [2, 0, 1]
    assert counts.bads[:3].tolist() == [1, 0, 0]
    assert counts.expected[:3].tolist() == pytest.approx([0.2, 0.0, 0.1])
    assert counts.variance[:3].tolist() == pytest.approx([0.18, 0.0, 0.09])
    assert counts.rows[-1] == 0
    assert counts.why_not["2026-09"] == "the window of 1 of 1 loans has not passed"
    assert counts.why_not["2025-02"] == "no loans"


def test_counts_by_month_of_maturity_end_with_the_last_whole_month() -> None:
    loans = decided("2025-01-10", "2025-08-20", "2025-09-10", "2026-05-01")
    told = heard(*((place, "2026-10-14", Meaning.OPEN) for place in range(4)))
    seen = Seen(AS_OF)
    counts = matured(loans, known_of(loans, told, seen), seen, by="maturity", unheard_max=0.05)
    assert counts.periods[0] == "2026-02"
    assert counts.periods[-1] == "2026-10"
    assert counts.rows.tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 0]
    assert counts.why_not["2026-10"] == "the month is not over"


def test_a_month_whose_loans_were_not_heard_of_has_no_counts() -> None:
    loans = decided(*["2025-01-10"] * 10)
    told = heard((0, "2025-05-01", Meaning.BAD), *((place, "2026-04-01", Meaning.OPEN) for place in range(1, 9)))
    seen = Seen(AS_OF)
    known = known_of(loans, told, seen)
    strict = matured(loans, known, seen, by="decision", unheard_max=0.05)
    assert strict.rows.tolist() == [0]
    assert "1 of 10 loans were not heard of" in strict.why_not["2025-01"]
    assert matured(loans, known, seen, by="decision", unheard_max=0.1).rows.tolist() == [9]


def test_no_loans_have_no_periods() -> None:
    none = decided("2025-01-10", approved=[False])
    seen = Seen(AS_OF)
    assert matured(none, known_of(none, heard(), seen), seen, by="decision", unheard_max=0.05).periods == ()


def test_loans_of_which_all_is_known_can_be_judged() -> None:
    assert why_not_judged(0, 1, 90, 9, 0.05) == ""
