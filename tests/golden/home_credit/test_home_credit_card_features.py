"""card_features.sql: months of earlier credit cards, worked out by hand."""

from __future__ import annotations

import pytest

from tests.golden.home_credit.people import APPLICANT, Row, features

# fmt: off
MONTHS = """
SK_ID_CURR|SK_ID_PREV|MONTHS_BALANCE|AMT_BALANCE|AMT_CREDIT_LIMIT_ACTUAL|AMT_DRAWINGS_CURRENT|AMT_DRAWINGS_ATM_CURRENT|AMT_INST_MIN_REGULARITY|AMT_PAYMENT_CURRENT|AMT_PAYMENT_TOTAL_CURRENT|CNT_DRAWINGS_CURRENT|CNT_DRAWINGS_ATM_CURRENT|SK_DPD|SK_DPD_DEF
         1|        51|            -1|        950|                   1000|                 200|                     100|                     50|                 60|                       60|                   3|                       1|     0|         0
         1|        51|            -4|        600|                   1000|                 300|                     300|                     50|                 20|                       20|                   2|                       2|     5|         1
         1|        51|           -12|        100|                    500|                   0|                        |                      0|                   |                        0|                   0|                        |     0|         0
         1|        51|           -13|        600|                    500|                 600|                       0|                     40|                   |                      100|                   4|                       0|    31|         0
         1|        52|            -2|          0|                      0|                   0|                        |                       |                   |                        0|                   0|                        |     0|         0
"""  # noqa: E501
# fmt: on

EXPECTED: Row = {
    "card_months_count": 5,
    "card_newest_months": 1,
    "card_oldest_months": 13,
    "card_balance_amount_mean": 450.0,  # 2250 / 5
    "card_balance_amount_max": 950.0,
    "card_limit_amount_max": 1000.0,
    "card_used_share": 0.75,  # 2250 of limits that sum to 3000
    "card_used_share_max": 1.2,  # 600 of 500
    "card_nearly_full_share": 0.4,  # 0.95 and 1.2
    "card_over_limit_count": 1,
    "card_drawn_to_limit": 1100 / 3000,
    "card_cash_share": 400 / 1100,
    "card_drawn_months_share": 0.6,
    "card_drawn_newest_months": 1,
    "card_drawings_per_month": 1.8,
    "card_paid_to_drawn": 180 / 1100,
    "card_paid_to_minimum": 80 / 140,  # 60 + 20 + nothing, of 50 + 50 + 40
    "card_minimum_missed_share": 2 / 3,
    "card_past_due_count": 2,
    "card_past_due_share": 0.4,
    "card_past_due_days_max": 31,
    "card_past_due_tolerant_days_max": 1,
    "card_balance_max_to_income": 0.0095,
    # the last 3 months: -1 of one card and -2 of the other
    "card_balance_amount_mean_3m": 475.0,
    "card_used_share_3m": 0.95,
    "card_drawn_to_limit_3m": 0.2,
    "card_cash_drawings_per_month_3m": 0.5,
    "card_used_share_6m": 1550 / 2000,
    # 12 months: all but -13
    "card_used_share_12m": 1650 / 2500,
    "card_used_share_max_12m": 0.95,
    "card_drawn_to_limit_12m": 0.2,  # 500 / 2500
    "card_cash_share_12m": 0.8,
    "card_cash_drawings_per_month_12m": 0.75,
    "card_paid_to_minimum_12m": 0.8,
    "card_minimum_missed_share_12m": 0.5,
    "card_past_due_count_12m": 1,
    "card_past_due_days_max_12m": 5,
    "card_used_share_trend_3m": 0.2,  # 0.95 now against 0.75 over all time
}


def test_two_cards_of_one_applicant() -> None:
    made = features("card_features", application=APPLICANT, credit_card_balance=MONTHS)
    assert made == {1: pytest.approx(EXPECTED, rel=1e-12)}


def test_who_has_no_card_has_counts_of_zero_and_nothing_else() -> None:
    row = features("card_features", application=APPLICANT, credit_card_balance="SK_ID_CURR")[1]
    zero = {"card_months_count", "card_over_limit_count", "card_past_due_count"}
    assert row == {name: 0 if name in zero else None for name in EXPECTED}


def test_months_that_were_not_asked_for_give_no_row() -> None:
    assert features("card_features", application=APPLICANT) == {}


def test_a_card_without_a_limit_or_a_drawing_gives_no_ratio() -> None:
    text = "SK_ID_CURR | SK_ID_PREV | MONTHS_BALANCE | AMT_BALANCE | AMT_CREDIT_LIMIT_ACTUAL\n1 | 51 | -1 | 10 | 0"
    row = features("card_features", application=APPLICANT, credit_card_balance=text)[1]
    none = {"card_used_share", "card_used_share_max", "card_cash_share", "card_paid_to_drawn", "card_paid_to_minimum"}
    assert {row[name] for name in none} == {None}
    assert row["card_balance_amount_mean"] == 10.0
