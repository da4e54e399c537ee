"""How many decisions a second, how soon, beside `mlflow models serve` and FastAPI with the same trees in the same run?

python -m benchmarks.serving [--quick] [--workspace FOLDER] [--book NAME] [--seconds 10] [--requests 20000]
                            [--json FILE]
Invented data: trains each book (or takes the candidate of a workspace that has one). One worker on loopback gets raw
records, checks them, proves reasons and keeps each decision; MLflow's gets ready-made features and keeps nothing. So
does the floor, FastAPI that asks the trees: one caller, between our two measurements, as a machine's speed changes.
Decisions a second: `--callers` connections that ask as soon as they are answered. Latency: requests are sent at fixed
moments whether or not earlier ones were answered, and are timed from that moment on. Memory: of the server, before and
after `--requests` requests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow.parquet as pq

from benchmarks.bundles import copy_trees, newest_bundle
from creditrisk.config import Workspace, load_book
from creditrisk.demo import write_demo
from creditrisk.modelling import load_bundle
from creditrisk.pipelines.stages import run_stages
from creditrisk.wiring import book_with, context_for
from tests.support.records import records_of
from tests.support.server_process import free_port

BOOKS = ("lending_club", "home_credit")
FULL_ROWS, QUICK_ROWS = 20_000, 4_000
RECORDS = 400
CHILD_ROWS = 60
RATES = {"lending_club": 100.0, "home_credit": 15.0}
PROMISED = {"lending_club": (500.0, 20.0), "home_credit": (100.0, 250.0)}
"""Decisions a second at least, and p99 in milliseconds at most at the book's rate."""
FLOOR = 1_900.0, 0.5
"""Rows a second and p50 in milliseconds of the floor, where that was promised."""
TIMES_MLFLOW = 2.5


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} applications, 3 seconds, 1,000 requests")
    options.add_argument("--workspace", type=Path, help="one that holds trained books already")
    options.add_argument("--book", choices=BOOKS, action="append")
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--requests", type=int, default=20_000, help="while the memory is looked at")
    options.add_argument("--callers", type=int, default=32)
    options.add_argument("--no-mlflow", action="store_true")
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    if chosen.quick:
        chosen.seconds, chosen.requests = 3.0, 1_000
    with tempfile.TemporaryDirectory(prefix="creditrisk-serving-") as folder:
        root = (chosen.workspace or Path(folder) / "workspace").resolve()
        told = {name: _tell(name, root, Path(folder), chosen) for name in chosen.book or BOOKS}
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0 if chosen.quick or all(one["enough"] for one in told.values()) else 1


def _tell(name: str, root: Path, folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    records = trained_records(name, root, quick=chosen.quick)
    bodies = [body_of(record) for record in records]
    print(f"{name}: {len(bodies)} applications, {np.mean([_child_rows(one) for one in records]):.0f} child rows and "
          f"{np.mean([len(body) for body in bodies]):,.0f} bytes each")  # fmt: skip
    store = {"CREDITRISK_DECISIONS_URL": f"sqlite:///{folder / f'{name}.db'}"}
    with running(name, root, folder, store) as server, _floor(name, root, folder) as floor:
        requests = [_request("/predict", body) for body in bodies]
        ready = [_request("/predict", body) for body in _numeric_rows(name, root)]
        ours, alone, slow, memory = _measured(server, requests, floor, ready, chosen, RATES[name])
    theirs = None
    if not chosen.no_mlflow:
        with _mlflow(name, root, folder) as server:
            rows = [_request("/invocations", body) for body in _feature_rows(name, root)]
            theirs = _throughput(server, rows, chosen)
    least, most = PROMISED[name]
    p50, p99 = slow.percentiles()
    print(f"  {ours.per_second:7.1f} decisions/s with {chosen.callers} callers     (promised: {least:.0f})")
    print(f"  {ours.cpu_ms_each:7.2f} ms of processor time for each")
    print(f"  {p50:7.1f} ms p50, {p99:.1f} ms p99 at {RATES[name]:.0f}/s  (promised: p99 under {most:.0f})")
    floor_p50 = alone.percentiles()[0]
    print(f"  {alone.per_second:7.1f} rows/s, p50 {floor_p50:.2f} ms by FastAPI and the trees alone, one caller: "
          f"we make {ours.per_second / alone.per_second:.2f} of that (promised: {least / FLOOR[0]:.2f}), "
          f"our p99 is {p99 / floor_p50:.0f} times its p50 (promised: {most / FLOOR[1]:.0f})")  # fmt: skip
    print(f"  {memory[0]:7.1f} MB before, then after each tenth of {chosen.requests:,} requests: "
          f"{', '.join(f'{one:.1f}' for one in memory[1:])} MB")  # fmt: skip
    print(f"  {ours.failed + slow.failed} of {len(ours.seconds) + len(slow.seconds)} requests failed")
    told: dict[str, Any] = {
        "per_second": ours.per_second,
        "cpu_ms_each": ours.cpu_ms_each,
        "rate": RATES[name],
        "p50_ms": p50,
        "p99_ms": p99,
        "floor_per_second": alone.per_second,
        "floor_p50_ms": floor_p50,
        "memory_mb": memory,
        "failed": ours.failed + slow.failed,
        "enough": ours.per_second >= least and p99 <= most and not ours.failed + slow.failed,
    }
    if theirs is not None:
        ratio = ours.per_second / theirs.per_second
        print(f"  {theirs.per_second:7.1f} rows/s by mlflow models serve: {theirs.cpu_ms_each:.2f} ms of processor "
              f"time each; we are {ratio:.2f} times as fast (promised: {TIMES_MLFLOW})")  # fmt: skip
        told["mlflow_per_second"] = theirs.per_second
        told["enough"] = told["enough"] and ratio >= TIMES_MLFLOW
    return told


def trained_records(name: str, root: Path, *, quick: bool) -> list[Mapping[str, Any]]:
    """Typical applications of a book, of which `root` holds a model; made from invented loans where it holds none."""
    raw = root / "demo" / name
    if not list(Workspace(root).book(name).models.glob("*/bundle")):
        _train(name, root, raw, QUICK_ROWS if quick else FULL_ROWS)
    return _typical(records_of(load_book(name), raw, most=5 * RECORDS))


def body_of(record: Mapping[str, Any]) -> bytes:
    """Of POST /predict."""
    return json.dumps({"applications": [record]}, default=_number).encode()


def _typical(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those whose number of child rows is nearest to what the figures are promised for, in their order."""
    nearest = sorted(range(len(records)), key=lambda place: abs(_child_rows(records[place]) - CHILD_ROWS))
    return [records[place] for place in sorted(nearest[:RECORDS])]


def _child_rows(record: Mapping[str, Any]) -> int:
    return sum(len(rows) for rows in record.values() if isinstance(rows, list))


def _measured(
    server: Server,
    requests: Sequence[bytes],
    floor: Server,
    ready: Sequence[bytes],
    chosen: argparse.Namespace,
    rate: float,
) -> tuple[Answered, Answered, Answered, list[float]]:
    """Ours with many callers, the floor with one, ours at the rate, and our memory."""
    asyncio.run(closed_loop(server.port, requests, callers=chosen.callers, seconds=2.0))  # everything is loaded then
    asyncio.run(closed_loop(floor.port, ready, callers=1, seconds=1.0))
    ours = _throughput(server, requests, chosen)
    alone = asyncio.run(closed_loop(floor.port, ready, callers=1, seconds=chosen.seconds))
    slow = asyncio.run(open_loop(server.port, requests, rate=rate, seconds=chosen.seconds))
    memory = [server.megabytes()]
    for _ in range(10):
        asyncio.run(closed_loop(server.port, requests, callers=chosen.callers, most=chosen.requests // 10))
        memory.append(server.megabytes())
    return ours, alone, slow, memory


def _throughput(server: Server, requests: Sequence[bytes], chosen: argparse.Namespace) -> Answered:
    before = server.cpu_seconds()
    told = asyncio.run(closed_loop(server.port, requests, callers=chosen.callers, seconds=chosen.seconds))
    told.cpu_s = server.cpu_seconds() - before
    return told


@dataclass
class Answered:
    """seconds: of each request.  elapsed: of all of them.  cpu_s: of the server, where it was measured."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    elapsed: float = 0.0
    cpu_s: float = 0.0

    @property
    def cpu_ms_each(self) -> float:
        return 1000 * self.cpu_s / len(self.seconds)

    @property
    def per_second(self) -> float:
        return (len(self.seconds) - self.failed) / self.elapsed

    def percentiles(self) -> tuple[float, float]:
        """p50 and p99 in milliseconds."""
        p50, p99 = np.percentile(np.array(self.seconds) * 1000, [50, 99])
        return float(p50), float(p99)


async def closed_loop(
    port: int, requests: Sequence[bytes], *, callers: int, seconds: float = 1e9, most: int = 10**9
) -> Answered:
    """Each caller asks again as soon as it is answered, for so long or so often."""
    told, began, asked = Answered(), time.perf_counter(), 0

    async def caller() -> None:
        nonlocal asked
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while asked < most and time.perf_counter() - began < seconds:
            request, asked = requests[asked % len(requests)], asked + 1
            await _ask(reader, writer, request, told, time.perf_counter())
        writer.close()

    await asyncio.gather(*(caller() for _ in range(callers)))
    told.elapsed = time.perf_counter() - began
    return told


async def open_loop(port: int, requests: Sequence[bytes], *, rate: float, seconds: float) -> Answered:
    """Asked at fixed moments; a request's time counts from its moment, also when it had to wait for a connection."""
    told = Answered()
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    began = time.perf_counter()

    async def one(number: int) -> None:
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        await _ask(reader, writer, requests[number % len(requests)], told, due)
        idle.append((reader, writer))

    await asyncio.gather(*(one(number) for number in range(int(rate * seconds))))
    told.elapsed = time.perf_counter() - began
    for _, writer in idle:
        writer.close()
    return told


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, told: Answered, since: float
) -> None:
    status, _ = await ask_for(reader, writer, request)
    told.seconds.append(time.perf_counter() - since)
    told.failed += status != 200


async def ask_for(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    """Status and body of one answer on a connection that stays open."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


def _request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Server:
    port: int
    process: subprocess.Popen[bytes]

    def megabytes(self) -> float:
        """Of the process and everything it started."""
        return float(sum(one.memory_info().rss for one in self._processes()) / 2**20)

    def cpu_seconds(self) -> float:
        times = [one.cpu_times() for one in self._processes()]
        return float(sum(one.user + one.system for one in times))

    def _processes(self) -> list[psutil.Process]:
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]


@contextmanager
def running(name: str, root: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """`creditrisk serve` of a book, by name or path, with the candidate of the workspace."""
    command = ["-m", "creditrisk.cli", "serve", name, "--alias", "candidate", "--workspace", str(root)]
    with _running(lambda port: [sys.executable, *command, "--port", str(port)], environment, folder, "/ready") as one:
        yield one


@contextmanager
def _mlflow(name: str, root: Path, folder: Path) -> Iterator[Server]:
    program = str(Path(sys.executable).with_name("mlflow"))
    command = [program, "models", "serve", "-m", f"models:/{name}@candidate", "--env-manager", "local", "-w", "1"]
    environment = {"MLFLOW_TRACKING_URI": Workspace(root).tracking_uri}
    with _running(lambda port: [*command, "-h", "127.0.0.1", "-p", str(port)], environment, folder, "/ping") as one:
        yield one


@contextmanager
def _floor(name: str, root: Path, folder: Path) -> Iterator[Server]:
    model = folder / f"{name}.ubj"
    copy_trees(newest_bundle(root, name), model)
    command = ["-m", "uvicorn", "benchmarks.http_floor:app", "--no-access-log", "--log-level", "warning"]
    environment = {"FLOOR_MODEL": str(model)}
    with _running(
        lambda port: [sys.executable, *command, "--port", str(port)], environment, folder, "/openapi.json"
    ) as one:
        yield one


@contextmanager
def _running(
    command: Callable[[int], list[str]], environment: Mapping[str, str], folder: Path, ready: str
) -> Iterator[Server]:
    port = free_port()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "PATH": path}
    log_file = folder / f"server-{port}.log"
    with log_file.open("w") as log:
        process = subprocess.Popen(
            command(port), env={**os.environ, **quiet, **environment}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(f"http://127.0.0.1:{port}{ready}", process, log_file)
        yield Server(port, process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise SystemExit(f"no server:\n{log.read_text()[-2000:]}")


def _feature_rows(name: str, root: Path) -> list[bytes]:
    """MLflow's requests: one ready-made row each."""
    names = list(load_bundle(newest_bundle(root, name)).preprocess.names)
    rows = pq.read_table(Workspace(root).book(name).feature_store, columns=names).slice(0, RECORDS).to_pylist()
    return [
        json.dumps({"dataframe_split": {"columns": names, "data": [[_plain(row[one]) for one in names]]}}).encode()
        for row in rows
    ]


def _numeric_rows(name: str, root: Path) -> list[bytes]:
    """The floor's requests: what the trees see of one row each, codes for words."""
    preprocess = load_bundle(newest_bundle(root, name)).preprocess
    table = pq.read_table(Workspace(root).book(name).feature_store, columns=list(preprocess.names)).slice(0, RECORDS)
    return [
        json.dumps({
            column: None if np.isnan(value) else float(value)
            for column, value in zip(preprocess.names, row, strict=True)
        }).encode()
        for row in preprocess.matrix(table).values
    ]  # fmt: skip


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal | int) else value


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def _train(name: str, root: Path, raw: Path, rows: int) -> None:
    write_demo(name, raw, rows=rows)
    with context_for(book_with(name, {}), root, raw=raw, progress=lambda *_: None) as context:
        run_stages(context, last="register")


if __name__ == "__main__":
    sys.exit(main())
