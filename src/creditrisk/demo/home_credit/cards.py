"""Credit cards: each month's balance, drawings and payments, and the payments as instalments."""

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
    step,
    whole,
    within,
)
from creditrisk.demo.home_credit.asked import Contracts
from creditrisk.demo.home_credit.people import People

STATUS = ("Active", "Completed", "Signed", "Demand", "Sent proposal", "Refused")


@dataclass(frozen=True)
class _Months:
    """One row for each card and month, oldest first; every array of shape (months,)."""

    card: Ints
    """Position among the contracts."""
    place: Ints
    month: Ints
    limit: Floats
    balance: Floats
    minimum: Floats
    payment: Floats
    drawn: Floats
    active: Bools


def draw_cards(rng: Rng, people: People, contracts: Contracts) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The table credit_card_balance, and the cards' rows of installments_payments."""
    months = _months(rng, people, contracts)
    frame = _balance_frame(rng, people, contracts, months)
    return frame[rng.permutation(frame.height)], _instalments(rng, people, contracts, months)


def _months(rng: Rng, people: People, contracts: Contracts) -> _Months:
    """Balances wander around a habit (higher for the indebted); drawings and payments follow from their changes."""
    cards = np.flatnonzero(contracts.card)
    age = np.floor(-contracts.decided[cards] / DAYS_PER_MONTH).astype(np.int64).clip(0, 96)
    which, place = within(age)
    card = cards[which]
    n, who = card.size, contracts.who[card]
    used = following(rng, people.debt[contracts.who[cards]], 0.3) > 0.34
    begins = np.floor(age * rng.beta(0.8, 2.2, cards.size))
    active = used[which] & (place >= begins[which])
    habit = logistic(-0.2 + 1.0 * people.debt + 0.5 * people.hunger + 0.6 * rng.standard_normal(people.size))[who]
    drift = 0.25 * people.slide[who] * np.exp(-(age[which] - place) / 8.0)
    use = (habit + drift + 0.16 * rng.standard_normal(n)).clip(0.0, 1.06)
    active &= use > 0.03
    limit = contracts.credit[card] * np.where(place < 2, 0.0, 1.0) * np.where(rng.random(n) < 0.16, 0.0, 1.0)
    limit = np.where(active, contracts.credit[card], limit)
    balance = np.where(active, step(limit * use, 0.045), 0.0)
    before = np.where(place > 0, np.roll(balance, 1), 0.0)
    minimum = step(limit * 0.05, 1125) * np.minimum(1.0, balance / (0.05 * limit + 1))
    minimum = np.where(active, np.round(minimum, 3), 0.0)
    weak = logistic(-3.0 + 0.9 * contracts.lateness[card] + 0.6 * np.maximum(drift, 0) * 4)
    share = np.where(rng.random(n) < weak, rng.uniform(0.0, 0.9, n), 1.0 + rng.gamma(0.5, 1.2, n))
    payment = np.where(before > 0, np.round(step(minimum * share, 0.45), 3), 0.0)
    drawn = np.maximum(balance - before + payment - 0.02 * before, 0.0)
    drawn = np.where(drawn < 0.12 * limit, 0.0, step(drawn, 4.5))
    return _Months(card, place, place - age[which], limit, balance, minimum, payment, drawn, active)


def _balance_frame(rng: Rng, people: People, contracts: Contracts, months: _Months) -> pl.DataFrame:
    n = months.card.size
    uniform = rng.random((6, n))
    silent = ~months.active & (uniform[0] < 0.36)
    by_cash = logistic(0.3 + 0.5 * people.hunger + 0.8 * rng.standard_normal(people.size))[contracts.who[months.card]]
    cash = np.where(uniform[1] < by_cash, np.minimum(step(months.drawn * uniform[2], 450), months.drawn), 0.0)
    other = np.where(uniform[3] < 0.006, np.round((months.drawn - cash) * uniform[2], 2), 0.0)
    goods = np.round(months.drawn - cash - other, 3)
    cash_times, goods_times, other_times = (
        np.where(part > 0, 1 + rng.poisson(mean, n), 0) for part, mean in ((cash, 0.9), (goods, 4.0), (other, 0.0))
    )
    principal = np.round(months.balance * (0.955 + 0.04 * uniform[4]), 3)
    receivable = np.where(~months.active & (uniform[5] < 0.02), -np.round(500 * uniform[4], 3), months.balance)
    dpd, grave = _past_due(rng, months)
    return pl.DataFrame(
        {
            "SK_ID_PREV": whole(contracts.ids[months.card]),
            "SK_ID_CURR": whole(people.ids[contracts.who[months.card]]),
            "MONTHS_BALANCE": whole(months.month),
            "AMT_BALANCE": number(months.balance, digits=3),
            "AMT_CREDIT_LIMIT_ACTUAL": whole(months.limit),
            "AMT_DRAWINGS_ATM_CURRENT": number(cash, silent, digits=3),
            "AMT_DRAWINGS_CURRENT": number(cash + other + goods, digits=3),
            "AMT_DRAWINGS_OTHER_CURRENT": number(other, silent, digits=3),
            "AMT_DRAWINGS_POS_CURRENT": number(goods, silent, digits=3),
            "AMT_INST_MIN_REGULARITY": number(months.minimum, ~months.active & (uniform[0] < 0.13), digits=3),
            "AMT_PAYMENT_CURRENT": number(months.payment, silent | (uniform[0] > 0.995), digits=3),
            "AMT_PAYMENT_TOTAL_CURRENT": number(months.payment, digits=3),
            "AMT_RECEIVABLE_PRINCIPAL": number(principal),
            "AMT_RECIVABLE": number(receivable, digits=3),
            "AMT_TOTAL_RECEIVABLE": number(receivable, digits=3),
            "CNT_DRAWINGS_ATM_CURRENT": number(cash_times, silent),
            "CNT_DRAWINGS_CURRENT": whole(cash_times + goods_times + other_times),
            "CNT_DRAWINGS_OTHER_CURRENT": number(other_times, silent),
            "CNT_DRAWINGS_POS_CURRENT": number(goods_times, silent),
            "CNT_INSTALMENT_MATURE_CUM": number(_matured(months), ~months.active & (uniform[0] < 0.13)),
            "NAME_CONTRACT_STATUS": _status(rng, months),
            "SK_DPD": whole(dpd),
            "SK_DPD_DEF": whole(grave),
        }
    )


def _matured(months: _Months) -> Ints:
    """Instalments of the card that fell due up to this month."""
    total = np.cumsum(months.minimum > 0)
    before_card = (total - (months.minimum > 0))[np.flatnonzero(months.place == 0)]
    starts = np.cumsum(months.place == 0) - 1
    return total - before_card[starts] if months.card.size else total


def _past_due(rng: Rng, months: _Months) -> tuple[Ints, Ints]:
    """Days past due at the month's end, with and without small debts: a month more for each missed month in a row."""
    below = months.active & (months.payment < 0.95 * months.minimum) & (months.place > 0)
    late = below & (rng.random(months.card.size) < 0.55)
    position = np.arange(months.card.size)
    in_time = np.maximum.accumulate(np.where(late, 0, position)) if late.size else position
    missed_before = position - in_time - 1
    days = np.where(late, 30 * missed_before + rng.integers(1, 29, months.card.size), 0)
    return days, np.where(rng.random(months.card.size) < 0.5, days, 0)


def _status(rng: Rng, months: _Months) -> pl.Series:
    idle = ~months.active & (rng.random(months.card.size) < 0.055)
    signed = (months.place == 0) & (rng.random(months.card.size) < 0.1)
    rare = rng.random(months.card.size) < 0.0004
    return named(np.where(rare, 3, np.where(signed, 2, np.where(idle, 1, 0))), STATUS)


def _instalments(rng: Rng, people: People, contracts: Contracts, months: _Months) -> pl.DataFrame:
    """Card payments as instalments_payments shows them: several parts a month, version 0."""
    paying = np.flatnonzero((months.minimum > 0) & (months.place > 0))
    part, _ = within(1 + rng.poisson(1.5, paying.size))
    at = paying[part]
    parts = np.bincount(part, minlength=paying.size)[part]
    amount = np.round(months.minimum[at] / parts, 3)
    _, number_in_card = within(np.bincount(months.card[at], minlength=contracts.ids.size))
    due = np.ceil((months.month[at] + 0.5) * DAYS_PER_MONTH)
    missed = months.payment[at] < 0.95 * months.minimum[at]
    late = np.where(missed, np.ceil(rng.gamma(0.8, 12.0, at.size)), -np.floor(rng.gamma(0.8, 10.0, at.size)))
    day = due + late
    unpaid = day > -1
    return pl.DataFrame(
        {
            "SK_ID_PREV": whole(contracts.ids[months.card[at]]),
            "SK_ID_CURR": whole(people.ids[contracts.who[months.card[at]]]),
            "NUM_INSTALMENT_VERSION": number(np.zeros(at.size)),
            "NUM_INSTALMENT_NUMBER": whole(1 + number_in_card),
            "DAYS_INSTALMENT": number(due),
            "DAYS_ENTRY_PAYMENT": number(day, unpaid),
            "AMT_INSTALMENT": number(amount),
            "AMT_PAYMENT": number(np.round(amount * np.where(missed, 0.6, 1.0), 3), unpaid),
        }
    )
