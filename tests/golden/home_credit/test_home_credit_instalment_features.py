"""last_instalment_features.sql and instalment_features.sql: how instalments were paid, worked out by hand."""

from __future__ import annotations

import math

import pytest

from tests.golden.home_credit.people import APPLICANT, Row, features

INSTALMENTS = """
SK_ID_CURR | SK_ID_PREV | NUM_INSTALMENT_NUMBER | DAYS_INSTALMENT | DAYS_ENTRY_PAYMENT | AMT_INSTALMENT | AMT_PAYMENT
         1 |         31 |                     8 |              10 |                    |           1000 |
         1 |         31 |                     7 |             -20 |                -25 |           1000 |        1000
         1 |         32 |                     1 |             -30 |                    |           1000 |
         1 |         31 |                     6 |             -50 |                -40 |           1000 |        1000
         1 |         31 |                     5 |            -100 |                -92 |           1000 |         600
         1 |         31 |                     5 |            -100 |                -60 |            400 |         400
         1 |         31 |                     4 |            -300 |               -300 |           1000 |        1000
         1 |         31 |                     1 |           -1000 |              -1030 |            500 |         500
"""
"""Late by -5, 30 (never paid, so until today), 10, 8 and 40 (one instalment in two parts), 0 and -30 days; the first
one is due after the application and does not count yet."""

LAST: Row = {
    "late_days_sum_last_2": 25,
    "payments_count_last_2": 2,
    "late_days_sum_last_3": 35,
    "payments_count_last_3": 3,
    "late_days_max_last_3": 30,
    "late_days_sum_last_5": 83,
    "payments_count_last_5": 5,
    "late_days_max_last_5": 40,
    "late_count_last_5": 4,
    "underpaid_count_last_5": 2,
}

EXPECTED: Row = {
    "instalment_count": 7,
    "instalment_late_count": 4,  # 30, 10, 8 and 40
    "instalment_late_share": 4 / 7,
    "instalment_late_over_7_share": 4 / 7,
    "instalment_late_over_30_count": 1,
    "instalment_underpaid_share": 2 / 7,  # nothing, and 600 of 1000
    "instalment_late_days_mean": 53 / 7,
    "instalment_overdue_days_mean": 88 / 7,  # early days are no credit against late ones
    "instalment_late_days_deviation": math.sqrt(7 * 3589 - 53 * 53) / 7,
    "instalment_late_days_max": 40,
    "instalment_due_amount_mean": 5900 / 7,
    "instalment_paid_to_due": 4500 / 5900,
    "instalment_newest_days": 20,
    "instalment_oldest_days": 1000,
    "instalment_annuity_asked_to_due_mean": 10000 * 7 / 5900,
    # the last 60 days: -5, 30 and 10
    "instalment_count_60d": 3,
    "instalment_late_share_60d": 2 / 3,
    "instalment_late_days_mean_60d": 35 / 3,
    "instalment_late_days_max_60d": 30,
    "instalment_paid_to_due_60d": 2 / 3,
    # 180 days: and 8 and 40
    "instalment_count_180d": 5,
    "instalment_late_share_180d": 0.8,
    "instalment_late_over_7_share_180d": 0.8,
    "instalment_underpaid_share_180d": 0.4,
    "instalment_late_days_mean_180d": 16.6,
    "instalment_overdue_days_mean_180d": 17.6,
    "instalment_late_days_max_180d": 40,
    "instalment_paid_to_due_180d": 3000 / 4400,
    # 365 days: and 0
    "instalment_count_365d": 6,
    "instalment_late_share_365d": 4 / 6,
    "instalment_late_over_7_share_365d": 4 / 6,
    "instalment_late_over_30_count_365d": 1,
    "instalment_underpaid_share_365d": 2 / 6,
    "instalment_late_days_mean_365d": 83 / 6,
    "instalment_overdue_days_mean_365d": 88 / 6,
    "instalment_late_days_max_365d": 40,
    "instalment_due_amount_365d": 5400.0,
    "instalment_paid_to_due_365d": 4000 / 5400,
    "instalment_paid_365d_to_income": 0.04,
    "instalment_late_days_trend_180d": 16.6 + 15,  # before, two were 0 and 30 days early
    "instalment_late_share_trend_180d": 0.8,
    "instalment_last_2_late_days_mean": 12.5,
    "instalment_last_3_late_days_mean": 35 / 3,
    "instalment_last_3_late_days_max": 30,
    "instalment_last_5_late_days_mean": 16.6,
    "instalment_last_5_late_days_max": 40,
    "instalment_last_5_late_count": 4,
    "instalment_last_5_underpaid_count": 2,
}


def test_seven_instalments_of_one_applicant() -> None:
    made = features("instalment_features", application=APPLICANT, installments_payments=INSTALMENTS)
    assert made == {1: pytest.approx(EXPECTED, rel=1e-12)}


def test_the_last_five_are_those_due_last() -> None:
    made = features("last_instalment_features", application=APPLICANT, installments_payments=INSTALMENTS)
    assert made == {1: LAST}


def test_two_that_were_due_on_one_day_have_the_later_payment_first() -> None:
    header = "SK_ID_CURR | SK_ID_PREV | DAYS_INSTALMENT | DAYS_ENTRY_PAYMENT | AMT_INSTALMENT | AMT_PAYMENT\n"
    lines = ["1 | 31 | -10 | -12 | 5 | 5", "1 | 32 | -10 | -3 | 5 | 5", "1 | 33 | -10 | -9 | 5 | 5"]
    for order in (lines, lines[::-1], [lines[1], lines[2], lines[0]]):
        row = features("last_instalment_features", installments_payments=header + "\n".join(order))[1]
        assert row["late_days_sum_last_2"] == 7 + 1


def test_who_owes_nothing_yet_has_no_last_instalment() -> None:
    future = "SK_ID_CURR | SK_ID_PREV | DAYS_INSTALMENT | AMT_INSTALMENT\n1 | 31 | 5 | 1000"
    assert features("last_instalment_features", installments_payments=future) == {}
    row = features("instalment_features", application=APPLICANT, installments_payments=future)[1]
    counts = {"instalment_count", "instalment_late_count", "instalment_late_over_30_count", "instalment_count_60d",
              "instalment_count_180d", "instalment_count_365d", "instalment_late_over_30_count_365d"}  # fmt: skip
    assert row == {name: 0 if name in counts else None for name in EXPECTED}


def test_a_single_instalment_has_no_deviation_and_no_trend() -> None:
    one = "SK_ID_CURR | SK_ID_PREV | DAYS_INSTALMENT | DAYS_ENTRY_PAYMENT | AMT_INSTALMENT | AMT_PAYMENT\n"
    row = features("instalment_features", application=APPLICANT, installments_payments=one + "1 | 3 | -9 | -8 | 0 | 0")
    assert row[1]["instalment_late_days_deviation"] == 0.0
    assert row[1]["instalment_late_days_trend_180d"] is None
    assert row[1]["instalment_paid_to_due"] is None  # nothing was due


def test_payments_that_were_not_asked_for_give_no_row() -> None:
    assert features("instalment_features", application=APPLICANT) == {}
