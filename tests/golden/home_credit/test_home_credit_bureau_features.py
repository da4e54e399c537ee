"""bureau_features.sql: credits at other lenders by applicant, worked out by hand."""

from __future__ import annotations

import pytest

from tests.golden.home_credit.people import APPLICANT, Row, features

# fmt: off
BUREAU = """
SK_ID_CURR|SK_ID_BUREAU|CREDIT_ACTIVE|CREDIT_TYPE    |DAYS_CREDIT|CREDIT_DAY_OVERDUE|DAYS_CREDIT_ENDDATE|DAYS_ENDDATE_FACT|AMT_CREDIT_MAX_OVERDUE|CNT_CREDIT_PROLONG|AMT_CREDIT_SUM|AMT_CREDIT_SUM_DEBT|AMT_CREDIT_SUM_LIMIT|AMT_CREDIT_SUM_OVERDUE|DAYS_CREDIT_UPDATE|AMT_ANNUITY
         1|          11|Active       |Consumer credit|       -100|                 5|                300|                 |                   500|                 1|          1000|                600|                    |                    50|               -10|         30
         1|          12|Active       |Credit card    |       -500|                 0|              31000|                 |                      |                 0|          2000|                500|                1500|                     0|               -20|
         1|          13|Closed       |Car loan       |      -1000|                 0|               -100|             -150|                     0|                 0|          4000|                  0|                    |                     0|              -140|
         1|          14|Closed       |Mortgage       |      -2000|                 0|               -900|             -800|                   200|                 0|          8000|                   |                    |                     0|              -790|
         1|          15|Sold         |Microloan      |       -700|                40|               -600|                 |                   400|                 2|           500|                500|                    |                   500|                -5|
"""  # noqa: E501

MONTHS = """
SK_ID_BUREAU | MONTHS_BALANCE | STATUS
          11 |              0 | 0
          11 |             -1 | 1
          11 |             -2 | 0
          13 |            -20 | 3
          13 |            -21 | 0
          13 |            -22 | X
"""
# fmt: on

EXPECTED: Row = {
    "bureau_count": 5,
    "bureau_active_count": 2,
    "bureau_closed_count": 2,
    "bureau_sold_or_bad_count": 1,
    "bureau_active_share": 0.4,
    "bureau_consumer_count": 1,
    "bureau_card_count": 1,
    "bureau_car_count": 1,
    "bureau_mortgage_count": 1,
    "bureau_microloan_count": 1,
    "bureau_card_active_count": 1,
    # asked for 100, 500, 700, 1000 and 2000 days ago
    "bureau_count_1y": 1,
    "bureau_count_2y": 3,
    "bureau_count_3y": 4,
    "bureau_active_count_1y": 1,
    "bureau_amount_1y": 1000.0,
    "bureau_amount_2y": 3500.0,  # 1000 + 2000 + 500
    "bureau_amount_3y": 7500.0,  # and 4000
    "bureau_debt_amount_1y": 600.0,
    "bureau_debt_amount_2y": 1600.0,  # 600 + 500 + 500
    "bureau_debt_amount_3y": 1600.0,  # and 0
    "bureau_overdue_max_amount_1y": 500.0,
    "bureau_overdue_max_amount_2y": 500.0,
    "bureau_overdue_max_amount_3y": 500.0,
    "bureau_newest_days": 100,
    "bureau_oldest_days": 2000,
    "bureau_age_days_mean": 860.0,  # 4300 / 5
    "bureau_days_between_mean": 475.0,  # 1900 / 4
    "bureau_active_newest_days": 100,
    "bureau_active_oldest_days": 500,
    "bureau_card_newest_days": 500,
    "bureau_consumer_newest_days": 100,
    "bureau_last_ended_days": 150,
    "bureau_updated_days_min": 5,
    "bureau_updated_days_mean": 193.0,  # (10 + 20 + 140 + 790 + 5) / 5
    "bureau_amount_sum": 15500.0,
    "bureau_amount_max": 8000.0,
    "bureau_amount_mean": 3100.0,
    "bureau_active_amount_sum": 3000.0,
    "bureau_closed_amount_sum": 12000.0,
    "bureau_debt_sum": 1600.0,
    "bureau_debt_max": 600.0,
    "bureau_debt_to_amount": 1600 / 7500,  # of the four whose debt is known
    "bureau_active_debt_sum": 1100.0,
    "bureau_active_debt_to_amount": 1100 / 3000,
    "bureau_card_debt_sum": 500.0,
    "bureau_card_debt_to_amount": 0.25,
    "bureau_consumer_debt_sum": 600.0,
    "bureau_limit_sum": 1500.0,
    "bureau_active_annuity_sum": 30.0,
    "bureau_monthly_burden_sum": 60.0,  # 600 over ten months; the card has no end to speak of
    "bureau_debt_to_income": 0.016,
    "bureau_monthly_burden_to_income": 0.0006,
    "bureau_debt_to_credit_asked": 0.008,
    "bureau_overdue_count": 2,
    "bureau_overdue_days_max": 40,
    "bureau_overdue_sum": 550.0,
    "bureau_overdue_max_amount": 500.0,
    "bureau_overdue_ever_count": 3,  # 500, 200 and 400; not the 0
    "bureau_active_overdue_max_amount": 500.0,
    "bureau_prolonged_count": 3.0,
    "bureau_active_end_days_max": 300,
    "bureau_active_end_days_mean": 300.0,
    "bureau_active_past_end_count": 0,
    "bureau_closed_early_days_mean": -25.0,  # 50 days early and 100 late
    "bureau_closed_early_share": 0.5,
    "bureau_closed_late_share": 0.5,
    "bureau_lifetime_days_mean": 1025.0,  # 1000 - 150 and 2000 - 800
    "bureau_status_credits_count": 2,
    "bureau_status_months_count": 6,
    "bureau_status_past_due_months_count": 2,
    "bureau_status_past_due_months_share": 0.4,  # of five months that were open
    "bureau_status_past_due_over_30_months_count": 1,
    "bureau_status_past_due_months_count_12m": 1,
    "bureau_status_past_due_credits_share": 1.0,
    "bureau_status_worst": 3,
    "bureau_status_worst_12m": 1,
    "bureau_status_active_worst": 1,
    "bureau_status_past_due_months_ago": 1,
}

ZERO_FOR_NOBODY = {name for name in EXPECTED if name.endswith("_count") or "_count_" in name} - {
    "bureau_status_months_count", "bureau_status_past_due_months_count", "bureau_status_past_due_over_30_months_count",
    "bureau_status_past_due_months_count_12m",
}  # fmt: skip
"""What is counted is 0 for somebody without credits; months past due are NULL without a monthly history."""


def test_five_credits_of_one_applicant() -> None:
    made = features("bureau_features", application=APPLICANT, bureau=BUREAU, bureau_balance=MONTHS)
    assert made == {1: pytest.approx(EXPECTED, rel=1e-12)}


def test_an_applicant_without_credits_has_none() -> None:
    row = features("bureau_features", application=APPLICANT, bureau="SK_ID_CURR", bureau_balance="SK_ID_BUREAU")[1]
    assert row == {name: 0 if name in ZERO_FOR_NOBODY else None for name in EXPECTED}


def test_a_bureau_that_was_not_asked_gives_no_row() -> None:
    assert features("bureau_features", application=APPLICANT, bureau_balance=MONTHS) == {}


def test_without_the_monthly_history_the_rest_stays_the_same() -> None:
    row = features("bureau_features", application=APPLICANT, bureau=BUREAU)[1]
    status = {name for name in EXPECTED if name.startswith("bureau_status_")}
    assert {name for name in EXPECTED if row[name] != pytest.approx(EXPECTED[name], rel=1e-12)} == status
    assert {row[name] for name in status} == {None, 0}


def test_a_credit_of_which_nothing_is_known_is_counted_and_gives_no_ratio() -> None:
    nothing = "SK_ID_CURR | SK_ID_BUREAU | AMT_CREDIT_SUM | AMT_CREDIT_SUM_DEBT\n1 | 11 | 0 | 0"
    row = features("bureau_features", application=APPLICANT, bureau=nothing)[1]
    assert (row["bureau_count"], row["bureau_active_count"], row["bureau_active_share"]) == (1, 0, 0.0)
    assert row["bureau_debt_to_amount"] is None
    assert row["bureau_days_between_mean"] is None


def test_an_end_ahead_of_the_application_is_a_schedule_and_counts() -> None:
    ahead = """
    SK_ID_CURR | SK_ID_BUREAU | CREDIT_ACTIVE | DAYS_CREDIT | DAYS_CREDIT_ENDDATE | AMT_CREDIT_SUM_DEBT
             1 |           11 | Active        |         -10 |                  10 |                 100
             1 |           12 | Active        |         -10 |                1000 |                1000
             1 |           13 | Active        |        -400 |                 -30 |                 500
    """
    row = features("bureau_features", application=APPLICANT, bureau=ahead)[1]
    assert row["bureau_active_end_days_max"] == 1000
    assert row["bureau_active_past_end_count"] == 1
    assert row["bureau_monthly_burden_sum"] == 130.0  # all 100 within a month, 1000 over 33 of them; 13 is past its end
