"""A passport of each decision of a batch: its raw rows as a record, read back as the API reads one, and kept once."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from creditrisk.config import MAIN, Book
from creditrisk.decisions.decide import answers
from creditrisk.decisions.intake import Application, Intake
from creditrisk.decisions.passport import passport_of
from creditrisk.decisions.proofs import substitution_of
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadData, BadUsage, DuplicateKey
from creditrisk.features import Applicants, parents_first, rows_among, rows_of
from creditrisk.kinds import Available
from creditrisk.modelling import Bundle
from creditrisk.ports import Clock, DecisionStore, Idempotency, Passport
from creditrisk.scoring import Find

AFTERWARDS = (Available.OUTCOME, Available.POST_ORIGINATION)


def decision_ids(run_id: str, first: int, count: int) -> list[str]:
    """Of the rows of a run, which are sorted by key: the same rows have the same ids whoever scores them again."""
    name = uuid.UUID(hex=run_id[:32])
    return [str(uuid.uuid5(name, str(row))) for row in range(first, first + count)]


@dataclass(frozen=True)
class Recorder:
    """Keeps the decisions of one run in their order, each once, however often and by whomever the run is started.

    run_id: 64 hex digits, of everything that decides.  actor: who started this run, and stands in what it keeps.
    version: of the registered model; None for a bare bundle.
    """

    store: DecisionStore
    clock: Clock
    run_id: str
    actor: str
    book: Book
    bundle: Bundle
    version: str | None
    with_reasons: bool
    intake: Intake

    def has(self, first: int, count: int) -> bool:
        """Are the decisions of these rows kept? They are kept in their order, so the last one tells."""
        return self.store.find(decision_ids(self.run_id, first + count - 1, 1)[0]) is not None

    def record(self, first: int, raw: Mapping[str, pa.Table], features: pa.Table, decisions: pa.Table) -> int:
        """All of these rows are on disk when it returns; how many of them were not before.

        first: number of the first row.  raw: as `raw_schema` asks.  features, decisions: rows in the order of the key.
        Raises BadData where a raw row does not read back as the record it should be, OutsideFailed as the store does.
        """
        applications = self._applications(first, raw, features[self.bundle.key].to_pylist())
        values = zip(*(features[name].to_pylist() for name in self.bundle.preprocess.names), strict=True)
        decided = answers(self.bundle, applications, values, decisions)
        now = self.clock.now()
        passports = [
            passport_of(
                application,
                one,
                self.bundle,
                book=self.book.name,
                model_version=self.version,
                decision_id=decision_id,
                request_id=self.run_id,
                caller=self.actor,
                time=now,
                kind="batch",
                # A row's number instead of its key: this stays when personal data are deleted.
                idempotency=Idempotency(f"{self.run_id}/{first + place}", self.run_id),
                with_reasons=self.with_reasons,
            )
            for place, (decision_id, application, one) in enumerate(
                zip(decision_ids(self.run_id, first, len(decided)), applications, decided, strict=True)
            )
        ]
        return self._append(passports)

    def _append(self, passports: Sequence[Passport]) -> int:
        """Somebody may score the same at the same time from another workspace: what is kept already stays as it is."""
        while passports:
            try:
                self.store.append(passports)
            except (DuplicateKey, BadUsage):  # the second where somebody else started the other run
                new = [one for one in passports if self.store.find(one.decision_id) is None]
                if len(new) == len(passports):
                    raise
                passports = new
            else:
                break
        return len(passports)

    def _applications(self, first: int, raw: Mapping[str, pa.Table], keys: Sequence[Any]) -> Sequence[Application]:
        read = self.intake.read(list(_records(self.book, raw, keys)))
        if read.problems:
            problem = read.problems[0]
            raise BadData(
                f"a row does not read back as a record: {problem.rule}",
                where=f"rows {first} to {first + len(keys) - 1} of the batch, {problem.where}",
                hint=f"{problem.hint}; without --record it can be scored",
            )
        told = [one.key for one in read.applications]
        if told != list(keys):
            raise BadData(
                "the key of a row is not that of its record",
                where=f"rows {first} to {first + len(keys) - 1} of the batch, {self.book.key}",
                hint="without --record it can be scored",
            )
        return read.applications


class RawRows:
    """The typed rows of some applications at a time, out of tables of any size."""

    def __init__(self, book: Book, tables: Mapping[str, Path], settings: DuckSettings) -> None:
        self._book, self._tables, self._settings = book, tables, settings
        self._schema = raw_schema(book, tables)
        self._announced: pa.Array = pa.nulls(0)
        self._rows: dict[str, pa.Table] | None = None

    def announce(self, keys: pa.Array) -> None:
        """These will be asked for, a part at a time: the tables are read once for all of them, and only if one is."""
        self._announced, self._rows = keys, None

    def of(self, keys: pa.Array) -> dict[str, pa.Table]:
        """{table: the rows that their records hold}; the main table in the order of the key."""
        if self._rows is None:
            self._rows = rows_of(self._tables, self._book, self._schema, self._announced, self._settings)
        return rows_among(self._rows, self._book, keys)

    def finder(self, bundle: Bundle) -> Find | None:
        """As `reason_proofs.finder`, out of these rows."""
        proofs = substitution_of(bundle, self._book, self._settings)
        if proofs is None:
            return None
        wanted = proofs.schema

        def find(keys: pa.Array) -> Applicants:
            return proofs.over({name: rows.select(list(wanted[name])) for name, rows in self.of(keys).items()})

        return find


def raw_schema(book: Book, tables: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """The columns of each typed table that a record holds.

    What came to exist after the application is none of them, nor what may not decide; unless the key is made of it.
    """
    barred, entity = set(book.portfolio.policy.kept_apart), book.portfolio.entity
    schema: dict[str, dict[str, str]] = {}
    for name, path in tables.items():
        known = set(pq.read_schema(path).names)
        wanted = [book.key] if name == MAIN else []
        for column in book.contracts[name].columns:
            in_key = name == MAIN and (column.available in entity.hash_of or column.name in entity.hash_also)
            joins = column.name in book.joins(name)
            asked = column.available not in AFTERWARDS and column.name not in barred
            if column.name in known and (asked or in_key or joins) and column.name not in wanted:
                wanted.append(column.name)
        schema[name] = dict.fromkeys(wanted, "")
    return schema


def _records(book: Book, raw: Mapping[str, pa.Table], keys: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """What a caller would send of each of these, in their order. Child rows stand in the order of their table."""
    below: dict[str, list[list[dict[str, Any]]]] = {}
    for name in parents_first(book):
        if name not in raw:
            continue
        rows = [{column: _sent(value) for column, value in row.items()} for row in raw[name].to_pylist()]
        below[name] = [[] for _ in keys]
        for row, place in _with_owners(book, name, rows, keys, below):
            below[name][place].append(row)
    made_key = book.key not in book.contracts[MAIN].names
    for place in range(len(keys)):
        (main,) = below[MAIN][place]
        if made_key:
            main = {column: value for column, value in main.items() if column != book.key}
        yield {MAIN: main, **{name: own[place] for name, own in below.items() if name != MAIN}}


def _with_owners(
    book: Book,
    name: str,
    rows: Sequence[dict[str, Any]],
    keys: Sequence[Any],
    above: Mapping[str, Sequence[Sequence[dict[str, Any]]]],
) -> Iterator[tuple[dict[str, Any], int]]:
    table = book.portfolio.tables[name]
    owners: dict[Any, list[int]] = defaultdict(list)
    if MAIN in (name, table.parent):
        for place, key in enumerate(keys):
            owners[key].append(place)
    elif table.parent in above:
        link = book.portfolio.tables[str(table.parent)].key[0]
        for place, own in enumerate(above[str(table.parent)]):
            for named in dict.fromkeys(row[link] for row in own):
                owners[named].append(place)
    column = book.key if name == MAIN else str(table.foreign_key)
    return ((row, place) for row in rows for place in owners.get(row[column], ()))


def _sent(value: Any) -> Any:
    """A typed value as decoded JSON has it."""
    if isinstance(value, float):
        return Decimal(repr(value))
    return value.isoformat() if isinstance(value, date) else value
