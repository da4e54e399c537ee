"""Raw records in, decisions out: /validate and /predict."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from creditrisk.errors import DuplicateKey
from creditrisk.serving import openapi
from creditrisk.serving.answers import json_response
from creditrisk.serving.keys import Caller
from creditrisk.serving.once import UnderWay, earlier_answer
from creditrisk.serving.reading import applications_of, body_of, idempotency_of
from creditrisk.serving.records import answers_of, recorder
from creditrisk.serving.security import needs
from creditrisk.serving.server import Server, server_of

router = APIRouter(tags=["decide"])
Scorer = Annotated[Caller, Depends(needs("score"))]


@router.post("/validate", **openapi.VALIDATE)
async def validate(request: Request, caller: Scorer) -> Response:  # noqa: ARG001
    """Check raw records against the book's contracts. Nothing is scored and nothing is kept."""
    server = server_of(request)
    model = server.holder.model
    body = await body_of(request, server)
    applications = await applications_of(
        body, model.book, model.intake, most=server.settings.applications_max, at=server.ports.clock.now().date()
    )
    request.state.entities = len(applications)
    return json_response(
        {
            "request_id": request.state.request_id,
            "model": model.as_json(),
            "applications": [{"entity_id": one.key, "warnings": list(one.warnings)} for one in applications],
        }
    )


@router.post("/predict", **openapi.PREDICT)
async def predict(request: Request, caller: Scorer) -> Response:
    """Decide. Each decision is on disk before it is answered."""
    return json_response(await _decide(request, caller))


async def _decide(request: Request, caller: Caller) -> Mapping[str, Any]:
    server = server_of(request)
    body = await body_of(request, server)
    idempotency = idempotency_of(request, body)
    under_way: UnderWay = request.app.state.under_way
    with under_way.held(caller.name, idempotency):
        passports = await earlier_answer(server.store, caller.name, idempotency)
        if passports is None:
            try:
                return await _decide_now(request, server, caller, body, idempotency)
            except DuplicateKey:  # another worker was quicker
                passports = await earlier_answer(server.store, caller.name, idempotency)
                if passports is None:
                    raise
        return answers_of(passports, server.models.name)


async def _decide_now(
    request: Request, server: Server, caller: Caller, body: bytes, idempotency: Any
) -> Mapping[str, Any]:
    began, now, model = time.perf_counter(), server.ports.clock.now(), server.holder.model
    applications = await applications_of(
        body, model.book, model.intake, most=server.settings.applications_max, at=now.date()
    )
    request.state.entities = len(applications)
    server.metrics.stage_seconds.labels("read").observe(time.perf_counter() - began)
    records = recorder(
        model, applications, request_id=request.state.request_id, caller=caller.name, time=now, idempotency=idempotency
    )
    passports = await server.grouping.decide_and_keep(model, applications, records)
    answer = answers_of(passports, server.models.name)
    server.metrics.count_decisions(answer["decisions"])
    if server.shadow is not None:
        server.shadow.also_score(passports)
    return answer
