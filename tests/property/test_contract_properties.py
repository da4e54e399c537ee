"""A planted fault is found with its exact count, a clean table has no finding, the order of rows does not matter."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.config import Book, load_book
from creditrisk.contracts import Checked, examine
from creditrisk.kinds import Finding
from creditrisk.stats.intervals import surely_moved, surely_outside
from tests.support.small_tables import SETTINGS
from tests.support.tiny_book import write_tiny_book

ROWS = 60


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The tiny book with every kind of promise in it."""
    folder = write_tiny_book(tmp_path_factory.mktemp("book"))
    loans, payments = (folder / "contracts" / f"{name}.yaml" for name in ("application", "payments"))
    loans.write_text(
        loans.read_text()
        .replace("available: application, min: 0}", "available: application, min: 0, null_share: 0.0}")
        .replace("categories: [big, small]}", "categories: [big, small], null_share: 0.5}")
        + 'rules: [{name: debt_within_income, sql: "debt <= income", what: debt is within income}]\n'
    )
    payments.write_text(payments.read_text().replace("time: event}", 'time: event, sentinels: {"99999": never}}'))
    return load_book(folder)


def clean() -> dict[str, list[dict[str, Any]]]:
    loans = [{"loan_id": i, "bad": i % 2, "income": 100 + i, "debt": i, "town": ("big", "small")[i % 2], "sex": "f",
              "recovered": 0} for i in range(ROWS)]  # fmt: skip
    payments = [{"payment_id": i, "loan_id": i, "day": -i, "days_late": 0, "paid": 1} for i in range(ROWS)]
    return {"application": loans, "payments": payments}


FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    # rule: (table, what the fault puts into a row)
    "range": ("application", {"debt": -5}),
    "null share": ("application", {"income": None}),
    "new category": ("application", {"town": "huge"}),
    "debt_within_income": ("application", {"debt": 10_000}),
    "not null": ("payments", {"payment_id": None}),
    "event after application": ("payments", {"day": 3}),
    "sentinel": ("payments", {"day": 99999}),
    "orphans": ("payments", {"loan_id": 10_000}),
}


def checked(book: Book, tables: dict[str, list[dict[str, Any]]]) -> Checked:
    amount = pa.decimal128(18, 3)
    money = {"income": amount, "debt": amount, "recovered": amount, "paid": amount}
    with TemporaryDirectory() as folder:
        paths = {}
        for name, rows in tables.items():
            types = {column.name: money.get(column.name, pa.string() if column.type == "text" else pa.int64())
                     for column in book.contracts[name].columns}  # fmt: skip
            paths[name] = Path(folder) / f"{name}.parquet"
            pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(types.items())), paths[name])
        return examine(paths, book.contracts, book.portfolio, settings=SETTINGS)


def counts(findings: list[Finding]) -> dict[str, int]:
    return {finding.rule: finding.rows for finding in findings}


def test_a_clean_table_has_no_finding(book: Book) -> None:
    assert checked(book, clean()).findings == []


@pytest.mark.parametrize("rule", FAULTS)
@settings(max_examples=6, deadline=None)
@given(places=st.sets(st.integers(0, ROWS - 1), min_size=1, max_size=ROWS // 2))
def test_a_planted_fault_is_found_with_its_exact_count(book: Book, rule: str, places: set[int]) -> None:
    tables, (table, fault) = clean(), FAULTS[rule]
    for place in places:
        tables[table][place] |= fault
    assert counts(checked(book, tables).findings) == {rule: len(places)}


@settings(max_examples=10, deadline=None)
@given(
    copied=st.sets(st.integers(0, ROWS // 2 - 1), max_size=8),
    changed=st.sets(st.integers(ROWS // 2, ROWS - 1), max_size=8),
    order=st.randoms(use_true_random=False),
)
def test_copies_and_contradictions_are_counted_apart_in_any_order(
    book: Book, copied: set[int], changed: set[int], order: Any
) -> None:
    tables = clean()
    tables["payments"] += [clean()["payments"][place] for place in copied]
    tables["payments"] += [{**clean()["payments"][place], "paid": 2} for place in changed]
    straight = checked(book, tables)
    wanted = {"duplicate rows": len(copied), "contradicting rows": 2 * len(changed)}
    assert counts(straight.findings) == {rule: rows for rule, rows in wanted.items() if rows}
    for rows in tables.values():
        order.shuffle(rows)
    assert checked(book, tables) == straight


@pytest.mark.parametrize("rule", FAULTS)
def test_off_means_off(book: Book, rule: str) -> None:
    tables, (table, fault) = clean(), FAULTS[rule]
    tables[table][7] |= fault
    off = load_book(book.folder, {"checks_off": [{"table": table, "rule": rule, "because": "a test"}]})
    assert checked(off, tables).findings == []


@given(hits=st.integers(0, 50), rows=st.integers(1, 50), low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_share_inside_its_band_is_never_outside(hits: int, rows: int, low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    inside = low <= hits / rows <= high
    assert not (inside and surely_outside(hits, rows, low, high))


@given(
    before=st.tuples(st.integers(0, 40), st.just(40)),
    now=st.tuples(st.integers(0, 60), st.just(60)),
    by=st.floats(0, 1),
)
def test_a_move_is_the_same_both_ways_and_never_within_its_band(
    before: tuple[int, int], now: tuple[int, int], by: float
) -> None:
    assert surely_moved(before, now, by) == surely_moved(now, before, by)
    if abs(before[0] / 40 - now[0] / 60) <= by:
        assert not surely_moved(before, now, by)
