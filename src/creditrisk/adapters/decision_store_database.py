"""The databases that hold decisions, SQLite or Postgres: how each is opened, locked and synced, and its errors."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import exc, pool

from creditrisk.adapters.decision_store_schema import SCHEMA, found_schema, migrate
from creditrisk.errors import BadConfig, BadUsage, BrokenFile, CreditRiskError, MissingInput, OutsideFailed, Refused
from creditrisk.files import held, sync

BUSY_S = 5.0
"""How long a writer waits for another one."""

READ_ONLY = "mode=ro&immutable=1"
"""How a copy is opened that an auditor was given: beside any other file SQLite would want to write."""

LOOK_AGAIN_S = 0.001
"""After how long, at most, it looks again."""

RETRY_AFTER_S = 1.0

CHECKPOINT_PAGES = 10_000
"""After so many pages of its log SQLite writes them into the file, while a caller waits; its own 1,000 come ten times
as often.
"""

POSTGRES_LOCK = 0x63726564
"""Of the advisory locks: the letters "cred"."""

_SQLITE_ERRORS = {
    "SQLITE_FULL": ("the disk is full", "free some room; it goes on by itself"),
    "SQLITE_READONLY": ("the decision store cannot be written to", "make the file and its folder writable"),
    "SQLITE_CANTOPEN": ("the decision store cannot be opened", "see whether its folder is there and may be written"),
    "SQLITE_BUSY": ("another process keeps the decision store busy", "try again"),
    "SQLITE_LOCKED": ("another process keeps the decision store busy", "try again"),
    "SQLITE_IOERR": ("the disk failed", "see the system's log of the disk"),
}
_POSTGRES_ERRORS = {
    "53100": ("the database's disk is full", "free some room; it goes on by itself"),
    "25006": ("the database takes no writes at the moment", "see whether this server is a standby"),
    "42501": ("the database refuses this user", "grant it the tables of the decision store"),
    "55P03": ("another transaction keeps the decision store busy", "try again"),
}


class Database:
    """An engine with the two kinds of transaction that the store needs."""

    where: str
    engine: sa.Engine

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._told(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Durable when it ends without an error."""
        try:
            with self._told():
                self.need_in_place()
                with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                    yield connection
        except BrokenFile as error:
            raise OutsideFailed(error.what, where=error.where, hint=error.hint, retry_may_help=False) from error

    def need_in_place(self) -> None:
        """Raises OutsideFailed where what was opened is gone."""

    def alone(self, connection: sa.Connection) -> None:
        """Until the transaction ends nobody else deletes, holds or releases."""

    def forget_deleted(self) -> None:
        """What was deleted leaves the disk as far as the database can see to it now."""

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except exc.IntegrityError:
            raise
        except (exc.SQLAlchemyError, sqlite3.Error) as error:
            raise in_our_words(error, where=self.where) from error


class SqliteDatabase(Database):
    """A file in WAL mode, synced at every commit, that its owner alone may read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)
        self.engine = sa.create_engine(
            "sqlite://", creator=self._connect, poolclass=pool.QueuePool, pool_size=8, hide_parameters=True
        )
        sa.event.listen(self.engine, "begin", _begin)
        self._file = (0, 0)
        self._mode = "mode=rw"  # never made by connecting: a file that went away is an error

    @classmethod
    def open(cls, path: Path, *, create: bool) -> SqliteDatabase:
        """Raises MissingInput where there is none and none shall be made, BrokenFile for a file of another kind."""
        if not path.exists() and not create:
            raise MissingInput(
                "there is no decision store", where=str(path), hint="the first decision that is recorded makes it"
            )
        database = cls(path)
        if not create and not _may_be_written(path):
            database._mode = READ_ONLY
        try:
            with closed_if_it_fails(database):
                database._prepare()
        except OSError as error:
            raise OutsideFailed(
                f"the decision store cannot be made: {error.strerror}",
                where=str(path),
                hint="see whether its folder may be written and has room",
            ) from error
        return database

    def _prepare(self) -> None:
        if self.path.exists():
            with self.reading() as connection:
                mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
                if (mode == "wal" or self._mode == READ_ONLY) and found_schema(connection) == SCHEMA:
                    self._file = _identity(self.path)
                    return
        with held(self.path.with_name(self.path.name + ".lock")):
            if not self.path.exists():
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self._file = _identity(self.path)
            self._tell_file("PRAGMA journal_mode=WAL")
            with self.writing() as connection:
                migrate(connection, where=self.where)
            sync(self.path.parent)

    def _connect(self) -> sqlite3.Connection:
        uri = f"file:{quote(str(self.path.absolute()))}?{self._mode}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_S)
        # text that somebody damaged reads as other text, which its link tells, and not as an error without a place
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA busy_timeout={int(BUSY_S * 1000)}")
        return connection

    def need_in_place(self) -> None:
        """A file that was moved away would take records that nobody finds again.

        One that was put in its place is taken from then on.
        """
        try:
            found = _identity(self.path)
        except OSError as error:
            raise OutsideFailed(
                f"the decision store is gone: {error.strerror}",
                where=self.where,
                hint="put its file back; it goes on by itself",
                retry_after_s=RETRY_AFTER_S,
            ) from error
        if self._file not in ((0, 0), found):
            self.engine.dispose()
            self._prepare()

    def forget_deleted(self) -> None:
        self._tell_file("PRAGMA wal_checkpoint(TRUNCATE)")

    def _tell_file(self, pragma: str) -> None:
        """Outside of any transaction."""
        try:
            with closing(self._connect()) as connection:
                connection.execute(pragma)
        except sqlite3.Error as error:
            raise in_our_words(error, where=self.where) from error


class PostgresDatabase(Database):
    def __init__(self, url: sa.URL, connections: int) -> None:
        self.where = f"postgresql://{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
        options = "-c synchronous_commit=on -c lock_timeout=5s -c timezone=UTC"
        self.engine = sa.create_engine(
            url,
            pool_pre_ping=True,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=BUSY_S,
            hide_parameters=True,
            connect_args={"connect_timeout": 5, "tcp_user_timeout": 10_000, "options": options},
        )

    @classmethod
    def open(cls, url: sa.URL, connections: int) -> PostgresDatabase:
        database = cls(url, connections)
        with closed_if_it_fails(database), database.writing() as connection:
            database.alone(connection)
            if connection.exec_driver_sql("SHOW fsync").scalar() != "on":
                raise Refused(
                    "the database does not sync to disk, so a decision could be lost after it was answered",
                    where=database.where,
                    hint="set fsync = on in postgresql.conf",
                )
            migrate(connection, where=database.where)
        return database

    def alone(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({POSTGRES_LOCK})")


@contextmanager
def closed_if_it_fails(database: Database) -> Iterator[None]:
    try:
        yield
    except BaseException:
        database.close()
        raise


def open_database(url: str, *, create: bool, connections: int = 4) -> Database:
    """sqlite:///PATH or postgresql://, which gets so many connections at most.

    Raises BadConfig for other addresses, without quoting them.
    """
    hint = "sqlite:///decisions.db or postgresql://user@host:5432/name"
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError as error:
        raise BadConfig("this is no address of a database", where="CREDITRISK_DECISIONS_URL", hint=hint) from error
    if parsed.drivername == "sqlite" and parsed.database:
        return SqliteDatabase.open(Path(parsed.database), create=create)
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        try:
            return PostgresDatabase.open(parsed.set(drivername="postgresql+psycopg"), connections)
        except ModuleNotFoundError as error:
            raise BadUsage(
                "Postgres needs a library that is not installed",
                where="CREDITRISK_DECISIONS_URL",
                hint='install it: pip install "creditrisk[postgres]"',
            ) from error
    raise BadConfig(f'decisions are not kept in "{parsed.drivername}"', where="CREDITRISK_DECISIONS_URL", hint=hint)


def in_our_words(error: exc.SQLAlchemyError | sqlite3.Error, *, where: str) -> CreditRiskError:
    """What went wrong outside. The database's own message may quote a row, so none of it is told."""
    cause: Any = getattr(error, "orig", error)
    code = str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or code in ("XX001", "XX002"):
        return BrokenFile(
            f"the decision store is damaged ({code})",
            where=where,
            hint="restore it from a copy; `creditrisk decisions verify` tells whether the copy is whole",
        )
    if isinstance(error, exc.TimeoutError):
        return OutsideFailed(
            "every connection of this worker to the decision store is in use",
            where=where,
            hint="try again; if it stays, CREDITRISK_DECISIONS_CONNECTIONS gives more",
            retry_after_s=RETRY_AFTER_S,
        )
    known = next((told for name, told in (_SQLITE_ERRORS | _POSTGRES_ERRORS).items() if code.startswith(name)), None)
    what, hint = known or ("the decision store does not answer", "see whether the database runs; it goes on by itself")
    return OutsideFailed(what + (f" ({code})" if code else ""), where=where, hint=hint, retry_after_s=RETRY_AFTER_S)


def _begin(connection: sa.Connection) -> None:
    """Writers queue at the beginning: a read that turns into a write would fail instead of waiting.

    SQLite's own wait grows to a tenth of a second between two looks, in which others come and go; ours does not.
    """
    direct: Any = connection.connection.driver_connection
    if not connection.get_execution_options().get("writes", False):
        direct.execute("BEGIN")
        return
    until = time.monotonic() + BUSY_S
    direct.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                direct.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.0, LOOK_AGAIN_S))
    finally:
        direct.execute(f"PRAGMA busy_timeout={int(BUSY_S * 1000)}")


def _may_be_written(path: Path) -> bool:
    """Also True where records wait in a WAL, which must be read with it."""
    wal = path.with_name(path.name + "-wal")
    waiting = wal.exists() and wal.stat().st_size > 0
    return waiting or (
        os.access(path, os.W_OK, effective_ids=True) and os.access(path.parent, os.W_OK, effective_ids=True)
    )


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
