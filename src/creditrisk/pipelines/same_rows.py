"""The same applications decided by several models, each by its own SQL where that differs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import load_book
from creditrisk.errors import BadData
from creditrisk.features import compute, links_of, table_schema
from creditrisk.files import PARTIAL
from creditrisk.governance import find_bundle
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.pipelines.context import Context
from creditrisk.ports import ModelVersion


@dataclass(frozen=True)
class LoadedModel:
    """A version of the registry and its bundle. folder: of the bundle, which is also a book."""

    version: ModelVersion
    bundle: Bundle
    folder: Path


def load_model(context: Context, version: ModelVersion) -> LoadedModel:
    """Every hash is checked. Raises what the registry and a damaged bundle raise."""
    found = find_bundle(version.uri, context.registry, own_copy=context.folder.bundle)
    return LoadedModel(version, load_bundle(found.folder, expected=version.bundle_sha256), found.folder)


@dataclass(frozen=True)
class SameRows:
    """keys: who is decided, in this order.  tables: their raw records, typed.

    engineered: their feature rows, where they are ready, made by the SQL files of these hashes.
    """

    keys: pa.Array
    tables: Mapping[str, Path]
    engineered: pa.Table | None
    sql: Mapping[str, str]


def sql_hashes(bundle: Bundle) -> dict[str, str]:
    """{path inside the bundle: sha256} of its SQL."""
    return {
        name: hashlib.sha256(content).hexdigest() for name, content in bundle.files.items() if name.startswith("sql/")
    }


def features_by(model: LoadedModel, rows: SameRows, context: Context) -> tuple[pa.Table, bool]:
    """The rows as this model sees them, in their order; and whether its own SQL had to run.

    A feature of the same name may mean something else in other SQL, so that runs wherever it differs.
    Raises BadData where a row has no features by it, and what its SQL raises.
    """
    bundle = model.bundle
    names = set(bundle.preprocess.names)
    if rows.engineered is not None and sql_hashes(bundle) == rows.sql and names <= set(rows.engineered.column_names):
        return rows.engineered, False
    features = _computed(model.folder, rows.tables, context)
    place = pc.index_in(rows.keys, value_set=features[bundle.key].combine_chunks())
    if place.null_count:
        raise BadData(
            f"{place.null_count} rows have no features by this model's SQL", where=f"model {bundle.sha256[:16]}"
        )
    return features.take(place), True


def _computed(folder: Path, tables: Mapping[str, Path], context: Context) -> pa.Table:
    book, workspace = load_book(folder), context.folder.root
    there = {name: tables[name] for name in book.portfolio.tables if name in tables and tables[name].is_file()}
    with TemporaryDirectory(prefix=f"{PARTIAL}features-", dir=workspace) as passing:
        out = Path(passing) / "features.parquet"
        schema, links = table_schema(book), links_of(book)
        compute(there, book.sql, schema, key=book.key, out=out, settings=context.duck, links=links)
        return pq.read_table(out)
