"""JSON Schema of raw records, from a book's contracts: what /schema answers and the API's description shows."""

from __future__ import annotations

from typing import Any

from creditrisk.config import MAIN, Book, Column, Contract
from creditrisk.kinds import Available


def request_schema(book: Book, most: int) -> dict[str, Any]:
    """Of the body of /predict, /explain and /validate."""
    one = {"type": "object", "additionalProperties": False}
    listed = {"type": "array", "minItems": 1, "maxItems": most}
    keys = {"applications": {**listed, "items": application_schema(book)}}
    if len(book.portfolio.tables) == 1:
        keys["records"] = {**listed, "items": table_schema(book, MAIN)}
    return {
        "title": f"Applications of {book.portfolio.title}",
        "oneOf": [{**one, "required": [name], "properties": {name: shape}} for name, shape in keys.items()],
    }


def application_schema(book: Book) -> dict[str, Any]:
    """One application with its child tables. An absent table was not asked for, an empty list means none."""
    children = [name for name in book.portfolio.tables if name != MAIN]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [MAIN, *(name for name in children if book.portfolio.tables[name].required)],
        "properties": {
            MAIN: table_schema(book, MAIN),
            **{name: {"type": "array", "items": table_schema(book, name)} for name in children},
        },
    }


def table_schema(book: Book, table: str) -> dict[str, Any]:
    """A row of the table as a lender sends it: what comes to exist after the decision is not asked for."""
    contract = book.contracts[table]
    shown = [column for column in contract.columns if _is_asked_for(column, book)]
    own = book.portfolio.tables[table].foreign_key
    required = [column.name for column in shown if not column.null and not column.optional and column.name != own]
    return {
        "type": "object",
        "description": contract.grain,
        "properties": {column.name: _column_schema(column, contract) for column in shown},
        **({"required": required} if required else {}),
    }


def _is_asked_for(column: Column, book: Book) -> bool:
    afterwards = column.available in (Available.POST_ORIGINATION, Available.OUTCOME)
    return not afterwards and column.name not in book.portfolio.policy.kept_apart


def _column_schema(column: Column, contract: Contract) -> dict[str, Any]:
    kinds: dict[str, Any] = {"text": "string", "boolean": "boolean", "date": "string", "integer": "integer"}
    kind = kinds.get(column.type, "number")
    shape: dict[str, Any] = {"type": [kind, "null"] if column.null else kind}
    if column.format in ("percent", "months"):
        shape["type"] = [kind, "string", "null"]
    if column.type == "date" and column.format == "plain" and contract.reading.dates is None:
        shape["format"] = "date"
    if column.categories and column.type == "text":
        shape["examples"] = list(column.categories[:3])
    told = "; ".join(part for part in (column.meaning, column.unit) if part)
    return {**shape, **({"description": told} if told else {})}
