"""What the credit bureau knows: the applicants' loans elsewhere, and the monthly status of some of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from creditrisk.demo.draws import (
    DAYS_PER_MONTH,
    Bools,
    Floats,
    Ints,
    Rng,
    following,
    logistic,
    named,
    number,
    one_plus_skewed,
    pick_index,
    quantile,
    step,
    whole,
    within,
)
from creditrisk.demo.home_credit.people import People

FIRST_BUREAU_ID = 5_000_000

TYPES = {
    "Consumer credit": (0.7286, 480.0, 140_000.0), "Credit card": (0.2343, 1250.0, 100_000.0),
    "Car loan": (0.0161, 1500.0, 900_000.0), "Mortgage": (0.0107, 5200.0, 2_900_000.0),
    "Microloan": (0.0072, 60.0, 21_000.0), "Loan for business development": (0.0012, 900.0, 700_000.0),
    "Another type of loan": (0.0006, 900.0, 150_000.0), "Unknown type of loan": (0.0003, 600.0, 90_000.0),
    "Loan for working capital replenishment": (0.0003, 700.0, 700_000.0),
    "Cash loan (non-earmarked)": (0.00003, 700.0, 120_000.0), "Real estate loan": (0.00002, 4000.0, 1_500_000.0),
    "Loan for the purchase of equipment": (0.00001, 900.0, 400_000.0),
}  # fmt: skip
"""Share of rows, usual days to run, usual sum."""
CREDIT_CARD = list(TYPES).index("Credit card")

STATES = ("Closed", "Active", "Sold", "Bad debt")
CLOSED, ACTIVE, SOLD, BAD_DEBT = range(4)
CURRENCY = ("currency 1", "currency 2", "currency 3", "currency 4")
STATUS = ("C", "0", "X", "1", "2", "3", "4", "5")
OVER, IN_TIME, UNKNOWN, LATE_1, LATE_2, _, _, LATE_5 = range(8)

DUE_MAX = 31_199.0
"""The furthest planned end in the real file, eighty-five years ahead."""

DAYS_CREDIT = (
    (0.0, -2922.0), (0.01, -2880.0), (0.05, -2665.0), (0.25, -1666.0), (0.5, -987.0), (0.75, -474.0), (0.95, -124.0),
    (0.99, -40.0), (1.0, -2.0),
)  # fmt: skip


@dataclass(frozen=True)
class _Loans:
    """Bureau loans; every array of shape (loans,). `who` is the position of the applicant."""

    who: Ints
    ids: Ints
    kind: Ints
    opened: Floats
    """Days before the application, negative."""
    due: Floats
    """Planned end, days; ahead for loans that run."""
    ended: Floats
    """Day it ended, negative; 0 while it runs."""
    state: Ints
    """Position in STATES."""
    lateness: Floats
    """The owner's habit with this loan's own luck, standard normal."""
    trouble: Bools
    """A loan that went seriously wrong."""


def draw_bureau(rng: Rng, people: People, first_id: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables bureau (ids from `first_id` on, without gaps) and bureau_balance."""
    loans = _loans(rng, people, first_id)
    return _bureau_frame(rng, people, loans), _balance_frame(rng, people, loans)


def _loans(rng: Rng, people: People, first_id: int) -> _Loans:
    known = following(rng, people.history, -0.8) < 0.8584
    mean = 5.61 * np.exp(0.30 * people.history + 0.12 * people.debt - 0.11)
    counts = np.where(known, one_plus_skewed(rng, mean, 1.7), 0)
    who, _ = within(counts)
    n = who.size
    kind = pick_index([share for share, _, _ in TYPES.values()], rng.random(n))
    days = np.array([days for _, days, _ in TYPES.values()])[kind]
    opened = np.round(quantile(DAYS_CREDIT, following(rng, 0.6 * people.hunger[who] + 0.4 * people.debt[who], 0.38)))
    run = np.round(days * np.exp(0.72 * rng.standard_normal(n)) + 5)
    due = np.minimum(opened + run, DUE_MAX)
    strain = 0.8 * people.debt[who] + 0.2 * people.pay[who]
    closed = rng.random(n) < logistic(np.where(due < 0, 2.9, -1.5) - 0.9 * strain)
    planned = opened + np.maximum(np.round(run * np.where(rng.random(n) < 0.45, rng.beta(2.0, 1.6, n), 1.0)), 1.0)
    ended = np.where(planned < -1, planned, np.floor(opened * rng.random(n)).clip(opened, -1.0))
    ended = np.where(closed, ended, 0.0)
    lateness = 0.88 * people.pay[who] + np.sqrt(1 - 0.88**2) * rng.standard_normal(n)
    trouble = rng.random(n) < logistic(-5.1 + 1.2 * lateness)
    state = np.where(closed, CLOSED, np.where(trouble & (rng.random(n) < 0.55), SOLD, ACTIVE))
    state = np.where((state == SOLD) & (rng.random(n) < 0.003), BAD_DEBT, state)
    ids = first_id + rng.permutation(n)
    return _Loans(who, ids, kind, opened, due, ended, state, lateness, trouble)


def _bureau_frame(rng: Rng, people: People, loans: _Loans) -> pl.DataFrame:
    n = loans.who.size
    uniform = rng.random((7, n))
    runs = loans.state != CLOSED
    card = loans.kind == CREDIT_CARD
    sums = _sums(rng, people, loans)
    debt = _debt(rng, people, loans, sums)
    overdue_days = _overdue_days(rng, loans)
    small = rng.random(n) < 0.15  # a few days late, but with less than a unit of money
    overdue = np.where((overdue_days > 0) & ~small, step(sums * 0.0011 * overdue_days.clip(0, 300), 4.5), 0.0)
    far = card & (uniform[0] < 0.07)
    peak = np.where(
        loans.trouble | (following(rng, loans.lateness, 0.45) > 0.79),
        np.round(sums * 0.04 * rng.gamma(0.7, 1.0, n) * np.exp(0.2 * loans.lateness) + 50, 3),
        0.0,
    )
    frame = {
        "SK_ID_CURR": whole(people.ids[loans.who]),
        "SK_ID_BUREAU": whole(loans.ids),
        "CREDIT_ACTIVE": named(loans.state, STATES),
        "CREDIT_CURRENCY": named(pick_index((0.9992, 0.0007, 0.0001, 0.00001), uniform[1]), CURRENCY),
        "DAYS_CREDIT": whole(loans.opened),
        "CREDIT_DAY_OVERDUE": whole(overdue_days),
        "DAYS_CREDIT_ENDDATE": number(
            np.where(far, DUE_MAX - np.round(3000 * uniform[2]) + loans.opened, loans.due),
            uniform[3] < np.where(card, np.where(runs, 0.22, 0.14), 0.015),
        ),
        "DAYS_ENDDATE_FACT": number(loans.ended, runs),
        "AMT_CREDIT_MAX_OVERDUE": number(np.maximum(peak, overdue), uniform[4] < np.where(loans.trouble, 0.2, 0.657)),
        "CNT_CREDIT_PROLONG": whole(rng.poisson(0.0045 * np.exp(0.5 * loans.lateness))),
        "AMT_CREDIT_SUM": number(sums, uniform[5] < 0.00001),
        "AMT_CREDIT_SUM_DEBT": number(debt, uniform[6] < np.where(runs, 0.105, 0.176)),
        **_bureau_tail(rng, loans, sums, debt, overdue),
    }
    return pl.DataFrame(frame)


def _bureau_tail(rng: Rng, loans: _Loans, sums: Floats, debt: Floats, overdue: Floats) -> dict[str, pl.Series]:
    n = loans.who.size
    uniform = rng.random((6, n))
    runs = loans.state != CLOSED
    card = loans.kind == CREDIT_CARD
    after_end = np.where(uniform[0] < 0.62, 4.0 * rng.gamma(1.0, 2.0, n), 420.0 * rng.gamma(0.8, 1.0, n))
    lately = -np.round(28.0 * rng.gamma(0.9, 1.0, n))
    updated = np.where(runs | (loans.ended + after_end > -1), lately, loans.ended + np.round(after_end))
    limit = np.where(card & runs & (uniform[1] < 0.30), np.maximum(sums - debt, 0.0), 0.0)
    annuity = np.where(uniform[2] < 0.56, 0.0, step(sums / (loans.due - loans.opened).clip(90) * 54.0, 4.5))
    return {
        "AMT_CREDIT_SUM_LIMIT": number(limit, uniform[3] < np.where(card, 0.26, 0.38), digits=3),
        "AMT_CREDIT_SUM_OVERDUE": number(overdue),
        "CREDIT_TYPE": named(loans.kind, list(TYPES)),
        "DAYS_CREDIT_UPDATE": whole(np.maximum(updated, np.where(runs, loans.opened, loans.ended))),
        "AMT_ANNUITY": number(annuity, uniform[5] < 0.7147),
    }


def _sums(rng: Rng, people: People, loans: _Loans) -> Floats:
    usual = np.array([sums for _, _, sums in TYPES.values()])[loans.kind]
    usual_run = np.array([days for _, days, _ in TYPES.values()])[loans.kind]
    spread = 0.30 * people.means[loans.who] + 0.10 * people.debt[loans.who] + 0.95 * rng.standard_normal(usual.size)
    raw = usual * ((loans.due - loans.opened) / usual_run) ** 0.8 * np.exp(spread)
    sums = np.where(rng.random(raw.size) < 0.5, step(raw, 4500), step(raw, 0.045))
    sums = sums.clip(0.0, 9_000_000.0)
    return np.round(np.where((loans.kind == CREDIT_CARD) & (rng.random(raw.size) < 0.14), 0.0, sums), 3)


def _debt(rng: Rng, people: People, loans: _Loans, sums: Floats) -> Floats:
    """Still owed: what the passed time leaves, more for the indebted; on a card any share of the limit."""
    n = sums.size
    left = (loans.due / (loans.due - loans.opened)).clip(0.0, 1.0)
    use = following(rng, people.debt[loans.who], 0.7)
    owed = np.where(loans.kind == CREDIT_CARD, sums * use * (use > 0.35), sums * left * (0.45 + 0.6 * use))
    owed = np.where(loans.trouble, np.maximum(owed, 0.5 * sums), owed)
    runs = loans.state != CLOSED
    kept = np.where(rng.random(n) < 0.12, 0.0, owed)
    overpaid = runs & (rng.random(n) < 0.004)
    return np.round(np.where(runs, np.where(overpaid, -0.01 * sums, kept), 0.0), 3)


def _overdue_days(rng: Rng, loans: _Loans) -> Ints:
    n = loans.who.size
    runs = loans.state != CLOSED
    late = runs & (following(rng, loans.lateness, 0.5) > 0.9955)
    deep = runs & loans.trouble & (rng.random(n) < 0.25)
    days = np.where(deep, 30 + rng.gamma(1.0, 300.0, n), np.where(late, 1 + rng.gamma(0.8, 12.0, n), 0.0))
    return np.floor(np.minimum(days, -loans.opened)).astype(np.int64)


def _balance_frame(rng: Rng, people: People, loans: _Loans) -> pl.DataFrame:
    """Months from the loan's opening to its last report, newest first; known for some applicants only."""
    covered = (following(rng, people.history, 0.0) < 0.452)[loans.who]
    oldest = np.floor(-loans.opened / DAYS_PER_MONTH).astype(np.int64)
    newest = np.minimum(rng.geometric(0.30, oldest.size) - 1, oldest)
    counts = np.where(covered, oldest - newest + 1, 0)
    loan, place = within(counts)
    month = -(newest[loan] + place)
    return pl.DataFrame(
        {
            "SK_ID_BUREAU": whole(loans.ids[loan]),
            "MONTHS_BALANCE": whole(month),
            "STATUS": named(_status(rng, loans, loan, month), STATUS),
        }
    )


def _status(rng: Rng, loans: _Loans, loan: Ints, month: Ints) -> Ints:
    """Positions in STATUS: closed, paid, unknown, or months of arrears (1 to 5)."""
    n = loan.size
    unknown = (rng.beta(0.45, 0.65, loans.who.size))[loan]
    uniform = rng.random((2, n))
    late = logistic(-4.35 + 1.3 * loans.lateness)[loan]
    status = np.where(uniform[0] < unknown, UNKNOWN, np.where(uniform[1] < late, LATE_1, IN_TIME))
    status = np.where((status == LATE_1) & (uniform[1] < 0.06 * late), LATE_2, status)
    since = (loans.opened * rng.beta(1.2, 1.8, loans.who.size) / DAYS_PER_MONTH)[loan]
    arrears = np.ceil(month - since).astype(np.int64)
    sunk = loans.trouble[loan] & (arrears > 0)
    status = np.where(sunk, np.minimum(UNKNOWN + arrears, LATE_5), status)
    ended = np.ceil(loans.ended / DAYS_PER_MONTH)[loan]
    return np.where((loans.state[loan] == CLOSED) & (month > ended), OVER, status)
