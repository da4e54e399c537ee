"""Invented loans in the shape of the book's bronze table, and what the book's SQL makes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa

from creditrisk.config import MAIN, Book, load_book
from creditrisk.duck import DuckSettings, locked_room
from creditrisk.features import compute_one_query, table_schema

type Row = dict[str, Any]

LOAN: Row = {
    "loan_amnt": "12000",
    "term": 36,
    "emp_length": "3 years",
    "home_ownership": "RENT",
    "annual_inc": "48000",
    "issue_d": dt.date(2011, 2, 1),
    "purpose": "credit_card",
    "application_type": "Individual",
    "dti": 14.5,
    "delinq_2yrs": 1,
    "earliest_cr_line": dt.date(2000, 11, 1),
    "inq_last_6mths": 2,
    "mths_since_last_delinq": 14,
    "mths_since_last_record": 80,
    "open_acc": 5,
    "total_acc": 20,
    "pub_rec": 1,
    "pub_rec_bankruptcies": 1,
    "tax_liens": 0,
    "revol_bal": "6000",
    "revol_util": 40.0,
    "collections_12_mths_ex_med": 0,
    "chargeoff_within_12_mths": 0,
    "acc_now_delinq": 0,
    "delinq_amnt": "0",
    "grade": "B",
    "sub_grade": "B3",
    "int_rate": 11.5,
    "installment": "395.71",
    "loan_status": "Fully Paid",
}
"""An ordinary loan of 2011: no column that the file got later. What is not named here is NULL."""


@cache
def book(preset: str = "application") -> Book:
    return load_book("lending_club", {"features.preset": preset})


def loan(loan_key: str = "a", **changes: Any) -> Row:
    return {"loan_key": loan_key, **LOAN, **changes}


def bronze(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The rows with every column of the contract, typed as bronze types them. A misspelt column fails."""
    fields = [("loan_key", pa.string()), *((column.name, arrow_type(column.type)) for column in _columns())]
    unknown = {name for row in rows for name in row} - {name for name, _ in fields}
    assert not unknown, f"not columns of the contract: {unknown}"
    return pa.table({name: _array([row.get(name) for row in rows], kind) for name, kind in fields})


def features(rows: Sequence[Mapping[str, Any]], preset: str = "application") -> dict[str, Row]:
    """{loan key: its features}."""
    the_book = book(preset)
    with locked_room(DuckSettings(threads=1)) as con:
        table = compute_one_query(con, {MAIN: bronze(rows)}, the_book.sql, table_schema(the_book), key="loan_key")
    made = table.to_pylist()
    assert len(made) == len(rows)
    return {row.pop("loan_key"): row for row in made}


def labels(rows: Sequence[Mapping[str, Any]], observed_until: dt.date | None) -> dict[str, tuple[int | None, str]]:
    """{loan key: (target, label state)}."""
    text = book().sql_file("target.sql").text
    with locked_room(DuckSettings(threads=1)) as con:
        con.register(MAIN, bronze(rows))
        made = con.execute(text, {"observed_until": observed_until}).fetchall()
    return {key: (target, state) for key, target, state in made}


def arrow_type(contract_type: str) -> pa.DataType:
    plain = {"integer": pa.int64(), "double": pa.float64(), "text": pa.string(), "date": pa.date32()}
    return plain.get(contract_type) or pa.decimal128(18, 3)


def _columns() -> Sequence[Any]:
    return book().contracts[MAIN].columns


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):
        values = [None if value is None else Decimal(value) for value in values]
    return pa.array(values, kind)
