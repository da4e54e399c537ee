"""Invented Home Credit tables: applicants with hidden factors, and seven tables that each show a part of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from creditrisk.demo.chunk import Chunk, streams
from creditrisk.demo.draws import Rng
from creditrisk.demo.home_credit.application import draw_applications
from creditrisk.demo.home_credit.asked import draw_asked, granted
from creditrisk.demo.home_credit.bureau import FIRST_BUREAU_ID, draw_bureau
from creditrisk.demo.home_credit.cards import draw_cards
from creditrisk.demo.home_credit.instalments import draw_dues, instalments_frame, pos_frame
from creditrisk.demo.home_credit.people import FIRST_ID, draw_people
from creditrisk.demo.home_credit.previous import previous_frame

FIRST_PREVIOUS_ID = 1_000_001
TEST_PER_TRAIN = 48_744 / 307_511
"""Applications without a known outcome (application_test) for each one with it, as in the real files."""


def chunks(rows: int, seed: int) -> Iterator[Chunk]:
    """`rows` applications with an outcome, some more without, and everything in the other six tables."""
    first_id, first_bureau, first_previous = FIRST_ID, FIRST_BUREAU_ID, FIRST_PREVIOUS_ID
    for rng, first, count in streams(rows, seed):
        test = round((first + count) * TEST_PER_TRAIN) - round(first * TEST_PER_TRAIN)
        chunk = _chunk(rng, (first_id, first_bureau, first_previous), count, test)
        first_id += count + test
        first_bureau += chunk.tables["bureau"].height
        first_previous += chunk.tables["previous_application"].height
        yield chunk


def _chunk(rng: Rng, first_ids: tuple[int, int, int], train: int, test: int) -> Chunk:
    first_id, first_bureau, first_previous = first_ids
    people = draw_people(rng, first_id + np.arange(train + test))
    applications = draw_applications(rng, people)
    scored = pl.Series(rng.permutation(train + test) < test)
    bureau, balance = draw_bureau(rng, people, first_bureau)
    asked = draw_asked(rng, people, first_previous)
    contracts = granted(rng, people, asked)
    dues = draw_dues(rng, people, contracts)
    card_months, card_payments = draw_cards(rng, people, contracts)
    return Chunk(
        rows=train,
        tables={
            "application_train": applications.frame.filter(~scored),
            "application_test": applications.frame.filter(scored).drop("TARGET"),
            "bureau": bureau,
            "bureau_balance": balance,
            "previous_application": previous_frame(rng, people.ids[asked.who], asked, contracts),
            "POS_CASH_balance": pos_frame(rng, people, contracts, dues),
            "credit_card_balance": card_months,
            "installments_payments": instalments_frame(rng, people, contracts, dues, card_payments),
        },
        truth=pl.DataFrame({"SK_ID_CURR": people.ids, "true_pd": applications.true_pd}),
    )
