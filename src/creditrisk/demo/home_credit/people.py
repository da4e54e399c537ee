"""Who the invented applicants are: hidden factors that every table shows a part of, and the default they lead to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creditrisk.demo.draws import Floats, Ints, Rng, logistic

FIRST_ID = 100_001

INTERCEPT = -3.424
"""Sets the default rate to 8.07 %, that of the real file."""


@dataclass(frozen=True)
class People:
    """Applicants by their hidden factors, each of shape (n,), about standard normal, and independent of row order.

    Higher means riskier, except for `means` (income) and `scores` (what the three outside agencies know beyond
    the other factors, shape (3, n)).
    """

    ids: Ints
    youth: Floats
    status: Floats
    """Weak schooling, unskilled work, poor region, rented home."""
    means: Floats
    pay: Floats
    """Pays late."""
    slide: Floats
    """Pays later now than some years ago."""
    debt: Floats
    hunger: Floats
    """Asks for much credit, often, and is refused."""
    history: Floats
    """How long and how much they have borrowed before; says little about risk."""
    scores: Floats

    @property
    def size(self) -> int:
        return self.ids.size


def draw_people(rng: Rng, ids: Ints) -> People:
    n = ids.size
    common = rng.standard_normal(n)

    def factor(shared: float) -> Floats:
        return shared * common + np.sqrt(1 - shared * shared) * rng.standard_normal(n)

    status = factor(0.35)
    return People(
        ids=ids,
        youth=factor(0.25),
        status=status,
        means=-0.45 * status + np.sqrt(1 - 0.45**2) * rng.standard_normal(n),
        pay=factor(0.45),
        slide=rng.standard_normal(n),
        debt=factor(0.35),
        hunger=factor(0.40),
        history=rng.standard_normal(n),
        scores=rng.standard_normal((3, n)),
    )


def true_pd(people: People, burden: Floats, insured: Floats) -> Floats:
    """The probability of payment difficulties: each hidden factor for itself, and some that only matter together.

    burden: yearly annuity to income, standardised.   insured: credit to goods price, standardised.
    """
    worse = np.maximum(people.slide, 0.0)
    alone = (
        0.55 * people.pay
        + 0.54 * worse
        + 0.44 * people.debt
        + 0.40 * people.hunger
        + 0.16 * people.status
        + 0.16 * people.youth
        + 0.10 * burden
        + 0.12 * insured
        - 0.31 * people.scores[0]
        - 0.41 * people.scores[1]
        - 0.47 * people.scores[2]
    )
    together = (
        0.22 * people.pay * people.debt
        + 0.10 * np.maximum(people.youth, 0.0) * people.hunger
        + 0.12 * np.maximum(burden, 0.0) * np.maximum(people.status, 0.0)
        - 0.12 * people.scores[1] * people.scores[2]
    )
    return logistic(INTERCEPT + alone + together)
