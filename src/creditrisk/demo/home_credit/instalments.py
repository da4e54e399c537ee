"""How granted loans were paid: every instalment that fell due, and the month's end report of each loan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from creditrisk.demo.draws import (
    Floats,
    Ints,
    Rng,
    logistic,
    named,
    number,
    pick_index,
    whole,
    within,
)
from creditrisk.demo.home_credit.asked import Contracts
from creditrisk.demo.home_credit.people import People

MONTHS_LATE_MAX = 8
POS_STATUS = (
    "Active", "Completed", "Signed", "Demand", "Returned to the store", "Approved", "Amortized debt", "Canceled", "XNA",
)  # fmt: skip
RARE_STATUS = (0.9982, 0.0007, 0.00055, 0.0005, 0.00006, 0.000002, 0.000001)
"""None of the rare ones, then each of POS_STATUS from "Demand" on."""


@dataclass(frozen=True)
class Dues:
    """Instalments that fell due before the application; every array of shape (dues,)."""

    loan: Ints
    """Position among the contracts."""
    place: Ints
    """0 for the first instalment."""
    due: Floats
    """Day, negative."""
    days_late: Floats
    """Negative when paid ahead."""
    short: Floats
    """Share of the instalment that the first payment left open, 0 for most."""


def draw_dues(rng: Rng, people: People, contracts: Contracts) -> Dues:
    """Due dates a month apart; late ones more often for those who pay late, more and longer if they slid lately."""
    fallen = np.ceil(-contracts.first_due / 30.0).clip(0)
    counts = np.where(contracts.card, 0, np.minimum(fallen, contracts.life)).astype(np.int64)
    loan, place = within(counts)
    due = contracts.first_due[loan] + 30.0 * place
    who = contracts.who[loan]
    recent = np.exp(due / 400.0)  # 1 at the application, 0.4 a year before
    strain = contracts.lateness[loan] + 1.6 * np.maximum(people.slide[who], -0.5) * recent
    late = rng.random(loan.size) < logistic(-3.75 + 1.2 * strain)
    days = np.ceil(rng.gamma(0.7, 7.0, loan.size) * np.exp(0.45 * strain)).clip(1, 30 * MONTHS_LATE_MAX)
    ahead = np.floor(rng.gamma(0.75, 14.0, loan.size) * np.exp(-0.12 * strain))
    short = (late & (rng.random(loan.size) < 0.3)) | (rng.random(loan.size) < 0.035)
    return Dues(
        loan=loan,
        place=place,
        due=due,
        days_late=np.where(late, days, -np.minimum(ahead, (due - contracts.decided[loan]).clip(0))),
        short=np.where(short, rng.uniform(0.02, 0.98, loan.size), 0.0),
    )


def instalments_frame(rng: Rng, people: People, contracts: Contracts, dues: Dues, cards: pl.DataFrame) -> pl.DataFrame:
    """The table installments_payments: a row for each payment, two where an instalment was paid in parts.

    cards: rows of the same columns that belong to cards. Payments never lie after the application: what is still
    open then has no day and no amount. Rows come in random order, as in the real file.
    """
    amount = np.round(contracts.annuity[dues.loan], 3)
    first = np.where(dues.short > 0, np.round(amount * (1 - dues.short), 3), amount)
    rest = np.flatnonzero((dues.short > 0) & (rng.random(dues.loan.size) < 0.9))
    row = np.concatenate([np.arange(dues.loan.size), rest])
    paid = np.concatenate([first, np.round(amount[rest] - first[rest], 3)])
    more_days = np.concatenate([np.zeros(dues.loan.size), np.ceil(rng.gamma(0.9, 6.0, rest.size))])
    day = dues.due[row] + dues.days_late[row] + more_days
    known = (day <= -1) | (np.arange(row.size) < dues.loan.size)
    row, paid, day = row[known], paid[known], day[known]
    loan = dues.loan[row]
    version = 1.0 + (rng.random(contracts.ids.size) < 0.06) + (rng.random(contracts.ids.size) < 0.03)
    place, due = dues.place[row] + 1, dues.due[row]
    loans = _payments(people, contracts, loan, version[loan], place, due, day, amount[row], paid)
    frame = pl.concat([loans, cards])
    return frame[rng.permutation(frame.height)]


def _payments(
    people: People, contracts: Contracts, loan: Ints, version: Floats, place: Ints, due: Floats, day: Floats,
    amount: Floats, paid: Floats,
) -> pl.DataFrame:  # fmt: skip
    unpaid = day > -1
    return pl.DataFrame(
        {
            "SK_ID_PREV": whole(contracts.ids[loan]),
            "SK_ID_CURR": whole(people.ids[contracts.who[loan]]),
            "NUM_INSTALMENT_VERSION": number(version),
            "NUM_INSTALMENT_NUMBER": whole(place),
            "DAYS_INSTALMENT": number(due),
            "DAYS_ENTRY_PAYMENT": number(day, unpaid),
            "AMT_INSTALMENT": number(amount),
            "AMT_PAYMENT": number(paid, unpaid),
        }
    )


def pos_frame(rng: Rng, people: People, contracts: Contracts, dues: Dues) -> pl.DataFrame:
    """The table POS_CASH_balance: the month of signing, then one month's end for each instalment that fell due."""
    start = np.flatnonzero(~contracts.card & (contracts.first_due < 30))
    loan = np.concatenate([start, dues.loan])
    passed = np.concatenate([np.zeros(start.size, dtype=np.int64), dues.place + 1])
    # Instalments are 30 days apart, and so are these months: a calendar month would sometimes hold two.
    month = np.floor(np.concatenate([contracts.first_due[start] - 30, dues.due]) / 30)
    dpd, grave = _past_due(rng, dues)
    signing = np.zeros(start.size, dtype=np.int64)
    done = passed >= contracts.life[loan]
    status = np.where(done, 1, np.where((passed == 0) & (rng.random(loan.size) < 0.09), 2, 0))
    rare = pick_index(RARE_STATUS, rng.random(loan.size))
    status = np.where(rare > 0, rare + 2, status)
    unknown = rng.random(loan.size) < 0.0026
    frame = pl.DataFrame(
        {
            "SK_ID_PREV": whole(contracts.ids[loan]),
            "SK_ID_CURR": whole(people.ids[contracts.who[loan]]),
            "MONTHS_BALANCE": whole(month),
            "CNT_INSTALMENT": number(contracts.term[loan], unknown),
            "CNT_INSTALMENT_FUTURE": number(np.where(done, 0, contracts.term[loan] - passed), unknown),
            "NAME_CONTRACT_STATUS": named(status, POS_STATUS),
            "SK_DPD": whole(np.concatenate([signing, dpd])),
            "SK_DPD_DEF": whole(np.concatenate([signing, grave])),
        }
    )
    return frame[rng.permutation(frame.height)].filter(pl.col("MONTHS_BALANCE") >= -96)


def _past_due(rng: Rng, dues: Dues) -> tuple[Ints, Ints]:
    """Days past due at the month's end, counting small debts too (SK_DPD) and not counting them (SK_DPD_DEF).

    The oldest instalment that is open on that day decides; nothing that happens later is told.
    """
    reported = 30 * np.floor(dues.due / 30) + 29
    paid = dues.due + dues.days_late
    days = np.zeros(dues.loan.size)
    for back in range(min(MONTHS_LATE_MAX, dues.loan.size)):
        earlier = np.arange(dues.loan.size) - back
        still_open = (dues.place >= back) & (paid[earlier] > reported)
        days = np.where(still_open, reported - dues.due[earlier], days)
    counted = rng.random(dues.loan.size) < 0.55
    return days.astype(np.int64), np.where(counted, days, 0).astype(np.int64)
