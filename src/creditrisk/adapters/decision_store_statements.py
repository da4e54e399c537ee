"""What the decision store asks its tables, and what their rows mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from creditrisk import decision_chain as chain
from creditrisk.adapters.decision_store_tables import CHAINS, PAYLOADS, RECORDS
from creditrisk.decision_chain import Head, Record
from creditrisk.ports import OUTLINE, PassportKind
from creditrisk.sealing import Sealed

PAGE = 256
"""Rows read at a time: a short transaction each, so that readers never keep the WAL from being taken in."""

OUTLINE_PAGE = 4_096
"""The same for rows without their payloads."""

COLUMNS = tuple(each.name for each in fields(Record))
columns_of = attrgetter(*COLUMNS)
"""A record's values in the order of its table's columns."""

ABOUT = RECORDS.alias("about")


class Insert:
    """Rows of all columns of a table, past SQLAlchemy's treatment of single values, which costs more than the database
    does: both drivers take them as they are.
    """

    def __init__(self, table: sa.Table, dialect: sa.Dialect) -> None:
        compiled = sa.insert(table).compile(dialect=dialect)
        self._text, self._names, self._order = str(compiled), table.columns.keys(), compiled.positiontup

    def all(self, connection: sa.Connection, rows: Sequence[Sequence[Any]]) -> None:
        """rows: in the order of the table's columns."""
        if rows and self._order == self._names:
            connection.exec_driver_sql(self._text, list(map(tuple, rows)))
        elif rows:
            connection.exec_driver_sql(self._text, [dict(zip(self._names, row, strict=True)) for row in rows])


def with_payload(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Records, with their payloads where they are there. more: further columns."""
    return sa.select(RECORDS, PAYLOADS.c.salt, PAYLOADS.c.stored, PAYLOADS.c.entity_id, *more).outerjoin(
        PAYLOADS, same_place(PAYLOADS)
    )


def same_place(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """The table's row is that of the record."""
    return sa.and_(table.c.chain_id == RECORDS.c.chain_id, table.c.sequence == RECORDS.c.sequence)


def is_held() -> sa.ColumnElement[bool]:
    """Was it, or what it is about, held once more than released?"""
    concerned = sa.or_(ABOUT.c.about == RECORDS.c.decision_id, ABOUT.c.about == RECORDS.c.about)
    count = sa.func.coalesce(
        sa.func.sum(sa.case((ABOUT.c.kind == chain.HOLD, 1), (ABOUT.c.kind == chain.RELEASE, -1), else_=0)), 0
    )
    kinds = ABOUT.c.kind.in_((chain.HOLD, chain.RELEASE))
    return sa.select(count).where(concerned, kinds).correlate(RECORDS).scalar_subquery() > 0


def holds(kind: str, decision_id: str) -> sa.ScalarSelect[int]:
    """How often a decision was held, or released."""
    at = (RECORDS.c.about == decision_id, RECORDS.c.kind == kind)
    return sa.select(sa.func.count()).select_from(RECORDS).where(*at).scalar_subquery()


def between(
    since: datetime | None, until: datetime | None, kind: PassportKind | None = None
) -> list[sa.ColumnElement[bool]]:
    """Records with since <= time < until, of this kind; None leaves it open."""
    asked: list[sa.ColumnElement[bool]] = []
    if since is not None:
        asked.append(RECORDS.c.time >= chain.utc_text(since))
    if until is not None:
        asked.append(RECORDS.c.time < chain.utc_text(until))
    if kind is not None:
        asked.append(RECORDS.c.kind == kind)
    return asked


class Statements:
    """Made once: to build a statement costs more than to run it."""

    _all = with_payload(is_held().label("held"))
    _place = (RECORDS.c.time, RECORDS.c.decision_id)

    find = _all.where(RECORDS.c.decision_id == sa.bindparam("decision_id"))
    about = _all.where(
        RECORDS.c.about == sa.bindparam("decision_id"), RECORDS.c.kind.not_in(tuple(chain.ACTS))
    ).order_by(*_place)
    answered = _all.where(
        RECORDS.c.caller == sa.bindparam("caller"), RECORDS.c.idempotency_key == sa.bindparam("key")
    ).order_by(RECORDS.c.idempotency_part)
    page = (
        _all.where(
            RECORDS.c.book == sa.bindparam("book"),
            sa.tuple_(*_place)
            > sa.tuple_(sa.bindparam("time", type_=sa.Text), sa.bindparam("decision_id", type_=sa.Text)),
        )
        .order_by(*_place)
        .limit(PAGE)
    )
    outline_page = (
        sa.select(*(PAYLOADS.c.entity_id if name == "entity_id" else RECORDS.c[name] for name in OUTLINE))
        .select_from(RECORDS.outerjoin(PAYLOADS, same_place(PAYLOADS)))
        .where(
            RECORDS.c.book == sa.bindparam("book"),
            RECORDS.c.kind.not_in(tuple(chain.ACTS)),
            sa.tuple_(*_place)
            > sa.tuple_(sa.bindparam("time", type_=sa.Text), sa.bindparam("decision_id", type_=sa.Text)),
        )
        .order_by(*_place)
        .limit(OUTLINE_PAGE)
    )
    new_chain = sa.text(
        "INSERT INTO decision_chains (chain_id, sequence, link, witnessed) VALUES (:chain_id, -1, :link, -1) "
        "ON CONFLICT DO NOTHING"
    )
    move = (
        sa.update(CHAINS)
        .where(
            CHAINS.c.chain_id == sa.bindparam("chain"),
            CHAINS.c.sequence == sa.bindparam("sequence_now"),
            CHAINS.c.link == sa.bindparam("link_now"),
        )
        .values(sequence=sa.bindparam("sequence_then"), link=sa.bindparam("link_then"))
    )


def record_of(row: Any) -> Record:
    """From a row that begins with the columns of RECORDS, in the order of Record's fields."""
    record = Record(*row[: len(COLUMNS)])
    return record if isinstance(record.sequence, int) else replace(record, sequence=place_of(record.sequence))


def head_of(row: Any) -> Head:
    """From a row of CHAINS."""
    return Head(row.chain_id, place_of(row.sequence), row.link)


def place_of(sequence: Any) -> int:
    """-1 for what is no number: SQLite keeps text in a column of numbers if somebody puts it there."""
    return sequence if isinstance(sequence, int) else -1


def sealed_of(row: Any) -> Sealed | None:
    """From a row of `with_payload`; None where the payload is gone."""
    return None if row.salt is None else Sealed(bytes(row.salt), bytes(row.stored), row.entity_id)
