"""What every request passes first and last: its id, how many there are, how long it may take, its line in the log."""

from __future__ import annotations

import asyncio
import re
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from creditrisk.errors import CreditRiskError, OutsideFailed
from creditrisk.serving.logs import log, places_of
from creditrisk.serving.metrics import Metrics
from creditrisk.serving.problems import HttpProblem, come_back, problem_of, problem_response

ALWAYS = frozenset({"/health", "/ready", "/ping", "/version", "/metrics"})
"""Answered however busy the server is: whoever watches it must not be sent away."""

SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
"""Headers of every answer: it is data about people, for the program that asked and nobody else."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")

type Span = Callable[[Scope, str], AbstractContextManager[object]]


class Front:
    """The outermost part of the server; everything that goes wrong inside ends here as a problem."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, at_once: int, timeout_s: float, span: Span | None) -> None:
        self._app, self._metrics, self._span = app, metrics, span
        self._at_once, self._timeout_s = at_once, timeout_s
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, _without_traceback(send))
            return
        began, request_id = time.perf_counter(), _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *SAFE, (b"x-request-id", request_id.encode())]
            await send(message)

        self._under_way += 1
        self._metrics.under_way.set(self._under_way)
        try:
            await self._within_limits(scope, receive, send_on, request_id)
        except Exception as error:  # noqa: BLE001
            problem = self._problem(error, request_id)
            scope["state"]["problem"] = problem.code
            if status == 0:
                await problem_response(problem, request_id)(scope, receive, send_on)
        finally:
            self._under_way -= 1
            self._metrics.under_way.set(self._under_way)
            self._note(scope, status, time.perf_counter() - began)

    async def _within_limits(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        if self._under_way > self._at_once and scope["path"] not in ALWAYS:
            raise come_back("too_many_requests_at_once", "too many requests are under way")
        try:
            async with asyncio.timeout(self._timeout_s):
                if self._span is None:
                    await self._app(scope, receive, send)
                else:
                    with self._span(scope, request_id):
                        await self._app(scope, receive, send)
        except TimeoutError as error:
            raise come_back("timeout", "it took too long; it may have been decided all the same") from error

    def _problem(self, error: Exception, request_id: str) -> HttpProblem:
        if isinstance(error, CreditRiskError):
            if isinstance(error, OutsideFailed):
                log.error("outside_failed", request_id=request_id, what=error.what)
            return problem_of(error)
        log.error("fault", request_id=request_id, error=type(error).__name__, at=places_of(error))
        return HttpProblem(500, "fault", "the server could not do it; its log says more under this request id")

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        state, route = scope["state"], getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(route, str(status)).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        if "problem" in state:
            self._metrics.problems.labels(state["problem"]).inc()
        if scope["path"] in ALWAYS and status < 400:
            return
        log.info(
            "request",
            request_id=state["request_id"],
            method=scope["method"],
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 2),
            entities=state.get("entities", 0),
            caller=state.get("caller"),
            problem=state.get("problem"),
        )


def _without_traceback(send: Send) -> Send:
    """Of a server that cannot start or end: Starlette's message of it is a traceback, which nobody there can read."""

    async def send_on(message: Message) -> None:
        error = sys.exception()
        if message["type"] in ("lifespan.startup.failed", "lifespan.shutdown.failed") and error is not None:
            message = {"type": message["type"]}
            if isinstance(error, CreditRiskError):
                log.error("outside_failed", what=error.what, where=error.where, hint=error.hint)
            else:
                log.error("fault", error=type(error).__name__, at=places_of(error))
        await send(message)

    return send_on


def _request_id(scope: Scope) -> str:
    """The caller's own, where it is one; else a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
