"""Counted: bads that were learnt from and could be known before the test began. Or told: why that is not known."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.config import Book, load_book
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadConfig
from creditrisk.split import Parts, knowledge
from tests.support.tiny_book import write_tiny_book

RULE = "  bad_known_from: {column: last_paid, months_later: 5, because: written off then}\n"
LAST_PAID = [dt.date(2010, 7, 31), dt.date(2010, 8, 1), dt.date(2010, 2, 1), None, dt.date(2009, 1, 1), None]
"""Loans 0 to 3 are bads that were learnt from, 4 is a good one, 5 a bad of the test part."""


def book_with(folder: Path, rule: str) -> Book:
    write_tiny_book(folder)
    portfolio, contract = folder / "portfolio.yaml", folder / "contracts" / "application.yaml"
    portfolio.write_text(portfolio.read_text().replace("  is_not: a forecast of loss\n", rule, 1).replace(
        "  population: everybody\n", "  population: everybody\n  is_not: a forecast of loss\n", 1))  # fmt: skip
    line = "  - {name: last_paid, type: date, available: post_origination}\n"
    contract.write_text(contract.read_text().replace("unique:", line + "unique:", 1))
    return load_book(folder)


def told(folder: Path, rule: str = RULE, test_from: dt.date | None = dt.date(2011, 1, 1)) -> dict[str, Any]:
    main = folder / "application.parquet"
    pq.write_table(pa.table({"loan_id": range(6), "last_paid": LAST_PAID}), main)
    rows = pa.table(
        {"key": range(6), "target": pa.array([1, 1, 1, 1, 0, 1], pa.int8()),
         "part": ["train", "train", "calibration", "train", "train", "test"]}
    )  # fmt: skip
    return knowledge(book_with(folder / "book", rule), main, Parts(rows, test_from, {}), DuckSettings())


def test_a_bad_counts_once_its_months_have_passed_before_the_first_day_of_the_test(tmp_path: Path) -> None:
    found = told(tmp_path)
    assert (found["bads"], found["knowable"], found["without_date"]) == (4, 2, 1)
    assert "not in knowledge: of 4 bads before 2011-01-01, 2 could be known" in found["says"]
    assert found["reason"] is None


def test_a_test_that_begins_after_everything_was_known_says_so(tmp_path: Path) -> None:
    found = told(tmp_path, RULE.replace("months_later: 5", "months_later: 0"), dt.date(2012, 1, 1))
    assert (found["bads"], found["knowable"]) == (4, 3)
    assert "not in knowledge" in found["says"]  # of the one without a date nobody can tell


@pytest.mark.parametrize(
    ("rule", "test_from", "reason"),
    [("", dt.date(2011, 1, 1), "does not say from when"), (RULE, None, "not by time")],
)
def test_where_nothing_can_be_counted_the_reason_is_told(
    tmp_path: Path, rule: str, test_from: dt.date | None, reason: str
) -> None:
    found = told(tmp_path, rule, test_from)
    assert (found["bads"], found["knowable"]) == (None, None)
    assert reason in found["reason"]


def test_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r'target.bad_known_from names the column "last_pait"'):
        book_with(tmp_path, RULE.replace("last_paid", "last_pait"))
