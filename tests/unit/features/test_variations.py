"""Copies of applicants with other raw values: their own features again, changed only where the change leads."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.config import Book, load_book
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadConfig, BadData
from creditrisk.features.variations import applicants_where, tables_of, varied_features
from tests.support.tiny_book import write_tiny_book

SETTINGS = DuckSettings("200MB", 1)
MONEY = pa.decimal128(18, 3)


def money(values: list[int | None]) -> pa.Array[Any]:
    return pa.array([None if value is None else Decimal(value) for value in values], MONEY)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return load_book(write_tiny_book(tmp_path_factory.mktemp("book")))


@pytest.fixture(scope="module")
def bronze(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Four applications, one of them without payments."""
    folder = tmp_path_factory.mktemp("bronze")
    tables = {
        "application": pa.table({
            "loan_id": [4, 2, 3, 1], "bad": [0, 1, 0, 0],
            "income": money([100, 200, 50, 400]),
            "debt": money([50, None, 25, 100]),
            "town": ["big", None, "small", "big"], "sex": ["f", "m", "f", "m"],
            "recovered": pa.nulls(4, MONEY),
        }),
        "payments": pa.table({
            "payment_id": [10, 11, 12, 13], "loan_id": [1, 1, 2, 4], "day": [-9, -8, -7, -6],
            "days_late": [0, 5, 9, 2], "paid": money([10, 20, 30, 40]),
        }),
    }  # fmt: skip
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return {name: folder / f"{name}.parquet" for name in tables}


@pytest.fixture
def tables(book: Book, bronze: dict[str, Path]) -> dict[str, pa.Table]:
    return tables_of(book, bronze, pa.array([1, 2, 4]), SETTINGS)


def figures(table: pa.Table) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "loan_id"} for row in table.to_pylist()]


def test_only_the_wanted_applicants_and_their_rows_are_read(tables: dict[str, pa.Table]) -> None:
    assert tables["application"]["loan_id"].to_pylist() == [1, 2, 4]
    assert sorted(tables["payments"]["payment_id"].to_pylist()) == [10, 11, 12, 13]


def test_a_copy_without_changes_has_the_applicants_own_features(book: Book, tables: dict[str, pa.Table]) -> None:
    first, second = (figures(made) for made in varied_features(book, tables, [{}, {}], SETTINGS))
    assert first == second
    assert [row["payment_count"] for row in first] == [2, 1, 1]
    assert [row["income"] for row in first] == [400.0, 200.0, 100.0]


def test_a_changed_input_changes_every_feature_made_of_it_and_no_other(book: Book, tables: dict[str, pa.Table]) -> None:
    rich = {"income": money([1000, 1000, 1000])}
    own, richer, blank = (
        figures(made) for made in varied_features(book, tables, [{}, rich, {"town": pa.nulls(3)}], SETTINGS)
    )
    assert [row["debt_to_income"] for row in richer] == [0.1, None, 0.05]
    kept = ("town", "payment_count", "payment_sum", "payment_days_late_max")
    assert [[row[name] for name in kept] for row in richer] == [[row[name] for name in kept] for row in own]
    assert [row["town"] for row in blank] == [None, None, None]


def test_many_variations_are_made_in_several_queries(
    book: Book, tables: dict[str, pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creditrisk.features.variations.ROWS_AT_ONCE", 15)
    steps = [{"income": money([step] * 3)} for step in (1, 2, 3, 4, 5)]
    told = [made["income"].to_pylist() for made in varied_features(book, tables, steps, SETTINGS)]
    assert told == [[step] * 3 for step in (1, 2, 3, 4, 5)]


def test_keys_that_are_words_are_kept_apart_too(book: Book, tables: dict[str, pa.Table]) -> None:
    words = {
        name: table.set_column(
            table.schema.get_field_index("loan_id"), "loan_id", table["loan_id"].cast(pa.string())
        )
        for name, table in tables.items()
    }  # fmt: skip
    first, second = (figures(made) for made in varied_features(book, words, [{}, {}], SETTINGS))
    assert first == second
    assert [row["payment_count"] for row in first] == [2, 1, 1]


def test_a_table_that_is_absent_stays_absent(book: Book, bronze: dict[str, Path]) -> None:
    alone = tables_of(book, {"application": bronze["application"]}, pa.array([1]), SETTINGS)
    (made,) = varied_features(book, alone, [{}], SETTINGS)
    assert made["payment_count"].to_pylist() == [None]


def test_a_column_that_is_not_there_is_refused(book: Book, tables: dict[str, pa.Table]) -> None:
    with pytest.raises(BadData, match='no column "wealth"'):
        list(varied_features(book, tables, [{"wealth": pa.nulls(3)}], SETTINGS))


def test_applicants_are_found_by_a_condition_on_raw_columns(book: Book, bronze: dict[str, Path]) -> None:
    found = applicants_where(book, bronze, "sex = 'f' or debt is null", SETTINGS, where="policy")
    assert found.to_pylist() == [2, 3, 4]


@pytest.mark.parametrize("condition", ["wealth > 3", "sex ="])
def test_a_condition_that_is_none_is_named(book: Book, bronze: dict[str, Path], condition: str) -> None:
    with pytest.raises(BadConfig) as told:
        applicants_where(book, bronze, condition, SETTINGS, where="portfolio.yaml, policy.never_worse[0]")
    assert told.value.where == "portfolio.yaml, policy.never_worse[0]"
