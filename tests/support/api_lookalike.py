"""A server with the answers that a smoke test looks at, where a real one would cost its start."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

EXAMPLE = {"applications": [{"application": {"loan_id": 1}}]}


@dataclass
class Lookalike:
    """serving: the image that answers now.  bundles: {image: (version, bundle) that it decides by}.  broken: {image:
    status that it answers to /predict}.  key: that it wants; None = none.
    """

    serving: Callable[[], str]
    bundles: dict[str, tuple[str, str]] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    key: str | None = None
    url: str = ""
    request_ids: list[str] = field(default_factory=list)

    def answer(self, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        image = self.serving()
        if path == "/health":
            return (200, {"status": "alive"}) if image else (503, {"detail": "nothing runs"})
        if path == "/ready":
            return 200, {"ready": True}
        if self.key is not None and headers.get("X-API-Key") != self.key:
            return 401, {"detail": "no key"}
        if path == "/openapi.json":
            return 200, {"components": {"examples": {"applications": {"value": EXAMPLE}}}}
        if path != "/predict" or json.loads(body) != EXAMPLE:
            return 404, {"detail": "no such route"}
        if image in self.broken:
            return self.broken[image], {"detail": "it does not decide"}
        self.request_ids.append(headers.get("X-Request-ID"))
        version, bundle = self.bundles[image]
        decision = {"decision_id": "d1", "entity_id": 1, "pd": 0.1, "decision": "approve"}
        return 200, {"model": {"name": "tiny", "version": version, "bundle": bundle}, "decisions": [decision]}


@contextmanager
def lookalike(serving: Callable[[], str]) -> Iterator[Lookalike]:
    api = Lookalike(serving)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, told = api.answer(self.path, self.headers, body)
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
