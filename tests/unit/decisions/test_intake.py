"""A record is taken as its contract says, or refused with a place, a rule and a hint, and never with its values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from creditrisk.config import load_book
from creditrisk.decisions.intake import Intake
from tests.support.tiny_book import write_tiny_book

LOAN = {"loan_id": 7, "income": Decimal("1000.5"), "debt": 20, "town": "big"}
PAYMENT = {"payment_id": 1, "day": -3, "days_late": 0, "paid": 10}


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Intake:
    return Intake(load_book(write_tiny_book(tmp_path_factory.mktemp("book"))))


def one(loan: dict[str, Any] | None = None, payments: list[Any] | None = None) -> dict[str, Any]:
    return {"application": LOAN if loan is None else loan, "payments": [] if payments is None else payments}


def told(intake: Intake, *applications: object) -> list[tuple[str, str]]:
    read = intake.read(applications)
    assert not read.applications
    return [(problem.where, problem.rule) for problem in read.problems]


def test_a_record_becomes_typed_rows_in_the_order_of_the_contract(intake: Intake) -> None:
    (read,) = intake.read([one(payments=[PAYMENT])]).applications
    assert read.key == 7
    assert read.rows["application"] == [[7, None, 1_000_500, 20_000, "big", None, None]]
    assert read.rows["payments"] == [[1, 7, -3, 0, 10_000]]
    assert read.warnings == ()


@pytest.mark.parametrize(
    "value", [True, "12", float("nan"), float("inf"), Decimal("NaN"), 10**400, Decimal("1e999999999"), [1], {"a": 1}]
)
def test_what_is_no_number_is_refused_without_being_repeated(intake: Intake, value: Any) -> None:
    read = intake.read([one({**LOAN, "income": value})])
    (problem,) = read.problems
    assert (problem.where, problem.rule) == ("applications[0].application.income", "not readable")
    assert str(value) not in problem.hint


@pytest.mark.parametrize("value", [7, True, "\ud800", "a\0b", ["big"]])
def test_what_is_no_text_is_refused(intake: Intake, value: Any) -> None:
    assert told(intake, one({**LOAN, "town": value})) == [("applications[0].application.town", "not readable")]


def test_unknown_tables_and_columns_are_refused_with_the_nearest_known_one(intake: Intake) -> None:
    (problem,) = intake.read([one({**LOAN, "incomee": 1})]).problems
    assert (problem.where, problem.rule) == ("applications[0].application.incomee", "unknown column")
    assert 'did you mean "income"' in problem.hint
    (problem,) = intake.read([{**one(), "payment": []}]).problems
    assert (problem.where, problem.rule) == ("applications[0].payment", "unknown table")
    assert 'did you mean "payments"' in problem.hint


def test_a_name_that_looks_like_no_name_is_not_repeated(intake: Intake) -> None:
    assert told(intake, one({**LOAN, "Ann, born 1970": 1})) == [("applications[0].application.?", "unknown column")]


@pytest.mark.parametrize("given", [None, 5, [], {}, {"application": []}, {"application": LOAN, "payments": {}}])
def test_what_has_not_the_shape_of_an_application_is_refused(intake: Intake, given: Any) -> None:
    assert told(intake, given)


def test_the_key_has_to_be_there(intake: Intake) -> None:
    without = {name: value for name, value in LOAN.items() if name != "loan_id"}
    assert told(intake, one(without)) == [("applications[0].application.loan_id", "required")]
    assert ("applications[0].application.loan_id", "not null") in told(intake, one({**LOAN, "loan_id": None}))


def test_a_childs_own_key_may_be_left_out_and_must_match_when_it_is_given(intake: Intake) -> None:
    assert intake.read([one(payments=[{**PAYMENT, "loan_id": 7}])]).applications[0].rows["payments"][0][1] == 7
    assert told(intake, one(payments=[PAYMENT, {**PAYMENT, "payment_id": 2, "loan_id": 8}])) == [
        ("applications[0].payments[1].loan_id", "foreign key")
    ]


def test_two_child_rows_of_one_name_are_refused(intake: Intake) -> None:
    assert told(intake, one(payments=[PAYMENT, PAYMENT])) == [("applications[0].payments[1]", "duplicate rows")]
    assert told(intake, one(payments=[PAYMENT, {**PAYMENT, "paid": 11}])) == [
        ("applications[0].payments[1]", "contradicting rows")
    ]


def test_an_event_after_the_application_is_refused_as_future_dated(intake: Intake) -> None:
    (problem,) = intake.read([one(payments=[{**PAYMENT, "day": 1}])]).problems
    assert (problem.where, problem.rule) == ("applications[0].payments[0].day", "event after application")
    assert "future-dated" in problem.hint


def test_what_batch_warns_of_is_a_warning(intake: Intake) -> None:
    (read,) = intake.read([one({**LOAN, "debt": -1, "town": "huge", "income": Decimal("1.23456")})]).applications
    assert set(read.warnings) == {
        "range:application.debt", "new_category:application.town", "rounded:application.income",
    }  # fmt: skip
    assert read.rows["application"][0][2] == 1_235


def test_columns_that_no_model_may_see_are_set_aside_and_told(intake: Intake) -> None:
    (read,) = intake.read([one({**LOAN, "sex": "f", "bad": 1, "recovered": 3})]).applications
    assert read.warnings == ("not_used:application.sex", "after_origination:application")


def test_a_column_that_is_left_out_is_unknown_and_told(intake: Intake) -> None:
    (read,) = intake.read([one({"loan_id": 7})]).applications
    assert read.warnings == ("left_out:application",)


def test_a_table_that_is_absent_was_not_asked_for(intake: Intake) -> None:
    (read,) = intake.read([{"application": LOAN}]).applications
    assert read.warnings == ("not_asked:payments",)
    assert list(read.rows) == ["application"]


def test_one_bad_application_leaves_the_others_be(intake: Intake) -> None:
    read = intake.read([one(), one({**LOAN, "debt": "x"}), one({**LOAN, "loan_id": 8})])
    assert [application.key for application in read.applications] == [7, 8]
    assert [problem.where for problem in read.problems] == ["applications[1].application.debt"]


def test_the_number_of_problems_told_is_bounded(intake: Intake) -> None:
    assert len(intake.read([None] * 5_000).problems) == 100


def test_texts_of_the_file_and_typed_values_give_the_same_bits_and_the_same_key() -> None:
    intake = Intake(load_book("lending_club"))
    written = {"term": " 36 months", "issue_d": "Dec-2011", "revol_util": "83.7%", "loan_amnt": 5000}
    typed = {"term": 36, "issue_d": "2011-12-01", "revol_util": Decimal("83.7"), "loan_amnt": Decimal("5000.0")}
    (one, other) = intake.read([{"application": written}, {"application": typed}]).applications
    assert one.rows == other.rows
    assert one.key == other.key
    assert isinstance(one.key, str)


def test_an_as_of_date_after_the_day_of_the_request_is_future_dated() -> None:
    intake = Intake(load_book("lending_club"))
    loan = {"application": {"term": 36, "issue_d": "Dec-2011", "loan_amnt": 5000}}
    assert intake.read([loan], at=date(2011, 12, 1)).applications
    (problem,) = intake.read([loan], at=date(2011, 11, 30)).problems
    assert (problem.where, problem.rule) == ("applications[0].application.issue_d", "future-dated")


def test_every_condition_of_a_shipped_contract_is_followed_without_a_database() -> None:
    from creditrisk.contracts.conditions import condition_of
    from creditrisk.contracts.promises import promises_of

    for name in ("home_credit", "lending_club"):
        book = load_book(name)
        for contract in book.contracts.values():
            for promise in promises_of(contract, book.portfolio, scoring=True):
                assert condition_of(promise.broken, contract.columns) is not None, promise.broken


def test_a_rule_that_only_a_database_can_tell_is_asked_there(tmp_path: Path) -> None:
    folder = write_tiny_book(tmp_path)
    contract = folder / "contracts" / "application.yaml"
    rule = 'rules: [{name: short_town, sql: "length(town) <= 4 and debt < 100.5", what: short, severity: refuse}]\n'
    contract.write_text(contract.read_text() + rule)
    intake = Intake(load_book(folder))
    assert intake.read([one()]).applications
    assert told(intake, one({**LOAN, "town": "large"})) == [("applications[0].application", "short_town")]
    assert told(intake, one({**LOAN, "debt": Decimal("100.5")})) == [("applications[0].application", "short_town")]
