"""A server for a test: started on a free port of loopback, waited for, and ended with everything it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

READY_WITHIN_S = 240


@contextmanager
def serving(
    command: Callable[[int], Sequence[str]],
    folder: Path,
    *,
    ready: str,
    environment: Mapping[str, str],
    program: Sequence[str] = (sys.executable, "-m"),
) -> Iterator[str]:
    """The address of a server that answers.

    command: the arguments after `program`, for a port.  folder: where it runs and logs.  ready: the path that
    answers, with any status but 5xx, when the server is up.
    """
    port = free_port()
    programs = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", **environment}
    log = folder / "server.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*program, *command(port)],
            stdout=stream,
            stderr=stream,
            cwd=folder,
            env=env,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url + ready, process, log)
        yield url
    finally:
        _end(process)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    last = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < last and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError as answer:
            if answer.code < 500:
                return
            time.sleep(0.2)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(f"the server did not come up:\n{log.read_text()[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """By the number of the process group that was made for it."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, sign)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                continue
