"""What became of each loan until March 2019: status, payments, recoveries, hardship and settlement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from creditrisk.demo.draws import Bools, Floats, Ints, Rng, following, gaps, named, number, pick
from creditrisk.demo.lending_club import shares
from creditrisk.demo.lending_club.loans import Loans, month_number
from creditrisk.demo.lending_club.words import month_words

SEEN_UNTIL = month_number(2019, 3)
MONTHS_TO_CHARGE_OFF = 5


@dataclass(frozen=True)
class Course:
    """How far each loan has come; every array of shape (n,)."""

    status: Ints
    """Position in shares.STATUS."""
    bad: Bools
    """Charged off or in default already."""
    open: Bools
    """Neither paid back nor charged off yet."""
    paid: Ints
    """Monthly payments made."""
    last_paid: Ints
    """Month of the last one."""
    owed: Floats
    """Principal left after them."""
    early: Bools
    """Paid back in one sum before the end."""


def draw_course(rng: Rng, loans: Loans, rate_pct: Floats) -> Course:
    n = loans.size
    age = SEEN_UNTIL - loans.issued
    fails = rng.random(n) < loans.true_pd
    early = ~fails & (rng.random(n) < 0.60)
    length = np.where(early, np.ceil(loans.term * rng.beta(1.6, 1.3, n)).clip(1), loans.term)
    stretched = ~fails & ~early & (rng.random(n) < 0.05)
    end = np.where(fails, np.floor(loans.term * rng.beta(1.35, 2.1, n)), length).astype(np.int64)
    pauses = np.where(stretched, rng.integers(3, 30, n), 0)
    over = end + np.where(fails, MONTHS_TO_CHARGE_OFF, pauses) <= age
    paid = np.minimum(end, np.maximum(age - pauses, 0))
    status = _status(rng, loans, fails, over, age - end, stretched)
    last_paid = np.where(over & ~fails, loans.issued + end + pauses, loans.issued + np.minimum(end, age))
    return Course(
        status=status,
        bad=np.isin(status, (shares.CHARGED_OFF, shares.DEFAULT, shares.NO_POLICY_CHARGED_OFF)),
        open=np.isin(status, (shares.CURRENT, shares.GRACE, shares.LATE_16, shares.LATE_31)),
        paid=paid,
        last_paid=np.minimum(last_paid, SEEN_UNTIL),
        owed=_balance(loans, rate_pct, np.minimum(paid, loans.term)),
        early=early,
    )


def _status(rng: Rng, loans: Loans, fails: Bools, over: Bools, since_end: Ints, stretched: Bools) -> Ints:
    """since_end: months from the last payment of a failing loan to the day of the file."""
    n = loans.size
    old = (loans.issued < month_number(2010, 12)) & (following(rng, loans.hunger + loans.burden, 0.2) > 0.86)
    paid = np.where(old, shares.NO_POLICY_PAID, shares.PAID)
    lost = np.where(old, shares.NO_POLICY_CHARGED_OFF, shares.CHARGED_OFF)
    lost = np.where((since_end == MONTHS_TO_CHARGE_OFF) & (rng.random(n) < 0.3), shares.DEFAULT, lost)
    grace = np.where(rng.random(n) < 0.5, shares.GRACE, shares.LATE_16)
    slow = np.where(since_end <= 0, shares.CURRENT, np.where(since_end == 1, grace, shares.LATE_31))
    waits = np.where(stretched & (rng.random(n) < 0.3), shares.LATE_31, shares.CURRENT)
    return np.where(over, np.where(fails, lost, paid), np.where(fails, slow, waits))


def installment(loans: Loans, rate_pct: Floats) -> Floats:
    monthly = rate_pct / 1200
    return np.round(loans.amount * monthly / (1 - (1 + monthly) ** -loans.term.astype(np.float64)), 2)


def _balance(loans: Loans, rate_pct: Floats, paid: Ints) -> Floats:
    """Principal left after that many monthly payments."""
    growth = (1 + rate_pct / 1200) ** paid
    full = (1 + rate_pct / 1200) ** loans.term
    return np.round(loans.amount * (full - growth) / (full - 1), 2)


def outcome_columns(
    rng: Rng, loans: Loans, course: Course, rate_pct: Floats, fico: Floats, investors: Floats
) -> dict[str, pl.Series]:
    """Every column that exists only after the loan was granted: all of them give the outcome away."""
    n = loans.size
    monthly = installment(loans, rate_pct)
    done = ~course.bad & ~course.open
    principal = np.where(done, loans.amount, np.round(loans.amount - course.owed, 2))
    interest = np.maximum(np.round(monthly * course.paid - (loans.amount - course.owed), 2), 0.0)
    fined = rng.random(n) < np.where(course.bad, 0.12, 0.02)
    fee = np.where(fined, rng.choice((15.0, 15.0, 25.5, 30.0, 41.19), n), 0.0)
    recovered = np.where(course.bad & (rng.random(n) < 0.68), np.round(course.owed * rng.beta(1.1, 7.0, n), 2), 0.0)
    total = np.round(principal + interest + fee + recovered, 2)
    share = investors / loans.amount
    last = np.where(done & course.early, np.round(course.owed + monthly, 2), monthly)
    never_paid = course.paid == 0
    pull = np.where(course.open | (rng.random(n) < 0.45), SEEN_UNTIL, course.last_paid + rng.integers(0, 40, n))
    drop = np.where(course.bad, 130, np.where(course.open, 5, -10))
    fico_now = (5 * np.round((fico - drop + 32 * rng.standard_normal(n)) / 5)).clip(300, 845)
    lost_file = fico_now < 500
    return {
        "loan_status": named(course.status, shares.STATUS),
        "pymnt_plan": pick({"n": 0.9996, "y": 0.0004}, np.where(course.open, rng.random(n), 0.0)),
        "out_prncp": number(np.where(course.open, course.owed, 0.0)),
        "out_prncp_inv": number(np.where(course.open, course.owed * share, 0.0), digits=2),
        "total_pymnt": number(total),
        "total_pymnt_inv": number(total * share, digits=2),
        "total_rec_prncp": number(principal),
        "total_rec_int": number(interest),
        "total_rec_late_fee": number(fee),
        "recoveries": number(recovered),
        "collection_recovery_fee": number(recovered * 0.18, digits=4),
        "last_pymnt_d": month_words(course.last_paid, never_paid),
        "last_pymnt_amnt": number(np.where(never_paid, 0.0, last)),
        "next_pymnt_d": month_words(np.full(n, SEEN_UNTIL + 1), ~course.open),
        "last_credit_pull_d": month_words(np.minimum(pull, SEEN_UNTIL), rng.random(n) < 0.00003),
        "last_fico_range_high": number(np.where(lost_file, 499, fico_now + 4)),
        "last_fico_range_low": number(np.where(lost_file, 0, fico_now)),
        **_hardship(rng, loans, course, monthly),
        **_settlement(rng, loans, course),
    }


def _hardship(rng: Rng, loans: Loans, course: Course, monthly: Floats) -> dict[str, pl.Series]:
    """A pause of three months, offered from 2017 on to loans that were open then."""
    n = loans.size
    start = np.maximum(month_number(2017, 2), loans.issued + 6) + rng.integers(0, 14, n)
    missing = (rng.random(n) > 0.05) | (course.last_paid < start) | (start + 3 > SEEN_UNTIL)
    uniform = rng.random((3, n))
    interest = np.round(monthly * 0.4, 2)
    loan_status = {"Current": 0.35, "In Grace Period": 0.3, "Late (16-30 days)": 0.2, "Late (31-120 days)": 0.15}
    return {
        "hardship_flag": named((~missing & (start + 3 >= SEEN_UNTIL - 1)).astype(np.int64), ("N", "Y")),
        "hardship_type": gaps(pl.Series(["INTEREST ONLY-3 MONTHS DEFERRAL"] * n), missing),
        "hardship_reason": gaps(pick(shares.HARDSHIP_REASON, uniform[0]), missing),
        "hardship_status": gaps(pick({"COMPLETED": 0.75, "BROKEN": 0.2, "ACTIVE": 0.05}, uniform[1]), missing),
        "deferral_term": number(np.full(n, 3), missing),
        "hardship_amount": number(interest, missing),
        "hardship_start_date": month_words(start, missing),
        "hardship_end_date": month_words(start + 3, missing),
        "payment_plan_start_date": month_words(start, missing),
        "hardship_length": number(np.full(n, 3), missing),
        "hardship_dpd": number(np.floor(uniform[2] * 32), missing),
        "hardship_loan_status": gaps(pick(loan_status, uniform[2]), missing),
        "orig_projected_additional_accrued_interest": number(interest * 3, missing | (uniform[1] > 0.8), digits=2),
        "hardship_payoff_balance_amount": number(course.owed + monthly, missing, digits=2),
        "hardship_last_payment_amount": number(monthly * uniform[0], missing, digits=2),
    }


def _settlement(rng: Rng, loans: Loans, course: Course) -> dict[str, pl.Series]:
    """Some charged-off loans are settled for about half of what is owed."""
    n = loans.size
    missing = ~course.bad | (rng.random(n) > 0.12)
    agreed = np.minimum(course.last_paid + 7 + rng.integers(0, 12, n), SEEN_UNTIL)
    percent = rng.choice((45.0, 45.0, 50.0, 50.0, 55.0, 40.0, 65.0, 60.02), n)
    return {
        "debt_settlement_flag": named((~missing).astype(np.int64), ("N", "Y")),
        "debt_settlement_flag_date": month_words(np.minimum(agreed + rng.integers(0, 5, n), SEEN_UNTIL), missing),
        "settlement_status": gaps(pick({"COMPLETE": 0.43, "ACTIVE": 0.42, "BROKEN": 0.15}, rng.random(n)), missing),
        "settlement_date": month_words(agreed, missing),
        "settlement_amount": number(course.owed * percent / 100, missing, digits=2),
        "settlement_percentage": number(percent, missing),
        "settlement_term": number(rng.choice((0, 1, 6, 8, 12, 12, 18, 18, 24, 24), n), missing),
    }
