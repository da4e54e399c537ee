"""Every feature of both books is the same from DuckDB in one batch, from DuckDB one by one, and from Spark.

Integers, text and truth exactly, doubles to 1e-12 of their size; on invented books and on rows made to tell engines
apart. There are no exceptions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creditrisk.config import MAIN, Book, load_book
from creditrisk.contracts import to_bronze
from creditrisk.demo import write_demo
from creditrisk.duck import DuckSettings
from creditrisk.features import PreparedFeatures, check_sql, compute, table_schema
from creditrisk.features.spark_engine import compute_on_spark
from creditrisk.sources import FileSource
from tests.support.adversarial import Rows, applications, as_tables, computable, differences, written

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXCEPTIONS: frozenset[str] = frozenset()
"""Features that may differ."""
BOOKS = ("lending_club", "home_credit")
MANY = int(os.environ.get("TEST_SPARK_BOOKS", "0"))
"""`make bench-full` sets it: how often hypothesis draws a whole book."""
SETTINGS = DuckSettings("500MB", 2)


@dataclass(frozen=True)
class Case:
    """A book, and the same applications as files and one by one."""

    book: Book
    tables: Mapping[str, pa.Table]
    files: Mapping[str, Path]
    odd: Sequence[Rows]
    folder: Path

    def on_duckdb(self) -> pa.Table:
        out = self.folder / "duckdb.parquet"
        compute(self.files, self.book.sql, table_schema(self.book), key=self.book.key, out=out, settings=SETTINGS)
        return pq.read_table(out)

    def on_spark(self, spark: SparkSession, files: Mapping[str, Path] | None = None, name: str = "spark") -> pa.Table:
        out = self.folder / name
        own = self.files if files is None else files
        rows = compute_on_spark(
            spark, own, self.book.sql, table_schema(self.book), key=self.book.key, out=out, partitions=2
        )
        made = ds.dataset(out, format="parquet").to_table()
        assert rows == made.num_rows
        return made


def demo_tables(book: Book, rows: int, folder: Path) -> dict[str, pa.Table]:
    write_demo(book.name, folder / "raw", rows=rows)
    made = {}
    for name, table in book.portfolio.tables.items():
        landed = FileSource().fetch(table, table.file, folder / "raw", folder / "landed")
        assert landed is not None
        path = folder / f"{name}.parquet"
        to_bronze(landed, book.contracts[name], path, settings=SETTINGS, entity=book.portfolio.entity)
        made[name] = pq.read_table(path)
    return made


@pytest.fixture(scope="module", params=BOOKS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """80 invented applications of the demo, and 63 odd ones."""
    book, folder = load_book(request.param), tmp_path_factory.mktemp(request.param)
    odd = computable(book, applications(book, 20260101, 63))
    strange, usual = as_tables(book, odd), demo_tables(book, 80, folder)
    tables = {
        name: pa.concat_tables([usual[name].cast(strange[name].schema), strange[name]])
        if usual[name].column_names == strange[name].column_names
        else pa.concat_tables(
            [usual[name].select(strange[name].column_names).cast(strange[name].schema), strange[name]]
        )
        for name in usual
    }
    return Case(book, tables, written(tables, folder / "bronze"), odd, folder)


@pytest.fixture(scope="module")
def from_spark(case: Case, spark: SparkSession) -> pa.Table:
    return case.on_spark(spark)


def test_every_feature_is_the_same_from_a_batch_on_duckdb_and_from_spark(case: Case, from_spark: pa.Table) -> None:
    found = differences(case.on_duckdb(), from_spark, case.book.key)
    assert [one for one in found if one[0] not in EXCEPTIONS] == []
    assert from_spark.num_rows == case.tables[MAIN].num_rows > 120
    assert set(from_spark.column_names) == {case.book.key, *check_sql(case.book)}


def test_every_feature_is_the_same_from_single_records_and_from_spark(case: Case, from_spark: pa.Table) -> None:
    features = [name for name in from_spark.column_names if name != case.book.key]
    empty = {name: table.slice(0, 0) for name, table in as_tables(case.book, []).items()}
    prepared = PreparedFeatures(
        SETTINGS, empty, case.book.sql, table_schema(case.book), key=case.book.key, features=features
    )
    singles = pa.concat_tables([prepared.of(as_tables(case.book, [person])) for person in case.odd])
    keys = singles[case.book.key].to_pylist()
    there = from_spark.filter(pa.compute.is_in(from_spark[case.book.key], pa.array(keys)))
    assert differences(singles.select(there.column_names), there, case.book.key) == []


def test_no_feature_is_empty_throughout(case: Case, from_spark: pa.Table) -> None:
    """Two engines that both give nothing would agree."""
    assert [name for name in from_spark.column_names if from_spark[name].null_count == from_spark.num_rows] == []


def test_rows_lie_sorted_in_files_that_share_no_key(case: Case, from_spark: pa.Table) -> None:
    files = [
        pq.read_table(path)[case.book.key].to_pylist() for path in sorted((case.folder / "spark").glob("*.parquet"))
    ]
    assert len(files) == 2
    assert all(keys == sorted(keys) for keys in files)
    assert set(files[0]) & set(files[1]) == set()


if MANY:

    @pytest.mark.parametrize("name", BOOKS)
    def test_any_rows_of_the_contracts_types_give_the_same_features(
        name: str, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        @settings(max_examples=MANY, suppress_health_check=list(HealthCheck), deadline=None)
        @given(seed=st.integers(0, 2**63), count=st.integers(8, 64))
        def run(seed: int, count: int) -> None:
            book, folder = load_book(name), tmp_path_factory.mktemp("any")
            odd = computable(book, applications(book, seed, count))
            tables = as_tables(book, odd)
            drawn = Case(book, tables, written(tables, folder / "bronze"), odd, folder)
            assert differences(drawn.on_duckdb(), drawn.on_spark(spark), book.key) == []

        run()
