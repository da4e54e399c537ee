"""What reasons are proved with: put together when a model is trained, taken out of its bundle when it decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from creditrisk.config import MAIN, Book
from creditrisk.decisions.proofs import substitution_for_changes, substitution_of
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadConfig
from creditrisk.features import (
    Applicants,
    Lineage,
    Substitution,
    feature_lineage,
    mentioned,
    raw_factors,
    renumbered,
    rows_of,
)
from creditrisk.modelling import Bundle, Proofs, choose_peers
from creditrisk.modelling.peers import FEWEST
from creditrisk.modelling.train import TrainedModel

SHARES = 21
"""Development values kept of a changeable column: at 0, 5, ... 100 % of the rows."""


def proofs_of(model: TrainedModel, book: Book, tables: Mapping[str, Path], settings: DuckSettings) -> Proofs:
    """tables: the typed tables that the development rows were made from."""
    keys = model.described[book.key]
    quantiles = _quantiles(book, tables, keys, settings)
    wanted = book.portfolio.decision.peers
    try:
        lineage = feature_lineage(book)
        reads = {name: _by_table(lineage[name]) for name in model.preprocess.names}
        factors = raw_factors({one.code: one.features or one.shared for one in model.policy.reasons}, lineage)
        Substitution(book, reads=reads, factors=(), peers={}, settings=settings).cut  # noqa: B018
    except BadConfig as error:
        return Proofs(quantiles=quantiles, unproved=f"the book's SQL cannot be followed: {error}")
    if not wanted:
        return Proofs(reads=reads, quantiles=quantiles, unproved="the book keeps no peers (decision.peers is 0)")
    pd = model.refitted_pd
    approved = pd < model.policy.cut_off.refer_from_pd
    chosen = choose_peers(keys.to_pylist(), pd, approved, wanted=wanted, seed=book.portfolio.training.seed)
    if len(chosen) < FEWEST:
        why = f"{len(chosen)} approved applicants to learn from; at least {FEWEST} are needed as peers"
        return Proofs(reads=reads, quantiles=quantiles, unproved=why)
    people = pc.take(keys.combine_chunks(), pa.array(chosen))
    peers = renumbered(rows_of(tables, book, mentioned(book), people, settings), book)
    return Proofs(
        factors={code: _columns(columns) for code, columns in factors.items()},
        reads=reads,
        peers=peers,
        quantiles=quantiles,
    )


def finder(
    bundle: Bundle, book: Book, tables: Mapping[str, Path], settings: DuckSettings
) -> Callable[[pa.Array], Applicants] | None:
    """Given keys, the people whose reasons are to be proved, with their raw rows out of these typed tables."""
    substitution = substitution_of(bundle, book, settings)
    if substitution is None:
        return None
    return lambda keys: substitution.over(rows_of(tables, book, substitution.schema, keys, settings))


def changer(
    bundle: Bundle, book: Book, tables: Mapping[str, Path], settings: DuckSettings
) -> Callable[[pa.Array], Applicants]:
    """Given keys, the people whose facts may be changed. Raises Refused when the bundle cannot tell what they move."""
    substitution = substitution_for_changes(bundle, book, settings)
    return lambda keys: substitution.over(rows_of(tables, book, substitution.schema, keys, settings))


def _by_table(lineage: Lineage) -> dict[str, list[str]]:
    return _columns(lineage.reads)


def _columns(raw: frozenset[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in sorted(raw):
        found.setdefault(table, []).append(column)
    return found


def _quantiles(
    book: Book, tables: Mapping[str, Path], keys: pa.ChunkedArray, settings: DuckSettings
) -> dict[str, Sequence[float]]:
    columns = list(book.portfolio.decision.changeable)
    if not columns:
        return {}
    schema = {MAIN: {name: "" for name in (book.key, *columns)}}
    rows = rows_of({MAIN: tables[MAIN]}, book, schema, keys.combine_chunks(), settings)[MAIN]
    found: dict[str, Sequence[float]] = {}
    for name in columns:
        kind = rows[name].type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
            raise BadConfig(
                f'"{name}" is {kind}, not a number',
                where="portfolio.yaml, decision.changeable",
                hint="only numbers can be moved up or down",
            )
        values = np.sort(rows[name].cast(pa.float64()).drop_null().to_numpy())
        if len(values):
            places = np.linspace(0, len(values) - 1, SHARES).astype(np.int64)
            found[name] = sorted({float(one) for one in values[places]})
    return found
