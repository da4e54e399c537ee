"""What a loan turned out to be is read as of the day the outcomes were last looked at."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.config import load_book
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadConfig, BadData
from creditrisk.split import read_labels
from tests.support.tiny_book import write_tiny_book

SQL = """-- target: one row per loan.
select loan_id, cast(bad as integer) as target,
       case when seen > $observed_until then 'immature' else 'observed' end as label_state
from application
"""


def bronze(folder: Path, bad: list[int | None]) -> Path:
    path = folder / "application.parquet"
    days = [dt.date(2020, 1, 1 + i) for i in range(len(bad))]
    pq.write_table(pa.table({"loan_id": range(len(bad)), "bad": pa.array(bad, pa.int64()), "seen": days}), path)
    return path


def test_a_target_column_is_read_and_an_empty_one_is_indeterminate(tmp_path: Path) -> None:
    labels = read_labels(load_book(write_tiny_book(tmp_path)), bronze(tmp_path, [1, 0, None]), DuckSettings())
    assert labels.rows["target"].to_pylist() == [1, 0, None]
    assert labels.states == {"observed": 2, "indeterminate": 1, "immature": 0}


@pytest.mark.parametrize(
    ("bad", "message"),
    [([0, 1, 2], r"other values than 0 and 1: \[2\]"), ([1, 1], "every observed loan is bad"),
     ([None, None], "no loan has an observed outcome")],
)  # fmt: skip
def test_an_unusable_target_is_refused(tmp_path: Path, bad: list[int | None], message: str) -> None:
    with pytest.raises(BadData, match=message):
        read_labels(load_book(write_tiny_book(tmp_path)), bronze(tmp_path, bad), DuckSettings())


def sql_book(folder: Path, sql: str, until: str) -> Path:
    write_tiny_book(folder)
    (folder / "sql" / "target.sql").write_text(sql, encoding="utf-8")
    portfolio = folder / "portfolio.yaml"
    text = portfolio.read_text(encoding="utf-8")
    portfolio.write_text(text.replace("  column: bad\n", f"  sql: target.sql\n  {until}\n", 1), encoding="utf-8")
    contract = folder / "contracts" / "application.yaml"
    line = "  - {name: seen, type: date, available: post_origination}\n"
    contract.write_text(contract.read_text(encoding="utf-8").replace("unique:", line + "unique:"), encoding="utf-8")
    return folder


def test_a_stated_day_of_observation_is_bound(tmp_path: Path) -> None:
    book = load_book(sql_book(tmp_path, SQL, "observed_until: 2020-01-02"))
    labels = read_labels(book, bronze(tmp_path, [1, 0, 1]), DuckSettings())
    assert labels.rows["label_state"].to_pylist() == ["observed", "observed", "immature"]
    assert labels.rows["target"].to_pylist() == [1, 0, None]


def test_the_latest_date_of_the_named_columns_is_the_day_of_observation(tmp_path: Path) -> None:
    book = load_book(sql_book(tmp_path, SQL, "observed_until_latest_of: [seen]"))
    labels = read_labels(book, bronze(tmp_path, [1, 0, 1]), DuckSettings())
    assert labels.observed_until == dt.date(2020, 1, 3)


def test_an_unknown_label_state_is_refused(tmp_path: Path) -> None:
    book = load_book(sql_book(tmp_path, SQL.replace("'immature'", "'young'"), "observed_until: 2020-01-02"))
    with pytest.raises(BadData, match="'young'"):
        read_labels(book, bronze(tmp_path, [1, 0, 1]), DuckSettings())


def test_wrong_target_sql_names_the_file(tmp_path: Path) -> None:
    book = load_book(sql_book(tmp_path, SQL.replace("cast(bad", "cast(baad"), "observed_until: 2020-01-02"))
    with pytest.raises(BadConfig, match="baad") as caught:
        read_labels(book, bronze(tmp_path, [1, 0]), DuckSettings())
    assert caught.value.where.endswith("target.sql")
