"""Features of so many entities at a time as memory holds: the same rows, however many slices."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from creditrisk.config import MAIN, Book, load_book
from creditrisk.demo import write_demo
from creditrisk.duck import DuckSettings
from creditrisk.features import compute, links_of, slices, table_schema
from creditrisk.pipelines.ingest_data import bring_in
from tests.support.adversarial import applications, as_tables, computable, written
from tests.support.tiny_run import tiny_context

SETTINGS = DuckSettings("500MB", 2)


@pytest.fixture(scope="module", params=["home_credit", "lending_club"])
def book(request: pytest.FixtureRequest) -> Book:
    return load_book(request.param)


@pytest.fixture(scope="module")
def usual(book: Book, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Typed tables of 700 invented applications, and of those who were only to be scored."""
    folder = tmp_path_factory.mktemp(book.name)
    raw = write_demo(book.name, folder / "raw", rows=700).folder
    arrived = bring_in(tiny_context(folder), book, raw, folder / "bronze")
    return {name: table.path for name, table in arrived.bronze.items()}


def features(book: Book, tables: Mapping[str, Path], out: Path, *, sliced: bool = True) -> Path:
    links = links_of(book) if sliced else None
    compute(tables, book.sql, table_schema(book), key=book.key, out=out, settings=SETTINGS, links=links)
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(".partial")] == []
    return out


def same(made: Path, whole: Path) -> bool:
    """Their rows and types, in their order; which columns a file calls required is DuckDB's guess."""
    one, other = pq.read_table(made), pq.read_table(whole)
    return one.num_rows > 0 and one.equals(other.cast(one.schema))


def without_nan(table: pa.Table) -> pa.Table:
    """Ingestion lets none through; and of a file that PyArrow wrote DuckDB takes `nan between 0 and 1` for true."""
    for place, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            column = table[field.name]
            table = table.set_column(place, field, pc.if_else(pc.is_nan(column), None, column))
    return table


@pytest.mark.parametrize("count", [2, 3, 40])
def test_the_rows_are_the_same_to_the_bit(
    book: Book, usual: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    whole = features(book, usual, tmp_path / "whole.parquet", sliced=False)
    monkeypatch.setattr("creditrisk.features.engine.slices_needed", lambda *_: count)
    assert same(features(book, usual, tmp_path / "sliced.parquet"), whole)


@pytest.mark.parametrize("seed", range(3))
def test_odd_rows_too(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Empty children, ties, orphans, extreme numbers; a table without any row in most slices is not an absent one."""
    drawn = as_tables(book, computable(book, applications(book, 20261122 + seed, 40)))
    tables = written({name: without_nan(table) for name, table in drawn.items()}, tmp_path / "bronze")
    whole = features(book, tables, tmp_path / "whole.parquet", sliced=False)
    monkeypatch.setattr("creditrisk.features.engine.slices_needed", lambda *_: 7)
    assert same(features(book, tables, tmp_path / "sliced.parquet"), whole)


def test_twice_the_same_gives_the_same_bytes(
    book: Book, usual: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creditrisk.features.engine.slices_needed", lambda *_: 5)
    one, other = (features(book, usual, tmp_path / f"{name}.parquet") for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()


def test_a_table_that_nobody_asked_for_stays_absent(
    book: Book, usual: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = {name: path for name, path in usual.items() if name in (MAIN, "bureau_balance")}
    whole = features(book, some, tmp_path / "whole.parquet", sliced=False)
    monkeypatch.setattr("creditrisk.features.engine.slices_needed", lambda *_: 3)
    assert same(features(book, some, tmp_path / "sliced.parquet"), whole)


def test_every_row_of_an_entity_is_in_the_slice_of_the_entity(
    book: Book, usual: dict[str, Path], tmp_path: Path
) -> None:
    links, columns = links_of(book), {name: list(listed) for name, listed in table_schema(book).items()}
    made = slices.cut(usual, links, columns, key=book.key, count=4, folder=tmp_path, settings=SETTINGS)
    assert len(made) == 4
    for name in usual:
        if name not in columns:
            continue
        parts = [pa.concat_tables(map(pq.read_table, one[name])) for one in made]
        link = book.key if name == MAIN else links[name].column
        held = [set(part[link].to_pylist()) for part in parts]
        assert sum(map(len, held)) == len(set().union(*held))
        assert sum(part.num_rows for part in parts) == _belonging(name, usual, links, book.key)
    ends = [pc.min_max(pa.concat_tables(map(pq.read_table, one[MAIN]))[book.key]).as_py() for one in made]
    assert all(one["max"] < after["min"] for one, after in itertools.pairwise(ends))


def _belonging(name: str, tables: Mapping[str, Path], links: Mapping[str, slices.Link], key: str) -> int:
    """Rows of a table whose parents are there; of those below the main table every row is put somewhere."""
    rows = pq.read_table(tables[name])
    link = links.get(name)
    if link is None or link.parent == MAIN:
        return rows.num_rows
    above = pq.read_table(tables[link.parent])[link.above].combine_chunks()
    return int(pc.sum(pc.is_in(rows[link.column], value_set=above)).as_py())


@pytest.mark.parametrize(("limit", "bytes_"), [("1500MB", 1.5e9), ("2GiB", 2 * 2**30), ("0.5 gb", 5e8), ("900b", 900)])
def test_there_are_as_many_slices_as_the_memory_limit_asks_for(tmp_path: Path, limit: str, bytes_: float) -> None:
    file = tmp_path / "x"
    with file.open("wb") as stream:
        stream.truncate(int(bytes_ * slices.SHARE))
    assert slices.slices_needed([file], DuckSettings(limit)) == 1
    assert slices.slices_needed([file, file, file], DuckSettings(limit)) == 3
