"""price_features.sql: the lender's grade, rate and payment beside the features of loan_features."""

from __future__ import annotations

import pytest

from tests.golden.lending_club.loans import features, loan

PRICE = {
    "lender_grade_rank": 2,  # B
    "lender_sub_grade_rank": 8,  # B3: five steps of A, then the third of B
    "interest_rate_pct": 11.5,
    "instalment_usd": 395.71,
    "instalment_year_to_income": 12 * 395.71 / 48000,
}


def test_the_price_is_added_and_nothing_else_changes() -> None:
    rows = [loan("a"), loan("b", emp_length=None, dti=999.0, annual_inc="1")]
    with_price, without = features(rows, "with_price"), features(rows)
    for key in ("a", "b"):
        assert {name: with_price[key][name] for name in without[key]} == without[key]
    assert {name: value for name, value in with_price["a"].items() if name not in without["a"]} == PRICE


@pytest.mark.parametrize(
    ("grade", "sub_grade", "ranks"),
    [("A", "A1", (1, 1)), ("A", "A5", (1, 5)), ("B", "B1", (2, 6)), ("C", "C2", (3, 12)), ("D", "D4", (4, 19)),
     ("E", "E5", (5, 25)), ("F", "F1", (6, 26)), ("G", "G5", (7, 35)), (None, None, (None, None)),
     ("A", None, (1, None)), (None, "B2", (None, None)), ("H", "H1", (None, None)), ("A", "A?", (1, None))],
)  # fmt: skip
def test_grades_are_ranks_from_the_best(
    grade: str | None, sub_grade: str | None, ranks: tuple[int | None, int | None]
) -> None:
    row = features([loan(grade=grade, sub_grade=sub_grade)], "with_price")["a"]
    assert (row["lender_grade_rank"], row["lender_sub_grade_rank"]) == ranks


@pytest.mark.parametrize(("income", "payment"), [("0", "395.71"), (None, "395.71"), ("48000", None)])
def test_a_price_without_income_or_payment_gives_no_ratio(income: str | None, payment: str | None) -> None:
    row = features([loan(annual_inc=income, installment=payment)], "with_price")["a"]
    assert row["instalment_year_to_income"] is None


def test_a_loan_without_a_price_keeps_its_row() -> None:
    no_price = dict.fromkeys(["grade", "sub_grade", "int_rate", "installment"])
    row = features([loan(**no_price)], "with_price")["a"]
    assert [row[name] for name in PRICE] == [None] * len(PRICE)
    assert row["loan_to_income"] == 0.25
