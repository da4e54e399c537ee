"""The real tables pass their contracts, and what the checks say of them is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.config import MAIN, Book, load_book
from creditrisk.contracts import BronzeTable, check, quarantine, refuse_if_needed, to_bronze
from creditrisk.kinds import Severity
from creditrisk.sources import fetch
from tests.support.small_tables import SETTINGS


def _ingested(book: Book, raw: Path, folder: Path, *, scoring: bool = False) -> dict[str, BronzeTable]:
    made: dict[str, BronzeTable] = {}
    for name, table in book.portfolio.tables.items():
        landed = fetch(table, (scoring and table.score_file) or table.file, raw, folder / "landing")
        if landed is not None:
            entity = book.portfolio.entity if name == MAIN else None
            out = folder / f"{name}.parquet"
            made[name] = to_bronze(landed, book.contracts[name], out, settings=SETTINGS, entity=entity, scoring=scoring)
    return made


def _accepted(book: Book, raw: Path, folder: Path, *, scoring: bool = False) -> dict[str, BronzeTable]:
    """Ingested, and nothing refused or taken out."""
    made = _ingested(book, raw, folder, scoring=scoring)
    tables = {name: table.path for name, table in made.items()}
    out = quarantine(tables, book.contracts, book.portfolio, settings=SETTINGS, scoring=scoring)
    findings = check(tables, book.contracts, book.portfolio, settings=SETTINGS, scoring=scoring)
    refuse_if_needed(findings)
    assert out == []
    assert {finding.severity for finding in findings} <= {Severity.WARN}
    assert sum(table.rejected for table in made.values()) == 0
    return made


@pytest.mark.parametrize("scoring", [False, True])
def test_home_credit_sample_is_accepted_whole(real_data, tmp_path, scoring):
    made = _accepted(load_book("home_credit"), real_data / "home_credit_sample", tmp_path, scoring=scoring)
    assert made[MAIN].rows == (156 if scoring else 1000)
    assert made["installments_payments"].rows == 7347
    assert len(made) == 7


def test_home_credit_large_is_accepted_whole(real_data, tmp_path):
    made = _accepted(load_book("home_credit"), real_data / "home_credit_large", tmp_path)
    assert made[MAIN].rows == 30_253


@pytest.mark.parametrize(("name", "loans"), [("accepted_2007_2011_full", 42_535), ("accepted_2007_2018_sample", 3_000)])
def test_lending_club_is_accepted_whole(real_data, tmp_path, name, loans):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "accepted.csv.gz").symlink_to(real_data / "lending_club" / f"{name}.csv.gz")
    made = _accepted(load_book("lending_club"), tmp_path / "raw", tmp_path)
    assert made[MAIN].rows == loans
