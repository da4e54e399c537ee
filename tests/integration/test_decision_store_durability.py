"""Decisions survive what happens to machines: kills, full disks, moved files, restarts, answers that were lost."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import psycopg
import pytest

from creditrisk.adapters import decision_store_schema
from creditrisk.adapters.decision_store import SqlDecisionStore
from creditrisk.adapters.decision_store_tables import METADATA, RECORDS
from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.decision_chain import Record
from creditrisk.errors import BadConfig, BrokenFile, CreditRiskError, MissingInput, NewerSchema, OutsideFailed, Refused
from tests.support.decision_stores import SIGNER, open_store
from tests.support.passports import passport
from tests.support.postgres import PostgresServer
from tests.support.small_disk import as_root_of_a_namespace, fill, small_disk

KILLS = 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "decisions.db"


@pytest.fixture
def store(file: Path) -> Iterator[SqlDecisionStore]:
    opened = open_store(f"sqlite:///{file}")
    opened.append([passport(0)])
    yield opened
    opened._database.close()


@pytest.fixture
def own_postgres(component: Callable[[str], str]) -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = PostgresServer(component("postgres"), Path(folder))
        server.start()
        yield server
        server.stop("immediate")


def kept_ids(store: SqlDecisionStore) -> list[str]:
    return [kept.passport.decision_id for kept in store.kept("tiny")]


def appending(*words: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """A process of its own that appends and prints ids, see tests.support.decision_stores."""
    command = [*before, sys.executable, "-m", "tests.support.decision_stores", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_two_processes_that_write_at_once_keep_a_chain_each(
    where: str, file: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{file}" if where == "sqlite" else request.getfixturevalue("postgres").empty_database()
    writers = [appending(url, str(first), "3", "60") for first in (0, 1000)]
    printed = [line for writer in writers for line in writer.communicate(timeout=120)[0].split()]
    assert [writer.returncode for writer in writers] == [0, 0]
    with closing(open_store(url)) as store:
        assert sorted(kept_ids(store)) == sorted(printed)
        assert len(printed) == 120
        told = store.verify()
    assert told.unbroken
    assert [(chain.records, chain.closed) for chain in told.chains] == [(62, True)] * 2


def test_what_was_answered_before_a_kill_is_kept_and_the_chain_is_whole(file: Path) -> None:
    url = f"sqlite:///{file}"
    command = [sys.executable, "-m", "tests.support.decision_stores", "kill", url, str(KILLS)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert answer.returncode == 0, answer.stderr
    printed = answer.stdout.split()
    assert len(printed) >= KILLS
    with closing(open_store(url)) as store:
        assert set(printed) <= set(kept_ids(store))
        told = store.verify()
    assert told.unbroken, told.breaks
    assert [chain.closed for chain in told.chains] == [False] * KILLS


def test_the_disk_is_synced_before_append_returns(file: Path, tmp_path: Path, component: Callable[[str], str]) -> None:
    trace = tmp_path / "trace"
    words = ("-f", "-y", "-s", "64", "-e", "trace=fsync,fdatasync,pwrite64,write", "-o", str(trace))
    writer = appending(f"sqlite:///{file}", "0", "1", "5", before=(component("strace"), *words))
    ids = writer.communicate(timeout=120)[0].split()
    assert len(ids) == 5
    wal_dirty, told, synced_folder = False, 0, False
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        if re.search(r"pwrite64\(\d+<[^>]*decisions\.db-wal>", line):
            wal_dirty = True
        elif re.search(r"f(data)?sync\(\d+<[^>]*decisions\.db-wal>\)\s*= 0", line):
            wal_dirty = False
        elif re.search(rf"fsync\(\d+<{re.escape(str(file.parent))}>\)\s*= 0", line):
            synced_folder = True
        elif "write(1<" in line and passport(told).decision_id in line:
            assert not wal_dirty, "an id was told before its record was synced"
            assert synced_folder
            told += 1
    assert told == 5


def test_a_full_disk_keeps_nothing_and_goes_on_when_there_is_room(request: pytest.FixtureRequest) -> None:
    if os.getuid() != 0:
        as_root_of_a_namespace(request.node)
        return
    with small_disk(3) as disk:
        store = open_store(f"sqlite:///{disk / 'decisions.db'}")
        store.append([passport(0)])
        ballast = fill(disk)
        big = {"raw": {"noise": random.Random(1).randbytes(200_000).hex()}}
        for _ in range(3):
            with pytest.raises(OutsideFailed, match="disk is full") as caught:
                store.append([passport(1), passport(2, payload=big)])
            assert caught.value.retry_after_s is not None
        with pytest.raises(OutsideFailed):
            check_for_ever(store)
        assert kept_ids(store) == [passport(0).decision_id]
        ballast.unlink()
        store.check()
        store.append([passport(1), passport(2, payload=big)])
        told = store.verify()
        assert (told.unbroken, told.payloads, len(told.chains)) == (True, 3, 1)
        store.close()


def check_for_ever(store: SqlDecisionStore) -> None:
    """Each check writes a page to the end of the WAL, until that is taken in and begun again."""
    for _ in range(2_000):
        store.check()


def test_a_file_that_may_not_be_written_is_told_and_goes_on_when_it_may() -> None:
    with tempfile.TemporaryDirectory(prefix="readonly") as folder:
        place = Path(folder)
        place.chmod(0o755)
        store = open_store(f"sqlite:///{place / 'decisions.db'}")
        store.append([passport(0)])
        store._database.close()
        for path in place.iterdir():
            path.chmod(0o444)
        place.chmod(0o555)
        with as_nobody():
            for write in (store.check, lambda: store.append([passport(1)])):
                with pytest.raises(OutsideFailed, match=r"cannot be (written to|opened)"):
                    write()
        place.chmod(0o755)
        for path in place.iterdir():
            path.chmod(0o600)
        store.check()
        store.append([passport(1)])
        assert store.verify().unbroken
        store.close()


def test_a_copy_that_may_only_be_read_is_verified_and_not_written() -> None:
    with tempfile.TemporaryDirectory(prefix="copy") as folder:
        place = Path(folder)
        url = f"sqlite:///{place / 'decisions.db'}"
        with closing(open_store(url)) as store:
            store.append([passport(0)])
        (place / "decisions.db").chmod(0o444)
        place.chmod(0o555)
        with as_nobody(), closing(open_store(url, create=False)) as copy:
            assert (copy.verify().unbroken, copy.verify().records) == (True, 3)
            with pytest.raises(OutsideFailed, match="cannot be written to"):
                copy.hold(passport(0).decision_id, by="ann", note="x")
        place.chmod(0o755)
        assert sorted(path.name for path in place.iterdir()) == ["decisions.db", "decisions.db.lock"]


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everything: for a moment this process is somebody else."""
    if os.getuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_was_moved_away_takes_nothing_and_goes_on_when_it_is_back(
    store: SqlDecisionStore, file: Path
) -> None:
    away = file.with_name("away.db")
    file.rename(away)
    for write in (store.check, lambda: store.append([passport(1)])):
        with pytest.raises(OutsideFailed, match="gone"):
            write()
    assert not file.exists()
    away.rename(file)
    store.append([passport(1)])
    told = store.verify()
    assert (told.unbroken, told.payloads, len(told.chains)) == (True, 2, 1)


def test_an_older_copy_put_in_its_place_gets_a_chain_of_its_own_after_its_end(
    store: SqlDecisionStore, file: Path
) -> None:
    copy = file.with_name("copy.db")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    store.append([passport(1)])
    for name in ("decisions.db-wal", "decisions.db-shm"):
        file.with_name(name).unlink()
    copy.replace(file)
    store.append([passport(2)])
    store.append([passport(3)])
    assert kept_ids(store) == [passport(number).decision_id for number in (0, 2, 3)]
    told = store.verify()
    assert (told.unbroken, len(told.chains)) == (True, 2)


def test_a_file_that_somebody_else_keeps_busy_is_told_and_goes_on_when_it_is_free(
    store: SqlDecisionStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["creditrisk.adapters.decision_store_database"], "BUSY_S", 0.05)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("begin immediate")
        for write in (store.check, lambda: store.append([passport(1)])):
            with pytest.raises(OutsideFailed, match="busy"):
                write()
        assert kept_ids(store) == [passport(0).decision_id]
        other.execute("rollback")
    store.append([passport(1)])
    told = store.verify()
    assert (told.unbroken, told.payloads, len(told.chains)) == (True, 2, 1)


def test_a_damaged_file_is_told_and_never_a_traceback(store: SqlDecisionStore, file: Path) -> None:
    store.append([passport(number) for number in range(1, 200)])
    store.close()
    whole, chance = file.read_bytes(), random.Random(7)
    for _ in range(20):
        damaged = bytearray(whole)
        start = chance.randrange(4096, len(whole) - 512)
        damaged[start : start + 512] = chance.randbytes(512)
        file.write_bytes(damaged)
        with contextlib.suppress(CreditRiskError), closing(open_store(f"sqlite:///{file}")) as again:
            again.verify()
    file.write_bytes(b"no database at all" * 1000)
    with pytest.raises(BrokenFile, match="damaged"):
        open_store(f"sqlite:///{file}")


def test_a_store_that_breaks_while_it_is_open_fails_as_an_outside_system(store: SqlDecisionStore, file: Path) -> None:
    store._database.close()
    for name in ("decisions.db-wal", "decisions.db-shm"):
        file.with_name(name).unlink(missing_ok=True)
    with file.open("r+b") as stream:
        stream.write(b"no database at all" * 1000)
    for write in (store.check, lambda: store.append([passport(1)])):
        with pytest.raises(OutsideFailed, match="damaged"):
            write()


@pytest.mark.parametrize("was_kept", [True, False])
@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_a_commit_whose_answer_was_lost_leaves_one_chain_whether_it_was_kept_or_not(
    where: str, was_kept: bool, file: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{file}" if where == "sqlite" else request.getfixturevalue("postgres").empty_database()
    with closing(open_store(url)) as store:
        for number in range(2):  # the chain's first append, and a later one
            with monkeypatch.context() as patched:
                lose_next_answer(store, patched, was_kept=was_kept)
                if where == "sqlite":
                    with pytest.raises(OutsideFailed):
                        store.append([passport(number)])
                else:  # the connection is gone: it looks by itself whether the commit was made
                    store.append([passport(number)])
            if where == "sqlite" and not was_kept:
                assert store.find(passport(number).decision_id) is None
                store.append([passport(number)])
        store.append([passport(2)])
        assert kept_ids(store) == [passport(number).decision_id for number in range(3)]
        told = store.verify()
    assert (told.unbroken, told.records, len(told.chains)) == (True, 4, 1)


def lose_next_answer(store: SqlDecisionStore, patched: pytest.MonkeyPatch, *, was_kept: bool) -> None:
    dialect = store._database.engine.dialect
    commit, lost = dialect.do_commit, list[bool]()

    def do_commit(connection: Any) -> None:
        if lost:
            commit(connection)
            return
        lost.append(True)
        if was_kept:
            commit(connection)
        if dialect.name == "sqlite":
            if not was_kept:
                connection.rollback()
            raise sqlite3.OperationalError("disk I/O error")
        connection.driver_connection.close()
        raise psycopg.OperationalError("the connection is lost")

    patched.setattr(dialect, "do_commit", do_commit)


def test_postgres_restarted_under_load_loses_nothing_that_was_answered(own_postgres: PostgresServer) -> None:
    url, answered, refused, stop = own_postgres.empty_database(), list[str](), list[str](), threading.Event()
    store = open_store(url)

    def load(first: int) -> None:
        number = first
        while not stop.is_set():
            try:
                store.append([passport(number)])
                answered.append(passport(number).decision_id)
            except OutsideFailed:
                refused.append(passport(number).decision_id)
            number += 1

    threads = [threading.Thread(target=load, args=(100_000 * part,)) for part in range(3)]
    for thread in threads:
        thread.start()
    for mode in ("fast", "immediate"):
        wait_for(answered, len(answered) + 20)
        own_postgres.stop(mode)
        wait_for(refused, len(refused) + 3)
        with pytest.raises(OutsideFailed):
            store.check()
        own_postgres.start()
        wait_for(answered, len(answered) + 20)
    stop.set()
    for thread in threads:
        thread.join()
    told = store.verify()
    kept = kept_ids(store)
    store.close()
    assert told.unbroken, told.breaks
    assert set(answered) <= set(kept)
    assert len(kept) == len(set(kept))
    assert len(told.chains) == 1


def wait_for(told: list[str], length: int) -> None:
    patience = threading.Event()
    for _ in range(6_000):
        if len(told) >= length:
            return
        patience.wait(0.01)
    pytest.fail(f"only {len(told)} of {length} after a minute")


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_many_that_open_at_once_make_the_tables_once(where: str, file: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{file}" if where == "sqlite" else request.getfixturevalue("postgres").empty_database()
    failures, stores = list[Exception](), list[SqlDecisionStore]()

    def opens() -> None:
        try:
            stores.append(open_store(url))
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=opens) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for number, store in enumerate(stores):
        store.append([passport(number)])
        store.close()
    with closing(open_store(url)) as store:
        assert (store.verify().unbroken, store.verify().records) == (True, 18)


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_the_migrations_make_the_tables_that_the_queries_name(
    where: str, file: Path, request: pytest.FixtureRequest
) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    url = f"sqlite:///{file}" if where == "sqlite" else request.getfixturevalue("postgres").empty_database()
    store = open_store(url)
    with store._database.reading() as connection:
        options = {"version_table": decision_store_schema.VERSION_TABLE, "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []
    store.close()
    assert [column.name for column in RECORDS.columns] == [each.name for each in fields(Record)]
    assert decision_store_schema.known_steps()[-1] == decision_store_schema.SCHEMA


STEP = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "v0002", "v0001", None, None
def upgrade():
    op.add_column("decision_probe", sa.Column("by", sa.Text()))
    {then}
"""


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_an_older_schema_is_migrated_whole_or_not_at_all_and_a_newer_one_is_refused(
    where: str, file: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{file}" if where == "sqlite" else request.getfixturevalue("postgres").empty_database()
    with closing(open_store(url)) as store:
        store.append([passport(0)])
    steps = tmp_path / "steps"
    shutil.copytree(decision_store_schema.MIGRATIONS, steps, ignore=shutil.ignore_patterns("__pycache__"))
    step = steps / "versions" / "v0002_who_asked.py"
    with monkeypatch.context() as newer:
        newer.setattr(decision_store_schema, "MIGRATIONS", steps)
        for module in (decision_store_schema, sys.modules["creditrisk.adapters.decision_store_database"]):
            newer.setattr(module, "SCHEMA", "v0002")
        step.write_text(STEP.format(then="raise RuntimeError('killed in the middle')"), encoding="utf-8")
        with pytest.raises(RuntimeError):
            open_store(url)
        step.write_text(STEP.format(then="pass # once more"), encoding="utf-8")
        with closing(open_store(url)) as store:
            assert store.verify().unbroken
            store.append([passport(1)])
            with store._database.reading() as connection:
                connection.exec_driver_sql('select "by" from decision_probe').all()
    with pytest.raises(NewerSchema, match="v0002"):
        open_store(url)


def test_what_was_deleted_is_gone_from_the_file(store: SqlDecisionStore, file: Path) -> None:
    store.append([passport(number) for number in range(1, 50)])
    with store._database.reading() as connection:
        row = connection.exec_driver_sql("select salt, stored from decision_payloads limit 1").one()
    first = passport(0).decision_id
    store.delete([first], by="ann", note="asked", rule="named")
    content = b"".join(path.read_bytes() for path in file.parent.glob("decisions.db*"))
    assert row.salt not in content
    assert row.stored not in content
    assert first.encode() in content


def test_the_file_is_its_owners_alone(store: SqlDecisionStore, file: Path) -> None:
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in file.parent.glob("decisions.db*") if path.suffix != ".lock"
    }
    assert {mode for name, mode in modes.items() if not name.endswith(".lock")} == {0o600}


def test_an_address_that_is_none_is_refused_without_its_password(tmp_path: Path) -> None:
    for url in ("nonsense", "mysql://ann:secret@host/db", "sqlite://"):
        with pytest.raises(BadConfig) as caught:
            open_store(url)
        assert "secret" not in str(caught.value)
    with pytest.raises(OutsideFailed) as away:
        open_store("postgresql://ann:secret@127.0.0.1:1/db")
    assert "secret" not in str(away.value)
    assert "127.0.0.1:1/db" in str(away.value)
    with pytest.raises(MissingInput):
        SqlDecisionStore.open(f"sqlite:///{tmp_path / 'no.db'}", signer=None, clock=None, create=False)  # type: ignore[arg-type]


def test_a_postgres_that_does_not_sync_is_refused(own_postgres: PostgresServer) -> None:
    url = own_postgres.empty_database()
    own_postgres.sql("postgres", "alter system set fsync = off")
    own_postgres.sql("postgres", "select pg_reload_conf()")
    own_postgres.stop()
    own_postgres.start()
    with pytest.raises(Refused, match="does not sync"):
        open_store(url)


def test_more_callers_than_connections_are_told_to_come_back_and_the_database_sees_no_more(
    postgres: PostgresServer,
) -> None:
    url = postgres.empty_database()
    store = SqlDecisionStore.open(url, signer=SIGNER, clock=SteppingClock(), connections=2)
    with closing(store):
        with store._database.reading(), store._database.reading():
            seen = postgres.sql("postgres", "select count(*) from pg_stat_activity where usename = 'postgres'")
            with pytest.raises(OutsideFailed) as caught:
                store.append([passport(1)])
        assert int(seen) <= 2 + 1 + 5  # its own, the one that counts, and the server's workers
        assert "CREDITRISK_DECISIONS_CONNECTIONS" in caught.value.hint
        assert caught.value.retry_after_s
        store.append([passport(1)])
        assert store.verify().unbroken
