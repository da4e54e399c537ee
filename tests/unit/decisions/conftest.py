"""One bundle of the tiny book, proved reasons and all, for the tests of decisions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.csv
import pytest

from creditrisk.config import Book, load_book
from creditrisk.decisions.decide import Decider
from creditrisk.decisions.intake import Intake
from creditrisk.duck import DuckSettings
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stages
from tests.support.tiny_run import tiny_context


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """The tiny book up to its candidate. To read only."""
    context = tiny_context(tmp_path_factory.mktemp("decisions"))
    run_stages(context, last="register")
    return context


@pytest.fixture(scope="session")
def folder(trained: Context) -> Path:
    """Of the bundle."""
    (found,) = trained.folder.models.glob("*/bundle")
    return found


@pytest.fixture(scope="session")
def bundle(folder: Path) -> Bundle:
    return load_bundle(folder)


@pytest.fixture(scope="session")
def book(folder: Path) -> Book:
    return load_book(folder)


@pytest.fixture(scope="session")
def intake(book: Book) -> Intake:
    return Intake(book)


@pytest.fixture(scope="session")
def decider(bundle: Bundle, book: Book) -> Iterator[Decider]:
    decider = Decider(bundle, book, DuckSettings("300MB", 1))
    yield decider
    decider.close()


@pytest.fixture(scope="session")
def records(trained: Context) -> list[dict[str, Any]]:
    """Every application of the raw files, as a caller would send it."""
    loans = pyarrow.csv.read_csv(trained.raw / "applications.csv").to_pylist()
    payments: dict[int, list[dict[str, Any]]] = {}
    for row in pyarrow.csv.read_csv(trained.raw / "payments.csv").to_pylist():
        payments.setdefault(row["loan_id"], []).append(row)
    asked = ("loan_id", "income", "debt", "town")
    return [
        {"application": {name: loan[name] for name in asked}, "payments": payments.get(loan["loan_id"], [])}
        for loan in loans
    ]
