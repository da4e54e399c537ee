"""The real files, where they are present: no row is refused for its type, and every feature is a finite figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from creditrisk.config import MAIN
from creditrisk.contracts import to_bronze
from creditrisk.duck import DuckSettings
from creditrisk.features import compute, table_schema
from creditrisk.sources import FileSource
from tests.golden.home_credit.people import book

ROWS: Mapping[str, Mapping[str, int]] = {
    "home_credit_sample": {"application": 1_000, "bureau": 3_435, "bureau_balance": 3_622,
                           "previous_application": 3_501, "POS_CASH_balance": 626, "credit_card_balance": 86,
                           "installments_payments": 7_347},
    "home_credit_large": {"application": 30_253, "bureau": 1_850, "bureau_balance": 35,
                          "previous_application": 1_126, "POS_CASH_balance": 1_640, "credit_card_balance": 1_993,
                          "installments_payments": 1_694},
}  # fmt: skip
SETTINGS = DuckSettings(memory_limit="1000MB")


@pytest.mark.parametrize("folder", ROWS)
def test_every_real_row_is_read_and_makes_finite_features(real_data: Path, tmp_path: Path, folder: str) -> None:
    bronze: dict[str, Path] = {}
    for name, table in book().portfolio.tables.items():
        landed = FileSource().fetch(table, table.file, real_data / folder, tmp_path)
        assert landed is not None
        bronze[name] = tmp_path / "bronze" / f"{name}.parquet"
        made = to_bronze(landed, book().contracts[name], bronze[name], settings=SETTINGS)
        assert (made.rows, made.rejected) == (ROWS[folder][name], 0), name
    out = tmp_path / "feature_store.parquet"
    schema = table_schema(book())
    assert compute(bronze, book().sql, schema, key="SK_ID_CURR", out=out, settings=SETTINGS) == ROWS[folder][MAIN]
    features = pq.read_table(out)
    for field in features.schema:
        if str(field.type) == "double":
            assert pc.all(pc.is_finite(features.column(field.name))).as_py() in (True, None), field.name


@pytest.mark.parametrize("folder", ROWS)
def test_the_file_to_be_scored_needs_no_target(real_data: Path, tmp_path: Path, folder: str) -> None:
    table = book().portfolio.tables[MAIN]
    assert table.score_file is not None
    landed = FileSource().fetch(table, table.score_file, real_data / folder, tmp_path)
    assert landed is not None
    made = to_bronze(landed, book().contracts[MAIN], tmp_path / "application.parquet", settings=SETTINGS)
    assert made.rejected == 0
    assert pq.read_table(tmp_path / "application.parquet", columns=["TARGET"]).column("TARGET").null_count == made.rows
