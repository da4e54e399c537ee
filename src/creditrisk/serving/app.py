"""The server, put together: routes inside, the front outside, and what happens when it starts and stops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from creditrisk import __version__
from creditrisk.config import Book, ServingSettings
from creditrisk.errors import CreditRiskError
from creditrisk.serving import (
    mlflow_protocol,
    openapi,
    routes_decide,
    routes_operate,
    routes_records,
)
from creditrisk.serving.direct import Direct
from creditrisk.serving.examples import examples
from creditrisk.serving.front import Front, Span
from creditrisk.serving.grouping import Grouping
from creditrisk.serving.logs import log, places_of
from creditrisk.serving.metrics import Metrics
from creditrisk.serving.model import Holder, Models, set_apart
from creditrisk.serving.once import UnderWay
from creditrisk.serving.problems import HttpProblem, problem_of, refusal
from creditrisk.serving.security import Guard
from creditrisk.serving.server import Ports, Server
from creditrisk.serving.shadow import Shadow
from creditrisk.serving.shapes import application_schema, request_schema
from creditrisk.serving.windows import Windows

SILENT: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's own OpenTelemetry, which would note exceptions with their messages, and sends them away as soon as anything
in the process or the environment names a receiver. What may be told are our own spans (`spans`)."""

LOOK_EVERY_S = 1.0
"""How often keys and the other workers' word are looked at."""


def create_app(
    book: Book,
    ports: Ports,
    settings: ServingSettings,
    *,
    alias: str,
    host: str = "127.0.0.1",
    workers: int = 1,
    span: Span | None = None,
) -> ASGIApp:
    """A server of one book. Raises what is wrong with the model, the keys or the settings before anything listens.

    host: what it will listen on; beyond loopback it needs keys.  workers: processes that share the rates agreed.
    """
    guard = Guard(settings, used_tokens=ports.folder / "used_tokens", workers=workers)
    guard.need_closed_unless_loopback(host)
    metrics = Metrics()
    name = settings.model_name or book.name
    models = Models(name, ports.registry, own_copy=ports.own_copy, duck=ports.duck, records=ports.records)
    holder = Holder(models, alias, metrics)
    challenger = Holder(models, settings.shadow_alias, Metrics()) if settings.shadow_alias else None

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        store = ports.open_store()
        grouping = Grouping(store, metrics, waiting_max=settings.waiting_max, group_max=settings.group_max)
        shadow = Shadow(challenger, store, metrics, ports.clock) if challenger else None
        windows = None
        if ports.inference is not None and settings.mlflow_window_minutes:
            windows = Windows(
                ports.inference, ports.clock, metrics, ports.folder / "windows",
                book=book.name, seconds=settings.mlflow_window_minutes * 60,
            )  # fmt: skip
            windows.start()
        app.state.server = Server(
            book, settings, ports, guard, metrics, models, holder, ports.clock.now(), store, grouping, shadow, windows
        )
        app.state.one_at_a_time = asyncio.Semaphore(1)
        set_apart()
        looking = asyncio.create_task(_look_around(app.state.server, challenger))
        log.info("serving", book=book.name, version=holder.model.version, bundle=holder.model.bundle.sha256)
        try:
            yield
        finally:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking
            await asyncio.to_thread(_stop, app.state.server)
            gc.unfreeze()

    app = FastAPI(
        title=f"creditrisk: {book.portfolio.title}",
        description=openapi.DESCRIPTION,
        version=__version__,
        openapi_tags=openapi.TAGS,
        openapi_url=None,  # a route of its own serves it, to callers with a credential
        lifespan=running,
        redirect_slashes=False,
        telemetry=SILENT,
    )
    app.state.guard = guard
    app.state.under_way = UnderWay()
    for routes in (routes_decide, routes_records, routes_operate, mlflow_protocol):
        app.include_router(routes.router)
    app.exception_handler(CreditRiskError)(_refused)
    app.exception_handler(HTTPException)(_not_served)
    app.exception_handler(RequestValidationError)(_bad_parameter)
    app.exception_handler(Exception)(_fault)
    app.openapi = _described(app, holder, book, settings)  # type: ignore[method-assign]
    direct = Direct(app, routes_decide.router, routes_decide.scorer)
    return Front(
        direct, metrics=metrics, at_once=settings.requests_at_once, timeout_s=settings.timeout_seconds, span=span
    )


def _stop(server: Server) -> None:
    """Everything that was taken in is answered by now; what is left is the challenger's, the end of the chain, and to
    tell what was counted.
    """
    server.grouping.close()
    if server.shadow is not None:
        server.shadow.close()
    try:
        server.store.close()
    except CreditRiskError as error:
        log.error("store_not_closed", what=error.what)
    if server.windows is not None:
        server.windows.close()
    log.info("stopped")


async def _look_around(server: Server, challenger: Holder | None) -> None:
    """Changed keys, a reload that another worker took, another version under the alias."""
    word, since = await asyncio.to_thread(_word, server), 0.0
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        since += LOOK_EVERY_S
        try:
            if await asyncio.to_thread(server.guard.refresh):
                log.info("keys_read_again")
            told = await asyncio.to_thread(_word, server)
            due = 0.0 < server.settings.watch_seconds <= since
            if told != word or due:
                word, since = told, 0.0
                for holder in (server.holder, challenger):
                    if holder is not None:
                        await asyncio.to_thread(holder.reload)
        except CreditRiskError as error:
            log.warning("look_failed", what=error.what)
        except Exception as error:  # noqa: BLE001
            log.error("look_failed", error=type(error).__name__, at=places_of(error))


def _word(server: Server) -> int | None:
    try:
        return (server.ports.folder / "reload").stat().st_mtime_ns
    except OSError:
        return None


async def _refused(request: Request, error: Exception) -> Response:
    return refusal(request, problem_of(error))  # type: ignore[arg-type]


async def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: ("no_such_path", "/openapi.json lists the paths"), 405: ("method", "see the header Allow")}
    code, hint = codes.get(error.status_code, ("refused", ""))
    return refusal(request, HttpProblem(error.status_code, code, "not served here", hint=hint, headers=error.headers))


async def _bad_parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [
        {"where": ".".join(map(str, one["loc"])), "rule": str(one["type"]), "hint": "/openapi.json describes it"}
        for one in error.errors()
    ]
    return refusal(request, HttpProblem(422, "parameters", "a parameter is not what it should be", problems=problems))


async def _fault(request: Request, error: Exception) -> Response:
    """Whoever wrote it is told by the log; the error goes on to the front, which writes it there."""
    return refusal(request, problem_of(CreditRiskError(type(error).__name__)))


def _described(app: FastAPI, holder: Holder, book: Book, settings: ServingSettings) -> Callable[[], dict[str, Any]]:
    """OpenAPI with the records and examples of the model that decides at the moment."""
    plain = app.openapi
    made: dict[str, dict[str, Any]] = {}

    def described() -> dict[str, Any]:
        model = holder.model
        if model.bundle.sha256 not in made:
            app.openapi_schema = None
            told = plain()
            schemas = {
                **openapi.COMPONENTS,
                "Applications": request_schema(model.book, settings.applications_max),
                "Application": application_schema(model.book),
            }
            told["components"] = {
                "schemas": schemas,
                "examples": examples(
                    model.book,
                    model.intake,
                    model.bundle.preprocess.names,
                    sorted(book.portfolio.review.override_codes),
                ),
                "securitySchemes": openapi.SECURITY_SCHEMES,
            }
            told["security"] = openapi.CLOSED
            made.clear()
            made[model.bundle.sha256] = told
        return made[model.bundle.sha256]

    return described
