"""Writes a book's invented raw tables, chunk by chunk, as files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow.parquet as pq

from creditrisk.demo import home_credit, lending_club
from creditrisk.demo.chunk import Chunk
from creditrisk.errors import BadUsage, OutsideFailed, did_you_mean
from creditrisk.files import whole_file, write_text

type Progress = Callable[[str, float], None]
"""Called with what is done now and the share done, 0 to 1."""

BOOKS: Mapping[str, Callable[[int, int], Iterator[Chunk]]] = {
    "home_credit": home_credit.chunks,
    "lending_club": lending_club.chunks,
}

README = """Invented data
=============

Every row in this folder was invented by `creditrisk` (book {book}, rows {rows}, seed {seed}).
No person, loan or payment in it exists or ever existed. The files only look like the published
ones: same columns, spelling, sizes and gaps. What a model learns here is what the generator planted.

The tables are the *.csv files. truth/true_pd.parquet holds each application's probability of default
as the generator drew it{joined}; no model may see it.
"""

JOINED = {
    "home_credit": ", by SK_ID_CURR",
    "lending_club": ", in the order of accepted.csv (row 1 is the first loan), with loan_amnt and issue_d to compare",
}


@dataclass(frozen=True)
class DemoFiles:
    """What was written: each table's file and number of rows, the true PDs, and a note that all is invented."""

    book: str
    folder: Path
    tables: Mapping[str, Path]
    rows: Mapping[str, int]
    truth: Path
    readme: Path


def write_demo(book: str, folder: Path, *, rows: int, seed: int = 7, progress: Progress | None = None) -> DemoFiles:
    """Write all raw tables of a shipped book, invented, into `folder` (<table>.csv), and the true PDs beside them.

    rows: of the table that is trained on (Home Credit's other tables follow in the real files' proportions).
    The same book, rows and seed give the same bytes, as long as NumPy and Polars stay the same. No table appears
    before all of them are written.
    Raises BadUsage for an unknown book, fewer rows than 1, a negative seed, or a `folder` that is a file;
    OutsideFailed when the disk does not take it.
    """
    _check(book, folder, rows, seed)
    readme = folder / "README.txt"
    try:
        write_text(readme, README.format(book=book, rows=rows, seed=seed, joined=JOINED[book]))
        with ExitStack() as stack:
            tables = _GrowingTables(folder, stack)
            _write_chunks(book, rows, seed, tables, progress)
    except OSError as error:
        what = f"the invented tables could not be written: {error.strerror or error}"
        raise OutsideFailed(what, where=str(folder), hint="free disk space, or give another folder") from error
    return DemoFiles(book, folder, tables.paths, tables.rows, tables.truth, readme)


def _write_chunks(book: str, rows: int, seed: int, tables: _GrowingTables, progress: Progress | None) -> None:
    written = 0
    for chunk in BOOKS[book](rows, seed):
        tables.add(chunk)
        written += chunk.rows
        if progress is not None:
            progress(f"{book}: {written:,} of {rows:,} applications invented", written / rows)


def _check(book: str, folder: Path, rows: int, seed: int) -> None:
    if book not in BOOKS:
        raise BadUsage(f'no invented data for a book "{book}"', hint=did_you_mean(book, BOOKS))
    if rows < 1:
        raise BadUsage(f"rows must be at least 1, got {rows}", hint="try --rows 20000; the real file has 307511")
    if seed < 0:
        raise BadUsage(f"seed must not be negative, got {seed}", hint="any whole number from 0 will do")
    if folder.exists() and not folder.is_dir():
        raise BadUsage("the folder for the invented tables is a file", where=str(folder), hint="give another folder")


class _GrowingTables:
    """CSV files and the truth, open under temporary names until the stack closes without an error."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.paths: dict[str, Path] = {}
        self.rows: dict[str, int] = {}
        self.truth = folder / "truth" / "true_pd.parquet"
        self._folder = folder
        self._stack = stack
        self._files: dict[str, BinaryIO] = {}
        self._truth: pq.ParquetWriter | None = None

    def add(self, chunk: Chunk) -> None:
        for name, frame in chunk.tables.items():
            first = name not in self._files
            if first:
                self._open(name)
            frame.write_csv(self._files[name], include_header=first)
            self.rows[name] += frame.height
        self._add_truth(chunk.truth)

    def _open(self, name: str) -> None:
        self.paths[name] = self._folder / f"{name}.csv"
        self.rows[name] = 0
        partial = self._stack.enter_context(whole_file(self.paths[name]))
        self._files[name] = self._stack.enter_context(partial.open("wb"))

    def _add_truth(self, truth: pl.DataFrame) -> None:
        table = truth.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._truth is None:
            partial = self._stack.enter_context(whole_file(self.truth))
            self._truth = self._stack.enter_context(pq.ParquetWriter(partial, table.schema, compression="zstd"))
        self._truth.write_table(table)
