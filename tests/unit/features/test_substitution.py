"""A factor replaced by another person's: the features are those of the whole SQL over such raw tables."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from creditrisk.config import MAIN, Book, load_book
from creditrisk.errors import BadConfig
from creditrisk.features import Applicants
from creditrisk.features.branches import cut
from creditrisk.features.engine import table_schema
from creditrisk.features.substitution import _same_distance
from tests.support.proving import features_from_raw, given_peers_facts, substitution
from tests.support.proving import people as rows_of_people
from tests.support.tiny_book import write_tiny_book


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return load_book(write_tiny_book(tmp_path))


def _raw(first: int, count: int, seed: int) -> dict[str, pa.Table]:
    random = np.random.default_rng(seed)
    keys = np.arange(first, first + count)
    of = np.repeat(keys, random.integers(0, 4, count))
    debt, unknown = random.integers(0, 5000, count).astype(float), random.random(count) < 0.3
    money = pa.decimal128(18, 3)
    return {
        MAIN: pa.table({
            "loan_id": keys,
            "income": pa.array(random.integers(1000, 9000, count).astype(float)).cast(money),
            "debt": pa.array(debt, mask=unknown).cast(money),
            "town": random.choice(["big", "small"], count),
        }),
        "payments": pa.table({
            "payment_id": np.arange(len(of)) + 1000 * first,
            "loan_id": of,
            "days_late": random.integers(-3, 40, len(of)),
            "paid": pa.array(random.integers(1, 500, len(of)).astype(float)).cast(money),
        }),
    }  # fmt: skip


def _hybrid(people: Applicants, own: pa.Table, place: int, peer: int, code: str) -> dict[str, Any]:
    """The features that replacing one factor gives, put together as scoring does."""
    step = next(one for one in people.steps if one.code == code)
    row = own.slice(place, 1).to_pylist()[0]
    row.update({name: people.peers[name][peer].as_py() for name in step.copied})
    count = people.peers.num_rows
    computed, rows = people.computed(np.array([place]))
    for variant, names in step.computed:
        own_rows = computed[rows[variant]]
        assert own_rows.num_rows == count
        row.update({name: own_rows[name][peer].as_py() for name in names})
    return row


@pytest.mark.parametrize(
    ("code", "columns", "tables"),
    [
        ("INCOME", ["income"], []), ("DEBT", ["debt", "income"], []), ("TOWN", ["town"], []),
        ("PAYMENTS", [], ["payments"]),
    ],
)  # fmt: skip
def test_replacing_a_factor_equals_the_whole_sql_over_the_replaced_raw_tables(
    book: Book, code: str, columns: list[str], tables: list[str]
) -> None:
    raw, peers = _raw(1, 6, 3), _raw(101, 4, 5)
    people = substitution(book, peers).over(raw)
    own = features_from_raw(book, raw)
    for place in range(6):
        tried = given_peers_facts(book, rows_of_people(book, raw, [place + 1]), peers, columns=columns, tables=tables)
        whole = features_from_raw(book, tried).to_pylist()
        for peer in range(4):
            wanted = {**whole[peer], "loan_id": place + 1}
            assert _hybrid(people, own, place, peer, code) == wanted


def test_a_table_that_nobody_asked_for_is_no_factor(book: Book) -> None:
    raw = _raw(1, 3, 3)
    del raw["payments"]
    people = substitution(book, _raw(101, 4, 5)).over(raw)
    assert {step.code for step in people.steps} == {"INCOME", "DEBT", "TOWN"}
    assert people.peers["payment_sum"].null_count == 4


def test_only_what_lies_between_is_computed(book: Book) -> None:
    steps = {step.code: step for step in substitution(book, _raw(101, 4, 5)).over(_raw(1, 3, 3)).steps}
    assert set(steps["INCOME"].copied) == {"income"}
    assert [names for _, names in steps["INCOME"].computed] == [("debt_to_income",)]
    assert set(steps["DEBT"].copied) == {"income", "debt_to_income"}
    assert set(steps["PAYMENTS"].copied) == {"payment_count", "payment_sum", "payment_days_late_max"}


def test_a_date_keeps_its_distance_to_the_as_of_date() -> None:
    def days(*texts: str) -> pa.Array:
        return pa.array([dt.date.fromisoformat(text) for text in texts])

    moved = _same_distance(
        days("2000-05-01", "2010-01-31", "2003-07-15"),
        days("2010-02-01", "2010-02-01", "2003-07-15"),
        days("2011-03-01", "2011-03-01", "2015-12-01"),
    )
    assert moved == days("2001-06-01", "2011-02-28", "2015-12-15")


def test_a_child_table_joined_by_another_column_than_the_key_is_told(book: Book, tmp_path: Path) -> None:
    file = book.folder / "sql" / "payment_features.sql"
    text = file.read_text().replace("left join payments as p on p.loan_id = a.loan_id", "left join by_day as p on true")
    days = "with by_day as (select payment_id, paid, days_late from payments)\nselect"
    file.write_text(text.replace("select", days, 1), encoding="utf-8")
    broken = load_book(book.folder)
    with pytest.raises(BadConfig, match='"by_day" is joined to the application by another column than loan_id'):
        cut(broken, table_schema(broken))
