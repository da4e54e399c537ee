"""Clean invented tables of both books and what they come to: the measure for every spoilt file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from creditrisk.config import Book, Contract, Table, load_book
from creditrisk.contracts import BronzeTable, to_bronze
from creditrisk.demo import write_demo
from creditrisk.sources import fetch
from tests.hostile.spoil import rows_of, text_of
from tests.support.small_tables import SETTINGS

BOOKS = {"application_train": "home_credit", "bureau": "home_credit", "bureau_balance": "home_credit"}
ROWS_MAX = 220


@dataclass(frozen=True)
class Clean:
    """One table: its clean bytes, its contract, and the bronze table of the clean bytes."""

    stem: str
    content: bytes
    book: Book
    table: Table
    contract: Contract
    bronze: BronzeTable

    def ingested(self, content: bytes, ending: str, folder: Path, reading: Mapping[str, Any]) -> BronzeTable:
        """The real way in: found in the raw folder, proved, unpacked, read."""
        raw, out = folder / "raw", folder / "work" / "bronze" / f"{self.stem}.parquet"
        raw.mkdir(parents=True)
        (raw / f"{self.stem}{ending}").write_bytes(content)
        contract = self.contract.model_copy(update={"reading": type(self.contract.reading)(**reading)})
        landed = fetch(self.table, self.stem, raw, folder / "work" / "landing")
        assert landed is not None
        entity = self.book.portfolio.entity if contract.table == "application" else None
        return to_bronze(landed, contract, out, settings=SETTINGS, entity=entity)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clean]:
    """{file stem: the clean table}."""
    folder = tmp_path_factory.mktemp("clean")
    return {stem: _clean(stem, folder) for stem in (*BOOKS, "accepted")}


def _with_letters(content: bytes) -> bytes:
    """Job titles as borrowers write them: beyond ASCII, and over several lines."""
    rows = rows_of(content)
    place = rows[0].index("emp_title")
    for row, title in ((20, "Geschäftsführer"), (30, "Maître d'hôtel"), (150, "Clerk\r\nand\nmore")):
        rows[row][place] = title
    return text_of(rows)


def _clean(stem: str, folder: Path) -> Clean:
    book = load_book(BOOKS.get(stem, "lending_club"))
    raw = folder / book.name
    if not raw.exists():
        write_demo(book.name, raw, rows=ROWS_MAX)
    lines = (raw / f"{stem}.csv").read_bytes().splitlines(keepends=True)[: ROWS_MAX + 1]
    content = _with_letters(b"".join(lines)) if stem == "accepted" else b"".join(lines)
    name, table = next(
        (name, table) for name, table in book.portfolio.tables.items() if stem in (table.file, table.score_file)
    )
    made = Clean(stem, content, book, table.model_copy(update={"md5": None}), book.contracts[name], None)  # type: ignore[arg-type]
    bronze = made.ingested(content, ".csv", folder / stem, {})
    assert not bronze.findings
    return Clean(stem, content, book, made.table, made.contract, bronze)
