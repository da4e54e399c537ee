"""Earlier applications at the same lender: what was asked for, what became of it, and the contracts that came of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from creditrisk.demo.draws import (
    Bools,
    Floats,
    Ints,
    Rng,
    following,
    one_plus_skewed,
    pick_index,
    quantile,
    step,
    within,
)
from creditrisk.demo.home_credit import products
from creditrisk.demo.home_credit.people import People

DAYS_KEPT = 2922
"""Nothing older than eight years is in the files."""

AGE_SHARE = (
    (0.0, 0.0), (0.01, 0.006), (0.05, 0.028), (0.25, 0.095), (0.5, 0.198), (0.75, 0.443), (0.95, 0.867), (0.99, 0.967),
    (1.0, 1.0),
)  # fmt: skip
"""How long ago, as a share of DAYS_KEPT."""

GOODS, CASH, CARD = range(3)
APPROVED, UNUSED, CANCELED, REFUSED = range(4)
STATUS_SHARES = ((0.859, 0.0356, 0.0021, 0.1033), (0.4184, 0.0002, 0.3594, 0.222), (0.507, 0.0001, 0.236, 0.257))
"""Of goods, cash and card applications: approved, unused, canceled, refused."""


@dataclass(frozen=True)
class Sums:
    """Amounts and terms of earlier applications; every array of shape (asked,)."""

    goods: Floats
    application: Floats
    """What was asked for: the goods' price, 0 for some cards."""
    credit: Floats
    down: Floats
    annuity: Floats
    term: Ints
    """Instalments; 0 for cards."""
    yields: pl.Series
    """How dear it was, XNA for cards."""


@dataclass(frozen=True)
class Asked:
    """Earlier applications; every array of shape (asked,)."""

    who: Ints
    """Position of the applicant."""
    ids: Ints
    kind: Ints
    """Position in products.KINDS."""
    type: Ints
    status: Ints
    decided: Floats
    """Day of the decision, negative."""
    risk: Floats
    """Of the applicant: what makes a lender refuse, cut or price high; about standard normal."""
    sums: Sums


@dataclass(frozen=True)
class Contracts:
    """Granted loans and cards; every array of shape (contracts,)."""

    asked: Ints
    """Position among the earlier applications."""
    who: Ints
    ids: Ints
    card: Bools
    decided: Floats
    first_due: Floats
    term: Ints
    life: Ints
    """Instalments after which it ends; at most the term."""
    credit: Floats
    annuity: Floats
    lateness: Floats
    """The owner's habit with this contract's own luck, standard normal."""


def draw_asked(rng: Rng, people: People, first_id: int) -> Asked:
    """Earlier applications with ids from `first_id` on, without gaps."""
    some = following(rng, people.history, -0.3) < 0.9512
    mean = 4.93 * np.exp(0.22 * people.history + 0.22 * people.hunger - 0.048)
    who, _ = within(np.where(some, one_plus_skewed(rng, mean, 1.7), 0))
    n = who.size
    kind = pick_index(products.KINDS, rng.random(n))
    sort = np.where(kind <= products.OTHER, GOODS, np.where(kind <= products.CASH_STREET, CASH, CARD))
    risk = (0.70 * people.hunger + 0.35 * people.debt + 0.25 * people.pay + 0.15 * people.youth)[who]
    uniform = following(rng, risk - 0.16, 0.55)
    status = np.choose(sort, [pick_index(shares, uniform) for shares in STATUS_SHARES])
    used_card = (sort == CARD) & (status == APPROVED)
    # The oldest goods, the newest cash; a card that is in use is an old one.
    passed = quantile(AGE_SHARE, rng.random(n) ** np.where(sort == CASH, 1.25, 0.9))
    age = np.where(used_card, rng.beta(1.2, 1.76, n), passed)
    size = 0.55 * people.means[who] + 0.85 * rng.standard_normal(n)
    return Asked(
        who=who,
        ids=first_id + rng.permutation(n),
        kind=kind,
        type=sort,
        status=status,
        decided=-np.round(2 + (DAYS_KEPT - 2) * age),
        risk=risk,
        sums=_sums(rng, kind, sort, risk, size),
    )


def _sums(rng: Rng, kind: Ints, sort: Ints, risk: Floats, size: Floats) -> Sums:
    """Asked, granted (less for the risky), paid down, and the annuity that the price of the product makes of it."""
    n = sort.size
    price = step(74_000 * np.exp(0.68 * size), 4.5).clip(4_500)
    cash = step(290_000 * np.exp(0.82 * size), 4_500).clip(18_000, 3_600_000)
    limit = step(150_000 * np.exp(0.7 * size), 45_000).clip(45_000, 900_000)
    goods = np.choose(sort, [price, cash, limit])
    down = np.where((sort == GOODS) & (rng.random(n) < 0.5), step(goods * rng.beta(1.3, 7.0, n), 4.5), 0.0)
    cut = np.where((sort == CASH) & (following(rng, risk, 0.4) > 0.80), rng.uniform(0.5, 0.95, n), 1.0)
    insurance = np.where((sort != CARD) & (rng.random(n) < 0.5), rng.uniform(1.0, 1.18, n), 1.0)
    credit = step((goods - down) * cut * insurance, 4.5)
    term = _term(rng, sort, size)
    yields = products.pick_by_kind(kind, products.YIELD, following(rng, risk, 0.3))
    rate = products.yearly_rate(yields) / 12
    share = np.where(term > 0, rate / (1 - (1 + rate) ** -np.maximum(term, 1.0)), 0.05)
    no_goods = (sort == CARD) & (rng.random(n) < 0.36)
    application = np.where(no_goods, 0.0, goods)
    return Sums(goods, application, credit, down, step(credit * share, 0.045), term, yields)


def _term(rng: Rng, sort: Ints, size: Floats) -> Ints:
    goods, cash = products.TERMS_GOODS, products.TERMS_CASH
    on_goods = np.array(list(goods))[pick_index(list(goods.values()), following(rng, size, 0.2))]
    in_cash = np.array(list(cash))[pick_index(list(cash.values()), following(rng, size, 0.3))]
    return np.choose(sort, [on_goods, in_cash, np.zeros_like(on_goods)])


def granted(rng: Rng, people: People, asked: Asked) -> Contracts:
    """The approved ones. A third of the longer loans is paid back early."""
    chosen = np.flatnonzero(asked.status == APPROVED)
    n = chosen.size
    who, term, decided = asked.who[chosen], asked.sums.term[chosen], asked.decided[chosen]
    early = (rng.random(n) < 0.33) & (term > 4)
    life = np.where(early, np.ceil(term * rng.beta(1.8, 1.6, n)), term).astype(np.int64)
    return Contracts(
        asked=chosen,
        who=who,
        ids=asked.ids[chosen],
        card=asked.type[chosen] == CARD,
        decided=decided,
        first_due=decided + np.round(rng.triangular(20, 31, 42, n)),
        term=term,
        life=life,
        credit=asked.sums.credit[chosen],
        annuity=asked.sums.annuity[chosen],
        lateness=0.88 * people.pay[who] + np.sqrt(1 - 0.88**2) * rng.standard_normal(n),
    )
