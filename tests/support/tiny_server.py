"""`creditrisk serve` of the tiny book as a process of its own, and the workspace that it serves from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from creditrisk.cli import main
from creditrisk.ports import DecisionStore
from creditrisk.wiring import decision_store_for
from tests.support.server_process import free_port
from tests.support.tiny_book import write_tiny_book
from tests.support.tiny_run import write_tiny_raw

RECORD = {
    "application": {"loan_id": 7, "income": 21000.5, "debt": 9000, "town": "big", "sex": "f"},
    "payments": [{"payment_id": 1, "loan_id": 7, "day": -3, "days_late": 4, "paid": 100.25}],
}
RECORDS = [
    {"application": {**RECORD["application"], "loan_id": key, "debt": 500 * key}, "payments": []}
    for key in range(1, 40)
]


@dataclass(frozen=True)
class Trained:
    """A book and a workspace where the model that was trained last is its `candidate`."""

    book: Path
    workspace: Path


def train(root: Path, *, rounds: int) -> Trained:
    """One model more of the tiny book in root/workspace; another number of rounds makes another one."""
    book, raw, workspace = write_tiny_book(root / "book"), write_tiny_raw(root / "raw"), root / "workspace"
    told = main(
        ["run", str(book), "--raw", str(raw), "--workspace", str(workspace), "--until", "register", "--json",
         "--set", "training.parameters.xgboost.min_child_weight=1",
         "--set", f"training.parameters.xgboost.rounds={rounds}"]
    )  # fmt: skip
    assert told == 0
    return Trained(book, workspace)


class Running:
    """A server process. url: where it answers."""

    def __init__(self, trained: Trained, log: Path, *options: str, **environment: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        with log.open("a") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "creditrisk.cli", "serve", str(trained.book), "--alias", "candidate",
                 "--workspace", str(trained.workspace), "--port", str(port), *options],
                stdout=stream, stderr=stream, start_new_session=True,
                env={**os.environ, "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", **environment},
            )  # fmt: skip

    def alive(self) -> bool:
        return self.process.poll() is None

    def wait(self) -> Running:
        wait_until_ready(self.url, self.alive, self.log)
        return self

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@contextmanager
def running(trained: Trained, folder: Path, *options: str, **environment: str) -> Iterator[Running]:
    server = Running(trained, folder / "server.log", *options, **environment)
    try:
        yield server.wait()
    finally:
        if server.alive():
            server.kill()


def wait_until_ready(url: str, alive: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until and alive():
        try:
            if requests.get(f"{url}/ready", timeout=5).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.05)
    raise AssertionError(f"no server:\n{log.read_text()[-3000:]}")


@contextmanager
def kept_by(trained: Trained) -> Iterator[DecisionStore]:
    store = decision_store_for(trained.workspace)
    yield store
    store.close()
