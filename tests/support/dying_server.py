"""Stands before a real server and passes requests on, until it has passed as many as a test allows: then it is dead."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class DyingServer(ThreadingHTTPServer):
    """passes: how many more requests reach the real server; None: all.

    Of the last one that does the caller learns nothing: the server died after the work, before the answer.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = urlsplit(behind)
        self.passes: int | None = None
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that hang up are what this is for."""


@contextmanager
def dying(behind: str) -> Iterator[DyingServer]:
    """behind: the real server's address."""
    server = DyingServer(behind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: DyingServer

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""

    def _pass_on(self) -> None:
        if self.server.passes == 0:
            return  # the connection is closed without a word
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked += 1
        real = http.client.HTTPConnection(self.server.behind.hostname or "", self.server.behind.port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name not in {"Host", "Connection"}}
        real.request(self.command, self.path, body or None, headers)
        answer = real.getresponse()
        told = answer.read()
        real.close()
        if self.server.passes is not None:
            self.server.passes -= 1
            if self.server.passes == 0:
                return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _pass_on
