"""Raw records in, decisions out: /validate, /predict, /explain."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from creditrisk.decisions.decide import Decided
from creditrisk.decisions.intake import Application
from creditrisk.errors import DuplicateKey
from creditrisk.ports import Idempotency, Passport
from creditrisk.serving import openapi
from creditrisk.serving.answers import json_response
from creditrisk.serving.keys import Caller
from creditrisk.serving.model import Model
from creditrisk.serving.once import UnderWay, earlier_answer
from creditrisk.serving.reading import applications_of, body_of, idempotency_of
from creditrisk.serving.records import answers_of, explanation_of, recorder
from creditrisk.serving.security import needs
from creditrisk.serving.server import Server, server_of

router = APIRouter(tags=["decide"])
scorer = needs("score")
Scorer = Annotated[Caller, Depends(scorer)]


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


@router.post("/explain", **openapi.EXPLAIN)
async def explain(request: Request, caller: Scorer) -> Response:
    """Decide and say more: what each feature adds, and the nearest change that would give a better decision."""
    return json_response(await _decide(request, caller, explained=True))


async def _decide(request: Request, caller: Caller, *, explained: bool = False) -> Mapping[str, Any]:
    server = server_of(request)
    body = await body_of(request, server)
    idempotency = idempotency_of(request, body)
    under_way: UnderWay = request.app.state.under_way
    with under_way.held(caller.name, idempotency):
        passports = await earlier_answer(server.store, caller.name, idempotency)
        if passports is None:
            try:
                return await _decide_now(request, server, caller, body, idempotency, explained=explained)
            except DuplicateKey:  # another worker was quicker
                passports = await earlier_answer(server.store, caller.name, idempotency)
                if passports is None:
                    raise
        return answers_of(passports, server.models.name)


async def _decide_now(
    request: Request, server: Server, caller: Caller, body: bytes, idempotency: Idempotency | None, *, explained: bool
) -> Mapping[str, Any]:
    began, now, model = time.perf_counter(), server.ports.clock.now(), server.holder.model
    applications = await applications_of(
        body, model.book, model.intake, most=server.settings.applications_max, at=now.date()
    )
    request.state.entities = len(applications)
    server.metrics.stage_seconds.labels("read").observe(time.perf_counter() - began)
    make = recorder(
        model, applications, request_id=request.state.request_id, caller=caller.name, time=now, idempotency=idempotency
    )
    if explained:
        passports = await _explain(server, model, applications, make)
    else:
        passports = await server.grouping.decide_and_keep(model, applications, make)
    answer = answers_of(passports, server.models.name)
    server.metrics.count_decisions(answer["decisions"])
    if server.windows is not None:
        server.windows.count(model, passports)
    if server.shadow is not None:
        server.shadow.also_score(passports)
    return answer


async def _explain(
    server: Server,
    model: Model,
    applications: Sequence[Application],
    make: Callable[[Sequence[Decided]], list[Passport]],
) -> Sequence[Passport]:
    """An explanation takes many scores of one application, so each request is explained alone."""
    explained = await server.grouping.run(lambda: model.decider.explain(applications), applications)
    passports = [
        replace(passport, payload={**passport.payload, **explanation_of(one)})
        for passport, one in zip(make([one.decided for one in explained]), explained, strict=True)
    ]
    await server.grouping.keep(passports)
    return passports
