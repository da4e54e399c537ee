"""What `creditrisk serve` answers is on disk before, and nothing is answered while the disk or the database fails."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests

from creditrisk.wiring import decision_store_for
from tests.support.load import Load
from tests.support.postgres import PostgresServer
from tests.support.small_disk import as_root_of_a_namespace, fill, small_disk
from tests.support.tiny_server import RECORDS, Running, Trained, running
from tests.support.tracing import moments, traced

URL = "CREDITRISK_DECISIONS_URL"


@dataclass(frozen=True)
class Place:
    """A server, and where its decisions lie. folder: a small disk where root runs the tests; its log lies there too."""

    server: Running
    folder: Path
    strace: Callable[[], str]

    @property
    def file(self) -> Path:
        return self.folder / "decisions.db"


@pytest.fixture(scope="module")
def place(trained: Trained, component: Callable[[str], str]) -> Iterator[Place]:
    with ExitStack() as room, pytest.MonkeyPatch.context() as environment:
        disk = small_disk(32) if os.getuid() == 0 else tempfile.TemporaryDirectory(prefix="disk")
        folder = Path(room.enter_context(disk))
        environment.setenv(URL, f"sqlite:///{folder / 'decisions.db'}")
        yield Place(room.enter_context(running(trained, folder)), folder, lambda: component("strace"))


def test_each_answer_goes_out_after_its_record_was_synced(
    place: Place, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if os.getuid() != 0:
        as_root_of_a_namespace(request.node)
        return
    trace = tmp_path / "trace"
    calls = "trace=read,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync"
    with (
        traced(place.strace(), place.server.process.pid, trace, "-yy", "-s", "4096", "-e", calls),
        Load(place.server.url, RECORDS, callers=3) as load,
    ):
        load.wait_for(30, place.server.alive)
    decided = {key: answer["decisions"][0]["decision_id"] for key, answer in load.answers.items()}
    asked, dirty, synced = set[str](), set[str](), set[str]()
    syncing: dict[str, set[str]] = {}
    told = 0
    for moment in moments(trace.read_text(encoding="utf-8", errors="replace").splitlines()):
        ids = set(re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", moment.text))
        if "decisions.db-wal>" in moment.text:
            if moment.call == "pwrite64" and moment.done is None:
                dirty |= ids & asked_for(decided, asked)
            elif moment.call in ("fsync", "fdatasync") and moment.done is None:
                syncing[moment.thread] = set(dirty)
            elif moment.call in ("fsync", "fdatasync") and moment.done == "0":
                synced |= syncing.pop(moment.thread)
        elif "<TCP:" in moment.text and moment.call.startswith(("read", "recv")) and moment.done is not None:
            asked |= ids
        elif "<TCP:" in moment.text and "HTTP/1.1 200" in moment.text and moment.done is None:
            (key,) = ids & decided.keys()
            assert decided[key] in synced, "a decision was told before its record was synced"
            told += 1
    assert told == len(decided) >= 30


def asked_for(decided: dict[str, str], asked: set[str]) -> set[str]:
    """Decisions whose requests have been read."""
    return {decided[key] for key in asked & decided.keys()}


@contextmanager
def full_disk(place: Place) -> Iterator[None]:
    ballast = fill(place.folder)
    yield
    ballast.unlink()


@contextmanager
def no_more_bytes(place: Place) -> Iterator[None]:
    """Every write of the server beyond the first bytes of a file fails, its log's too."""
    process = psutil.Process(place.server.process.pid)
    before = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (16, before[1]))
    yield
    process.rlimit(psutil.RLIMIT_FSIZE, before)


@contextmanager
def read_only(place: Place) -> Iterator[None]:
    """What open files say when the kernel has made their file system read-only after an error."""
    files = [word for end in ("", "-wal") for word in ("-P", f"{place.file}{end}")]
    with (
        tempfile.TemporaryDirectory(prefix="trace") as folder,
        traced(
            place.strace(), place.server.process.pid, Path(folder) / "trace", *files, "-e", "trace=pwrite64",
            "-e", "inject=pwrite64:error=EROFS",
        ),
    ):  # fmt: skip
        yield


@contextmanager
def away(place: Place) -> Iterator[None]:
    place.file.rename(place.folder / "away.db")
    yield
    (place.folder / "away.db").rename(place.file)


type Cause = Callable[[Place], AbstractContextManager[None]]


@pytest.mark.parametrize("cause", [full_disk, no_more_bytes, read_only, away])
def test_a_disk_that_fails_is_told_nothing_unkept_is_answered_and_it_recovers(
    cause: Cause, place: Place, trained: Trained, request: pytest.FixtureRequest
) -> None:
    if cause in (full_disk, read_only) and os.getuid() != 0:
        as_root_of_a_namespace(request.node)
        return
    fails_and_recovers(lambda: cause(place), place.server, trained)


@pytest.fixture(scope="module")
def own_postgres(component: Callable[[str], str]) -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = PostgresServer(component("postgres"), Path(folder))
        server.start()
        yield server
        server.stop("immediate")


@contextmanager
def stopped(database: PostgresServer) -> Iterator[None]:
    database.stop("immediate")
    yield
    database.start()


@contextmanager
def takes_no_writes(database: PostgresServer) -> Iterator[None]:
    set_read_only(database, "on")
    yield
    set_read_only(database, "off")


def set_read_only(database: PostgresServer, value: str) -> None:
    database.sql("postgres", f"alter system set default_transaction_read_only = {value}")
    database.sql("postgres", "select pg_reload_conf()")


def test_a_database_that_fails_is_told_nothing_unkept_is_answered_and_it_recovers(
    own_postgres: PostgresServer, trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL, own_postgres.empty_database())
    with running(trained, tmp_path) as server:
        for cause in (stopped, takes_no_writes):
            fails_and_recovers(lambda cause=cause: cause(own_postgres), server, trained)  # type: ignore[misc]


def fails_and_recovers(cause: Callable[[], AbstractContextManager[None]], server: Running, trained: Trained) -> None:
    with Load(server.url, RECORDS, callers=3) as load:
        load.wait_for(5, server.alive)
        with cause():
            load.wait_for_refusals(5, server.alive)
            told = ready(server, 503)
            assert told.json()["ready"] is False
            assert told.json()["store"]["writable"] is False
            assert int(told.headers["Retry-After"]) >= 1
            assert requests.get(f"{server.url}/health", timeout=30).ok
        ready(server, 200)
        load.wait_for(5, server.alive)
    assert load.broken == 0
    assert {refusal.status for refusal in load.refused} == {503}
    assert all(int(refusal.retry_after or 0) >= 1 for refusal in load.refused)
    again = Load(server.url, RECORDS)
    with requests.Session() as session:
        for refusal in load.refused[:5]:
            again.ask(session, refusal.key, load.asked[refusal.key])
    assert (len(again.answers), again.refused) == (5, [])
    with closing(decision_store_for(trained.workspace)) as store:
        for key, answer in (load.answers | again.answers).items():
            (kept,) = store.answered("local", key)
            assert kept.passport.decision_id == answer["decisions"][0]["decision_id"]
        verified = store.verify()
        assert verified.unbroken, verified.breaks


def ready(server: Running, status: int) -> requests.Response:
    """What /ready says once it says so: a minute is long."""
    until = time.monotonic() + 60
    while True:
        told = requests.get(f"{server.url}/ready", timeout=30)
        if told.status_code == status:
            return told
        assert time.monotonic() < until, told.text
        time.sleep(0.01)
