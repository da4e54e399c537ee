"""What an executor does with the rows it holds: the bundle's own scoring, with the proofs of its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from creditrisk.config import MAIN, Book, load_book
from creditrisk.decisions.proofs import substitution_for_changes, substitution_of
from creditrisk.duck import DuckSettings
from creditrisk.features import Substitution, mentioned, rows_among
from creditrisk.kinds import Verdict
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.scoring import score

type Batches = Iterator[pa.RecordBatch]

RAW = "raw__"
"""Columns with the raw rows of an applicant begin so."""


@dataclass(frozen=True)
class Job:
    """What every executor is told. files: of the bundle, broadcast.  tables: those that were asked for."""

    sha256: str
    files: Any
    tables: tuple[str, ...]
    reasons: bool
    counterfactuals: bool
    duck: DuckSettings


@dataclass(frozen=True)
class Loaded:
    """A bundle in this process, with what proves its reasons."""

    bundle: Bundle
    book: Book
    duck: DuckSettings

    @classmethod
    def of(cls, job: Job) -> Loaded:
        """Loaded once by each process of an executor."""
        if job.sha256 not in _LOADED:
            with TemporaryDirectory(prefix="creditrisk-bundle-") as folder:
                write_bundle(job.files.value, Path(folder))
                bundle, book = load_bundle(Path(folder), expected=job.sha256), load_book(folder)
                assert book.sql  # read now: the folder goes
            _LOADED[job.sha256] = cls(bundle, book, replace(job.duck, threads=1))
        return _LOADED[job.sha256]

    @cached_property
    def proves(self) -> Substitution | None:
        return substitution_of(self.bundle, self.book, self.duck)

    @cached_property
    def changes(self) -> Substitution:
        return substitution_for_changes(self.bundle, self.book, self.duck)


_LOADED: dict[str, Loaded] = {}


def write_bundle(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def not_approved(batches: Batches, *, job: Job) -> Batches:
    """The keys of those whose raw rows are needed, since something has to be explained to them."""
    loaded = Loaded.of(job)
    for batch in batches:
        table = score(loaded.bundle, pa.Table.from_batches([batch]), with_reasons=False)
        keys = table.filter(pc.not_equal(table["decision"], Verdict.APPROVE.value))[loaded.bundle.key]
        yield from pa.table({loaded.bundle.key: keys}).to_batches()


def decided(batches: Batches, *, job: Job, schema: pa.Schema) -> Batches:
    """The decisions of these rows: features, and beside them the raw rows of those who were not approved."""
    from creditrisk.contracts import decisions_schema, need_sound
    from creditrisk.pipelines.batch_predict import counterfactual_column

    loaded = Loaded.of(job)
    bundle, book = loaded.bundle, loaded.book
    sound = decisions_schema(bundle.key, bundle.policy.grade_names)
    for batch in batches:
        everything = pa.Table.from_batches([batch])
        rows = everything.select([name for name in everything.column_names if not name.startswith(RAW)])
        if not rows.num_rows:
            continue
        raw = _raw(everything, job.tables)
        proves = loaded.proves if job.reasons else None
        find = None if proves is None else _finder(proves, raw, book)
        told = score(bundle, rows, with_reasons=job.reasons, find=find)
        need_sound(told, sound, what="the scored rows")
        if job.counterfactuals:
            change = _finder(loaded.changes, raw, book)
            told = told.append_column("counterfactual", counterfactual_column(bundle, rows, told, change))
        yield from told.cast(schema).to_batches()


def _finder(substitution: Substitution, raw: Mapping[str, pa.Table], book: Book) -> Any:
    return lambda keys: substitution.over(rows_among(raw, book, keys))


def _raw(table: pa.Table, names: Sequence[str]) -> dict[str, pa.Table]:
    """{table: its rows}, out of the lists beside the features."""
    found = {}
    for name in names:
        column = table[f"{RAW}{name}"].combine_chunks()
        rows = column.drop_null() if name == MAIN else column.flatten()
        found[name] = pa.Table.from_struct_array(rows)
    return found


def needed_columns(book: Book, tables: Sequence[str]) -> dict[str, list[str]]:
    """{table: columns} of the raw rows that proofs are made of."""
    return {name: list(columns) for name, columns in mentioned(book).items() if name in tables}
