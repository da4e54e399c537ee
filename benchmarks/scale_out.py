"""Several servers behind HAProxy, one Postgres, and a restart of it in the middle: how fast, and is anything lost?

python -m benchmarks.scale_out [--quick] [--workspace FOLDER] [--book lending_club] [--servers 2] [--clients 4]
                               [--requests 100000] [--callers 8] [--json FILE]
Servers are processes of `creditrisk serve` with one worker each. Each client is a process with so many connections; it
sends raw records, each under an Idempotency-Key of its own, and sends again what was not answered or told to come back.
In the middle Postgres is stopped as if the power had failed, and started again. At the end every request has
one decision in the store, it is the one that was answered, and all chains verify; exit code 1 when not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from benchmarks.serving import Server, ask_for, body_of, running, trained_records
from creditrisk.config import Workspace
from creditrisk.serving.keys import new_key
from creditrisk.wiring import decision_store_for
from tests.support.postgres import PostgresServer
from tests.support.server_process import free_port

REQUESTS, QUICK_REQUESTS = 100_000, 2_000
HAPROXY = Path(__file__).parents[1] / "deploy" / "balancer" / "haproxy.cfg"
DECISIONS = "FROM decision_records WHERE kind = 'decision'"
AGAIN_S, AWAY_S = 0.2, 2.0
PATIENCE_S = 120.0
"""How long a client goes on asking for one decision."""


@dataclass(frozen=True)
class Size:
    servers: int = 2
    clients: int = 4
    callers: int = 8
    requests: int = REQUESTS


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_REQUESTS:,} requests, a model of 4,000 loans")
    options.add_argument("--workspace", type=Path, help="one that holds the trained book already")
    options.add_argument("--book", default="lending_club")
    options.add_argument("--servers", type=int, default=2, choices=(1, 2))
    options.add_argument("--clients", type=int, default=4)
    options.add_argument("--callers", type=int, default=8, help="connections of each client")
    options.add_argument("--requests", type=int)
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    requests = chosen.requests or (QUICK_REQUESTS if chosen.quick else REQUESTS)
    size = Size(chosen.servers, chosen.clients, chosen.callers, requests)
    with tempfile.TemporaryDirectory(prefix="creditrisk-scale-") as folder:
        root = (chosen.workspace or Path(folder) / "workspace").resolve()
        bodies = [body_of(record) for record in trained_records(chosen.book, root, quick=chosen.quick)]
        told = measure(chosen.book, root, bodies, size, Path(folder))
    print(json.dumps(told, indent=2))
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0 if told["sound"] else 1


def measure(book: str, root: Path, bodies: Sequence[bytes], size: Size, folder: Path) -> dict[str, Any]:
    """book: a name or a path, whose candidate in `root` is served.  bodies: of POST /predict, one record each."""
    with ExitStack() as room:
        postgres, place, url = room.enter_context(_postgres())
        secret, keys = new_key("benchmark", ["score"])
        servers = [
            room.enter_context(
                running(book, root, folder, {"CREDITRISK_DECISIONS_URL": url, "CREDITRISK_API_KEYS": keys})
            )
            for _ in range(size.servers)
        ]
        port, balancer = room.enter_context(_balancer(servers, folder))
        before, bytes_before = _cpu(servers, balancer), _bytes(url)
        begun = time.perf_counter()
        clients, answers = _clients(port, secret, bodies, size, folder)
        restarted, of_postgres = _restart_in_the_middle(postgres, place, url, size, clients)
        for client in clients:
            client.join()
        seconds = time.perf_counter() - begun
        spent = {name: value - before[name] for name, value in _cpu(servers, balancer).items()}
        spent["postgres"] = of_postgres + _cpu_of_postgres(place)
        bytes_now = _bytes(url)
        kept = _kept(url, root)
        answered = {key: one for path in answers for key, one in json.loads(path.read_text(encoding="utf-8")).items()}
    decided = kept.pop("decided")
    lost = [key for key, one in answered.items() if one["decision_id"] not in decided.get(key, [])]
    twice = [key for key, ids in decided.items() if len(ids) > 1]
    told = {
        "servers": size.servers,
        "clients": size.clients,
        "requests": size.requests,
        "answered": len(answered),
        "asked_again": sum(one["again"] for one in answered.values()),
        "restarted_after": restarted,
        "decisions_kept": sum(len(ids) for ids in decided.values()),
        "lost": len(lost),
        "twice": len(twice),
        **kept,
        "seconds": seconds,
        "per_second": len(answered) / seconds,
        "bytes_each": {name: (bytes_now[name] - bytes_before[name]) / len(answered) for name in bytes_now},
        "cpu_ms_each": {name: 1000 * value / len(answered) for name, value in spent.items()},
    }
    whole = len(answered) == len(decided) == size.requests
    told["sound"] = whole and not lost and not twice and kept["chains_unbroken"] and restarted is not None
    return told


@contextmanager
def _postgres() -> Iterator[tuple[PostgresServer, Path, str]]:
    """The server, its folder, and the address of an empty database."""
    program = shutil.which("postgres") or next(
        map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))), None
    )
    if program is None:
        raise SystemExit("no Postgres: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="creditrisk-postgres-") as folder:  # its own user's
        server = PostgresServer(program, Path(folder))
        server.start()
        try:
            yield server, Path(folder), server.empty_database()
        finally:
            with suppress(RuntimeError):  # stopped in the middle by a failure
                server.stop("immediate")


@contextmanager
def _balancer(servers: Sequence[Server], folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    program = shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy")
    if program is None:
        raise SystemExit("no HAProxy: apt-get install haproxy")
    port = free_port()
    places = {f"WORKER_{number + 1}": f"127.0.0.1:{server.port}" for number, server in enumerate(servers)}
    places.setdefault("WORKER_2", "127.0.0.1:1")  # nobody: away from the first check on
    environment = {**os.environ, "LISTEN": f"127.0.0.1:{port}", **places}
    with (folder / "haproxy.log").open("w") as log:
        process = subprocess.Popen([program, "-f", str(HAPROXY), "-db"], env=environment, stdout=log, stderr=log)
    try:
        _until_answered(port, process, folder / "haproxy.log")
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _until_answered(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        answer = asyncio.run(_status(port))
        if answer == 200:
            return
        time.sleep(0.1)
    raise SystemExit(f"the balancer does not answer:\n{log.read_text()[-2000:]}")


async def _status(port: int) -> int:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        told = await ask_for(reader, writer, b"GET /ready HTTP/1.1\r\nHost: here\r\n\r\n")
        writer.close()
    except (OSError, asyncio.IncompleteReadError):
        return 0
    return told[0]


def _clients(
    port: int, secret: str, bodies: Sequence[bytes], size: Size, folder: Path
) -> tuple[list[multiprocessing.context.SpawnProcess], list[Path]]:
    """Started; each writes {key: answer} into its file when all its requests were answered."""
    spawn = multiprocessing.get_context("spawn")
    answers = [folder / f"client-{number}.json" for number in range(size.clients)]
    clients = []
    for number, path in enumerate(answers):
        keys = [f"{number}-{place}" for place in range(number, size.requests, size.clients)]
        client = spawn.Process(
            target=_client, args=(port, secret, list(bodies), keys, size.callers, str(path)), daemon=True
        )
        client.start()
        clients.append(client)
    return clients, answers


def _client(port: int, secret: str, bodies: Sequence[bytes], keys: Sequence[str], callers: int, out: str) -> None:
    answers: dict[str, dict[str, Any]] = {}
    waiting = list(reversed(keys))

    async def caller() -> None:
        link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while waiting:
            key = waiting.pop()
            body, again, until = bodies[len(waiting) % len(bodies)], 0, time.monotonic() + PATIENCE_S
            while key not in answers and time.monotonic() < until:
                try:
                    link = link or await asyncio.open_connection("127.0.0.1", port)
                    status, told = await ask_for(*link, _request(secret, body, key))
                except (OSError, asyncio.IncompleteReadError):
                    status, told, link = 0, b"", None
                if status == 200:
                    one = json.loads(told)["decisions"][0]
                    answers[key] = {"decision_id": one["decision_id"], "again": again}
                elif status in (0, 502, 503, 504, 409, 429):
                    again += 1
                    await asyncio.sleep(AGAIN_S)
                else:
                    raise SystemExit(f"{status}: {told[:500]!r}")

    async def all_of_them() -> None:
        await asyncio.gather(*(caller() for _ in range(callers)))

    asyncio.run(all_of_them())
    Path(out).write_text(json.dumps(answers), encoding="utf-8")


def _request(secret: str, body: bytes, key: str) -> bytes:
    return (
        f"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nX-API-Key: {secret}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def _restart_in_the_middle(
    postgres: PostgresServer,
    place: Path,
    url: str,
    size: Size,
    clients: Sequence[multiprocessing.context.SpawnProcess],
) -> tuple[int | None, float]:
    """After how many decisions it went away, None when the clients were done before; its CPU seconds until then."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    while any(client.is_alive() for client in clients):
        with engine.connect() as connection:
            kept = int(connection.exec_driver_sql(f"SELECT count(*) {DECISIONS}").scalar_one())
        if kept >= size.requests // 2:
            engine.dispose()
            spent = _cpu_of_postgres(place)
            postgres.stop("immediate")
            time.sleep(AWAY_S)
            postgres.start()
            return kept, spent
        time.sleep(0.5)
    return None, 0.0


def _cpu_of_postgres(place: Path) -> float:
    """Of the server and everybody it served, since it was started."""
    lines = (place / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    process = psutil.Process(int(lines[0]))
    own = process.cpu_times()
    alive = [one.cpu_times() for one in process.children()]
    ended = own.children_user + own.children_system
    return float(own.user + own.system + ended + sum(one.user + one.system for one in alive))


def _bytes(url: str) -> dict[str, int]:
    """stored: of the database with its indexes.  log: of the write-ahead log since the server was made."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        told = connection.exec_driver_sql(
            "SELECT pg_database_size(current_database()), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"
        ).one()
    engine.dispose()
    return {"stored": int(told[0]), "log": int(told[1])}


def _kept(url: str, root: Path) -> dict[str, Any]:
    """decided: {key: ids of its decisions}; and whether every chain is as it was written."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    decided: dict[str, list[str]] = {}
    with engine.connect() as connection:
        for key, decision in connection.exec_driver_sql(f"SELECT idempotency_key, decision_id {DECISIONS}"):
            decided.setdefault(str(key), []).append(str(decision))
    engine.dispose()
    with _environment({"CREDITRISK_DECISIONS_URL": url}), closing(decision_store_for(Workspace(root).root)) as store:
        told = store.verify()
    return {"decided": decided, "chains_unbroken": told.unbroken, "chains": len(told.chains)}


@contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _cpu(servers: Sequence[Server], balancer: psutil.Process) -> dict[str, float]:
    spent = balancer.cpu_times()
    return {
        "servers": sum(server.cpu_seconds() for server in servers),
        "balancer": float(spent.user + spent.system),
    }


if __name__ == "__main__":
    sys.exit(main())
