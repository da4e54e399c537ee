"""target.sql: which loans are bad, which count, and from which day on."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.golden.lending_club.loans import labels, loan

LONG_AFTER = dt.date(2019, 3, 1)
POLICY = "Does not meet the credit policy. Status:"


@pytest.mark.parametrize(
    ("status", "target", "state"),
    [
        ("Fully Paid", 0, "observed"),
        ("Charged Off", 1, "observed"),
        ("Default", 1, "observed"),
        (POLICY + "Fully Paid", 0, "observed"),
        (POLICY + "Charged Off", 1, "observed"),
        (POLICY + "Default", 1, "observed"),
        ("Current", None, "indeterminate"),
        ("In Grace Period", None, "indeterminate"),
        ("Late (16-30 days)", None, "indeterminate"),
        ("Late (31-120 days)", None, "indeterminate"),
        (POLICY + "Current", None, "indeterminate"),
        ("Issued", None, "indeterminate"),
        (None, None, "indeterminate"),
    ],
)
def test_a_matured_loan_is_bad_good_or_neither_in_every_wording(
    status: str | None, target: int | None, state: str
) -> None:
    assert labels([loan(loan_status=status)], LONG_AFTER)["a"] == (target, state)


@pytest.mark.parametrize("status", ["Fully Paid", "Charged Off", "Current", None])
def test_a_young_loan_is_immature_whatever_it_has_done(status: str | None) -> None:
    young = loan(loan_status=status, issue_d=dt.date(2018, 1, 1))
    assert labels([young], LONG_AFTER)["a"][1] == "immature"


@pytest.mark.parametrize(
    ("issued", "term", "last_day_before", "first_day"),
    [
        (dt.date(2011, 12, 1), 60, dt.date(2017, 5, 31), dt.date(2017, 6, 1)),
        (dt.date(2011, 12, 1), 36, dt.date(2015, 5, 31), dt.date(2015, 6, 1)),
        (dt.date(2012, 8, 1), 36, dt.date(2016, 1, 31), dt.date(2016, 2, 1)),
        (dt.date(2012, 8, 15), 36, dt.date(2016, 2, 14), dt.date(2016, 2, 15)),
        (dt.date(2012, 8, 31), 36, dt.date(2016, 2, 28), dt.date(2016, 2, 29)),  # a leap year's February
        (dt.date(2011, 8, 31), 36, dt.date(2015, 2, 27), dt.date(2015, 2, 28)),
        (dt.date(2012, 2, 29), 36, dt.date(2015, 8, 28), dt.date(2015, 8, 29)),
    ],
)
def test_a_loan_counts_from_the_day_its_term_and_six_months_have_passed(
    issued: dt.date, term: int, last_day_before: dt.date, first_day: dt.date
) -> None:
    row = loan(issue_d=issued, term=term)
    assert labels([row], last_day_before)["a"][1] == "immature"
    assert labels([row], first_day)["a"] == (0, "observed")


def test_a_loan_without_a_date_or_an_extract_without_one_is_never_mature() -> None:
    assert labels([loan(issue_d=None)], LONG_AFTER)["a"][1] == "immature"
    assert labels([loan()], None)["a"][1] == "immature"


def test_every_loan_has_one_label_and_later_columns_do_not_change_it() -> None:
    rows = [loan("a"), loan("b", loan_status="Charged Off"), loan("c", loan_status="Current", total_pymnt=0.0)]
    assert labels(rows, LONG_AFTER) == {"a": (0, "observed"), "b": (1, "observed"), "c": (None, "indeterminate")}
    paid = [{**row, "recoveries": 12.5, "last_pymnt_d": dt.date(2014, 1, 1)} for row in reversed(rows)]
    assert labels(paid, LONG_AFTER) == labels(rows, LONG_AFTER)
