from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from creditrisk.demo import DemoFiles, write_demo, writer
from creditrisk.demo.chunk import CHUNK_ROWS, Chunk, streams
from creditrisk.errors import BadUsage, OutsideFailed

BOOKS = ("home_credit", "lending_club")


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("book", BOOKS)
def test_same_seed_gives_the_same_bytes(book: str, tmp_path: Path) -> None:
    write_demo(book, tmp_path / "one", rows=300, seed=11)
    write_demo(book, tmp_path / "two", rows=300, seed=11)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


@pytest.mark.parametrize("book", BOOKS)
def test_another_seed_gives_other_people(book: str, tmp_path: Path) -> None:
    one = write_demo(book, tmp_path / "one", rows=300, seed=11)
    two = write_demo(book, tmp_path / "two", rows=300, seed=12)
    assert all(one.tables[name].read_bytes() != two.tables[name].read_bytes() for name in one.tables)


@pytest.mark.parametrize("book", BOOKS)
def test_a_single_application_is_enough(book: str, tmp_path: Path) -> None:
    files = write_demo(book, tmp_path, rows=1)
    main = next(iter(files.tables))
    assert files.rows[main] == 1
    assert pl.read_parquet(files.truth).height == 1
    for path in files.tables.values():
        assert path.read_text().count(",") > 0, "every table has its header even without rows"


def test_rows_reported_are_the_rows_written(home_credit_files: DemoFiles, home_credit: dict[str, pl.DataFrame]) -> None:
    assert dict(home_credit_files.rows) == {name: frame.height for name, frame in home_credit.items()}


def test_what_was_written_says_that_it_is_invented(home_credit_files: DemoFiles) -> None:
    assert home_credit_files.readme.read_text(encoding="utf-8").startswith("Invented data")


@pytest.mark.parametrize("book", BOOKS)
def test_true_pds_stand_beside_the_tables_and_never_in_them(book: str, request: pytest.FixtureRequest) -> None:
    files: DemoFiles = request.getfixturevalue(f"{book}_files")
    truth = pl.read_parquet(files.truth)
    assert truth["true_pd"].is_between(0, 1, closed="none").all()
    for path in files.tables.values():
        header = path.read_text(encoding="utf-8").split("\n", 1)[0].lower()
        assert "true" not in header
        assert "pd" not in header.replace("sk_dpd", "").replace("update", "").replace("tl_30dpd", "").split(",")


def test_progress_ends_at_one(tmp_path: Path) -> None:
    shares: list[float] = []
    write_demo("lending_club", tmp_path, rows=CHUNK_ROWS + 5, progress=lambda _, share: shares.append(share))
    assert len(shares) == 2
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_unknown_book_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="home_credit") as refusal:
        write_demo("home_kredit", tmp_path, rows=10)
    assert "did you mean" in refusal.value.hint


@pytest.mark.parametrize("rows", [0, -5])
def test_no_rows_are_refused_and_nothing_is_written(rows: int, tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="rows must be at least 1"):
        write_demo("home_credit", tmp_path / "out", rows=rows)
    assert not (tmp_path / "out").exists()


def test_negative_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="seed"):
        write_demo("home_credit", tmp_path, rows=1, seed=-1)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(BadUsage, match="is a file"):
        write_demo("home_credit", tmp_path / "taken", rows=1)
    assert (tmp_path / "taken").read_text() == "mine"


def failing_after_one_chunk(error: Exception) -> object:
    def chunks(rows: int, seed: int) -> Iterator[Chunk]:
        frame = pl.DataFrame({"a": [1]})
        yield Chunk(rows=1, tables={"accepted": frame}, truth=pl.DataFrame({"true_pd": [0.1]}))
        raise error

    return chunks


def test_a_run_that_breaks_off_leaves_no_table_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BOOKS", {"lending_club": failing_after_one_chunk(RuntimeError("killed"))})
    with pytest.raises(RuntimeError, match="killed"):
        write_demo("lending_club", tmp_path, rows=10)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["README.txt"]


def test_a_broken_run_keeps_the_tables_of_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_demo("lending_club", tmp_path, rows=20)
    before = (tmp_path / "accepted.csv").read_bytes()
    monkeypatch.setattr(writer, "BOOKS", {"lending_club": failing_after_one_chunk(RuntimeError("killed"))})
    with pytest.raises(RuntimeError, match="killed"):
        write_demo("lending_club", tmp_path, rows=10)
    assert (tmp_path / "accepted.csv").read_bytes() == before


def test_a_full_disk_is_told_with_the_place_and_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(writer, "BOOKS", {"lending_club": failing_after_one_chunk(full)})
    with pytest.raises(OutsideFailed, match="No space left") as failure:
        write_demo("lending_club", tmp_path, rows=10)
    assert failure.value.where == str(tmp_path)
    assert "free disk space" in failure.value.hint


def test_chunks_do_not_depend_on_how_many_there_are() -> None:
    short = [(first, count, rng.integers(1 << 60)) for rng, first, count in streams(2 * CHUNK_ROWS, 7)]
    long = [(first, count, rng.integers(1 << 60)) for rng, first, count in streams(5 * CHUNK_ROWS, 7)]
    assert short == long[:2]
