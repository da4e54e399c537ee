"""A book's SQL is proved before data is read; both shipped books pass with every preset."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.config import load_book, shipped_books
from creditrisk.errors import BadConfig
from creditrisk.features import check_sql, reason_groups
from tests.support.tiny_book import write_tiny_book

PRESETS = [(name, preset) for name in shipped_books() for preset in load_book(name).portfolio.features.presets]


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_of_a_shipped_book_binds_obeys_the_lint_and_has_words(name: str, preset: str) -> None:
    book = load_book(name, {"features.preset": preset})
    features = check_sql(book)
    assert set(reason_groups(book.reasons, features)) == set(features)


def test_home_credit_has_between_250_and_400_features() -> None:
    assert 250 <= len(check_sql(load_book("home_credit"))) <= 400


@pytest.mark.parametrize("name", shipped_books())
def test_no_prohibited_rebuilding_or_later_column_is_visible_to_a_shipped_book(name: str) -> None:
    book = load_book(name)
    seen = {column for columns in book.feature_columns.values() for column in columns}
    assert not seen & set(book.portfolio.policy.kept_apart)
    later = {
        column.name
        for contract in book.contracts.values()
        for column in contract.columns
        if column.available in ("post_origination", "outcome", "lender_decision")
    }
    allowed = {book.portfolio.split.date}
    assert not (seen & later) - allowed


def spoilt(folder: Path, file: str, old: str, new: str) -> Path:
    path = write_tiny_book(folder) / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("sql/feature_table.sql", "a.income as double) as income", "a.sex as varchar) as income", "sex"),
        ("sql/feature_table.sql", "select a.loan_id,", "select 1 as one, a.loan_id,", "not the entity key"),
        ("sql/feature_table.sql", "a.town as town", "a.debt as town", "town is DECIMAL"),
        ("sql/feature_table.sql", "from application", "from applications", '"applications", which does not exist'),
        ("sql/payment_features.sql", "max(p.days_late)", "avg(p.days_late)", "average"),
        ("sql/feature_table.sql", "a.town as town", "a.town as city", "city has no words"),
        ("reasons.yaml", "features: [town]", "features: [town, income]", "income stands in 2 groups"),
        ("portfolio.yaml", "{income: pd_falls}", "{incom: pd_falls}", 'names "incom"'),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        check_sql(load_book(spoilt(tmp_path, file, old, new)))


def test_a_sum_over_an_earlier_floating_point_result_is_found(tmp_path: Path) -> None:
    folder = spoilt(tmp_path, "sql/payment_features.sql", "sum(p.paid)", "sum(cast(p.paid as double))")
    with pytest.raises(BadConfig, match="float-sum"):
        check_sql(load_book(folder))
