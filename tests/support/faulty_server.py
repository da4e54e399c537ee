"""A web server on loopback that stalls, resets, truncates, lies about length and forgets ranges, as a test tells it."""

from __future__ import annotations

import hashlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Served:
    """One file and how it is served. Faults are taken one by one, each for one answer with a body."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    etag: bool = True
    lie: int = 0
    """Added to every Content-Length."""
    needs: dict[str, str] = field(default_factory=dict)
    """Headers without which the answer is 401."""
    faults: list[tuple[str, int]] = field(default_factory=list)
    """("reset" | "truncate" | "stall", after so many bytes of this answer), ("status", code)."""


@dataclass
class Asked:
    path: str
    headers: dict[str, str]


class FaultyServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, Served] = {}
        self.asked: list[Asked] = []
        self.sent = 0
        """Bytes of bodies that were handed to the network."""
        self.released = threading.Event()
        """Ends every stall."""
        self.answer: Callable[[_Handler], bool] | None = None
        """Tried first; True when it has answered."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def do_GET(self) -> None:
        self.server.asked.append(Asked(self.path, dict(self.headers)))
        if self.server.answer is not None and self.server.answer(self):
            return
        served = self.server.files.get(self.path.partition("?")[0])
        if served is None:
            self.plain(404)
        elif any(self.headers.get(name) != value for name, value in served.needs.items()):
            self.plain(401)
        elif served.status != 200:
            self.plain(served.status, served.headers)
        else:
            self.file(served)

    do_POST = do_HEAD = do_GET

    def plain(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def file(self, served: Served) -> None:
        etag = f'"{hashlib.md5(served.body, usedforsecurity=False).hexdigest()}"'
        begin = self._begin(served, etag)
        body = served.body[begin:]
        fault, at = served.faults.pop(0) if served.faults and self.command != "HEAD" else ("", 0)
        if fault == "status":
            self.plain(at, served.headers)
            return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body) + served.lie))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(served.body) - 1}/{len(served.body)}")
        if served.etag:
            self.send_header("ETag", etag)
        for name, value in served.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = min(at, len(body)) if fault in ("reset", "truncate", "stall") else len(body)
        self.wfile.write(body[:cut])
        self.wfile.flush()
        self.server.sent += cut
        if fault == "stall":
            self.server.released.wait(30)
        if fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if fault or served.lie:
            self.close_connection = True
            self.connection.close() if fault == "reset" else self.connection.shutdown(socket.SHUT_RDWR)

    def _begin(self, served: Served, etag: str) -> int:
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if not served.ranges or wanted is None or self.headers.get("If-Range", etag) != etag:
            return 0
        return int(wanted[1])

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def faulty_server() -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join(10)
