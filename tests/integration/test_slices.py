"""Features of so many entities at a time as memory holds: the same rows, however many slices."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from creditrisk.config import MAIN, Book, SqlFile, load_book
from creditrisk.contracts import check_feature_table
from creditrisk.demo import write_demo
from creditrisk.duck import DuckSettings, locked_room, parquet
from creditrisk.errors import BadConfig
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


def test_every_row_of_an_entity_is_in_the_slice_of_the_entity(book: Book, usual: dict[str, Path]) -> None:
    links = links_of(book)
    parts = slices.ranges(usual[MAIN], book.key, 4, SETTINGS)
    assert len(parts) == 4
    with locked_room(SETTINGS, reads=list(usual.values())) as con:
        where = [slices.rows_in(con, part, usual, links, key=book.key) for part in parts]
    for name, path in usual.items():
        link = book.key if name == MAIN else links[name].column
        held = [_rows(path, of_slice[name]) for of_slice in where]
        keys = [set(rows[link].to_pylist()) for rows in held]
        assert sum(map(len, keys)) == len(set().union(*keys))
        assert sum(rows.num_rows for rows in held) == _belonging(name, usual, links)
    ends = [pc.min_max(_rows(usual[MAIN], of_slice[MAIN])[book.key]).as_py() for of_slice in where]
    assert all(one["max"] < after["min"] for one, after in itertools.pairwise(ends))


def _rows(path: Path, condition: str) -> pa.Table:
    return duckdb.sql(f"select * from {parquet(path)} where {condition}").to_arrow_table()


def _belonging(name: str, tables: Mapping[str, Path], links: Mapping[str, slices.Link]) -> int:
    """Rows of a table that has its parent; below another child, only those whose parent row is there."""
    rows = pq.read_table(tables[name])
    if name == MAIN or links[name].parent == MAIN:
        return rows.num_rows
    above = pq.read_table(tables[links[name].parent])[links[name].above].combine_chunks()
    return int(pc.sum(pc.is_in(rows[links[name].column], value_set=above)).as_py())


def test_the_bytes_are_the_same_however_many_slices(
    book: Book, usual: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creditrisk.features.engine.ROWS_OF_A_GROUP", 64)
    whole = features(book, usual, tmp_path / "whole.parquet", sliced=False).read_bytes()
    for count in (2, 9):
        monkeypatch.setattr("creditrisk.features.engine.slices_needed", lambda *_, count=count: count)
        assert features(book, usual, tmp_path / "sliced.parquet").read_bytes() == whole


def test_nan_is_found_though_the_file_says_nothing_of_its_largest_number(tmp_path: Path) -> None:
    """PyArrow leaves NaN out of the figures in a file's footer; a check that reads only those would pass it."""
    one = pa.table({"loan": [1], "amount": [1.5]})
    pq.write_table(one, tmp_path / "application.parquet")
    for number, found in (("amount", 0), ("cast('nan' as double)", 1), ("amount / 0", 1)):
        file = SqlFile("last", f"select loan, {number} as amount from application", "sql/last.sql")
        out = tmp_path / "features.parquet"
        schema = {MAIN: {"loan": "BIGINT", "amount": "DOUBLE"}}
        compute({MAIN: tmp_path / "application.parquet"}, [file], schema, key="loan", out=out, settings=SETTINGS)
        assert [finding.rule for finding in check_feature_table(out, "loan")] == ["finite"] * found


def test_sql_that_loses_the_key_is_told_with_its_file(tmp_path: Path) -> None:
    pq.write_table(pa.table({"loan": [1]}), tmp_path / "application.parquet")
    file = SqlFile("last", "select loan + 1 as more from application", "sql/last.sql")
    schema = {MAIN: {"loan": "BIGINT"}}
    with pytest.raises(BadConfig, match="gives no loan") as caught:
        compute({MAIN: tmp_path / "application.parquet"}, [file], schema, key="loan", out=tmp_path / "x.parquet",
                settings=SETTINGS)  # fmt: skip
    assert caught.value.where == "sql/last.sql"
    assert [path.name for path in tmp_path.iterdir()] == ["application.parquet"]


@pytest.mark.parametrize(("limit", "bytes_"), [("1500MB", 1.5e9), ("2GiB", 2 * 2**30), ("0.5 gb", 5e8), ("900b", 900)])
def test_there_are_as_many_slices_as_the_memory_limit_asks_for(tmp_path: Path, limit: str, bytes_: float) -> None:
    file = tmp_path / "x"
    with file.open("wb") as stream:
        stream.truncate(int(bytes_ * slices.SHARE))
    assert slices.slices_needed([file], DuckSettings(limit)) == 1
    assert slices.slices_needed([file, file, file], DuckSettings(limit)) == 3
