"""Which raw columns a feature is made of, and which of them stand for a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.config import load_book, shipped_books
from creditrisk.features import feature_lineage, raw_factors
from tests.support.tiny_book import write_tiny_book


def test_a_feature_is_a_value_of_its_columns_and_reads_the_conditions_too(tmp_path: Path) -> None:
    folder = write_tiny_book(tmp_path)
    file = folder / "sql" / "payment_features.sql"
    file.write_text(
        file.read_text().replace("sum(p.paid)", "sum(case when p.days_late > 0 then p.paid end)"), encoding="utf-8"
    )
    lineage = feature_lineage(load_book(folder))
    assert lineage["payment_sum"].value == {("payments", "paid")}
    assert lineage["payment_sum"].reads == {("payments", "paid"), ("payments", "days_late")}
    assert lineage["debt_to_income"].value == {("application", "debt"), ("application", "income")}


def test_counting_rows_is_a_value_of_the_table_and_identifiers_are_of_nothing(tmp_path: Path) -> None:
    lineage = feature_lineage(load_book(write_tiny_book(tmp_path)))
    assert lineage["payment_count"].value == lineage["payment_count"].reads == {("payments", "*")}


def test_a_denominator_that_has_a_reason_of_its_own_is_no_factor_of_others(tmp_path: Path) -> None:
    lineage = feature_lineage(load_book(write_tiny_book(tmp_path)))
    factors = raw_factors({"INCOME": ["income"], "DEBT": ["debt_to_income"], "PAYMENTS": ["payment_sum"]}, lineage)
    assert factors["INCOME"] == {("application", "income")}
    assert factors["PAYMENTS"] == {("payments", "paid")}
    many = {"INCOME": ["income"], "OTHER": ["payment_sum", "payment_count", "debt_to_income"]}
    assert ("application", "income") not in raw_factors(many, lineage)["OTHER"]


@pytest.mark.parametrize("name", shipped_books())
def test_no_two_reasons_of_a_shipped_book_stand_for_the_same_columns(name: str) -> None:
    book = load_book(name)
    lineage = feature_lineage(book)
    groups: dict[str, list[str]] = {}
    for feature in lineage:
        codes = book.reasons.codes_of(feature)
        if len(codes) == 1:
            groups.setdefault(codes[0], []).append(feature)
    factors = raw_factors(groups, lineage)
    assert all(factors.values())
    assert len(set(factors.values())) == len(factors)
