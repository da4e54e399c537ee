"""How the published file spells months, jobs and what borrowers wrote."""

from __future__ import annotations

import numpy as np
import polars as pl

from creditrisk.demo.draws import Bools, Floats, Ints, Rng, gaps, named
from creditrisk.demo.lending_club import shares
from creditrisk.demo.lending_club.loans import Loans, month_number

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FIRST_YEAR, LAST_YEAR = 1940, 2030
MONTH_WORDS = tuple(f"{month}-{year}" for year in range(FIRST_YEAR, LAST_YEAR + 1) for month in MONTHS)


def month_words(month: Ints, missing: Bools | None = None) -> pl.Series:
    """Months since year 0 as "Dec-2011"."""
    index = (month - month_number(FIRST_YEAR, 1)).clip(0, len(MONTH_WORDS) - 1)
    words = named(index, MONTH_WORDS)
    return words if missing is None else gaps(words, missing)


def job_words(rng: Rng, n: int) -> pl.Series:
    """Job titles as people type them, some in small letters."""
    words = np.char.add(rng.choice(shares.SENIORITY, n), rng.choice(shares.JOBS, n))
    return pl.Series(np.where(rng.random(n) < 0.22, np.char.lower(words), words))


def title_words(rng: Rng, loans: Loans) -> pl.Series:
    """The lender's wording from 2013 on; before, free words of the borrower."""
    form = np.array([shares.TITLE[name] for name in shares.PURPOSE])[loans.purpose]
    free = np.char.add(rng.choice(("My ", "", "", "New ", "The "), loans.size), np.char.lower(form))
    own = np.char.add(free, rng.choice(("", " loan", " plan", " 2", "!"), loans.size))
    return gaps(pl.Series(np.where(loans.issued < month_number(2013, 1), own, form)), rng.random(loans.size) < 0.006)


def description_words(rng: Rng, loans: Loans) -> pl.Series:
    """What borrowers wrote under their request, which the site asked for until 2014."""
    plan, remark = rng.choice(shares.PLANS, loans.size), rng.choice(shares.REMARKS, loans.size)
    year, month = loans.issued // 12 % 100, loans.issued % 12 + 1
    day = rng.integers(1, 28, loans.size)
    frame = pl.DataFrame({"plan": plan, "remark": remark, "year": year, "month": month, "day": day})
    dated = frame.select(
        pl.format(
            "  Borrower added on {}/{}/{} > I will use this loan to {}. {}<br>",
            *(pl.col(name).cast(pl.String).str.zfill(2) for name in ("month", "day", "year")),
            "plan",
            "remark",
        )
    ).to_series()
    silent = (loans.issued >= month_number(2014, 3)) | (rng.random(loans.size) < 0.36)
    return gaps(dated, silent)


def zip_words(rng: Rng, state: Ints) -> pl.Series:
    """The first three digits of a zip code of each state, as "871xx"."""
    low = np.array([first for _, first, _ in shares.STATES.values()])[state]
    high = np.array([last for _, _, last in shares.STATES.values()])[state]
    spread: Floats = rng.beta(0.7, 1.3, state.size)
    digits = np.floor(low + spread * (high - low + 1)).astype(np.int64)
    return pl.Series(digits).cast(pl.String).str.zfill(3) + "xx"
