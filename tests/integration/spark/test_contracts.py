"""Contracts checked on Spark find what DuckDB finds, and see the same profile."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from creditrisk.config import Book, Contract, load_book
from creditrisk.contracts import examine
from creditrisk.contracts.spark_view import examine_on_spark
from creditrisk.errors import BadConfig, MissingInput
from tests.integration.spark.test_parity import demo_tables
from tests.support.adversarial import applications, as_tables, written
from tests.support.small_tables import SETTINGS
from tests.support.tiny_book import write_tiny_book
from tests.unit.contracts import test_checks as small

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MANY = int(os.environ.get("TEST_SPARK_BOOKS", "0"))
"""`make bench-full` sets it: then each case of tests/unit/contracts/test_checks.py is asked of both engines, too."""
if MANY:
    from tests.unit.contracts.test_checks import *  # noqa: F403


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return load_book(write_tiny_book(tmp_path / "book"))


@pytest.fixture(autouse=True)
def on_both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The cases of tests/unit/contracts/test_checks.py call `check`; here it asks both engines and compares."""
    if not hasattr(small, request.function.__name__):
        yield
        return
    spark = request.getfixturevalue("spark")

    def both(tables: Any, contracts: Any, portfolio: Any, **options: Any) -> Any:
        here = examine(tables, contracts, portfolio, **options)
        options.pop("settings")
        assert examine_on_spark(spark, tables, contracts, portfolio, **options) == here
        return here.findings

    monkeypatch.setattr(small, "check", both)
    yield


RULES = [
    {"name": "debt below income", "sql": "debt <= 10 * income or debt is null", "what": "debt of ten incomes at most"},
    {"name": "a town", "sql": "town in ('big', 'small') or sex is not null", "what": "a town is known"},
]


def changed(book: Book, table: str, rules: Any = (), unique: Any = None, **columns: Mapping[str, Any]) -> Contract:
    told = book.contracts[table].model_dump(exclude_unset=True, mode="json")
    told["columns"] = [{**one, **columns.get(one["name"], {})} for one in told["columns"]]
    told["rules"] = list(rules)
    if unique is not None:
        told["unique"] = unique
    return Contract.model_validate(told)


@pytest.fixture
def broken(book: Book, tmp_path: Path) -> tuple[dict[str, Path], dict[str, Contract]]:
    """Rows that break one promise of each kind."""
    loans = [
        *small.GOOD_LOANS, "(3, 2, -10, 1e9, 'large', 'F', null)", "(3, 2, -10, 1e9, 'large', 'F', null)",
        "(4, 0, null, null, 'large', 'M', 3)", "(4, 1, 999, 4, 'gross', null, 3)", "(null, 0, 5, 5, null, null, null)",
        "(6, 7, 1, 1, '', 'x', null)", "(7, null, 0.001, 5, 'Wien', 'x', null)",
    ]  # fmt: skip
    payments = [
        *small.GOOD_PAYMENTS, "(3, 2, 0, 0, 1)", "(4, 99, 5, 0, 1)", "(5, null, -365243, null, null)",
        "(6, 98, null, 40, 2)", "(6, 98, -1, 41, 2)",
    ]  # fmt: skip
    contracts = {
        "application": changed(
            book, "application", RULES, income={"sentinels": {"999": "unknown"}, "max": 50, "null": False}
        ),
        "payments": changed(
            book, "payments", unique=[["payment_id"], ["loan_id", "day"]],
            day={"sentinels": {"-365243": {"means": "never", "share": [0, 0]}}}, days_late={"min": -30, "max": 30},
        ),
    }  # fmt: skip
    return small._tables(tmp_path, loans, payments), contracts


def test_every_kind_of_broken_promise_is_found_alike(
    book: Book, broken: tuple[dict[str, Path], dict[str, Contract]], spark: SparkSession
) -> None:
    tables, contracts = broken
    here = examine(tables, contracts, book.portfolio, settings=SETTINGS)
    there = examine_on_spark(spark, tables, contracts, book.portfolio)
    assert there == here
    kinds = {finding.rule for finding in here.findings}
    assert kinds >= {
        "not null", "range", "event after application", "new category", "duplicate rows", "contradicting rows",
        "orphans", "target values", "debt below income", "a town", "sentinel", "sentinel share",
    }  # fmt: skip


def test_what_moved_since_the_last_ingestion_is_found_alike(
    book: Book, broken: tuple[dict[str, Path], dict[str, Contract]], spark: SparkSession, tmp_path: Path
) -> None:
    tables, contracts = broken
    before = examine(small._tables(tmp_path / "before"), contracts, book.portfolio, settings=SETTINGS).profiles
    del tables["payments"]
    here = examine(tables, contracts, book.portfolio, settings=SETTINGS, last=before, scoring=True)
    assert examine_on_spark(spark, tables, contracts, book.portfolio, last=before, scoring=True) == here
    assert "missing table" in {finding.rule for finding in here.findings}


def test_a_rule_that_does_not_fit_or_is_not_portable_is_refused(
    book: Book, broken: tuple[dict[str, Path], dict[str, Contract]], spark: SparkSession
) -> None:
    tables, _ = broken
    for sql in ("no_such_column > 1", "regexp_matches(town, 'b.*')"):
        contracts = book.contracts | {"application": changed(book, "application", [{**RULES[0], "sql": sql}])}
        with pytest.raises(BadConfig, match="rule debt below income"):
            examine_on_spark(spark, tables, contracts, book.portfolio)


def test_a_table_that_is_not_there_is_told(book: Book, spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no Parquet to read"):
        examine_on_spark(spark, {"application": tmp_path / "none"}, book.contracts, book.portfolio)


def test_a_shipped_book_is_found_alike_clean_and_odd(spark: SparkSession, tmp_path: Path) -> None:
    book = load_book("lending_club")
    clean = written(demo_tables(book, 150, tmp_path), tmp_path / "clean")
    # No NaN: DuckDB itself answers `x > 40` in two ways for it, by whether it looks at the file's statistics first.
    people = applications(book, 7, 60)
    for row in (row for one in people for rows in one.values() for row in rows):
        row.update({name: None for name, cell in row.items() if isinstance(cell, float) and math.isnan(cell)})
    odd = written(as_tables(book, people), tmp_path / "odd")
    for tables in (clean, odd):
        here = examine(tables, book.contracts, book.portfolio, settings=SETTINGS)
        assert examine_on_spark(spark, tables, book.contracts, book.portfolio) == here
        assert (here.findings != []) is (tables is odd)
