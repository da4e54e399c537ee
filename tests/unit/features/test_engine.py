"""The SQL gives the same bits over files and over a request, and sees only what it may."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.config import SqlFile, load_book
from creditrisk.duck import DuckSettings, locked_room
from creditrisk.errors import BadConfig
from creditrisk.features import compute, compute_one_query, table_schema
from tests.support.tiny_book import write_tiny_book

APPLICATIONS = pa.table(
    {
        "loan_id": pa.array([3, 1, 2], pa.int64()),
        "bad": pa.array([0, 1, 0], pa.int64()),
        "income": pa.array([None, "10.5", "0"], pa.string()).cast(pa.decimal128(18, 3)),
        "debt": pa.array(["1", "2", "3"], pa.string()).cast(pa.decimal128(18, 3)),
        "town": pa.array(["big", None, "small"]),
        "sex": pa.array(["m", "f", "f"]),
        "recovered": pa.array([None, "7", None], pa.string()).cast(pa.decimal128(18, 3)),
    }
)
PAYMENTS = pa.table(
    {
        "payment_id": pa.array([1, 2], pa.int64()),
        "loan_id": pa.array([1, 1], pa.int64()),
        "day": pa.array([-3, -1], pa.int64()),
        "days_late": pa.array([4, 0], pa.int64()),
        "paid": pa.array(["0.100", "0.200"], pa.string()).cast(pa.decimal128(18, 3)),
    }
)


def from_files(folder: Path, tables: dict[str, pa.Table], sql: tuple[SqlFile, ...] | None = None) -> pa.Table:
    book = load_book(write_tiny_book(folder / "book"))
    paths = {}
    for name, table in tables.items():
        paths[name] = folder / f"{name}.parquet"
        pq.write_table(table, paths[name])
    out = folder / "out" / "feature_store.parquet"
    compute(paths, sql or book.sql, table_schema(book), key="loan_id", out=out, settings=DuckSettings())
    assert sorted(path.name for path in out.parent.iterdir()) == ["feature_store.parquet"]
    return pq.read_table(out)


def from_request(folder: Path, tables: dict[str, pa.Table]) -> pa.Table:
    book = load_book(write_tiny_book(folder / "book"))
    with locked_room(DuckSettings()) as con:
        return compute_one_query(con, tables, book.sql, table_schema(book), key="loan_id")


def test_files_and_a_request_give_the_same_rows_sorted_by_key(tmp_path: Path) -> None:
    tables = {"application": APPLICATIONS, "payments": PAYMENTS}
    batch, single = from_files(tmp_path, tables), from_request(tmp_path, tables)
    assert batch.to_pylist() == single.to_pylist()
    assert batch["loan_id"].to_pylist() == [1, 2, 3]
    assert batch.to_pylist()[0] == {
        "loan_id": 1, "income": 10.5, "debt_to_income": 2 / 10.5, "town": None,
        "payment_count": 2, "payment_sum": 0.3, "payment_days_late_max": 4,
    }  # fmt: skip
    assert batch["debt_to_income"].to_pylist()[1:] == [None, None]


def test_a_table_nobody_asked_for_gives_null_and_an_empty_one_gives_none(tmp_path: Path) -> None:
    absent = from_request(tmp_path, {"application": APPLICATIONS})
    empty = from_request(tmp_path, {"application": APPLICATIONS, "payments": PAYMENTS.slice(0, 0)})
    assert absent["payment_count"].to_pylist() == [None, None, None]
    assert empty["payment_count"].to_pylist() == [0, 0, 0]
    assert from_files(tmp_path, {"application": APPLICATIONS}).to_pylist() == absent.to_pylist()


@pytest.mark.parametrize("column", ["sex", "recovered", "bad"])
def test_prohibited_later_and_target_columns_are_not_there(tmp_path: Path, column: str) -> None:
    sql = (SqlFile("feature_table", f"select loan_id, {column} from application", "feature_table.sql"),)
    with pytest.raises(BadConfig, match=column) as caught:
        from_files(tmp_path, {"application": APPLICATIONS}, sql)
    assert caught.value.where == "feature_table.sql"
    assert "barred" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "select 1 as loan_id from read_csv('/etc/passwd')",
        "copy (select 1) to 'out.csv'",
        "select 1 as loan_id; drop view application",
        "select loan_id from",
        "attach 'x.db'",
        "set threads = 8",
    ],
)
def test_only_one_harmless_select_is_run(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadConfig):
        from_files(tmp_path, {"application": APPLICATIONS}, (SqlFile("feature_table", text, "f.sql"),))
    assert not list(tmp_path.rglob("out.csv"))


def test_a_failed_step_leaves_no_file(tmp_path: Path) -> None:
    sql = (SqlFile("feature_table", "select loan_id, cast(town as integer) as t from application", "f.sql"),)
    with pytest.raises(BadConfig):
        from_files(tmp_path, {"application": APPLICATIONS}, sql)
    assert not list((tmp_path / "out").iterdir())
