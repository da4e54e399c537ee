"""feature_table.sql: everything joined, and what takes several tables, worked out by hand."""

from __future__ import annotations

import pytest

from creditrisk.duck import DuckSettings, locked_room
from creditrisk.features import compute_one_query, table_schema
from tests.golden.home_credit.people import Row, book, bronze
from tests.golden.home_credit.test_home_credit_bureau_features import BUREAU
from tests.golden.home_credit.test_home_credit_previous_features import PREVIOUS

TWO = """
SK_ID_CURR | AMT_INCOME_TOTAL | AMT_CREDIT | AMT_ANNUITY
         2 |                0 |     200000 |       10000
         1 |           100000 |     200000 |       10000
"""

EMPTY = {
    "bureau": "SK_ID_CURR",
    "bureau_balance": "SK_ID_BUREAU",
    "previous_application": "SK_ID_CURR",
    "POS_CASH_balance": "SK_ID_CURR",
    "credit_card_balance": "SK_ID_CURR",
    "installments_payments": "SK_ID_CURR",
}


def feature_table(**tables: str) -> list[Row]:
    asked = {name: bronze(name, text) for name, text in tables.items()}
    with locked_room(DuckSettings(threads=1)) as con:
        rows: list[Row] = compute_one_query(con, asked, book().sql, table_schema(book()), key="SK_ID_CURR").to_pylist()
    return rows


def test_one_row_an_applicant_with_the_key_first_and_in_its_order() -> None:
    rows = feature_table(application=TWO, **{**EMPTY, "bureau": BUREAU})
    assert [row["SK_ID_CURR"] for row in rows] == [1, 2]
    assert all(next(iter(row)) == "SK_ID_CURR" for row in rows)
    assert [row["bureau_count"] for row in rows] == [5, 0]


def test_burdens_of_all_tables_are_added_and_compared_with_the_income() -> None:
    row, without_income = feature_table(
        application=TWO, **{**EMPTY, "bureau": BUREAU, "previous_application": PREVIOUS}
    )
    assert row["burden_to_income"] == pytest.approx(0.1031)  # 10,000 + 250 here + 60 elsewhere, of 100,000
    assert row["debt_with_credit_to_income"] == pytest.approx(2.016)  # 200,000 + 1600
    assert row["requests_count_1y"] == 3  # one there, two here
    assert without_income["burden_to_income"] is None
    assert without_income["debt_with_credit_to_income"] is None


def test_who_has_nothing_elsewhere_still_has_the_burden_of_this_credit() -> None:
    row = feature_table(application=TWO, **EMPTY)[0]
    assert (row["burden_to_income"], row["debt_with_credit_to_income"], row["requests_count_1y"]) == (0.1, 2.0, 0)


@pytest.mark.parametrize(
    ("absent", "prefix"),
    [("bureau", "bureau_"), ("previous_application", "previous_"), ("POS_CASH_balance", "pos_"),
     ("credit_card_balance", "card_"), ("installments_payments", "instalment_")],
)  # fmt: skip
def test_a_table_that_was_not_asked_for_leaves_its_features_null_and_the_others_alone(absent: str, prefix: str) -> None:
    asked = feature_table(application=TWO, **EMPTY)[0]
    row = feature_table(application=TWO, **{name: text for name, text in EMPTY.items() if name != absent})[0]
    assert {row[name] for name in row if name.startswith(prefix)} == {None}
    changed = {name for name in row if row[name] != asked[name] and not name.startswith(prefix)}
    assert changed <= {"burden_to_income", "debt_with_credit_to_income", "requests_count_1y"}


def test_an_empty_table_counts_zero_where_an_absent_one_counts_nothing() -> None:
    row = feature_table(application=TWO, **EMPTY)[0]
    counts = ["bureau_count", "previous_count", "pos_loans_count", "card_months_count", "instalment_count"]
    assert [row[name] for name in counts] == [0, 0, 0, 0, 0]
    assert [feature_table(application=TWO)[0][name] for name in counts] == [None] * 5
