"""Invented feature rows of the tiny book, and a model learnt from them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from creditrisk.config import Book, load_book
from creditrisk.modelling import save_bundle
from creditrisk.modelling.train import TrainedModel, train
from tests.support.tiny_book import write_tiny_book

FEATURES = ("income", "debt_to_income", "town", "payment_count", "payment_sum", "payment_days_late_max")


def feature_rows(rows: int, seed: int = 7) -> pa.Table:
    """loan_id and the tiny book's features: one in ten numbers missing, towns of three sizes."""
    random = np.random.default_rng(seed)
    income = np.round(random.lognormal(10.0, 0.5, rows), 2)
    late = random.poisson(3.0, rows)
    count = random.integers(0, 30, rows)
    columns: dict[str, Any] = {
        "loan_id": np.arange(1, rows + 1),
        "income": income,
        "debt_to_income": random.gamma(2.0, 0.3, rows),
        "town": random.choice(["big", "middling", "small"], rows),
        "payment_count": count,
        "payment_sum": np.round(count * random.gamma(3.0, 40.0, rows), 2),
        "payment_days_late_max": late,
    }
    missing = {name: random.random(rows) < 0.1 for name in ("debt_to_income", "town", "payment_days_late_max")}
    return pa.table({name: pa.array(values, mask=missing.get(name)) for name, values in columns.items()})


def development_rows(rows: int = 1500, seed: int = 7) -> pa.Table:
    """`feature_rows` with target, part and fold as the split stage writes them; about one in five is bad."""
    random = np.random.default_rng(seed + 1)
    table = feature_rows(rows, seed)
    pd = true_pd(table)
    return (
        table.append_column("target", pa.array((random.random(rows) < pd).astype(np.int8)))
        .append_column("part", pa.array(random.choice(["train", "calibration"], rows, p=[0.75, 0.25])))
        .append_column("fold", pa.array(random.integers(0, 3, rows).astype(np.int8)))
    )


def true_pd(table: pa.Table) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The PD behind the invented target."""
    debt = np.nan_to_num(table["debt_to_income"].to_numpy(), nan=0.6)
    late = np.nan_to_num(table["payment_days_late_max"].to_numpy().astype(float), nan=3.0)
    small = np.array([town == "small" for town in table["town"].to_pylist()])
    income = np.log(table["income"].to_numpy())
    log_odds = -2.2 + 1.2 * debt + 0.25 * late + 0.8 * small - 1.0 * (income - 10.0)
    return np.array([1.0 / (1.0 + math.exp(-value)) for value in log_odds])


def tiny_book(folder: Path, **overrides: Any) -> Book:
    """The tiny book written to `folder`; overrides as on the command line, with __ for the dots."""
    return load_book(write_tiny_book(folder), {name.replace("__", "."): value for name, value in overrides.items()})


def trained(book: Book, rows: pa.Table | None = None, **options: Any) -> TrainedModel:
    return train(development_rows() if rows is None else rows, book.portfolio, book.reasons, **options)


def saved(model: TrainedModel, book: Book, folder: Path) -> str:
    return save_bundle(folder, model, book)
