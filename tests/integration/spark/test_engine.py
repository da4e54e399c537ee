"""The feature table on Spark: whole or not there, absent tables as on one machine, conversions to the last bit."""

from __future__ import annotations

import datetime as dt
import itertools
import struct
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from creditrisk.config import MAIN, Book, SqlFile, load_book
from creditrisk.duck import DuckSettings, sql_type
from creditrisk.errors import BadConfig, BadData, MissingInput
from creditrisk.features import compute, table_schema
from creditrisk.features.spark_engine import compute_on_spark, features_on_spark, is_finished, spark_query
from tests.support.adversarial import DOUBLES, TEXTS, WHOLE, applications, as_tables, differences, written
from tests.support.tiny_book import write_tiny_book

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return load_book(write_tiny_book(tmp_path / "book"))


def made(book: Book, tables: Any, spark: SparkSession, folder: Path) -> tuple[pa.Table, pa.Table]:
    """(DuckDB's features, Spark's)."""
    schema = table_schema(book)
    compute(tables, book.sql, schema, key=book.key, out=folder / "d.parquet", settings=DuckSettings("300MB", 1))
    compute_on_spark(spark, tables, book.sql, schema, key=book.key, out=folder / "s", partitions=1)
    return pq.read_table(folder / "d.parquet"), ds.dataset(folder / "s", format="parquet").to_table()


def test_a_table_that_nobody_asked_for_gives_null_and_an_empty_one_somebody_without(
    book: Book, spark: SparkSession, tmp_path: Path
) -> None:
    tables = written(as_tables(book, applications(book, 3, 20)), tmp_path / "bronze")
    for place, name in enumerate(("with", "empty", "absent")):
        if name == "empty":
            pq.write_table(pq.read_table(tables["payments"]).slice(0, 0), tables["payments"])
        if name == "absent":
            del tables["payments"]
        here, there = made(book, tables, spark, tmp_path / str(place))
        assert differences(here, there, book.key) == []
        assert there["payment_count"].null_count == (there.num_rows if name == "absent" else 0)


def test_progress_is_told_and_the_folder_is_replaced_whole(book: Book, spark: SparkSession, tmp_path: Path) -> None:
    tables = written(as_tables(book, applications(book, 3, 5)), tmp_path / "bronze")
    out, told = tmp_path / "features", []
    for _ in range(2):
        rows = compute_on_spark(
            spark, {name: path.as_uri() for name, path in tables.items()}, book.sql, table_schema(book), key=book.key,
            out=out.as_uri(), partitions=3, progress=lambda name, share: told.append((name, share)),
        )  # fmt: skip
        assert rows == 5
        assert len(list(out.glob("*.parquet"))) <= 3
        assert is_finished(spark, out)
    assert told[:3] == [("payment_features", 0.0), ("feature_table", 0.5), ("feature_table", 1.0)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book", "bronze", "features"]


def test_a_run_that_fails_leaves_what_was_there(book: Book, spark: SparkSession, tmp_path: Path) -> None:
    tables = written(as_tables(book, applications(book, 3, 5)), tmp_path / "bronze")
    schema, out = table_schema(book), tmp_path / "features"
    assert not is_finished(spark, out)
    compute_on_spark(spark, tables, book.sql, schema, key=book.key, out=out)
    before = sorted(path.name for path in out.iterdir())
    last = SqlFile(
        "t", "-- t: a loan.\nselect loan_id, cast(loan_id * 10000000 as integer) as n from application", "t.sql"
    )
    with pytest.raises(BadConfig, match=r"^t\.sql: "):
        compute_on_spark(spark, tables, [last], schema, key=book.key, out=out)
    with pytest.raises(BadConfig, match=r"^t\.sql: "):  # so it does on one machine
        compute(tables, [last], schema, key=book.key, out=tmp_path / "d.parquet", settings=DuckSettings("300MB", 1))
    assert sorted(path.name for path in out.iterdir()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book", "bronze", "features"]


def test_a_table_that_is_not_there_or_is_another_contracts_is_told(
    book: Book, spark: SparkSession, tmp_path: Path
) -> None:
    tables = written(as_tables(book, applications(book, 3, 5)), tmp_path / "bronze")
    schema, out = table_schema(book), tmp_path / "features"
    with pytest.raises(MissingInput, match="no Parquet to read"):
        compute_on_spark(spark, {MAIN: tmp_path / "none"}, book.sql, schema, key=book.key, out=out)
    table = pq.read_table(tables["payments"])
    pq.write_table(table.set_column(3, "days_late", table["days_late"].cast(pa.string())), tables["payments"])
    with pytest.raises(BadData, match='column "days_late" is string, not bigint'):
        compute_on_spark(spark, tables, book.sql, schema, key=book.key, out=out)
    pq.write_table(table.drop_columns(["days_late"]), tables["payments"])
    with pytest.raises(BadData, match='column "days_late" is missing'):
        compute_on_spark(spark, tables, book.sql, schema, key=book.key, out=out)
    assert not out.exists()


def test_sql_that_is_not_portable_is_refused_before_anything_runs(
    book: Book, spark: SparkSession, tmp_path: Path
) -> None:
    wrong = SqlFile("t", "-- t: a loan.\nselect loan_id,\n  upper(town) as town\nfrom application", "t.sql")
    with pytest.raises(BadConfig, match=r"t\.sql:3: function: upper"):
        compute_on_spark(spark, {}, [wrong], table_schema(book), key=book.key, out=tmp_path / "features")


@pytest.mark.parametrize("until", [dt.date(2012, 2, 29), dt.date(2016, 12, 31), None])
def test_the_target_is_the_same(until: dt.date | None, spark: SparkSession, tmp_path: Path) -> None:
    """Months added to the ends of months, as the split asks for them."""
    book = load_book("lending_club")
    people = applications(book, 11, 120)
    for one in people:  # a term of 2^62 months fits no calendar
        row = one[MAIN][0]
        row["term"] = row["term"] if row["term"] is None or abs(row["term"]) < 500 else 36
        row["issue_d"] = None if row["issue_d"] in (dt.date(1, 1, 1), dt.date(9999, 12, 31)) else row["issue_d"]
    tables = written(as_tables(book, people), tmp_path)
    file = book.sql_file(str(book.portfolio.target.sql).removeprefix("sql/"))
    schema = {MAIN: {book.key: "VARCHAR", **{one.name: sql_type(one.type) for one in book.contracts[MAIN].columns}}}
    there = features_on_spark(spark.newSession(), tables, [file], schema, bound={"observed_until": until}).collect()
    with duckdb.connect() as con:
        con.execute(f"create view application as select * from read_parquet('{tables[MAIN]}')")
        here = con.execute(file.text, {"observed_until": until}).fetchall()
    assert sorted(map(tuple, there)) == sorted(here, key=lambda row: row[0]) or set(map(tuple, there)) == set(here)
    assert len(there) == len(here) == 120
    assert {row[2] for row in here} >= ({"immature"} if until is None else {"immature", "observed", "indeterminate"})


def decimals(scale: int, *units: int) -> tuple[Decimal | None, ...]:
    """Exactly: arithmetic on decimals would round to 28 digits."""
    return *(Decimal((int(one < 0), tuple(map(int, str(abs(one)))), -scale)) for one in units), None


ENDS = (2147483647.4, 2147483647.6, -2147483648.4, 2.0**63, 999999999999.9999996)
HALVES = (0.0000005, 0.0000025, 2.675, 1.005, 0.49999999999999994, -0.4, -0.7, 4503599627370495.5)
WIDE = {
    "w": ("BIGINT", pa.int64(), (*WHOLE, 2**63 - 1, -(2**63), None)),
    "i": ("INTEGER", pa.int32(), (0, 1, -7, 2**31 - 1, -(2**31), None)),
    "x": ("DOUBLE", pa.float64(), (*DOUBLES, *ENDS, *HALVES, None)),
    "y": ("DECIMAL(18,3)", pa.decimal128(18, 3), decimals(
        3, 10**18 - 1, -(10**18) + 1, 2**53 + 1, -(2**53) - 3, 123456789012345678, 500, -500, 1500, 2500, 1, 0)),
    "h": ("DECIMAL(38,3)", pa.decimal128(38, 3), decimals(
        3, 10**38 - 1, -(10**38) + 1, 2**100 + 12345, -(2**90) - 7, 2**64 * 1000 + 999, 2**53 + 1, 0)),
    "g": ("DECIMAL(38,0)", pa.decimal128(38, 0), decimals(
        0, 2**53 + 1, -(2**53) - 1, 2**64 - 1, 2**64 + 1, -(2**64), -(2**64) - 1, 3 * 2**70 + 1, 10**38 - 1,
        1 - 10**38, 0)),
    "s": ("VARCHAR", pa.string(), (*TEXTS, "12", " -7 ", "+0012", "99999999999", "\t5\n", None)),
}  # fmt: skip
CONVERSIONS = {
    "w": ("cast(w as double)", "try_cast(w as integer)", "try_cast(w as decimal(18, 3))", "cast(w as varchar)",
          "cast(w as boolean)", "w = 9007199254740993", "w < 0.5", "try_cast(w as smallint)"),
    "i": ("cast(i as bigint)", "i / 3", "cast(-cast(i as bigint) as double) / 7", "i * 0.25", "i + 0.5",
          "i in (1, -7.0)"),
    "x": ("try_cast(x as integer)", "try_cast(x as bigint)", "try_cast(x as smallint)", "try_cast(x as decimal(18, 6))",
          "try_cast(x as decimal(9, 2))", "try_cast(x as decimal(18, 0))", "ceil(x)", "floor(x)", "round(x)", "abs(x)",
          "x * 1.5", "x + 1", "x > 1", "x = x", "greatest(x, 0.5)", "least(x, 1)", "nullif(x, 0)", "x between 0 and 1"),
    "y": ("cast(y as double)", "try_cast(y as integer)", "try_cast(y as bigint)", "try_cast(y as decimal(5, 1))",
          "y / 3", "ceil(y)", "floor(y)", "round(y, 1)", "-y", "y + 1", "y * 1", "y < 0.5"),
    "h": ("cast(h as double)", "h / 7", "floor(h)", "h > 1"),
    "g": ("cast(g as double)", "g / 7", "try_cast(g as bigint)"),
    "s": ("try_cast(s as integer)", "try_cast(s as bigint)", "trim(s)", "length(s)", "substr(s, 2, 3)", "s || '|'",
          "s like '%\u00fc%'", "s like '_b'", "s < 'a'", "starts_with(s, 'N')", "replace(s, 'x', '')"),
}  # fmt: skip


def bits(value: Any) -> Any:
    """A double by its bits, so that zeros are told apart; every NaN is one."""
    return ("nan" if value != value else struct.pack(">d", value)) if isinstance(value, float) else value  # noqa: PLR0124


@pytest.mark.parametrize("column", CONVERSIONS)
def test_conversions_of_extreme_values_are_the_same_to_the_last_bit(
    column: str, spark: SparkSession, tmp_path: Path
) -> None:
    kind, arrow, values = WIDE[column]
    table = pa.table({"id": pa.array(range(len(values)), pa.int64()), column: pa.array(values, arrow)})
    pq.write_table(table, tmp_path / "t.parquet")
    listed = ", ".join(f"{one} as c{place}" for place, one in enumerate(CONVERSIONS[column]))
    file = SqlFile("t", f"-- t: a value.\nselect id, {listed} from t", "t.sql")
    query = spark_query(file, {"t": {"id": "BIGINT", column: kind}})
    own = spark.newSession()
    own.read.parquet(str(tmp_path / "t.parquet")).createOrReplaceTempView("t")
    there = {row[0]: tuple(row)[1:] for row in own.sql(query.sql).collect()}
    with duckdb.connect() as con:
        con.execute(f"create view t as select * from read_parquet('{tmp_path}/t.parquet')")
        here = {row[0]: row[1:] for row in con.sql(file.text).fetchall()}
    told = [
        (CONVERSIONS[column][place], values[key], here[key][place], there[key][place])
        for key, place in itertools.product(here, range(len(CONVERSIONS[column])))
        if bits(here[key][place]) != bits(there[key][place])
    ]
    assert told == []


def test_text_that_only_duckdb_reads_as_a_number_stops_spark(spark: SparkSession) -> None:
    file = SqlFile("t", "-- t: one row.\nselect try_cast(s as integer) as a from t", "t.sql")
    own = spark.newSession()
    for value in ("1e3", "1_000", "0x1F", "1.5", ".5"):
        own.sql(f"select '{value}' as s").createOrReplaceTempView("t")
        with pytest.raises(Exception, match="only digits are a whole number on both engines"):
            own.sql(spark_query(file, {"t": {"s": "VARCHAR"}}).sql).collect()
