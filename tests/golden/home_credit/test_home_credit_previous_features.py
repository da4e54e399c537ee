"""previous_features.sql: earlier applications to the same lender, worked out by hand."""

from __future__ import annotations

import pytest

from tests.golden.home_credit.people import APPLICANT, Row, features

# fmt: off
PREVIOUS = """
SK_ID_CURR|SK_ID_PREV|NAME_CONTRACT_STATUS|NAME_CONTRACT_TYPE|DAYS_DECISION|AMT_APPLICATION|AMT_CREDIT|AMT_ANNUITY|CNT_PAYMENT|RATE_DOWN_PAYMENT|CODE_REJECT_REASON|NAME_YIELD_GROUP|NAME_PRODUCT_TYPE|NAME_CLIENT_TYPE|CHANNEL_TYPE  |PRODUCT_COMBINATION     |DAYS_FIRST_DRAWING|DAYS_LAST_DUE_1ST_VERSION|DAYS_LAST_DUE|DAYS_TERMINATION
         1|        21|Approved            |Consumer loans    |         -100|           1000|      1250|        150|         10|              0.1|XAP               |high            |XNA              |New             |Stone         |POS mobile with interest|            365243|                      200|       365243|          365243
         1|        22|Refused             |Cash loans        |         -100|           5000|      5000|        500|         12|                 |HC                |low_normal      |walk-in          |Repeater        |Contact center|Cash                    |                  |                         |             |
         1|        23|Approved            |Revolving loans   |         -400|              0|      2000|        100|          0|                 |XAP               |XNA             |x-sell           |Repeater        |Stone         |Card X-Sell             |              -390|                   365243|       365243|          365243
         1|        24|Approved            |Cash loans        |         -800|           3000|      2500|        275|         10|              0.3|XAP               |middle          |walk-in          |Repeater        |Stone         |Cash                    |            365243|                     -150|         -230|            -200
         1|        25|Canceled            |Cash loans        |         -900|              0|         0|           |           |                 |XAP               |XNA             |XNA              |Repeater        |Stone         |Cash                    |                  |                         |             |
         1|        26|Refused             |Consumer loans    |        -1200|            700|       700|           |         24|                 |LIMIT             |XNA             |XNA              |New             |Stone         |POS mobile with interest|                  |                         |             |
"""  # noqa: E501
# fmt: on

EXPECTED: Row = {
    "previous_count": 6,
    "previous_approved_count": 3,
    "previous_refused_count": 2,
    "previous_canceled_count": 1,
    "previous_approved_share": 0.5,
    "previous_refused_share": 2 / 6,
    "previous_cash_count": 3,
    "previous_consumer_count": 2,
    "previous_revolving_count": 1,
    "previous_cash_refused_count": 1,
    "previous_count_1y": 2,
    "previous_count_2y": 3,
    "previous_approved_count_1y": 1,
    "previous_refused_count_1y": 1,
    "previous_refused_count_2y": 1,
    "previous_refused_policy_count": 1,  # HC
    "previous_refused_score_count": 0,
    "previous_refused_limit_count": 1,
    "previous_walk_in_share": 2 / 6,
    "previous_offered_share": 1 / 6,
    "previous_high_yield_share": 1 / 6,
    "previous_newest_days": 100,
    "previous_oldest_days": 1200,
    "previous_decided_days_mean": 3500 / 6,
    "previous_approved_newest_days": 100,
    "previous_refused_newest_days": 100,
    "previous_first_drawing_days": 390,  # 365243 means never drawn
    "previous_terminated_newest_days": 200,  # 365243 means still running
    "previous_approved_credit_max": 2500.0,
    "previous_approved_credit_mean": 5750 / 3,
    "previous_approved_annuity_max": 275.0,
    "previous_approved_annuity_mean": 175.0,  # 150, 100 and 275
    "previous_refused_asked_mean": 2850.0,  # 5000 and 700
    "previous_approved_term_mean": 10.0,  # a card has no term
    "previous_refused_term_mean": 18.0,  # 12 and 24
    "previous_asked_to_granted_min": 0.0,
    "previous_asked_to_granted_max": 1.2,
    "previous_asked_to_granted_mean": 0.8,  # 0.8, 1, 0, 1.2 and 1; nothing for the one of nothing
    "previous_approved_asked_to_granted_mean": 2 / 3,  # 0.8, 0 and 1.2; as a decimal of six places and then divided
    "previous_interest_max": 0.2,  # 150 * 10 / 1250 - 1, and 500 * 12 / 5000 - 1
    "previous_interest_min": 0.1,  # 275 * 10 / 2500 - 1
    "previous_interest_mean": 0.5 / 3,
    "previous_down_payment_rate_max": 0.3,
    "previous_down_payment_rate_mean": 0.2,
    "previous_credit_asked_to_approved_max": 80.0,  # 200,000 over 2500
    "previous_annuity_asked_to_approved_max": 10000 / 275,
    "previous_running_count": 2,
    "previous_running_annuity_sum": 250.0,
    "previous_running_credit_sum": 3250.0,
    "previous_running_annuity_to_income": 0.0025,
    "previous_running_end_days": 200,
    "previous_ended_early_days_mean": 80.0,  # due until -150, paid until -230
    # the last ones: 22 and 21 (decided on one day, so the higher number first), 23, 24, 25
    "previous_last_3_approved_count": 2,
    "previous_last_3_refused_count": 1,
    "previous_last_5_approved_count": 3,
    "previous_last_5_refused_count": 1,
    "previous_last_3_credit_mean": 2750.0,  # 5000, 1250 and 2000
    "previous_last_3_term_mean": 11.0,  # 12 and 10
    "previous_last_3_asked_to_granted_mean": 0.6,  # 1, 0.8 and 0
    "previous_last_5_asked_to_granted_mean": 0.75,  # and 1.2
    "previous_last_status": "Refused",
    "previous_last_product": "Cash",
    "previous_last_client_type": "Repeater",
    "previous_last_channel": "Contact center",
    "previous_last_yield_group": "low_normal",
    "previous_last_reject_reason": "HC",
    "previous_last_credit": 5000.0,
    "previous_last_term": 12,
    "previous_last_asked_to_granted": 1.0,
    "previous_last_interest": 0.2,
}


def test_six_earlier_applications() -> None:
    row = features("previous_features", application=APPLICANT, previous_application=PREVIOUS)[1]
    words = {name: value for name, value in EXPECTED.items() if isinstance(value, str)}
    assert {name: row.pop(name) for name in words} == words
    assert row == pytest.approx({name: value for name, value in EXPECTED.items() if name not in words}, rel=1e-12)


def test_a_new_client_has_counts_of_zero_and_nothing_else() -> None:
    row = features("previous_features", application=APPLICANT, previous_application="SK_ID_CURR")[1]
    zero = {name for name in EXPECTED if "_count" in name and not name.startswith("previous_last_")}
    assert row == {name: 0 if name in zero else None for name in EXPECTED}


def test_a_history_that_was_not_asked_for_gives_no_row() -> None:
    assert features("previous_features", application=APPLICANT) == {}


def test_of_two_decisions_on_one_day_the_higher_number_is_the_last() -> None:
    rows = "SK_ID_CURR | SK_ID_PREV | DAYS_DECISION | NAME_CONTRACT_STATUS\n"
    one = rows + "1 | 5 | -10 | Approved\n1 | 6 | -10 | Refused"
    other = rows + "1 | 6 | -10 | Refused\n1 | 5 | -10 | Approved"
    for text in (one, other):
        row = features("previous_features", application=APPLICANT, previous_application=text)[1]
        assert row["previous_last_status"] == "Refused"


def test_an_absurd_ratio_is_left_out_instead_of_breaking_the_sum() -> None:
    text = """
    SK_ID_CURR | SK_ID_PREV | DAYS_DECISION | AMT_APPLICATION | AMT_CREDIT
             1 |          5 |           -10 | 999999999999999 |      0.001
             1 |          6 |           -20 |             500 |       1000
    """
    row = features("previous_features", application=APPLICANT, previous_application=text)[1]
    assert row["previous_asked_to_granted_mean"] == 0.5
