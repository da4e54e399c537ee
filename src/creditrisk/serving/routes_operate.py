"""Is it alive, is it ready, what does it serve, what does it count, take another model."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from creditrisk import __version__
from creditrisk.errors import CreditRiskError, OutsideFailed
from creditrisk.serving import openapi
from creditrisk.serving.answers import json_response
from creditrisk.serving.keys import Caller
from creditrisk.serving.metrics import CONTENT_TYPE_LATEST
from creditrisk.serving.problems import HttpProblem
from creditrisk.serving.security import needs
from creditrisk.serving.server import Server, server_of
from creditrisk.serving.shapes import request_schema

router = APIRouter(tags=["operate"])
Anybody = Annotated[Caller, Depends(needs())]
Reader = Annotated[Caller, Depends(needs("read"))]
Administrator = Annotated[Caller, Depends(needs("admin"))]


@router.get("/health", **openapi.HEALTH)
async def health() -> Response:
    """Alive: the process answers. It says nothing about the model or the store."""
    return json_response({"status": "alive"})


@router.get("/ready", **openapi.READY)
async def ready(request: Request) -> Response:
    """Ready: a model is loaded and the decision store takes records at this moment."""
    server = server_of(request)
    store: dict[str, Any] = {"writable": True}
    try:
        async with asyncio.timeout(5):
            await asyncio.to_thread(server.store.check)
    except (CreditRiskError, TimeoutError) as error:
        reason = "not in time" if isinstance(error, TimeoutError) else "it says no"
        store = {"writable": False, "reason": reason}
    told = {"ready": store["writable"], "model": server.holder.model.as_json(), "store": store}
    response = json_response(told, 200 if store["writable"] else 503)
    if not store["writable"]:
        response.headers["Retry-After"] = "2"
    return response


@router.get("/metadata", **openapi.METADATA)
async def metadata(request: Request, caller: Anybody) -> Response:  # noqa: ARG001
    """What decides here: book, model, policy, and what stands in the way of the next model, if anything does."""
    server, model = server_of(request), server_of(request).holder.model
    policy = model.bundle.policy
    return json_response(
        {
            "book": {"name": model.book.name, "title": model.book.portfolio.title,
                     "currency": model.book.portfolio.currency},
            "model": {**model.as_json(), "estimator": model.bundle.manifest["estimator"],
                      "invented_data": model.bundle.invented},
            "standing": server.holder.standing,
            "policy": {
                "decline_from_pd": policy.cut_off.decline_from_pd,
                "refer_from_pd": policy.cut_off.refer_from_pd,
                "grades": [{"grade": name, "below_pd": limit} for name, limit in policy.grades],
                "reasons_unproved": policy.unproved,
            },
            "features": list(model.bundle.preprocess.names),
            "shadow_alias": server.settings.shadow_alias,
            "last_refusal": server.holder.refused,
            "server": {"version": __version__, "started": server.started.isoformat()},
        }
    )  # fmt: skip


@router.get("/schema", **openapi.SCHEMA)
async def schema(request: Request, caller: Anybody) -> Response:  # noqa: ARG001
    """JSON Schema of a request's body, from the contracts of the model that decides now."""
    server = server_of(request)
    return json_response(request_schema(server.holder.model.book, server.settings.applications_max))


@router.get("/openapi.json", include_in_schema=False)
async def description(request: Request, caller: Anybody) -> Response:  # noqa: ARG001
    """This API's own description, with records and examples of the model that decides now."""
    return json_response(request.app.openapi())


@router.get("/metrics", **openapi.METRICS)
async def metrics(request: Request, caller: Reader) -> Response:  # noqa: ARG001
    """Counters and histograms in Prometheus' format."""
    text = await asyncio.to_thread(server_of(request).metrics.text)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.post("/admin/reload", **openapi.RELOAD)
async def reload(request: Request, caller: Administrator) -> Response:  # noqa: ARG001
    """Take the model that the alias means now, after it decided its own examples as it did when it was made."""
    server = server_of(request)
    before = server.holder.model
    try:
        taken = await asyncio.to_thread(server.holder.reload)
    except OutsideFailed:
        raise
    except CreditRiskError as error:
        raise HttpProblem(
            409, "model_refused", error.what, hint=f"version {before.version} goes on deciding; {error.hint}"
        ) from error
    await asyncio.to_thread(tell_other_workers, server)
    return json_response({"taken": taken, "model": server.holder.model.as_json(), "before": before.as_json()})


def tell_other_workers(server: Server) -> None:
    """Each worker looks at this file every second. Raises OutsideFailed when it cannot be written."""
    file = server.ports.folder / "reload"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{server.ports.clock.now().isoformat()}\n", encoding="utf-8")
    except OSError as error:
        what = f"the other workers could not be told of the reload: {error.strerror}"
        raise OutsideFailed(what, where=str(file), hint="ask again when there is room", retry_after_s=2.0) from error
