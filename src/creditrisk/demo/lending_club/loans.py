"""Who borrows, what they ask for, and the charge-off it leads to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from creditrisk.demo.draws import Bools, Floats, Ints, Rng, following, logistic, pick_index
from creditrisk.demo.lending_club import shares

INTERCEPT = -2.14
"""Sets the share of loans that end badly to 15 %."""


@dataclass(frozen=True)
class Loans:
    """Loans with their borrowers' hidden factors (standard normal, higher = riskier); every array of shape (n,)."""

    issued: Ints
    """Month of issue, months since year 0."""
    trouble: Floats
    """Arrears and public records in the credit file."""
    use: Floats
    """Share of the card limits that is used."""
    hunger: Floats
    """Many new accounts and enquiries."""
    burden: Floats
    """Debt payments against income."""
    means: Floats
    """Income; the one factor where higher is safer."""
    roots: Floats
    """Short job, rented home, young credit file."""
    depth: Floats
    """Number of accounts; says little about risk."""
    unseen: Floats
    """What only the lender's own enquiry finds: part of the price, in no column known at application."""
    amount: Floats
    term: Ints
    purpose: Ints
    true_pd: Floats

    @property
    def size(self) -> int:
        return self.issued.size


def draw_loans(rng: Rng, n: int) -> Loans:
    common = rng.standard_normal(n)

    def factor(shared: float) -> Floats:
        return shared * common + np.sqrt(1 - shared * shared) * rng.standard_normal(n)

    issued = _issued(rng, n)
    trouble, use, hunger, burden, roots = factor(0.35), factor(0.35), factor(0.3), factor(0.2), factor(0.25)
    means, depth, unseen = -factor(0.3), rng.standard_normal(n), rng.standard_normal(n)
    appetite = 0.6 * means + 0.25 * burden + 0.75 * rng.standard_normal(n)
    amount = (np.round(11_800 * np.exp(0.62 * appetite) / 25) * 25).clip(1_000, 35_000)
    amount = np.where(rng.random(n) < 0.7, (np.round(amount / 1_000) * 1_000).clip(1_000, 35_000), amount)
    long_term = (following(rng, 0.7 * appetite + 0.4 * use, 0.45) > 0.74) & (issued >= month_number(2010, 5))
    purpose = pick_index(list(shares.PURPOSE.values()), following(rng, roots, 0.15))
    logit = _logit(trouble, use, hunger, burden, means, roots, unseen, appetite, long_term, purpose)
    return Loans(
        issued=issued, trouble=trouble, use=use, hunger=hunger, burden=burden, means=means, roots=roots, depth=depth,
        unseen=unseen, amount=amount, term=np.where(long_term, 60, 36), purpose=purpose,
        true_pd=logistic(INTERCEPT + logit),
    )  # fmt: skip


def month_number(year: int, month: int) -> int:
    return year * 12 + month - 1


def _issued(rng: Rng, n: int) -> Ints:
    """Months of issue from June 2007 on, more loans in the later months of a year."""
    years = np.array(list(shares.YEARS))[pick_index(list(shares.YEARS.values()), rng.random(n))]
    month = np.floor(12 * rng.random(n) ** 0.85).astype(np.int64)
    return years * 12 + np.where(years == 2007, 5 + month * 7 // 12, month)


def _logit(
    trouble: Floats, use: Floats, hunger: Floats, burden: Floats, means: Floats, roots: Floats, unseen: Floats,
    appetite: Floats, long_term: Bools, purpose: Ints,
) -> Floats:  # fmt: skip
    """Each factor for itself, the loan's own terms, and what only matters together."""
    names = list(shares.PURPOSE)
    business = purpose == names.index("small_business")
    cards = purpose == names.index("credit_card")
    alone = 0.29 * trouble + 0.27 * use + 0.29 * hunger + 0.15 * burden - 0.27 * means + 0.13 * roots + 0.22 * unseen
    terms = 0.62 * long_term + 0.10 * appetite + 0.60 * business - 0.12 * cards
    together = 0.12 * use * hunger + 0.14 * np.maximum(burden, 0.0) * np.maximum(-means, 0.0) + 0.10 * long_term * use
    return alone + terms + together
