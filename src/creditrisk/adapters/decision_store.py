"""The decision store on SQLite or Postgres: one transaction for each append, synced before it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import batched
from threading import RLock
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from creditrisk import __version__
from creditrisk import decision_chain as chain
from creditrisk.adapters.decision_columns import batch_of, outlines_of
from creditrisk.adapters.decision_store_database import Database, open_database
from creditrisk.adapters.decision_store_statements import (
    ABOUT,
    PAGE,
    Insert,
    Statements,
    between,
    columns_of,
    head_of,
    holds,
    is_held,
    place_of,
    record_of,
    same_place,
    sealed_of,
    with_payload,
)
from creditrisk.adapters.decision_store_tables import CHAINS, PAYLOADS, PROBE, RECORDS
from creditrisk.decision_chain import Entry, Found, Head, Record
from creditrisk.errors import BadUsage, DuplicateKey, OutsideFailed, Refused
from creditrisk.kinds import new_decision_id
from creditrisk.ports import OUTLINE, ActUpon, Clock, Kept, Passport, PassportKind, Verification
from creditrisk.sealing import PayloadKeys
from creditrisk.signatures import Signer

if TYPE_CHECKING:
    import pyarrow as pa

TRIES = 3
"""Of one append: a connection that was lost, a head that a lost commit had moved after all."""


class _HeadMoved(Exception):
    """The chain in the database does not end where this writer believes."""


class SqlDecisionStore:
    """trusted: public keys of the writers whose chains `verify` believes, this one's own among them."""

    def __init__(
        self, database: Database, *, signer: Signer, keys: PayloadKeys, trusted: frozenset[str], clock: Clock
    ) -> None:
        self._database = database
        self._signer = signer
        self._keys = keys
        self._trusted = trusted | {signer.public}
        self._clock = clock
        self._records, self._payloads = (Insert(table, database.engine.dialect) for table in (RECORDS, PAYLOADS))
        self._lock = RLock()
        self._head = chain.before_first(new_decision_id())
        self._in_doubt = False
        """Is it unknown whether the last write was kept?"""
        self._attempted: set[Head] = set()
        """Where the chain may end if it was."""
        self._closed = False

    @classmethod
    def open(
        cls,
        url: str,
        *,
        signer: Signer,
        keys: PayloadKeys | None = None,
        trusted: frozenset[str] = frozenset(),
        clock: Clock,
        create: bool = True,
        connections: int = 4,
    ) -> SqlDecisionStore:
        """url: sqlite:///PATH or postgresql://..., with so many connections at most; tables are made or migrated.

        Raises MissingInput without a store where `create` is False, NewerSchema, BrokenFile, OutsideFailed.
        """
        database = open_database(url, create=create, connections=connections)
        return cls(database, signer=signer, keys=keys or PayloadKeys(), trusted=trusted, clock=clock)

    def check(self) -> None:
        with self._database.writing() as connection:
            connection.execute(sa.update(PROBE).values(time=chain.utc_text(self._clock.now())))

    def append(self, passports: Sequence[Passport]) -> None:
        entries = chain.entries_of(passports, self._keys)
        if not entries:
            return
        try:
            self._write(entries)
        except exc.IntegrityError as error:
            self._tell_repeated(passports)
            raise BadUsage("a decision of this id is kept already", where=self._database.where) from error

    def _tell_repeated(self, passports: Sequence[Passport]) -> None:
        asked = {(each.caller, each.idempotency.key) for each in passports if each.idempotency is not None}
        repeated = [used for used in sorted(asked) if self.answered(*used)]
        if repeated:
            raise DuplicateKey(repeated) from None

    def _write(
        self, entries: Sequence[Entry], first: Callable[[sa.Connection], None] = lambda _connection: None
    ) -> None:
        """All entries in one transaction, after what `first` does in it; the head moves when it is durable.

        A commit whose answer was lost may have been made or not: where the chain ends says which.
        """
        with self._lock:
            if self._closed:
                raise BadUsage("the decision store is closed", where=self._database.where, hint="open it again")
            mine: set[Head] = set()
            for left in reversed(range(TRIES)):
                self._settle()
                if self._head in mine:
                    return
                try:
                    self._head = self._commit(entries, first, mine)
                except _HeadMoved:
                    self._in_doubt = True
                except OutsideFailed as error:
                    self._in_doubt = True
                    if not left or not _was_cut_off(error):
                        raise
                else:
                    self._attempted.clear()
                    return
            raise OutsideFailed("somebody else writes this writer's chain", where=self._database.where)

    def _settle(self) -> None:
        """After a write of unknown fate: where does the chain end?"""
        if not self._in_doubt:
            return
        with self._database.reading() as connection:
            row = connection.execute(sa.select(CHAINS).where(CHAINS.c.chain_id == self._head.chain_id)).first()
        found = chain.before_first(self._head.chain_id) if row is None else head_of(row)
        if found in self._attempted:
            self._head = found
        elif found != self._head:  # the store was restored from an older copy: what comes now is a chain of its own
            self._head = chain.before_first(new_decision_id())
        self._in_doubt = False

    def _commit(self, entries: Sequence[Entry], first: Callable[[sa.Connection], None], mine: set[Head]) -> Head:
        with self._database.writing() as connection:
            first(connection)
            head = self._head
            if head.sequence < 0:
                entries = [self._begin(connection), *entries]
            after, placed = chain.extended(head, entries, self._signer)
            self._move(connection, head, after)
            self._attempted.add(after)
            mine.add(after)
            self._records.all(connection, [columns_of(entry.record) for entry in placed])
            sealed = [(entry.record, entry.sealed) for entry in placed if entry.sealed is not None]
            self._payloads.all(
                connection,
                [(place.chain_id, place.sequence, one.salt, one.stored, one.entity) for place, one in sealed],
            )
        return after

    def _begin(self, connection: sa.Connection) -> Entry:
        """The opening record of this writer's chain, which names the ends of the others."""
        unseen = sa.select(CHAINS).where(CHAINS.c.witnessed < CHAINS.c.sequence).order_by(CHAINS.c.chain_id)
        witnessed = [head_of(row) for row in connection.execute(unseen)]
        for other in witnessed:
            at = CHAINS.c.chain_id == other.chain_id
            connection.execute(sa.update(CHAINS).where(at).values(witnessed=other.sequence))
        connection.execute(Statements.new_chain, {"chain_id": self._head.chain_id, "link": self._head.link})
        return chain.opened(
            self._head.chain_id,
            self._signer,
            at=self._clock.now(),
            software=f"creditrisk {__version__}",
            witnessed=witnessed,
        )

    def _move(self, connection: sa.Connection, head: Head, after: Head) -> None:
        places = {
            "chain": head.chain_id, "sequence_now": head.sequence, "link_now": head.link,
            "sequence_then": after.sequence, "link_then": after.link,
        }  # fmt: skip
        if connection.execute(Statements.move, places).rowcount != 1:
            raise _HeadMoved

    def find(self, decision_id: str) -> Kept | None:
        return next(iter(self._select(Statements.find, decision_id=decision_id)), None)

    def about(self, decision_id: str) -> Sequence[Kept]:
        return self._select(Statements.about, decision_id=decision_id)

    def acts(self, decision_id: str) -> Sequence[ActUpon]:
        upon = (RECORDS.c.about == decision_id, RECORDS.c.kind.in_(chain.ACTS))
        query = sa.select(RECORDS).where(*upon).order_by(RECORDS.c.time, RECORDS.c.chain_id, RECORDS.c.sequence)
        with self._database.reading() as connection:
            return [chain.told_act(record_of(row)) for row in connection.execute(query)]

    def answered(self, caller: str, key: str) -> Sequence[Kept]:
        return self._select(Statements.answered, caller=caller, key=key)

    def _select(self, query: sa.Select[Any], **values: str) -> list[Kept]:
        with self._database.reading() as connection:
            rows = connection.execute(query, values).all()
        return [chain.kept(record_of(row), sealed_of(row), self._keys, held=bool(row.held)) for row in rows]

    def kept(
        self,
        book: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        kind: PassportKind | None = None,
    ) -> Iterator[Kept]:
        for page in self._pages(book, between(since, until, kind)):
            yield from page

    def counted(
        self, book: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Mapping[tuple[str, str | None], int]:
        groups = (RECORDS.c.kind, RECORDS.c.decision)
        query = sa.select(*groups, sa.func.count().label("records")).where(
            RECORDS.c.book == book, RECORDS.c.kind.not_in(tuple(chain.ACTS)), *between(since, until)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.group_by(*groups)).all()
        return {(row.kind, row.decision): row.records for row in rows}

    def batches(
        self, book: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[pa.RecordBatch]:
        return (batch_of(page) for page in self._pages(book, between(since, until)))

    def outlines(
        self, book: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[pa.RecordBatch]:
        query = Statements.outline_page.where(*between(since, until))
        place = {"time": "", "decision_id": ""}
        while page := self._rows(query, book=book, **place):
            yield outlines_of(page)
            place = {name: page[-1][OUTLINE.index(name)] for name in place}

    def _rows(self, query: sa.Select[Any], **values: str) -> Sequence[sa.Row[Any]]:
        with self._database.reading() as connection:
            return connection.execute(query, values).all()

    def _pages(self, book: str, asked: Sequence[sa.ColumnElement[bool]]) -> Iterator[list[Kept]]:
        query = Statements.page.where(*asked)
        time, decision_id = "", ""
        while page := self._select(query, book=book, time=time, decision_id=decision_id):
            yield page
            time, decision_id = chain.utc_text(page[-1].passport.time), page[-1].passport.decision_id

    def due(self, book: str, before: Mapping[str, datetime]) -> Iterator[str]:
        limits = [
            sa.and_(RECORDS.c.decision == decision, RECORDS.c.time < chain.utc_text(time))
            for decision, time in before.items()
        ]
        place = (RECORDS.c.time, RECORDS.c.decision_id)
        query = (
            sa.select(*place)
            .join(PAYLOADS, same_place(PAYLOADS))
            .where(RECORDS.c.book == book, sa.or_(sa.false(), *limits), sa.not_(is_held()))
            .order_by(*place)
            .limit(PAGE)
        )
        after: tuple[str, str] = ("", "")
        while True:
            with self._database.reading() as connection:
                page = connection.execute(query.where(sa.tuple_(*place) > after)).all()
            if not page:
                return
            yield from (row.decision_id for row in page)
            after = (page[-1].time, page[-1].decision_id)

    def delete(self, decision_ids: Sequence[str], *, by: str, note: str, rule: str) -> None:
        ids, now = list(dict.fromkeys(decision_ids)), self._clock.now()
        entries = [chain.act_upon(chain.DELETION, each, at=now, by=by, note=note, rule=rule) for each in ids]
        if not entries:
            return

        def delete_payloads(connection: sa.Connection) -> None:
            self._database.alone(connection)
            for some in batched(ids, PAGE):
                for row in self._need(connection, some):
                    if row.held:
                        raise Refused("it is under legal hold", where=f"decision {row.decision_id}")
                    if not row.there:
                        raise Refused("its payload was deleted before", where=f"decision {row.decision_id}")
                    at = (PAYLOADS.c.chain_id == row.chain_id, PAYLOADS.c.sequence == row.sequence)
                    connection.execute(sa.delete(PAYLOADS).where(*at))

        self._write(entries, delete_payloads)
        self._database.forget_deleted()

    def hold(self, decision_id: str, *, by: str, note: str) -> None:
        self._act_upon(chain.HOLD, decision_id, by=by, note=note)

    def release(self, decision_id: str, *, by: str, note: str) -> None:
        self._act_upon(chain.RELEASE, decision_id, by=by, note=note)

    def _act_upon(self, kind: str, decision_id: str, *, by: str, note: str) -> None:
        entry = chain.act_upon(kind, decision_id, at=self._clock.now(), by=by, note=note)

        def need_fitting(connection: sa.Connection) -> None:
            self._database.alone(connection)
            self._need(connection, [decision_id])
            own = sa.select(holds(chain.HOLD, decision_id) > holds(chain.RELEASE, decision_id))
            if bool(connection.execute(own).scalar()) == (kind == chain.HOLD):
                what = "it is under legal hold already" if kind == chain.HOLD else "it is not under legal hold"
                raise Refused(what, where=f"decision {decision_id}")

        self._write([entry], need_fitting)

    def _need(self, connection: sa.Connection, decision_ids: Sequence[str]) -> Sequence[Any]:
        query = (
            sa.select(
                RECORDS.c.chain_id, RECORDS.c.sequence, RECORDS.c.decision_id, is_held().label("held"),
                PAYLOADS.c.chain_id.is_not(None).label("there"),
            )
            .outerjoin(PAYLOADS, same_place(PAYLOADS))
            .where(RECORDS.c.decision_id.in_(decision_ids))
        )  # fmt: skip
        rows = connection.execute(query).all()
        missing = set(decision_ids) - {row.decision_id for row in rows}
        if missing:
            raise BadUsage("there is no such decision", where=f"decision {min(missing)}")
        return rows

    def verify(self, progress: Callable[[int, int], None] = lambda _done, _all: None) -> Verification:
        verifying = chain.Verifying(self._trusted)
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(CHAINS).order_by(CHAINS.c.chain_id)).all()
        heads = [(head_of(row), place_of(row.witnessed)) for row in rows]
        total = sum(head.sequence + 1 for head, _ in heads)
        for some in batched(heads, PAGE):
            verifying.hear(self._openings([head.chain_id for head, _ in some]))
        for head, witnessed in heads:
            found = self._found(head, lambda: progress(verifying.records, total))
            verifying.read(head, found, witnessed=witnessed)
        for chain_id, sequence, what in self._strays():
            verifying.stray(chain_id, sequence, what)
        progress(verifying.records, verifying.records)
        return verifying.finish()

    def _openings(self, chain_ids: Sequence[str]) -> list[Record]:
        first = (RECORDS.c.chain_id.in_(chain_ids), RECORDS.c.sequence == 0)
        with self._database.reading() as connection:
            return [record_of(row) for row in connection.execute(sa.select(RECORDS).where(*first))]

    def _found(self, head: Head, page_read: Callable[[], None]) -> Iterator[Found]:
        """The chain's records up to its head as it was when verification began, and what stands beyond a closing."""
        deletion = (
            sa.exists().where(ABOUT.c.about == RECORDS.c.decision_id, ABOUT.c.kind == chain.DELETION).label("deletion")
        )
        query = with_payload(deletion).where(RECORDS.c.chain_id == head.chain_id)
        query = query.order_by(RECORDS.c.sequence).limit(PAGE)
        after = -(2**62)
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(RECORDS.c.sequence > after)).all()
                grown = connection.execute(sa.select(CHAINS.c.sequence).where(CHAINS.c.chain_id == head.chain_id))
                end = grown.scalar() or 0
            for row in rows:
                record = record_of(row)
                if head.sequence < record.sequence <= end:
                    return  # appended meanwhile
                yield Found(record, sealed_of(row), bool(row.deletion))
            page_read()
            if len(rows) < PAGE:
                return
            after = rows[-1].sequence

    def _strays(self) -> Iterator[tuple[str, int | None, str]]:
        known = sa.select(CHAINS.c.chain_id)
        unknown = sa.select(RECORDS.c.chain_id).where(RECORDS.c.chain_id.not_in(known)).distinct()
        orphans = (
            sa.select(PAYLOADS.c.chain_id, PAYLOADS.c.sequence)
            .outerjoin(RECORDS, same_place(PAYLOADS))
            .where(RECORDS.c.chain_id.is_(None))
            .limit(chain.MOST_BREAKS)
        )
        with self._database.reading() as connection:
            for row in connection.execute(unknown):
                yield row.chain_id, None, "the store does not know where this chain ends"
            for row in connection.execute(orphans):
                yield row.chain_id, row.sequence, "a payload belongs to no record"

    def close(self) -> None:
        with self._lock:
            try:
                if not self._closed:
                    self._settle()
                    if self._head.sequence >= 0:
                        self._write([chain.closed(self._head, at=self._clock.now())])
            finally:
                self._closed = True
                self._database.close()


def _was_cut_off(error: OutsideFailed) -> bool:
    """Did the connection break, so that another one may do?"""
    cause = error.__cause__
    return isinstance(cause, exc.DBAPIError) and cause.connection_invalidated
