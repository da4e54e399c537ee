"""Invented LendingClub loans: one wide table of what was asked, what the bureau knew, the price, and the outcome."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from creditrisk.demo.chunk import Chunk, streams
from creditrisk.demo.draws import Floats, Rng
from creditrisk.demo.lending_club.asked import asked_columns, draw_price, joint_columns, price_columns
from creditrisk.demo.lending_club.columns import COLUMNS
from creditrisk.demo.lending_club.credit_file import credit_file
from creditrisk.demo.lending_club.loans import draw_loans
from creditrisk.demo.lending_club.outcome import draw_course, outcome_columns


def chunks(rows: int, seed: int) -> Iterator[Chunk]:
    """`rows` loans issued from June 2007 to December 2017, as the file of March 2019 would show them."""
    for rng, first, count in streams(rows, seed):
        frame, true_pd = _loans(rng, count)
        truth = frame.select(
            pl.Series("row", np.arange(first + 1, first + count + 1)),
            "loan_amnt",
            pl.col("issue_d").cast(pl.String),
            pl.Series("true_pd", true_pd),
        )
        yield Chunk(rows=count, tables={"accepted": frame}, truth=truth)


def _loans(rng: Rng, n: int) -> tuple[pl.DataFrame, Floats]:
    loans = draw_loans(rng, n)
    price = draw_price(rng, loans)
    course = draw_course(rng, loans, price.rate_pct)
    bureau = credit_file(rng, loans)
    fico = bureau["fico_range_low"].to_numpy()
    columns = (
        asked_columns(rng, loans)
        | price_columns(rng, loans, price)
        | bureau
        | joint_columns(rng, loans)
        | outcome_columns(rng, loans, course, price.rate_pct, fico, price.investors)
    )
    return pl.DataFrame(columns).select(COLUMNS), loans.true_pd
