"""What the borrower stated, what a second borrower added, and the price that the lender set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from creditrisk.demo.draws import Floats, Ints, Rng, following, gaps, named, number, pick, pick_index, quantile, rank
from creditrisk.demo.lending_club import shares
from creditrisk.demo.lending_club.loans import Loans, month_number
from creditrisk.demo.lending_club.outcome import installment
from creditrisk.demo.lending_club.words import description_words, job_words, month_words, title_words, zip_words

SUB_GRADES = tuple(f"{letter}{digit}" for letter in "ABCDEFG" for digit in range(1, 6))


def asked_columns(rng: Rng, loans: Loans) -> dict[str, pl.Series]:
    n = loans.size
    unemployed = following(rng, loans.means, -0.2) > 0.945
    state = pick_index([share for share, _, _ in shares.STATES.values()], rng.random(n))
    home = pick(shares.HOME, following(rng, 0.8 * loans.roots - 0.4 * loans.means, 0.45))
    raw_income = 62_000 * np.exp(0.50 * loans.means + 0.12 * rng.standard_normal(n))
    income = np.where(rng.random(n) < 0.8, np.round(raw_income / 1_000) * 1_000, np.round(raw_income, 2))
    empty = pl.Series([None] * n, dtype=pl.String)
    return {
        "id": empty,
        "member_id": empty,
        "url": empty,
        "loan_amnt": number(loans.amount),
        "term": named((loans.term == 60).astype(np.int64), (" 36 months", " 60 months")),
        "emp_title": gaps(job_words(rng, n), unemployed | (rng.random(n) < 0.01)),
        "emp_length": gaps(pick(shares.EMP_LENGTH, following(rng, loans.roots, 0.4)), unemployed),
        "home_ownership": home,
        "annual_inc": number(income.clip(4_000), (loans.issued < month_number(2008, 1)) & (rng.random(n) < 0.01)),
        "issue_d": month_words(loans.issued),
        "desc": description_words(rng, loans),
        "purpose": named(loans.purpose, list(shares.PURPOSE)),
        "title": title_words(rng, loans),
        "zip_code": zip_words(rng, state),
        "addr_state": named(state, list(shares.STATES)),
        "dti": number(_dti(rng, loans), rng.random(n) < 0.0005, digits=2),
    }


def _dti(rng: Rng, loans: Loans) -> Floats:
    """Debt payments in percent of income: up to 30 before 2012, up to 40 later, now and then nonsense."""
    low = ((0, 0.0), (0.05, 2.1), (0.25, 8.2), (0.5, 13.5), (0.75, 18.7), (0.95, 24.0), (1, 29.99))
    dti = quantile(low, rank(0.94 * loans.burden - 0.2 * loans.means + 0.27 * rng.standard_normal(loans.size)))
    later = loans.issued >= month_number(2012, 1)
    dti = np.where(later & (dti > 20), 20 + 2 * (dti - 20), dti)
    odd = (loans.issued >= month_number(2015, 10)) & (rng.random(loans.size) < 0.002)
    return np.where(odd, rng.choice((999.0, 999.0, -1.0, 214.5), loans.size), dti)


@dataclass(frozen=True)
class Price:
    """What the lender decided; arrays of shape (n,)."""

    sub_grade: Ints
    """0 is A1, 34 is G5."""
    rate_pct: Floats
    investors: Floats
    """What investors gave of the sum."""


def draw_price(rng: Rng, loans: Loans) -> Price:
    """The lender saw the credit file and part of what no column shows."""
    n = loans.size
    seen = 0.42 * loans.trouble + 0.42 * loans.use + 0.36 * loans.hunger + 0.16 * loans.burden - 0.15 * loans.means
    known = seen + 0.40 * loans.unseen + 0.75 * (loans.term == 60) - 0.2 + 0.45 * rng.standard_normal(n)
    sub_grade = pick_index(shares.SUB_GRADE, rank(known / 1.08))
    drift = 0.8 * np.sin((loans.issued - month_number(2007, 6)) / 19.0)
    rate = 5.6 + 0.66 * sub_grade + 0.004 * sub_grade**1.5 + drift + np.round(rng.uniform(-0.3, 0.3, n), 1)
    part = (loans.issued < month_number(2010, 6)) & (rng.random(n) < 0.6)
    investors = np.where(part, np.round(loans.amount * rng.beta(3.0, 0.8, n), 2), loans.amount)
    return Price(sub_grade, np.round(rate.clip(5.32, 30.99), 2), np.maximum(investors, 25.0))


def price_columns(rng: Rng, loans: Loans, price: Price) -> dict[str, pl.Series]:
    n = loans.size
    grade = price.sub_grade // 5
    whole_list = np.where(loans.issued >= month_number(2012, 9), rng.random(n) < 0.55, False)
    direct = (loans.issued >= month_number(2017, 6)) & (rng.random(n) < 0.05)
    return {
        "funded_amnt": number(loans.amount),
        "funded_amnt_inv": number(price.investors),
        "int_rate": number(price.rate_pct),
        "installment": number(installment(loans, price.rate_pct)),
        "grade": named(grade, tuple("ABCDEFG")),
        "sub_grade": named(price.sub_grade, SUB_GRADES),
        "verification_status": pick(shares.VERIFICATION, following(rng, 0.5 * loans.means + 0.5 * loans.use, 0.2)),
        "initial_list_status": named(whole_list.astype(np.int64), ("f", "w")),
        "policy_code": number(np.ones(n)),
        "disbursement_method": named(direct.astype(np.int64), ("Cash", "DirectPay")),
    }


def joint_columns(rng: Rng, loans: Loans) -> dict[str, pl.Series]:
    """A second borrower, possible from October 2015 on, described from March 2017 on."""
    n = loans.size
    joint = (loans.issued >= month_number(2015, 10)) & (rng.random(n) < 0.07)
    alone, blank = ~joint, ~(joint & (loans.issued >= month_number(2017, 3)))
    income = np.round(62_000 * np.exp(0.50 * loans.means) * (1.4 + 0.5 * rng.random(n)), -2)
    fico = 5 * np.round((670 + 44 * rng.standard_normal(n)) / 5).clip(108, 168)
    open_accounts = 1 + rng.poisson(10, n)
    return {
        "application_type": named(joint.astype(np.int64), ("Individual", "Joint App")),
        "annual_inc_joint": number(income, alone),
        "dti_joint": number(rng.gamma(5.4, 3.4, n).clip(0, 39.9), alone, digits=2),
        "verification_status_joint": gaps(pick(shares.VERIFICATION, rng.random(n)), alone | (rng.random(n) < 0.03)),
        "revol_bal_joint": number(np.round(rng.gamma(1.5, 20_000, n)), blank),
        "sec_app_fico_range_low": number(fico, blank),
        "sec_app_fico_range_high": number(fico + 4, blank),
        "sec_app_earliest_cr_line": month_words(loans.issued - rng.integers(36, 400, n), blank),
        "sec_app_inq_last_6mths": number(rng.poisson(0.7, n), blank),
        "sec_app_mort_acc": number(rng.poisson(1.4, n), blank),
        "sec_app_open_acc": number(open_accounts, blank),
        "sec_app_revol_util": number(100 * rng.beta(2.0, 1.7, n), blank, digits=1),
        "sec_app_open_act_il": number(rng.poisson(2.7, n), blank),
        "sec_app_num_rev_accts": number(open_accounts + rng.poisson(1, n), blank),
        "sec_app_chargeoff_within_12_mths": number(rng.random(n) < 0.02, blank),
        "sec_app_collections_12_mths_ex_med": number(rng.random(n) < 0.06, blank),
        "sec_app_mths_since_last_major_derog": number(np.floor(80 * rng.random(n)), blank | (rng.random(n) < 0.65)),
    }
