"""Invented examples for the API's description, made from a book's contracts: each runs as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from creditrisk.config import MAIN, Book, Column
from creditrisk.decisions.intake import Intake
from creditrisk.serving.shapes import table_schema


def examples(book: Book, intake: Intake, features: Sequence[str], override_codes: Sequence[str]) -> dict[str, Any]:
    """By name, as OpenAPI's components list them."""
    application = example_application(book, intake)
    return {
        "application": {"summary": "One invented application", "value": application},
        "applications": {"summary": "One invented application", "value": {"applications": [application]}},
        "override": {
            "summary": "A person decides otherwise",
            "value": {"decision": "refer", "role": "underwriter", "code": override_codes[0], "text": "Seen in person"},
        },
        "invocation": {
            "summary": "Two rows of engineered features, all of them missing",
            "value": {"dataframe_split": {"columns": list(features), "data": [[None] * len(features)] * 2}},
        },
    }


def example_application(book: Book, intake: Intake) -> dict[str, Any]:
    """With every column of the main table where that breaks no rule, else with those that have to be there."""
    for required_only in (False, True):
        application = {MAIN: _row(book, required_only=required_only)}
        if not intake.read([application]).problems:
            break
    return application


def _row(book: Book, *, required_only: bool) -> dict[str, Any]:
    shape, contract = table_schema(book, MAIN), book.contracts[MAIN]
    wanted = set(shape.get("required", ())) if required_only else set(shape["properties"])
    wanted |= {book.key} & set(shape["properties"])
    return {column.name: _value(column) for column in contract.columns if column.name in wanted}


def _value(column: Column) -> Any:
    if column.type == "text":
        return column.categories[0] if column.categories else ("none" if not column.null else None)
    if column.type == "boolean":
        return False
    if column.type == "date":
        return {"month_year": "Dec-2011"}.get(column.format, "2011-12-01")
    if column.format == "months":
        return " 36 months"
    if column.format == "percent":
        return "10.5%"
    low = column.min if column.min is not None else (min(column.max, 0) if column.max is not None else 1)
    return int(low) + (1 if column.max is None or column.max >= int(low) + 1 else 0)
