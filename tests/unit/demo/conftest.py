"""Two small invented books, written once for all tests of this room."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from creditrisk.demo import DemoFiles, write_demo

HOME_CREDIT_ROWS = 6000
LENDING_CLUB_ROWS = 12000


@pytest.fixture(scope="session")
def home_credit_files(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return write_demo("home_credit", tmp_path_factory.mktemp("home_credit"), rows=HOME_CREDIT_ROWS)


@pytest.fixture(scope="session")
def lending_club_files(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return write_demo("lending_club", tmp_path_factory.mktemp("lending_club"), rows=LENDING_CLUB_ROWS)


@pytest.fixture(scope="session")
def home_credit(home_credit_files: DemoFiles) -> Mapping[str, pl.DataFrame]:
    return read(home_credit_files.tables)


@pytest.fixture(scope="session")
def lending_club(lending_club_files: DemoFiles) -> pl.DataFrame:
    return read(lending_club_files.tables)["accepted"]


def read(paths: Mapping[str, Path]) -> dict[str, pl.DataFrame]:
    return {name: pl.read_csv(path, infer_schema_length=None) for name, path in paths.items()}
