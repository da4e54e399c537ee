"""An application sent as a record and the same rows in files: the same typed values, and the same verdict."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from creditrisk.adapters.in_memory import InMemoryRegistry, InMemoryTracker, SteppingClock
from creditrisk.config import MAIN, Book, Column, Workspace, load_book
from creditrisk.contracts import check
from creditrisk.contracts.readings import precision_and_scale
from creditrisk.decisions.intake import Intake
from creditrisk.demo import write_demo
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadData
from creditrisk.kinds import Severity
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.ingest_data import bring_in
from tests.support.records import cells_of, sent

RECORDS = int(os.environ.get("TEST_RECORDS", "10"))
"""Spoilt applications of each book."""
PEOPLE = 40
ONLY_IN_A_RECORD = ("left_out", "not_used", "not_asked", "after_origination")
"""Warnings of what a file cannot say: a file has the columns that it has."""

type Cells = dict[str, Any]
"""{"application": {column: cell}, "<child table>": [{column: cell}]}."""
type Verdict = tuple[dict[str, list[list[Any]]], set[str]] | None
"""Typed rows by table, and warning codes; None = refused."""


@dataclass(frozen=True, repr=False)
class Shelf:
    """A book, and applications of it that were invented."""

    book: Book
    intake: Intake
    people: list[Cells]


@pytest.fixture(scope="module", params=["lending_club", "home_credit"])
def shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    book = load_book(request.param)
    raw = write_demo(book.name, tmp_path_factory.mktemp(book.name), rows=PEOPLE).folder
    return Shelf(book, Intake(book), cells_of(book, raw))


def in_a_record(shelf: Shelf, cells: Cells) -> Verdict:
    read = shelf.intake.read([sent(shelf.book, cells)])
    if read.problems:
        event(f"refused: {read.problems[0].rule}")
        return None
    (one,) = read.applications
    warnings = {code for code in one.warnings if not code.startswith(ONLY_IN_A_RECORD)}
    return {table: [list(row) for row in rows] for table, rows in one.rows.items()}, warnings


def in_files(shelf: Shelf, cells: Cells, folder: Path) -> Verdict:
    for table, rows in cells.items():
        names = list(shelf.people[0][MAIN]) if table == MAIN else shelf.book.contracts[table].names
        file = folder / f"{shelf.book.portfolio.tables[table].file}.csv"
        write(file, names, [rows] if table == MAIN else rows)
    try:
        arrived = bring_in(context(shelf.book, folder), shelf.book, folder, folder / "bronze", scoring=True)
    except BadData:
        return None
    tables = {name: table.path for name, table in arrived.bronze.items()}
    found = [*arrived.findings, *check(tables, shelf.book.contracts, shelf.book.portfolio, settings=DUCK, scoring=True)]
    if any(one.severity in (Severity.REFUSE, Severity.QUARANTINE) for one in found):
        return None
    warnings = {f"{one.rule.replace(' ', '_')}:{one.table}" + (f".{one.column}" if one.column else "") for one in found}
    return {name: typed(shelf.book, name, path) for name, path in tables.items()}, warnings


DUCK = DuckSettings("300MB", 1)


def context(book: Book, folder: Path) -> Context:
    return Context(
        book=book, workspace=Workspace(folder / "workspace"), duck=DUCK, actor="ann", clock=SteppingClock(),
        tracker=InMemoryTracker(), registry=InMemoryRegistry(), progress=lambda *_: None, raw=folder,
    )  # fmt: skip


def write(path: Path, names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def typed(book: Book, table: str, path: Path) -> list[list[Any]]:
    """As a record has them: a decimal as a whole number of its last place."""
    columns = book.contracts[table].columns
    read = pq.read_table(path).select([column.name for column in columns]).to_pylist()
    return [[scaled(row[column.name], column) for column in columns] for row in read]


def scaled(value: Any, column: Column) -> Any:
    return int(value.scaleb(precision_and_scale(column)[1])) if isinstance(value, Decimal) else value


def same(record: Verdict, file: Verdict) -> None:
    assert (record is None) == (file is None), (record is None, file is None)
    if record is None or file is None:
        return
    rows = {table: some for table, some in record[0].items() if some}
    assert {table: list(map(bits, some)) for table, some in rows.items()} == {
        table: list(map(bits, some)) for table, some in file[0].items() if some
    }
    assert record[1] == file[1]


def bits(row: list[Any]) -> list[Any]:
    return [(type(value), value.hex() if isinstance(value, float) else value) for value in row]


def test_an_invented_application_is_read_alike(shelf: Shelf, tmp_path: Path) -> None:
    for number, cells in enumerate(shelf.people[:2]):
        folder = tmp_path / str(number)
        folder.mkdir()
        record = in_a_record(shelf, cells)
        assert record is not None
        same(record, in_files(shelf, cells, folder))


numbers = st.one_of(
    st.integers(-50, 500).map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(-(10**7), 10**7, places=4).map(lambda one: f"{one:f}"),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["0", "-1", "0.5", "365243", "1e3", "1e400", "36.0", "9007199254740993"]),
)
words = st.sampled_from(
    ["", "abc", "NaN", "nan", "true", "M", "XNA", "Closed", "RENT", "a b", "é", "0x10", "--", "None"]
)
written = st.sampled_from(
    ["13.56%", "7 %", "150%", " 36 months", "60 months", "36", "48 months", "Dec-2011", "Jan-2031", "Feb-1890",
     "2011-12-31", "1995-02-30", "2031-01-01", "36 weeks", "%"]
)  # fmt: skip


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[int, int, str]]:
    """(row, column, cell), the first two to be counted around."""
    places = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.one_of(numbers, words, written))
    return draw(st.lists(places, min_size=0, max_size=3))


def spoilt(cells: Cells, spoils: list[tuple[int, int, str]], doubled: int | None) -> Cells:
    made = {table: dict(rows) if table == MAIN else [dict(row) for row in rows] for table, rows in cells.items()}
    if doubled is not None:
        full = [rows for table, rows in made.items() if table != MAIN and rows]
        if full:
            rows = full[doubled % len(full)]
            rows.append(dict(rows[doubled % len(rows)]))
    places = [row for table, rows in made.items() for row in ([rows] if table == MAIN else rows)]
    for row, column, cell in spoils:
        chosen = places[row % len(places)]
        chosen[list(chosen)[column % len(chosen)]] = cell
    return made


@settings(max_examples=RECORDS)
@given(who=st.integers(0, PEOPLE - 1), spoils=changes(), doubled=st.none() | st.none() | st.integers(0, 100))
def test_a_spoilt_application_is_read_alike_or_refused_alike(
    shelf: Shelf, who: int, spoils: list[tuple[int, int, str]], doubled: int | None
) -> None:
    cells = spoilt(shelf.people[who], spoils, doubled)
    with tempfile.TemporaryDirectory(prefix="records") as folder:
        same(in_a_record(shelf, cells), in_files(shelf, cells, Path(folder)))
