"""Batch: raw tables in, decisions out, in streaming chunks, by the one scoring function."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from creditrisk.config import Book, load_book
from creditrisk.contracts import check, decisions_schema, need_sound, refuse_if_needed
from creditrisk.errors import BadUsage, did_you_mean
from creditrisk.features import Applicants, compute, table_schema
from creditrisk.files import PARTIAL, whole_file
from creditrisk.governance import find_bundle
from creditrisk.kinds import Verdict
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.pipelines.addresses import fetch_bundle, fetch_tables, is_address, need_storage
from creditrisk.pipelines.context import Context, is_invented
from creditrisk.pipelines.ingest_data import bring_in
from creditrisk.pipelines.reason_proofs import changer, finder
from creditrisk.scoring import COUNTERFACTUAL, Find, counterfactuals, score, score_schema

ROWS_AT_ONCE = 50_000


def run(
    context: Context,
    source: Path | str,
    output: Path | str,
    *,
    reference: str,
    with_reasons: bool = True,
    with_counterfactuals: bool = False,
) -> dict[str, Any]:
    """Decisions for the applications in `source`, sorted by key, into `output` (whole or not there).

    source: a folder of raw tables, or the one raw table of a one-table book.  reference: models:/<name>@<alias> or a
    bundle's folder; its own SQL and contracts are used, not the book's of today. Each may be an address in a bucket.
    with_counterfactuals: a column more says what would have had to be different.
    Returns counts for the terminal. Raises as the stages do.
    """
    name = str(output).rpartition("/")[2]
    context.folder.root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{PARTIAL}score-", dir=context.folder.root) as passing:
        if is_address(reference):
            reference = str(fetch_bundle(context, reference, Path(passing) / "bundle"))
        if not is_address(output):
            return _run(context, source, Path(output), reference, with_reasons, with_counterfactuals)
        told = _run(context, source, Path(passing) / name, reference, with_reasons, with_counterfactuals)
        need_storage(context, str(output)).write(Path(passing) / name, str(output))
        return {**told, "output": str(output)}


def _run(
    context: Context,
    source: Path | str,
    output: Path,
    reference: str,
    with_reasons: bool,
    with_counterfactuals: bool,
) -> dict[str, Any]:
    write = _writer(output)
    found = find_bundle(reference, context.registry, own_copy=context.folder.bundle)
    named = found.version.bundle_sha256 if found.version else None
    bundle = load_bundle(found.folder, expected=named, threads=context.duck.threads)
    output.parent.mkdir(parents=True, exist_ok=True)
    context.progress("score", "starting", 0.0)
    with TemporaryDirectory(prefix=f"{PARTIAL}score-", dir=output.parent) as folder:
        book = load_book(found.folder)
        if is_address(source):
            source = fetch_tables(context, book, str(source), Path(folder) / "raw", stage="score", scoring=True)
        tables = _tables(context, book, Path(source), Path(folder))
        features = _features(context, book, tables, Path(folder))
        find = finder(bundle, book, tables, context.duck) if with_reasons else None
        change = changer(bundle, book, tables, context.duck) if with_counterfactuals else None
        invented = bundle.invented or is_invented(Path(source))
        rows = pq.read_metadata(features).num_rows
        counts: Counter[str] = Counter()
        with whole_file(output) as partial, write(partial, _schema(bundle, features, change)) as put:
            for chunk in _scored(bundle, features, with_reasons=with_reasons, find=find, change=change):
                put(chunk)
                counts.update(map(str, chunk["decision"].to_pylist()))
                context.progress("score", f"{counts.total():,} decisions", 0.5 + counts.total() / rows / 2)
    context.progress("score", "done", 1.0)
    return {
        "rows": counts.total(),
        "decisions": dict(sorted(counts.items())),
        "bundle_sha256": bundle.sha256,
        "version": found.version.version if found.version else None,
        "invented_data": invented,
        "reasons_unproved": bundle.policy.unproved if with_reasons else None,
        "checks_off": bundle.manifest.get("checks_off", []),
        "leaks_released": bundle.manifest.get("leaks_released", []),
        "output": str(output),
    }


def _tables(context: Context, book: Book, source: Path, folder: Path) -> dict[str, Path]:
    """The raw tables, typed and checked by the bundle's own contracts."""
    arrived = bring_in(context, book, source, folder / "bronze", scoring=True)
    tables = {name: table.path for name, table in arrived.bronze.items()}
    refuse_if_needed(check(tables, book.contracts, book.portfolio, settings=context.duck, scoring=True))
    return tables


def _features(context: Context, book: Book, tables: Mapping[str, Path], folder: Path) -> Path:
    """The feature rows of everybody in the tables, by the bundle's own SQL."""
    out = folder / "features.parquet"
    compute(tables, book.sql, table_schema(book), key=book.key, out=out, settings=context.duck)
    return out


def _scored(
    bundle: Bundle, features: Path, *, with_reasons: bool, find: Find | None, change: Change | None
) -> Iterator[pa.Table]:
    sound = decisions_schema(bundle.key, bundle.policy.grade_names)
    with pq.ParquetFile(features) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE):
            rows = pa.Table.from_batches([batch])
            decisions = score(bundle, rows, with_reasons=with_reasons, find=find)
            need_sound(decisions, sound, what="the scored rows")
            if change is not None:
                decisions = decisions.append_column("counterfactual", _counterfactuals(bundle, rows, decisions, change))
            yield decisions


def _counterfactuals(bundle: Bundle, rows: pa.Table, decisions: pa.Table, change: Change) -> pa.Array:
    """Of those that are not approved; NULL for the others."""
    wanted = np.flatnonzero(pc.not_equal(decisions["decision"], Verdict.APPROVE.value).to_numpy())
    if not len(wanted):
        return pa.nulls(rows.num_rows, COUNTERFACTUAL)
    some = rows.take(pa.array(wanted))
    told = counterfactuals(bundle, some, change(some[bundle.key].combine_chunks()))
    places = np.full(rows.num_rows, -1)
    places[wanted] = np.arange(len(wanted))
    return told.take(pa.array(places, mask=places < 0))


def _schema(bundle: Bundle, features: Path, change: Change | None) -> pa.Schema:
    schema = score_schema(bundle.key, pq.read_schema(features).field(bundle.key).type)
    return schema.append(pa.field("counterfactual", COUNTERFACTUAL)) if change is not None else schema


type Change = Callable[[pa.Array], Applicants]
type Put = Callable[[pa.Table], None]


def _writer(output: Path) -> Callable[[Path, pa.Schema], AbstractContextManager[Put]]:
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
