"""loan_features.sql: every figure of a few invented loans, worked out by hand."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest

from tests.golden.lending_club.loans import features, loan

EARLY = {
    "loan_amount_usd": 12000.0,
    "term_months": 36,
    "loan_purpose": "credit_card",
    "joint_application": False,
    "income_annual_usd": 48000.0,
    "loan_to_income": 0.25,  # 12,000 / 48,000
    "dti_pct": 14.5,
    "owns_home_flag": 0,
    "revolving_balance_usd": 6000.0,
    "revolving_utilisation_pct": 40.0,
    "revolving_balance_to_income": 0.125,  # 6,000 / 48,000
    "loan_to_revolving_balance": 2.0,  # 12,000 / 6,000
    "credit_age_months": 123,  # 2000-11 to 2011-02: ten years and three months
    "credit_age_months_per_account": 6.15,  # 123 / 20
    "open_accounts": 5,
    "total_accounts": 20,
    "open_accounts_share": 0.25,
    "inquiries_6m": 2,
    "late_payments_2y": 1,
    "months_since_late_payment": 14,
    "public_records": 1,
    "months_since_public_record": 80,
    "bankruptcies": 1,
    "tax_liens": 0,
    "collections_12m": 0,
    "chargeoffs_12m": 0,
    "accounts_late_now": 0,
    "amount_past_due_usd": 0.0,
}

LATER_RAW: dict[str, Any] = {
    "mths_since_last_major_derog": 30,
    "fico_range_low": 690,
    "fico_range_high": 694,
    "acc_open_past_24mths": 4,
    "num_tl_op_past_12m": 2,
    "mths_since_recent_inq": 3,
    "mo_sin_rcnt_tl": 5,
    "mo_sin_rcnt_rev_tl_op": 7,
    "mo_sin_old_rev_tl_op": 123,
    "mo_sin_old_il_acct": 99,
    "mths_since_recent_bc": 8,
    "mths_since_recent_bc_dlq": 41,
    "mths_since_recent_revol_delinq": 40,
    "num_accts_ever_120_pd": 1,
    "num_tl_90g_dpd_24m": 0,
    "num_tl_30dpd": 0,
    "num_tl_120dpd_2m": 0,
    "pct_tl_nvr_dlq": 92.5,
    "percent_bc_gt_75": 50.0,
    "bc_util": 61.0,
    "tot_coll_amt": "150",
    "tot_cur_bal": "90000",
    "tot_hi_cred_lim": "120000",
    "total_bal_ex_mort": "24000",
    "avg_cur_bal": "18000",
    "bc_open_to_buy": "2500",
    "total_bc_limit": "8000",
    "total_rev_hi_lim": "15000",
    "total_il_high_credit_limit": "30000",
    "mort_acc": 1,
    "num_il_tl": 6,
    "num_actv_rev_tl": 3,
    "num_op_rev_tl": 4,
    "num_rev_accts": 9,
    "num_actv_bc_tl": 2,
    "num_bc_tl": 5,
    "open_acc_6m": 1,
    "open_il_12m": 1,
    "open_il_24m": 2,
    "open_rv_12m": 1,
    "open_rv_24m": 2,
    "inq_last_12m": 4,
    "inq_fi": 1,
    "total_cu_tl": 2,
    "mths_since_rcnt_il": 11,
    "open_act_il": 2,
    "total_bal_il": "18000",
    "il_util": 60.0,
    "all_util": 55.0,
    "max_bal_bc": "4000",
}

LATER = {
    "months_since_major_derogatory": 30,
    "credit_score_points": 692.0,  # midway between 690 and 694
    "accounts_opened_24m": 4,
    "accounts_opened_12m": 2,
    "months_since_inquiry": 3,
    "months_since_newest_account": 5,
    "months_since_newest_revolving": 7,
    "months_since_oldest_revolving": 123,
    "months_since_oldest_instalment": 99,
    "months_since_newest_card": 8,
    "months_since_late_card": 41,
    "months_since_late_revolving": 40,
    "accounts_ever_late_120d": 1,
    "accounts_late_90d_24m": 0,
    "accounts_late_30d_now": 0,
    "accounts_late_120d_now": 0,
    "accounts_never_late_pct": 92.5,
    "cards_above_75_pct": 50.0,
    "card_utilisation_pct": 61.0,
    "collected_ever_usd": 150.0,
    "total_balance_usd": 90000.0,
    "total_balance_to_limit": 0.75,  # 90,000 / 120,000
    "debt_without_mortgage_to_income": 0.5,  # 24,000 / 48,000
    "account_balance_mean_usd": 18000.0,
    "card_unused_limit_usd": 2500.0,
    "card_limit_usd": 8000.0,
    "loan_to_card_limit": 1.5,  # 12,000 / 8,000
    "revolving_limit_reported_usd": 15000.0,
    "instalment_original_usd": 30000.0,
    "mortgages": 1,
    "instalment_accounts": 6,
    "revolving_accounts_active": 3,
    "revolving_accounts_open": 4,
    "revolving_accounts": 9,
    "cards_active": 2,
    "cards": 5,
    "accounts_opened_6m": 1,
    "instalment_opened_12m": 1,
    "instalment_opened_24m": 2,
    "revolving_opened_12m": 1,
    "revolving_opened_24m": 2,
    "inquiries_12m": 4,
    "inquiries_finance_companies": 1,
    "finance_company_accounts": 2,
    "months_since_newest_instalment": 11,
    "instalment_accounts_active": 2,
    "instalment_balance_to_income": 0.375,  # 18,000 / 48,000
    "instalment_utilisation_pct": 60.0,
    "total_utilisation_pct": 55.0,
    "card_balance_max_usd": 4000.0,
}

SECOND_RAW: dict[str, Any] = {
    "application_type": "Joint App",
    "annual_inc_joint": "96000",
    "dti_joint": 9.25,
    "revol_bal_joint": "12000",
    "sec_app_fico_range_low": 650,
    "sec_app_fico_range_high": 654,
    "sec_app_earliest_cr_line": dt.date(2009, 2, 1),
    "sec_app_inq_last_6mths": 1,
    "sec_app_open_acc": 7,
    "sec_app_mort_acc": 0,
    "sec_app_revol_util": 81.5,
    "sec_app_chargeoff_within_12_mths": 0,
    "sec_app_collections_12_mths_ex_med": 1,
    "sec_app_mths_since_last_major_derog": 22,
}

SECOND = {
    "second_credit_score_points": 652.0,
    "second_credit_age_months": 24,
    "second_inquiries_6m": 1,
    "second_open_accounts": 7,
    "second_mortgages": 0,
    "second_revolving_utilisation_pct": 81.5,
    "second_chargeoffs_12m": 0,
    "second_collections_12m": 1,
    "second_months_since_major_derogatory": 22,
}

NOTHING_ELSE = dict.fromkeys([*LATER, *SECOND])


def test_an_early_loan_has_the_figures_of_its_time_and_no_others() -> None:
    assert features([loan()])["a"] == {**NOTHING_ELSE, **EARLY}


def test_a_later_loan_has_the_columns_added_in_2012_and_2015_too() -> None:
    assert features([loan(**LATER_RAW)])["a"] == {**NOTHING_ELSE, **EARLY, **LATER}


def test_a_joint_application_is_judged_by_the_income_and_debts_of_both() -> None:
    both = {
        "joint_application": True,
        "income_annual_usd": 96000.0,
        "dti_pct": 9.25,
        "loan_to_income": 0.125,  # 12,000 / 96,000
        "revolving_balance_to_income": 0.125,  # the joint balance of 12,000 / 96,000
        "debt_without_mortgage_to_income": 0.25,
        "instalment_balance_to_income": 0.1875,
    }
    assert features([loan(**LATER_RAW, **SECOND_RAW)])["a"] == {**EARLY, **LATER, **SECOND, **both}


def test_a_joint_application_without_joint_figures_falls_back_on_the_first_applicant() -> None:
    row = features([loan(application_type="Joint App", dti_joint=999.0)])["a"]
    assert row["joint_application"] is True
    assert (row["income_annual_usd"], row["dti_pct"], row["revolving_balance_to_income"]) == (48000.0, 14.5, 0.125)


def test_a_single_application_never_looks_at_joint_figures() -> None:
    alone = features([loan(annual_inc_joint="1", dti_joint=1.0, revol_bal_joint="1")])["a"]
    assert alone == {**NOTHING_ELSE, **EARLY}


def test_a_file_without_application_type_holds_single_applications() -> None:
    assert features([loan(application_type=None)])["a"]["joint_application"] is False


def test_nothing_known_but_loan_and_date_gives_nulls_and_no_crash() -> None:
    known = {"loan_amnt": "5000", "term": 60, "issue_d": dt.date(2008, 2, 1)}
    row = features([{"loan_key": "a", **known}])["a"]
    given = {name: value for name, value in row.items() if value is not None}
    assert given == {"loan_amount_usd": 5000.0, "term_months": 60, "joint_application": False}


@pytest.mark.parametrize(("dti", "expected"), [(0.0, 0.0), (999.0, None), (-1.0, None), (None, None), (998.99, 998.99)])
def test_dti_of_999_or_minus_1_is_no_ratio(dti: float | None, expected: float | None) -> None:
    assert features([loan(dti=dti)])["a"]["dti_pct"] == expected


@pytest.mark.parametrize("income", [None, "0"])
def test_no_income_gives_no_ratio_and_no_infinity(income: str | None) -> None:
    row = features([loan(annual_inc=income, **LATER_RAW)])["a"]
    ratios = [name for name in row if name.endswith("_to_income")]
    assert len(ratios) == 4
    assert [row[name] for name in ratios] == [None] * 4


def test_no_balance_no_limit_and_no_account_give_no_ratio_and_no_infinity() -> None:
    nothing = {"revol_bal": "0", "total_acc": 0, "tot_hi_cred_lim": "0", "total_bc_limit": "0"}
    row = features([loan(**{**LATER_RAW, **nothing})])["a"]
    ratios = ["loan_to_revolving_balance", "open_accounts_share", "credit_age_months_per_account",
              "total_balance_to_limit", "loan_to_card_limit"]  # fmt: skip
    assert [row[name] for name in ratios] == [None] * len(ratios)
    assert row["revolving_balance_to_income"] == 0.0
    assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))


def test_length_of_employment_counts_for_nobody() -> None:
    assert features([loan(emp_length="10+ years")]) == features([loan(emp_length=None)])


@pytest.mark.parametrize(
    ("stated", "owns"), [("RENT", 0), ("OWN", 1), ("MORTGAGE", 1), ("ANY", 0), ("NONE", 0), (None, None)]
)
def test_a_home_of_ones_own_is_told_from_others(stated: str | None, owns: int | None) -> None:
    assert features([loan(home_ownership=stated)])["a"]["owns_home_flag"] == owns


@pytest.mark.parametrize(
    ("opened", "granted", "months"),
    [
        (dt.date(2008, 2, 1), dt.date(2008, 2, 1), 0),
        (dt.date(2007, 12, 1), dt.date(2008, 1, 1), 1),
        (dt.date(2008, 1, 31), dt.date(2008, 2, 29), 1),  # a leap day ends the month as any other day does
        (dt.date(2004, 2, 29), dt.date(2008, 2, 1), 48),
        (dt.date(1946, 1, 1), dt.date(2011, 12, 1), 791),  # 65 years and 11 months
        (dt.date(2008, 3, 1), dt.date(2008, 2, 1), None),  # younger than the loan: not a history
        (None, dt.date(2008, 2, 1), None),
    ],
)
def test_credit_age_is_counted_in_months_up_to_the_loan(
    opened: dt.date | None, granted: dt.date, months: int | None
) -> None:
    row = features([loan(earliest_cr_line=opened, sec_app_earliest_cr_line=opened, issue_d=granted, total_acc=1)])["a"]
    assert row["credit_age_months"] == months
    assert row["credit_age_months_per_account"] == months
    assert row["second_credit_age_months"] == months


@pytest.mark.parametrize(
    ("months", "count", "expected"),
    [(None, 0, None), (0, 0, None), (0, 1, 0), (5, 0, 5), (0, None, 0), (None, 2, None)],
)
def test_zero_months_beside_a_count_of_zero_means_never(
    months: int | None, count: int | None, expected: int | None
) -> None:
    late = features([loan(mths_since_last_delinq=months, delinq_2yrs=count)])["a"]
    record = features([loan(mths_since_last_record=months, pub_rec=count)])["a"]
    assert late["months_since_late_payment"] == expected
    assert record["months_since_public_record"] == expected


def test_counts_left_empty_beside_a_credit_file_are_none_on_file() -> None:
    empty = dict.fromkeys(
        ["pub_rec_bankruptcies", "tax_liens", "collections_12_mths_ex_med", "chargeoff_within_12_mths"]
    )
    names = ["bankruptcies", "tax_liens", "collections_12m", "chargeoffs_12m"]
    beside_file = features([loan(**empty)])["a"]
    without_file = features([loan(**empty, pub_rec=None, open_acc=None)])["a"]
    assert [beside_file[name] for name in names] == [0, 0, 0, 0]
    assert [without_file[name] for name in names] == [None] * 4


def test_half_a_score_band_is_no_score() -> None:
    assert features([loan(fico_range_low=690, fico_range_high=None)])["a"]["credit_score_points"] is None


def test_utilisation_above_the_limit_stays_as_it_is() -> None:
    assert features([loan(revol_util=119.0)])["a"]["revolving_utilisation_pct"] == 119.0
