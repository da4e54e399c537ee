"""An app on a free port of loopback, answered by a real uvicorn in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import uvicorn
from starlette.types import ASGIApp


class Calls(requests.Session):
    """Requests to one server, by path."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.trust_env = False

    def request(self, method: str, url: str, **options: object) -> requests.Response:  # type: ignore[override]
        return super().request(method, self.url + url if url.startswith("/") else url, timeout=60, **options)  # type: ignore[arg-type]


@contextmanager
def answered(app: ASGIApp) -> Iterator[Calls]:
    """Calls to the app while it runs; it is stopped as SIGTERM stops it."""
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", log_config=None, access_log=False, server_header=False
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        up = threading.Event()

        async def run() -> None:
            started = asyncio.create_task(server.serve(sockets=[listening]))
            while not server.started and not started.done():
                await asyncio.sleep(0.005)
            up.set()
            await started

        thread = threading.Thread(target=lambda: asyncio.run(run()), name="uvicorn")
        thread.start()
        up.wait()
        assert server.started, "the app did not start"
        with Calls(f"http://127.0.0.1:{listening.getsockname()[1]}") as calls:
            yield calls
        server.should_exit = True
        thread.join()
