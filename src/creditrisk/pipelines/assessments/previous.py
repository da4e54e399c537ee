"""The model that this one would replace, and what it says of the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import load_book
from creditrisk.errors import BadData, CreditRiskError
from creditrisk.features import compute, table_schema
from creditrisk.files import PARTIAL
from creditrisk.governance import find_bundle
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.pipelines.assessments.tested import Tested
from creditrisk.pipelines.context import Context
from creditrisk.ports import PRODUCTION, ModelVersion
from creditrisk.scoring import score


@dataclass(frozen=True)
class Previous:
    """folder: of the bundle, which is also a book."""

    version: ModelVersion
    bundle: Bundle
    folder: Path


def find_previous(context: Context, sha256: str) -> Previous | None:
    """The model in production, else the newest version, other than the bundle `sha256`; None = there is none.

    Raises what the registry and a damaged bundle raise.
    """
    others = [kept for kept in context.registry.versions(context.book.name) if kept.bundle_sha256 != sha256]
    if not others:
        return None
    version = next((kept for kept in others if PRODUCTION in kept.aliases), others[-1])
    found = find_bundle(version.uri, context.registry, own_copy=context.folder.bundle)
    return Previous(version, load_bundle(found.folder, expected=version.bundle_sha256), found.folder)


def scored_by(previous: Previous, context: Context, tested: Tested) -> tuple[pa.Table, bool]:
    """The tested rows as the previous model decides them, in their order; and whether its own SQL had to run.

    Its SQL runs, on the raw tables of today, where it differs from that of the tested bundle: a feature of the same
    name may mean something else. Raises BadData where a row has no features by it, and what its SQL raises.
    """
    keys = tested.rows[tested.bundle.key]
    if previous.bundle.key != tested.bundle.key:
        raise BadData(f"the previous model knows applications by {previous.bundle.key}", where="swap set")
    names = set(previous.bundle.preprocess.names)
    if _sql(previous.bundle) == _sql(tested.bundle) and names <= set(tested.rows.column_names):
        return score(previous.bundle, tested.rows, with_reasons=False), False
    features = _features(previous, context)
    place = pc.index_in(keys.combine_chunks(), value_set=features[previous.bundle.key].combine_chunks())
    if place.null_count:
        raise BadData(f"{place.null_count} tested rows have no features by the previous model's SQL", where="swap set")
    return score(previous.bundle, features.take(place), with_reasons=False), True


def same_split(previous: Previous, context: Context) -> bool:
    """Were the rows that are tested now kept from the previous model as well?"""
    try:
        return load_book(previous.folder).portfolio.split == context.book.portfolio.split
    except CreditRiskError:
        return False


def _sql(bundle: Bundle) -> dict[str, bytes]:
    return {name: content for name, content in bundle.files.items() if name.startswith("sql/")}


def _features(previous: Previous, context: Context) -> pa.Table:
    book, folder = load_book(previous.folder), context.folder
    tables = {name: folder.table(name) for name in book.portfolio.tables if folder.table(name).is_file()}
    with TemporaryDirectory(prefix=f"{PARTIAL}previous-", dir=folder.root) as passing:
        out = Path(passing) / "features.parquet"
        compute(tables, book.sql, table_schema(book), key=book.key, out=out, settings=context.duck)
        return pq.read_table(out)
