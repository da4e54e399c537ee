"""The model that this one would replace, and what it says of the same rows."""

from __future__ import annotations

import pyarrow as pa

from creditrisk.config import load_book
from creditrisk.errors import BadData, CreditRiskError
from creditrisk.pipelines.assessments.tested import Tested
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.same_rows import LoadedModel, SameRows, features_by, load_model, sql_hashes
from creditrisk.ports import PRODUCTION
from creditrisk.scoring import score


def find_previous(context: Context, sha256: str) -> LoadedModel | None:
    """The model in production, else the newest version, other than the bundle `sha256`; None = there is none.

    Raises what the registry and a damaged bundle raise.
    """
    others = [kept for kept in context.registry.versions(context.book.name) if kept.bundle_sha256 != sha256]
    if not others:
        return None
    return load_model(context, next((kept for kept in others if PRODUCTION in kept.aliases), others[-1]))


def scored_by(previous: LoadedModel, context: Context, tested: Tested) -> tuple[pa.Table, bool]:
    """The tested rows as the previous model decides them, in their order; and whether its own SQL had to run.

    Its SQL runs, on the raw tables of today, where it differs from that of the tested bundle.
    Raises BadData where a row has no features by it, and what its SQL raises.
    """
    if previous.bundle.key != tested.bundle.key:
        raise BadData(f"the previous model knows applications by {previous.bundle.key}", where="swap set")
    keys, folder = tested.rows[tested.bundle.key].combine_chunks(), context.folder
    tables = {name: folder.table(name) for name in load_book(previous.folder).portfolio.tables}
    features, own_sql_ran = features_by(
        previous, SameRows(keys, tables, tested.rows, sql_hashes(tested.bundle)), context
    )
    return score(previous.bundle, features, with_reasons=False), own_sql_ran


def same_split(model: LoadedModel, context: Context) -> bool:
    """Were the rows that are tested now kept from this model as well?"""
    try:
        return load_book(model.folder).portfolio.split == context.book.portfolio.split
    except CreditRiskError:
        return False
