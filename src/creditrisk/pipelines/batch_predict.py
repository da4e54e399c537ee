"""Batch: raw tables in, decisions out, in streaming chunks, by the one scoring function."""

from __future__ import annotations

import json
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from creditrisk.chunks import of_size
from creditrisk.config import Book, load_book
from creditrisk.contracts import check, decisions_schema, need_sound, refuse_if_needed
from creditrisk.decisions.intake import Intake
from creditrisk.errors import BadUsage, did_you_mean
from creditrisk.features import Applicants, compute, links_of, table_schema
from creditrisk.files import PARTIAL, whole_file
from creditrisk.governance import find_bundle
from creditrisk.governance.agreement import Records
from creditrisk.kinds import Verdict, sha256_of
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.pipelines.addresses import fetch_bundle, fetch_tables, is_address, need_storage
from creditrisk.pipelines.batch_parts import PASSING, Parts, unfinished
from creditrisk.pipelines.batch_records import RawRows, Recorder, decision_ids
from creditrisk.pipelines.context import Context, is_invented
from creditrisk.pipelines.ingest_data import Arrived, bring_in
from creditrisk.pipelines.reason_proofs import changer, finder
from creditrisk.ports import DecisionStore
from creditrisk.scoring import COUNTERFACTUAL, Find, counterfactuals, score, score_schema

ROWS_AT_ONCE = 50_000
"""With reasons: to prove those of more rows together, tables are read less often."""

ROWS_PLAIN_AT_ONCE = 20_000
"""Without: several such chunks are in memory, one for each thread."""

ROWS_RECORDED_AT_ONCE = 1_000
"""With `--record`: their raw records are held in memory, and kept in one transaction."""

CHUNKS_LOOKED_UP = 10
"""... whose raw rows are looked up together: each look reads all tables once."""


def run(
    context: Context,
    source: Path | str,
    output: Path | str,
    *,
    reference: str,
    with_reasons: bool = True,
    with_counterfactuals: bool = False,
    store: DecisionStore | None = None,
) -> dict[str, Any]:
    """Decisions for the applications in `source`, sorted by key, into `output` (whole or not there).

    source: a folder of raw tables, or the one raw table of a one-table book.  reference: models:/<name>@<alias> or a
    bundle's folder; its own SQL and contracts are used, not the book's of today. Each may be an address in a bucket.
    with_counterfactuals: a column more says what would have had to be different.
    store: keeps a passport of each decision, and a column more has its id.
    A run that ended early goes on when it is started again with the same bytes, bundle, settings and output.
    Returns counts for the terminal. Raises as the stages do, OutsideFailed as the store does.
    """
    context.folder.root.mkdir(parents=True, exist_ok=True)
    if store is not None:
        store.check()
    asked = Asked(with_reasons, with_counterfactuals, store)
    score_them = _run
    if context.on_spark:
        from creditrisk.pipelines.batch_on_spark import run as score_them
    with TemporaryDirectory(prefix=f"{PARTIAL}score-", dir=context.folder.root) as passing:
        if is_address(reference):
            reference = str(fetch_bundle(context, reference, Path(passing) / "bundle"))
        # Whole folders are written by the cluster, wherever it reaches.
        if not is_address(output) or (context.on_spark and not PurePosixPath(str(output)).suffix):
            return score_them(context, source, output, reference, asked)
        with _beside(context.folder.root, str(output)) as local:
            told = score_them(context, source, local, reference, asked)
            need_storage(context, str(output)).write(local, str(output))
        return {**told, "output": str(output)}


@dataclass(frozen=True)
class Asked:
    """What a decision is to come with."""

    reasons: bool
    counterfactuals: bool
    store: DecisionStore | None

    @property
    def plain(self) -> bool:
        """Nothing but decisions: a chunk then needs no raw tables, and none of the others."""
        return not self.reasons and not self.counterfactuals and self.store is None

    @property
    def rows_at_once(self) -> int:
        if self.store is not None:
            return ROWS_RECORDED_AT_ONCE
        return ROWS_PLAIN_AT_ONCE if self.plain else ROWS_AT_ONCE

    def threads_of_trees(self, threads: int) -> int:
        """Of so many in all: one, where each thread has a chunk of its own."""
        return 1 if self.plain else threads

    @property
    def chunks_read(self) -> int:
        """Chunks of features that are read together."""
        return 1 if self.store is None else CHUNKS_LOOKED_UP


@contextmanager
def _beside(root: Path, address: str) -> Iterator[Path]:
    """Where the output is made that will be uploaded: the same place in the next run, so that this can go on there."""
    folder = root / f"{PARTIAL}upload-{sha256_of(address)[:16]}"
    local = folder / address.rpartition("/")[2]
    folder.mkdir(exist_ok=True)
    try:
        yield local
    finally:
        local.unlink(missing_ok=True)
        with suppress(OSError):  # not empty: parts of a run that ended early
            folder.rmdir()


def _run(context: Context, source: Path | str, output: Path | str, reference: str, asked: Asked) -> dict[str, Any]:
    output = Path(output)
    write = writer_of(output)
    records = Records(context.folder.ledger, context.folder.unfinished_move)
    found = find_bundle(reference, context.registry, own_copy=context.folder.bundle, records=records)
    version = found.version.version if found.version else None
    named = found.version.bundle_sha256 if found.version else None
    bundle = load_bundle(found.folder, expected=named, threads=asked.threads_of_trees(context.duck.threads))
    context.progress("score", "starting", 0.0)
    with unfinished(output) as work:
        book = load_book(found.folder)
        passing = work / PASSING
        if is_address(source):
            source = fetch_tables(context, book, str(source), passing / "raw", stage="score", scoring=True)
        arrived = _arrived(context, book, Path(source), passing)
        tables = {name: table.path for name, table in arrived.bronze.items()}
        features = _features(context, book, tables, passing)
        run_id = _run_id(book, bundle, arrived, asked)
        parts = Parts.of(work, run_id, asked.rows_at_once)
        batch = Batch(context, book, bundle, tables, asked, run_id, None if version is None else str(version))
        done = batch.score(features, parts)
        with whole_file(output) as partial, write(partial, batch.schema(features)) as put:
            counts = put_together(parts.read(done.chunks), put)
        invented = bundle.invented or is_invented(Path(source))
    context.progress("score", "done", 1.0)
    return {
        "rows": counts.total(),
        "decisions": dict(sorted(counts.items())),
        "run_id": run_id,
        "rows_done_before": done.before,
        "recorded": done.recorded,
        "recorded_before": None if done.recorded is None else counts.total() - done.recorded,
        "bundle_sha256": bundle.sha256,
        "version": version,
        "invented_data": invented,
        "reasons_unproved": bundle.policy.unproved if asked.reasons else None,
        "checks_off": bundle.manifest.get("checks_off", []),
        "leaks_released": bundle.manifest.get("leaks_released", []),
        "output": str(output),
    }


def put_together(chunks: Iterable[pa.Table], put: Put) -> Counter[str]:
    """All parts into one file; returns how many decisions of each kind there are."""
    counts: Counter[str] = Counter()
    for chunk in chunks:
        put(chunk)
        counts.update({found["values"]: found["counts"] for found in chunk["decision"].value_counts().to_pylist()})
    return counts


def _run_id(book: Book, bundle: Bundle, arrived: Arrived, asked: Asked) -> str:
    """Of everything that decides what is decided: not of where, when, by whom or into which file."""
    return sha256_of(
        {
            "book": book.name,
            "bundle": bundle.sha256,
            "input": {name: landed.sha256 for name, landed in arrived.landed.items()},
            "reasons": asked.reasons,
            "counterfactuals": asked.counterfactuals,
            "recorded": asked.store is not None,
        }
    )


@dataclass
class _Done:
    """chunks: of the whole run.  before: rows that an earlier run had finished.  recorded: passports made now."""

    chunks: int = 0
    before: int = 0
    recorded: int | None = None


class Batch:
    """One run: rows in chunks, each scored, written down as a part, and kept where that is asked for."""

    def __init__(
        self,
        context: Context,
        book: Book,
        bundle: Bundle,
        tables: Mapping[str, Path],
        asked: Asked,
        run_id: str,
        version: str | None,
    ) -> None:
        self._context, self._book, self._bundle, self._tables, self._asked = context, book, bundle, tables, asked
        self._run_id = run_id
        self._sound = decisions_schema(bundle.key, bundle.policy.grade_names)
        self._change = changer(bundle, book, tables, context.duck) if asked.counterfactuals else None
        self._find: Find | None = None
        self._recorder: Recorder | None = None
        if asked.store is not None:
            self._raw = RawRows(book, tables, context.duck)
            self._recorder = Recorder(
                asked.store, context.clock, run_id, context.actor, book, bundle, version, asked.reasons, Intake(book)
            )
        if asked.reasons:
            self._find = finder(bundle, book, tables, context.duck) if asked.store is None else self._raw.finder(bundle)

    def schema(self, features: Path) -> pa.Schema:
        """Of what is written."""
        schema = score_schema(self._bundle.key, pq.read_schema(features).field(self._bundle.key).type)
        if self._change is not None:
            schema = schema.append(pa.field("counterfactual", COUNTERFACTUAL))
        return schema if self._recorder is None else schema.append(pa.field("decision_id", pa.string()))

    def score(self, features: Path, parts: Parts) -> _Done:
        with pq.ParquetFile(features) as file:
            return self._side_by_side(file, parts) if self._asked.plain else self._one_by_one(file, parts)

    def _side_by_side(self, file: pq.ParquetFile, parts: Parts) -> _Done:
        done, told, waiting = _Done(), 0, deque[tuple[int, Future[None]]]()
        threads = self._context.duck.threads

        def finish_first() -> None:
            nonlocal told
            rows, finished = waiting.popleft()
            finished.result()
            told += rows
            self._context.progress("score", f"{told:,} decisions", 0.5 + told / file.metadata.num_rows / 2)

        with ThreadPoolExecutor(threads) as pool:
            for number, rows in enumerate(_chunks(file, self._asked.rows_at_once)):
                done.chunks += 1
                if parts.has(number):
                    done.before += rows.num_rows
                    told += rows.num_rows
                    continue
                waiting.append((rows.num_rows, pool.submit(self._finish_plain, rows, number, parts)))
                if len(waiting) > threads:
                    finish_first()
            while waiting:
                finish_first()
        return done

    def _finish_plain(self, rows: pa.Table, number: int, parts: Parts) -> None:
        parts.write(number, self._sound_scores(rows))

    def _one_by_one(self, file: pq.ParquetFile, parts: Parts) -> _Done:
        done, first = _Done(recorded=None if self._recorder is None else 0), 0
        at_once, of_all = self._asked.rows_at_once, file.metadata.num_rows
        for together in _read_ahead(_chunks(file, at_once * self._asked.chunks_read)):
            if self._recorder is not None:
                self._raw.announce(together[self._bundle.key].combine_chunks())
            for start in range(0, together.num_rows, at_once):
                rows = together.slice(start, at_once)
                self._need_finished(rows, first, parts, done)
                first += rows.num_rows
                self._context.progress("score", f"{first:,} decisions", 0.5 + first / of_all / 2)
        return done

    def _need_finished(self, rows: pa.Table, first: int, parts: Parts, done: _Done) -> None:
        kept = self._recorder is None or self._recorder.has(first, rows.num_rows)
        if kept and parts.has(done.chunks):
            done.before += rows.num_rows
        else:
            self._finish(rows, first, parts, done, kept=kept)
        done.chunks += 1

    def _finish(self, rows: pa.Table, first: int, parts: Parts, done: _Done, *, kept: bool) -> None:
        """Score the rows from number `first` on, and keep them where they are not kept yet."""
        told = decisions = self._sound_scores(rows)
        if self._change is not None:
            told = told.append_column(
                "counterfactual", counterfactual_column(self._bundle, rows, decisions, self._change)
            )
        if self._recorder is not None:
            told = told.append_column("decision_id", pa.array(decision_ids(self._run_id, first, rows.num_rows)))
        parts.write(done.chunks, told)
        if self._recorder is not None and not kept:
            raw = self._raw.of(rows[self._bundle.key].combine_chunks())
            done.recorded = (done.recorded or 0) + self._recorder.record(first, raw, rows, decisions)

    def _sound_scores(self, rows: pa.Table) -> pa.Table:
        decisions = score(self._bundle, rows, with_reasons=self._asked.reasons, find=self._find)
        need_sound(decisions, self._sound, what="the scored rows")
        return decisions


def _chunks(file: pq.ParquetFile, rows: int) -> Iterator[pa.Table]:
    """Of so many rows each, however many a group of the file has."""
    return of_size(_pieces(file, rows), rows)


def _pieces(file: pq.ParquetFile, most: int) -> Iterator[pa.Table]:
    """Group by group: over several of them PyArrow keeps what it read of each column; its threads triple the cost."""
    for group in range(file.metadata.num_row_groups):
        for batch in file.iter_batches(most, row_groups=[group], use_threads=False):
            yield pa.Table.from_batches([batch])


def _read_ahead(chunks: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same, each read while the one before is scored."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = reader.submit(next, chunks, None)
            yield chunk


def _arrived(context: Context, book: Book, source: Path, folder: Path) -> Arrived:
    """The raw tables, typed and checked by the bundle's own contracts."""
    arrived = bring_in(context, book, source, folder / "bronze", scoring=True)
    tables = {name: table.path for name, table in arrived.bronze.items()}
    refuse_if_needed(check(tables, book.contracts, book.portfolio, settings=context.duck, scoring=True))
    return arrived


def _features(context: Context, book: Book, tables: Mapping[str, Path], folder: Path) -> Path:
    """The feature rows of everybody in the tables, by the bundle's own SQL."""
    out = folder / "features.parquet"
    schema, links = table_schema(book), links_of(book)
    compute(tables, book.sql, schema, key=book.key, out=out, settings=context.duck, links=links)
    return out


def counterfactual_column(bundle: Bundle, rows: pa.Table, decisions: pa.Table, change: Change) -> pa.Array:
    """Of those that are not approved; NULL for the others."""
    wanted = np.flatnonzero(pc.not_equal(decisions["decision"], Verdict.APPROVE.value).to_numpy())
    if not len(wanted):
        return pa.nulls(rows.num_rows, COUNTERFACTUAL)
    some = rows.take(pa.array(wanted))
    told = counterfactuals(bundle, some, change(some[bundle.key].combine_chunks()))
    places = np.full(rows.num_rows, -1)
    places[wanted] = np.arange(len(wanted))
    return told.take(pa.array(places, mask=places < 0))


type Change = Callable[[pa.Array], Applicants]
type Put = Callable[[pa.Table], None]


def writer_of(output: Path) -> Callable[[Path, pa.Schema], AbstractContextManager[Put]]:
    if output.is_dir():
        raise BadUsage("the output is a folder", where=str(output), hint="name a file: --output decisions.parquet")
    writers = {".parquet": _parquet, ".csv": _csv, ".json": _json_lines}
    if output.suffix not in writers:
        raise BadUsage(
            f'no decisions are written as "{output.suffix or output.name}"',
            where=str(output),
            hint=did_you_mean(output.suffix, writers),
        )
    return writers[output.suffix]


@contextmanager
def _parquet(path: Path, schema: pa.Schema) -> Iterator[Put]:
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        yield writer.write_table


@contextmanager
def _csv(path: Path, schema: pa.Schema) -> Iterator[Put]:
    """Reasons and warnings as JSON in their cells."""
    flat = pa.schema([(field.name, pa.string() if pa.types.is_nested(field.type) else field.type) for field in schema])
    with pyarrow.csv.CSVWriter(path, flat) as writer:

        def put(chunk: pa.Table) -> None:
            for place, field in enumerate(schema):
                if pa.types.is_nested(field.type):
                    cells = [json.dumps(value, ensure_ascii=False) for value in chunk[field.name].to_pylist()]
                    chunk = chunk.set_column(place, field.name, pa.array(cells, pa.string()))
            writer.write_table(chunk)

        yield put


@contextmanager
def _json_lines(path: Path, schema: pa.Schema) -> Iterator[Put]:  # noqa: ARG001
    """One JSON object a line."""
    with path.open("w", encoding="utf-8") as stream:

        def put(chunk: pa.Table) -> None:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in chunk.to_pylist())

        yield put


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("score"))
