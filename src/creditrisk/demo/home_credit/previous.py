"""The table previous_application: 37 columns about each earlier application."""

from __future__ import annotations

import numpy as np
import polars as pl

from creditrisk.demo.draws import Bools, Floats, Ints, Rng, following, gaps, named, number, pick, pick_index, whole
from creditrisk.demo.home_credit import asked as a
from creditrisk.demo.home_credit import products, shares

NEVER = 365_243.0
"""Home Credit's marker for a date that has not come or does not apply."""

STATUS = ("Approved", "Unused offer", "Canceled", "Refused")
TYPES = ("Consumer loans", "Cash loans", "Revolving loans", "XNA")


def previous_frame(rng: Rng, parents: Ints, asked: a.Asked, contracts: a.Contracts) -> pl.DataFrame:
    """parents: SK_ID_CURR of each earlier application. Rows come in random order, as in the real file."""
    n = asked.who.size
    canceled, refused = asked.status == a.CANCELED, asked.status == a.REFUSED
    empty = canceled & (asked.type != a.GOODS) & (rng.random(n) < 0.97)
    hidden = empty | (asked.type == a.GOODS) & (canceled | (asked.status == a.UNUSED))
    no_terms = hidden | (refused & (rng.random(n) < 0.15))
    nothing = empty | (no_terms & refused & (asked.type == a.CASH))
    columns = {
        "SK_ID_PREV": whole(asked.ids),
        "SK_ID_CURR": whole(parents),
        "NAME_CONTRACT_TYPE": named(np.where(empty & (rng.random(n) < 0.0011), 3, asked.type), TYPES),
        **_amount_columns(rng, asked, no_terms, nothing),
        **_sale_columns(rng, asked, hidden, no_terms),
        **_course_columns(rng, asked, contracts),
    }
    return pl.DataFrame(columns)[rng.permutation(n)]


def _amount_columns(rng: Rng, asked: a.Asked, no_terms: Bools, nothing: Bools) -> dict[str, pl.Series]:
    """AMT_ANNUITY to RATE_INTEREST_PRIVILEGED."""
    uniform = rng.random((4, asked.who.size))
    no_down = (asked.type != a.GOODS) | (asked.status == a.CANCELED)
    no_rate = uniform[2] > 0.0036
    return {
        "AMT_ANNUITY": number(asked.sums.annuity, no_terms, digits=3),
        "AMT_APPLICATION": number(np.where(nothing, 0.0, asked.sums.application)),
        "AMT_CREDIT": number(np.where(nothing, 0.0, asked.sums.credit)),
        "AMT_DOWN_PAYMENT": number(asked.sums.down, no_down),
        "AMT_GOODS_PRICE": number(asked.sums.application, nothing | (asked.sums.application == 0)),
        "WEEKDAY_APPR_PROCESS_START": pick(shares.WEEKDAY, uniform[0]),
        "HOUR_APPR_PROCESS_START": whole(pick_index(shares.HOUR, uniform[1])),
        "FLAG_LAST_APPL_PER_CONTRACT": pick({"N": 0.005, "Y": 0.995}, uniform[3]),
        "NFLAG_LAST_APPL_IN_DAY": whole(uniform[3] > 0.0035),
        "RATE_DOWN_PAYMENT": number(1.089 * asked.sums.down / asked.sums.goods, no_down),
        "RATE_INTEREST_PRIMARY": number(0.16 + 14 * uniform[2], no_rate),
        "RATE_INTEREST_PRIVILEGED": number(0.71 + 40 * uniform[2], no_rate),
    }


def _sale_columns(rng: Rng, asked: a.Asked, hidden: Bools, no_terms: Bools) -> dict[str, pl.Series]:
    """NAME_CASH_LOAN_PURPOSE to PRODUCT_COMBINATION."""
    uniform = rng.random((9, asked.who.size))
    street = (asked.kind == products.CASH_STREET) & ~hidden
    refused = asked.status == a.REFUSED
    # The riskier the applicant, the more often an internal score (SCO, SCOFR) is the reason.
    reason = pick(products.REJECT, following(rng, asked.risk, 0.4))
    by_bank = (asked.type == a.GOODS) | (uniform[0] < 0.45)
    known = np.isin(asked.kind, (products.CASH_KNOWN, products.CARD_KNOWN)) & ~hidden
    walk_in = np.isin(asked.kind, (products.CASH_STREET, products.CARD_STREET)) & ~hidden
    area = np.floor(np.exp(4.4 + 1.9 * rng.standard_normal(asked.who.size)))
    shown = pl.Series(~no_terms)
    yields = pl.select(pl.when(shown).then(asked.sums.yields.cast(pl.String)).otherwise(pl.lit("XNA"))).to_series()
    portfolio = np.where(hidden, 3, asked.type)
    return {
        "NAME_CASH_LOAN_PURPOSE": _cases((asked.type != a.CASH, "XAP"), (street, pick(products.PURPOSE, uniform[1]))),
        "NAME_CONTRACT_STATUS": named(asked.status, STATUS),
        "DAYS_DECISION": whole(asked.decided),
        "NAME_PAYMENT_TYPE": pick_payment(by_bank, uniform[2]),
        "CODE_REJECT_REASON": _cases(
            (refused, reason), (asked.status == a.UNUSED, "CLIENT"), (asked.status >= 0, "XAP")
        ),
        "NAME_TYPE_SUITE": gaps(pick(products.TYPE_SUITE, uniform[3]), uniform[4] < 0.4912),
        "NAME_CLIENT_TYPE": _client_type(asked, uniform[5]),
        "NAME_GOODS_CATEGORY": products.pick_by_kind(asked.kind, products.GOODS, uniform[6]),
        "NAME_PORTFOLIO": named(portfolio, ("POS", "Cash", "Cards", "XNA")),
        "NAME_PRODUCT_TYPE": _cases((known, "x-sell"), (walk_in, "walk-in")),
        "CHANNEL_TYPE": products.pick_by_kind(asked.kind, products.CHANNEL, uniform[7]),
        "SELLERPLACE_AREA": whole(np.where((asked.type == a.CASH) & (uniform[8] < 0.93), -1, area.clip(0, 4_000_000))),
        "NAME_SELLER_INDUSTRY": products.pick_by_kind(asked.kind, products.SELLER, uniform[8]),
        "CNT_PAYMENT": number(asked.sums.term, no_terms),
        "NAME_YIELD_GROUP": yields,
        "PRODUCT_COMBINATION": products.combination(asked.kind, asked.sums.yields, hidden),
    }


def pick_payment(by_bank: Bools, uniform: Floats) -> pl.Series:
    rare = pick_index((0.9915, 0.005, 0.0035), uniform)
    names = ("Cash through the bank", "Non-cash from your account", "Cashless from the account of the employer", "XNA")
    return named(np.where(by_bank, rare, 3), names)


def _client_type(asked: a.Asked, uniform: Floats) -> pl.Series:
    """The oldest application of each applicant was made as a new client."""
    order = np.lexsort((asked.decided, asked.who))
    first = np.ones(order.size, dtype=np.bool_)
    first[1:] = np.diff(asked.who[order]) != 0
    oldest = np.empty_like(first)
    oldest[order] = first
    later = pick_index((0.897, 0.1022, 0.001), uniform)
    return named(np.where(oldest & (uniform < 0.95), 3, later), ("Repeater", "Refreshed", "XNA", "New"))


def _course_columns(rng: Rng, asked: a.Asked, contracts: a.Contracts) -> dict[str, pl.Series]:
    """DAYS_FIRST_DRAWING to NFLAG_INSURED_ON_APPROVAL, known for approved applications only."""
    n = contracts.asked.size
    card = contracts.card
    planned = contracts.first_due + 30.0 * (contracts.term - 1)
    last = contracts.first_due + 30.0 * (contracts.life - 1)
    closed = last < 0
    termination = np.minimum(last + np.round(1 + rng.gamma(2.0, 3.0, n)), -1)
    drawn = card & (rng.random(n) < 0.69)
    dates = {
        "DAYS_FIRST_DRAWING": np.where(drawn, np.minimum(contracts.decided + rng.integers(0, 200, n), -1), NEVER),
        "DAYS_FIRST_DUE": np.where((card & ~drawn) | (contracts.first_due >= 0), NEVER, contracts.first_due),
        "DAYS_LAST_DUE_1ST_VERSION": np.where(card, NEVER, planned),
        "DAYS_LAST_DUE": np.where(closed & ~card, last, NEVER),
        "DAYS_TERMINATION": np.where(closed & ~card, termination, NEVER),
        "NFLAG_INSURED_ON_APPROVAL": (rng.random(n) < 0.333).astype(np.float64),
    }
    unknown = rng.random(n) < 0.036
    return {name: _only_granted(asked, contracts, np.where(unknown, np.nan, values)) for name, values in dates.items()}


def _only_granted(asked: a.Asked, contracts: a.Contracts, values: Floats) -> pl.Series:
    column = np.full(asked.who.size, np.nan)
    column[contracts.asked] = values
    return number(column)


def _cases(*cases: tuple[Bools, str | pl.Series]) -> pl.Series:
    """The first case that holds for each row; XNA where none does."""
    chosen = pl.lit("XNA")
    for condition, value in reversed(cases):
        text = pl.lit(value) if isinstance(value, str) else pl.lit(value.cast(pl.String))
        chosen = pl.when(pl.Series(condition)).then(text).otherwise(chosen)
    return pl.select(chosen).to_series()
