"""The real files, where they are present: every row is read, no key stands twice, the labels are those expected."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from creditrisk.config import MAIN
from creditrisk.contracts import to_bronze
from creditrisk.duck import DuckSettings
from creditrisk.features import compute, table_schema
from creditrisk.sources import FileSource
from creditrisk.split import assign, knowledge, read_labels
from tests.golden.lending_club.loans import book

FILES = {"accepted_2007_2011_full": 42_535, "accepted_2007_2018_sample": 3_000}
SETTINGS = DuckSettings(memory_limit="1000MB")


def landed_as_bronze(folder: Path, stem: str, tmp_path: Path) -> Path:
    landed = FileSource().fetch(book().portfolio.tables[MAIN], stem, folder / "lending_club", tmp_path)
    assert landed is not None
    out = tmp_path / "application.parquet"
    bronze = to_bronze(landed, book().contracts[MAIN], out, settings=SETTINGS, entity=book().portfolio.entity)
    assert (bronze.rows, bronze.rejected) == (FILES[stem], 0)
    return out


@pytest.mark.parametrize("stem", FILES)
def test_every_real_row_is_read_and_no_key_stands_twice(real_data: Path, tmp_path: Path, stem: str) -> None:
    keys = pq.read_table(landed_as_bronze(real_data, stem, tmp_path), columns=["loan_key"]).column("loan_key")
    assert pc.count_distinct(keys).as_py() == FILES[stem]
    assert keys.null_count == 0


def test_the_file_of_2007_to_2011_is_observed_whole_and_tested_on_2011(real_data: Path, tmp_path: Path) -> None:
    main = landed_as_bronze(real_data, "accepted_2007_2011_full", tmp_path)
    labels = read_labels(book(), main, SETTINGS)
    assert labels.observed_until == dt.date(2017, 11, 1)
    assert labels.states == {"observed": 42_535, "indeterminate": 0, "immature": 0}
    assert pc.sum(labels.rows.column("target")).as_py() == 5_670 + 761
    parts = assign(labels, book().portfolio.split)
    assert parts.test_from == dt.date(2011, 1, 1)
    assert parts.report["parts"]["test"]["n"] == 21_721
    known = knowledge(book(), main, parts, SETTINGS)
    assert (known["bads"], known["knowable"], known["without_date"]) == (3_134, 918, 45)


def test_young_loans_of_a_longer_file_are_left_out(real_data: Path, tmp_path: Path) -> None:
    labels = read_labels(book(), landed_as_bronze(real_data, "accepted_2007_2018_sample", tmp_path), SETTINGS)
    assert labels.observed_until == dt.date(2019, 3, 1)
    assert labels.states == {"observed": 940, "indeterminate": 0, "immature": 2_060}


@pytest.mark.parametrize("stem", FILES)
def test_real_features_are_finite_and_one_row_a_loan(real_data: Path, tmp_path: Path, stem: str) -> None:
    main, out = landed_as_bronze(real_data, stem, tmp_path), tmp_path / "feature_store.parquet"
    rows = compute(
        {MAIN: main},
        book("with_price").sql,
        table_schema(book("with_price")),
        key="loan_key",
        out=out,
        settings=SETTINGS,
    )
    assert rows == FILES[stem]
    table = pq.read_table(out)
    for field in table.schema:
        if str(field.type) == "double":
            assert pc.all(pc.is_finite(table.column(field.name))).as_py() in (True, None), field.name
