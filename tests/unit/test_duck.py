"""The locked room reads and writes the named places and nothing else, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.duck import DuckSettings, locked_room, named, parquet, quoted, sql_type, translated
from creditrisk.errors import BadConfig, OutsideFailed

SMALL = DuckSettings("200MB", 1)


@pytest.fixture
def loans(tmp_path: Path) -> Path:
    path = tmp_path / "loans.parquet"
    duckdb.sql("select 1 as a").write_parquet(str(path))
    return path


def test_a_named_file_is_read_and_its_neighbour_is_not(loans: Path, tmp_path: Path) -> None:
    neighbour = tmp_path / "neighbour.parquet"
    neighbour.write_bytes(loans.read_bytes())
    with locked_room(SMALL, reads=[loans]) as con:
        assert con.sql(f"select a from read_parquet({quoted(str(loans))})").fetchall() == [(1,)]
        with pytest.raises(duckdb.PermissionException):
            con.sql(f"select a from read_parquet({quoted(str(neighbour))})").fetchall()


@pytest.mark.parametrize(
    "statement",
    [
        "set enable_external_access = true",
        "set threads = 64",
        "install httpfs",
        "load spatial",
        "attach 'other.db' as other",
        "copy (select 1) to 'out.csv'",
    ],
)
def test_nobody_leaves_the_room(statement: str, loans: Path) -> None:
    with locked_room(SMALL, reads=[loans]) as con, pytest.raises(duckdb.Error):
        con.execute(statement)


def test_it_writes_where_it_may_and_leaves_no_spill(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with locked_room(SMALL, writes=out) as con:
        con.execute(f"copy (select 1 as a) to {quoted(str(out / 'a.parquet'))} (format parquet)")
        with pytest.raises(duckdb.PermissionException):
            con.execute(f"copy (select 1 as a) to {quoted(str(tmp_path / 'b.parquet'))} (format parquet)")
    assert [path.name for path in out.iterdir()] == ["a.parquet"]


def test_times_are_utc(loans: Path) -> None:
    with locked_room(SMALL) as con:
        assert con.sql("select current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_wrong_sql_is_the_books_mistake_with_candidates() -> None:
    with locked_room(SMALL) as con, pytest.raises(BadConfig) as caught, translated("sql/a.sql"):
        con.execute("select incme from (select 1 as income)")
    assert caught.value.where == "sql/a.sql"
    assert "\n" not in caught.value.what
    assert "income" in caught.value.hint


def test_too_little_memory_is_an_outside_failure_with_the_setting() -> None:
    with pytest.raises(OutsideFailed) as caught, translated("sql/a.sql"):
        raise duckdb.OutOfMemoryException("Out of Memory Error: failed")
    assert "CREDITRISK_MEMORY_LIMIT" in caught.value.hint


def test_files_are_read_in_their_order_and_their_folders_are_no_columns(tmp_path: Path) -> None:
    folder = tmp_path / "it's=here"
    folder.mkdir()
    files = [folder / "b.parquet", folder / "a.parquet"]
    for number, path in enumerate(files):
        pq.write_table(pa.table({"n": [10 * number, 10 * number + 1]}), path)
    with locked_room(DuckSettings(threads=1), reads=files) as con:
        assert con.sql(f"from {parquet(*files)}").to_arrow_table().to_pydict() == {"n": [0, 1, 10, 11]}
        assert con.sql(f"from {parquet(files[1], numbered=True)}").columns == ["n", "file_row_number"]


def test_texts_and_names_cannot_end_themselves() -> None:
    assert quoted("it's") == "'it''s'"
    assert named('a"b') == '"a""b"'


@pytest.mark.parametrize(
    ("told", "sql"), [("integer", "BIGINT"), ("text", "VARCHAR"), ("decimal(18,3)", "DECIMAL(18,3)")]
)
def test_a_contracts_type_has_one_spelling_in_sql(told: str, sql: str) -> None:
    assert sql_type(told) == sql


def test_it_spills_where_it_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    with locked_room(replace(SMALL, spill=disk), writes=out) as con:
        (folder,) = disk.iterdir()
        assert con.sql("select current_setting('temp_directory')").fetchall() == [(str(folder),)]
        con.execute("create temp table wide as select range as a, md5(range::varchar) as b from range(6000000)")
        assert sum(path.stat().st_size for path in folder.rglob("*")) > 1_000_000
    assert list(disk.iterdir()) == list(out.iterdir()) == []


def test_more_than_may_be_spilled_is_an_outside_failure_with_the_setting(tmp_path: Path) -> None:
    with (
        locked_room(replace(SMALL, spill=tmp_path, spill_limit="10MB")) as con,
        pytest.raises(OutsideFailed) as caught,
        translated("sql/a.sql"),
    ):
        con.execute(
            "create temp table wide as select md5(range::varchar) as b, range as a from range(4000000) order by b"
        )
    assert "CREDITRISK_SPILL_LIMIT" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_folder_to_spill_into_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutsideFailed) as caught, locked_room(replace(SMALL, spill=tmp_path / "absent")):
        pass
    assert str(tmp_path / "absent") in str(caught.value)
    assert "CREDITRISK_SPILL_FOLDER" in caught.value.hint
