"""pos_features.sql: months of earlier consumer and cash loans, worked out by hand."""

from __future__ import annotations

import pytest

from tests.golden.home_credit.people import APPLICANT, Row, features

MONTHS = """
SK_ID_CURR | SK_ID_PREV | MONTHS_BALANCE | CNT_INSTALMENT | CNT_INSTALMENT_FUTURE | NAME_CONTRACT_STATUS | SK_DPD | SK_DPD_DEF
         1 |         41 |             -1 |             12 |                     4 | Active               |      0 |          0
         1 |         41 |             -2 |             12 |                     5 | Active               |      7 |          0
         1 |         41 |             -7 |             10 |                     8 | Active               |     20 |          3
         1 |         42 |            -20 |             24 |                     0 | Completed            |      0 |          0
         1 |         42 |            -21 |             24 |                     1 | Active               |     40 |         40
         1 |         43 |             -5 |              6 |                       | Demand               |      0 |          0
         1 |         43 |             -6 |              6 |                     2 | Active               |      0 |          0
         1 |         44 |            -30 |             18 |                    18 | Returned to the store |      0 |          0
"""  # noqa: E501

EXPECTED: Row = {
    "pos_loans_count": 4,
    "pos_months_count": 8,
    "pos_months_count_12m": 5,
    "pos_newest_months": 1,
    "pos_oldest_months": 30,
    "pos_past_due_count": 3,
    "pos_past_due_share": 3 / 8,
    "pos_past_due_tolerant_share": 2 / 8,
    "pos_past_due_loans_share": 0.5,  # 41 and 42
    "pos_past_due_days_max": 40,
    "pos_past_due_tolerant_days_max": 40,
    "pos_past_due_newest_months": 2,
    "pos_past_due_share_12m": 0.4,
    "pos_past_due_days_max_6m": 7,
    "pos_past_due_days_max_12m": 20,
    "pos_past_due_tolerant_days_max_12m": 3,
    "pos_completed_count": 1,
    "pos_completed_share": 0.25,
    "pos_troubled_count": 1,
    "pos_returned_count": 1,
    "pos_term_mean": 15.0,  # 12, 24, 6 and 18
    "pos_term_max": 24,
    "pos_term_changed_count": 1,
    "pos_open_count": 3,
    # What is left in the newest month that tells it: 4 of 41, 2 of 43, 18 of 44; 42 is completed.
    "pos_remaining_sum": 24,
    "pos_remaining_max": 18,
    "pos_remaining_share": 24 / 36,
    "pos_open_count_3m": 1,
    "pos_remaining_sum_3m": 4,
}


def test_four_loans_of_one_applicant() -> None:
    made = features("pos_features", application=APPLICANT, POS_CASH_balance=MONTHS)
    assert made == {1: pytest.approx(EXPECTED, rel=1e-12)}


def test_a_new_client_has_counts_of_zero_and_was_never_past_due() -> None:
    row = features("pos_features", application=APPLICANT, POS_CASH_balance="SK_ID_CURR")[1]
    zero = {name for name in EXPECTED if "_count" in name or "_sum" in name or "_days_max" in name}
    assert row == {name: 0 if name in zero else None for name in EXPECTED}


def test_months_that_were_not_asked_for_give_no_row() -> None:
    assert features("pos_features", application=APPLICANT) == {}


def test_a_loan_that_never_told_what_is_left_has_nothing_to_add() -> None:
    text = "SK_ID_CURR | SK_ID_PREV | MONTHS_BALANCE | NAME_CONTRACT_STATUS\n1 | 41 | -1 | XNA"
    row = features("pos_features", application=APPLICANT, POS_CASH_balance=text)[1]
    assert (row["pos_loans_count"], row["pos_open_count"], row["pos_remaining_sum"]) == (1, 0, 0)
    assert row["pos_remaining_share"] is None
    assert row["pos_term_mean"] is None
