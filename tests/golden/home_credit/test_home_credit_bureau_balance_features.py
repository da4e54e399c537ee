"""bureau_balance_features.sql: the monthly history of each credit at the bureau, worked out by hand."""

from __future__ import annotations

from tests.golden.home_credit.people import features

MONTHS = """
SK_ID_BUREAU | MONTHS_BALANCE | STATUS
          11 |              0 | C
          11 |             -1 | 0
          11 |             -2 | 1
          11 |            -12 | 2
          11 |            -13 | 5
          11 |            -14 | X
          12 |             -3 | X
          12 |             -4 | C
          13 |             -5 | 0
"""

FILE = "bureau_balance_features"


def test_each_credit_is_counted_by_the_months_it_was_open_and_past_due() -> None:
    made = features(FILE, "SK_ID_BUREAU", bureau_balance=MONTHS)
    assert made[11] == {
        "months_count": 6,
        "open_months_count": 4,  # 0, 1, 2 and 5; not C and not X
        "past_due_months_count": 3,  # 1, 2 and 5
        "past_due_over_30_months_count": 2,  # 2 and 5
        "past_due_months_12m_count": 2,  # -2 and -12, but not -13
        "worst_status": 5,
        "worst_status_12m": 2,
        "past_due_months_ago": 2,
    }


def test_a_credit_that_was_never_past_due_has_zeros_and_no_last_time() -> None:
    made = features(FILE, "SK_ID_BUREAU", bureau_balance=MONTHS)
    never = {"past_due_months_count": 0, "past_due_over_30_months_count": 0, "past_due_months_12m_count": 0,
             "worst_status": 0, "worst_status_12m": 0, "past_due_months_ago": None}  # fmt: skip
    assert made[12] == {"months_count": 2, "open_months_count": 0, **never}
    assert made[13] == {"months_count": 1, "open_months_count": 1, **never}


def test_no_history_gives_no_row() -> None:
    assert features(FILE, "SK_ID_BUREAU", bureau_balance="SK_ID_BUREAU | MONTHS_BALANCE | STATUS") == {}
    assert features(FILE, "SK_ID_BUREAU") == {}
