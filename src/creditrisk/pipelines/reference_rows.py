"""The applications on which a candidate and the model in production are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from creditrisk.config import MAIN, load_book
from creditrisk.contracts import check, refuse_if_needed
from creditrisk.errors import BadConfig, BadData
from creditrisk.files import PARTIAL
from creditrisk.governance.lineage import NodeKind
from creditrisk.kinds import sha256_of, sha256_of_file
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.ingest_data import bring_in
from creditrisk.pipelines.lineage import current, need_unchanged
from creditrisk.pipelines.same_rows import LoadedModel, SameRows
from creditrisk.split import read_labels

TEST_PART, INPUT = "test part of the last run", "raw tables that were given"


@dataclass
class ReferenceRows:
    """key: column that names an application.  keys: sorted.  bad: 1, 0 or NaN where it is not known, shape (n,).

    source: where they come from, in words.  no_outcomes: why none is known; "" = some are.
    inputs: {what: sha256} that they were made of.
    """

    key: str
    keys: pa.Array
    bad: NDArray[np.float64]
    source: str
    no_outcomes: str
    inputs: Mapping[str, str]
    context: Context
    _engineered: pa.Table | None = None
    _sql: Mapping[str, str] = field(default_factory=dict)
    _raw: Path | None = None
    _folder: Path | None = None
    _typed: dict[str, Mapping[str, Path]] = field(default_factory=dict)
    """Raw tables by the hash of the contracts that typed them."""

    def tables(self, model: LoadedModel) -> Mapping[str, Path]:
        """The raw tables, typed and checked: of the last run, or of what was given by the model's own contracts."""
        book = load_book(model.folder)
        if self._raw is None or self._folder is None:
            return {name: self.context.folder.table(name) for name in book.portfolio.tables}
        mark = _contracts_mark(model)
        if mark not in self._typed:
            self._typed[mark] = _typed(self.context, model, self._raw, self._folder / mark[:16])
        return self._typed[mark]

    def seen_by(self, model: LoadedModel) -> SameRows:
        return SameRows(self.keys, self.tables(model), self._engineered, self._sql)


@contextmanager
def reference_rows(context: Context, candidate: LoadedModel, source: Path | None) -> Iterator[ReferenceRows]:
    """source: a folder of raw tables, or the one raw table of a one-table book; else the test part of the last run.

    Raises Refused where the test part is not what the split made, and what is wrong with the raw tables.
    """
    if source is None:
        yield _test_part(context)
        return
    context.folder.root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{PARTIAL}canary-", dir=context.folder.root) as passing:
        yield _given(context, candidate, source, Path(passing))


def _test_part(context: Context) -> ReferenceRows:
    path = context.folder.part("test")
    marks = need_unchanged(context, "split", {"test": path})
    rows = pq.read_table(path)
    return ReferenceRows(
        context.book.key,
        rows[context.book.key].combine_chunks(),
        rows["target"].to_numpy().astype(np.float64),
        TEST_PART,
        "",
        marks,
        context,
        rows,
        {f"{name}.sql": node.sha256 for name, node in current(context).items() if node.kind is NodeKind.SQL},
    )


def _given(context: Context, candidate: LoadedModel, source: Path, folder: Path) -> ReferenceRows:
    mark, key = _contracts_mark(candidate), candidate.bundle.key
    tables = _typed(context, candidate, source, folder / mark[:16])
    keys = pq.read_table(tables[MAIN], columns=[key])[key].combine_chunks()
    keys = keys.take(pc.sort_indices(keys))
    bad, why = _outcomes(context, candidate, tables[MAIN], keys)
    inputs = {path.stem: sha256_of_file(path) for path in tables.values()}
    return ReferenceRows(
        key, keys, bad, INPUT, why, inputs, context, _raw=source, _folder=folder, _typed={mark: tables}
    )


def _outcomes(context: Context, model: LoadedModel, main: Path, keys: pa.Array) -> tuple[NDArray[np.float64], str]:
    """By the book's own target; the rows without one are NaN, and all of them where it cannot be computed."""
    try:
        labels = read_labels(load_book(model.folder), main, context.duck).rows
    except (BadData, BadConfig) as error:
        return np.full(len(keys), np.nan), error.what
    place = pc.index_in(keys, value_set=labels["key"].combine_chunks())
    return labels["target"].take(place).cast(pa.float64()).to_numpy(zero_copy_only=False), ""


def _typed(context: Context, model: LoadedModel, source: Path, folder: Path) -> dict[str, Path]:
    book = load_book(model.folder)
    arrived = bring_in(context, book, source, folder, scoring=True)
    tables = {name: table.path for name, table in arrived.bronze.items()}
    refuse_if_needed(check(tables, book.contracts, book.portfolio, settings=context.duck, scoring=True))
    return tables


def _contracts_mark(model: LoadedModel) -> str:
    """Of everything that types raw tables."""
    portfolio = load_book(model.folder).portfolio
    contracts = {
        name: content.decode() for name, content in model.bundle.files.items() if name.startswith("contracts/")
    }
    return sha256_of({"contracts": contracts, **portfolio.model_dump(mode="json", include={"tables", "entity"})})
