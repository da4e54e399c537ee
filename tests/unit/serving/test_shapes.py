"""The description of a book's records fits what is taken, for every shipped book."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from creditrisk.config import MAIN, Book, load_book, shipped_books
from creditrisk.decisions.intake import Intake
from creditrisk.serving.examples import example_application
from creditrisk.serving.shapes import application_schema, request_schema


@pytest.fixture(scope="module", params=shipped_books())
def book(request: pytest.FixtureRequest) -> Book:
    return load_book(request.param)


@pytest.fixture(scope="module")
def example(book: Book) -> dict[str, Any]:
    return example_application(book, Intake(book))


def test_the_example_breaks_no_rule_and_is_more_than_the_key(book: Book, example: dict[str, Any]) -> None:
    assert Intake(book).read([example]).problems == []
    assert len(example[MAIN]) > 20


def test_the_example_is_what_the_schema_describes(book: Book, example: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(request_schema(book, 10))
    jsonschema.validate({"applications": [example]}, request_schema(book, 10))


def test_what_comes_to_exist_later_or_may_not_decide_is_not_asked_for(book: Book) -> None:
    asked = set(application_schema(book)["properties"][MAIN]["properties"])
    assert asked.isdisjoint(book.portfolio.policy.kept_apart)
    assert book.portfolio.target.column not in asked


def test_a_book_of_one_table_also_takes_records(book: Book) -> None:
    one_table = len(book.portfolio.tables) == 1
    known = [next(iter(one["properties"])) for one in request_schema(book, 10)["oneOf"]]
    assert known == (["applications", "records"] if one_table else ["applications"])
