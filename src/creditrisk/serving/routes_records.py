"""What was decided: look it up, replay it, overrule it, disclose it, decide a corrected input."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from creditrisk.decisions.decide import Decided
from creditrisk.decisions.intake import Application
from creditrisk.decisions.replay import Replayed, replay
from creditrisk.errors import BadUsage, BrokenFile, CreditRiskError, DuplicateKey, MissingInput, did_you_mean
from creditrisk.kinds import Verdict, new_decision_id
from creditrisk.ports import DECIDED, Idempotency, Kept, Passport
from creditrisk.serving import openapi
from creditrisk.serving.answers import json_response
from creditrisk.serving.disclosure import disclosure_of
from creditrisk.serving.keys import Caller
from creditrisk.serving.logs import log
from creditrisk.serving.model import Model
from creditrisk.serving.once import UnderWay, earlier_answer
from creditrisk.serving.problems import HttpProblem
from creditrisk.serving.reading import body_of, checked, idempotency_of, object_of
from creditrisk.serving.records import answer_of, kept_json, recorder
from creditrisk.serving.security import needs
from creditrisk.serving.server import Server, server_of

router = APIRouter(prefix="/decisions/{decision_id}", tags=["decisions"])

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
DecisionId = Annotated[str, Path(pattern=UUID, description="As /predict answered it.")]
Reader = Annotated[Caller, Depends(needs("read", "review"))]
Reviewer = Annotated[Caller, Depends(needs("review"))]
Corrector = Annotated[Caller, Depends(needs("score", "review"))]

LONGEST_TEXT = 2000
LONGEST_NAME = 64


@router.get("", **openapi.DECISION)
async def decision(request: Request, decision_id: DecisionId, caller: Reader) -> Response:  # noqa: ARG001
    """The whole record, and what was done about it since: overrides, corrections, the challenger's score."""
    server = server_of(request)
    kept = await _found(server, decision_id)
    about = await asyncio.to_thread(server.store.about, decision_id)
    return json_response({**kept_json(kept), "about_it": [kept_json(one) for one in about]})


@router.post("/replay", **openapi.REPLAY)
async def replay_decision(request: Request, decision_id: DecisionId, caller: Reader) -> Response:  # noqa: ARG001
    """Decide again from the raw record with the bundle of that day, and compare bit by bit. Nothing is kept."""
    server = server_of(request)
    kept = _need_decided(await _found(server, decision_id))
    model = await _model_of_that_day(server, kept)

    def again() -> Replayed:
        return replay([kept.passport.payload], model.bundle, model.intake, model.decider)[0]

    replayed = await server.grouping.run(again, ())
    return json_response(
        {
            "decision_id": decision_id,
            "same": replayed.same,
            "differences": list(replayed.differences),
            "environment_differences": list(replayed.environment_differences),
            "model": model.as_json(),
        }
    )


@router.post("/override", status_code=201, **openapi.OVERRIDE)
async def override(request: Request, decision_id: DecisionId, caller: Reviewer) -> Response:
    """A person decides otherwise. The model's decision stays as it is; this record stands beside it."""
    server = server_of(request)
    body = await body_of(request, server)
    idempotency = idempotency_of(request, body)
    given = _override_of(await object_of(body), caller, server.book.portfolio.review.override_codes)
    under_way: UnderWay = request.app.state.under_way
    with under_way.held(caller.name, idempotency):
        earlier = await earlier_answer(server.store, caller.name, idempotency)
        record = earlier[0] if earlier else await _override(request, server, decision_id, caller, given, idempotency)
    told = record.payload["override"]
    answer = {"override_id": record.decision_id, "decision_id": decision_id, "decision": record.decision, **told}
    return json_response({"request_id": record.request_id, **answer}, 201)


async def _override(
    request: Request,
    server: Server,
    decision_id: str,
    caller: Caller,
    given: dict[str, str],
    idempotency: Idempotency | None,
) -> Passport:
    kept = _need_decided(await _found(server, decision_id))
    about = await asyncio.to_thread(server.store.about, decision_id)
    before = _standing(kept, about)
    if given["decision"] == before:
        raise HttpProblem(
            409, "nothing_to_override", "that is the decision already", where="decision",
            hint="an override says otherwise than what stands",
        )  # fmt: skip
    original = kept.passport
    record = Passport(
        decision_id=new_decision_id(),
        request_id=request.state.request_id,
        caller=caller.name,
        time=server.ports.clock.now(),
        book=original.book,
        bundle_sha256=original.bundle_sha256,
        model_version=original.model_version,
        entity_id=original.entity_id,
        pd=original.pd,
        score=original.score,
        grade=original.grade,
        decision=given["decision"],
        payload={"override": {**given, "overruled": before}},
        kind="override",
        about=decision_id,
        idempotency=idempotency,
    )
    await server.grouping.keep([record])
    server.metrics.count_override(given["by"], given["code"], str(before), given["decision"])
    await asyncio.to_thread(_tell_chain, server, record)
    return record


def _tell_chain(server: Server, record: Passport) -> None:
    """The override stands whatever becomes of this; `creditrisk audit checkpoint` makes up for a missing act."""
    if server.ports.tell_override is None:
        return
    try:
        server.ports.tell_override(record)
    except (CreditRiskError, OSError) as error:
        server.metrics.overrides_untold.inc()
        log.error("override without an act", override=record.decision_id, decision=record.about, why=str(error))


@router.post("/correct", **openapi.CORRECT)
async def correct(request: Request, decision_id: DecisionId, caller: Corrector) -> Response:
    """Decide the whole application again with corrected facts, by the model of that day and by today's; both are
    kept as corrections of the first decision.
    """
    server = server_of(request)
    body = await body_of(request, server)
    idempotency = idempotency_of(request, body)
    under_way: UnderWay = request.app.state.under_way
    with under_way.held(caller.name, idempotency):
        records = await earlier_answer(server.store, caller.name, idempotency)
        if records is None:
            try:
                records = await _correct(request, server, decision_id, caller, body, idempotency)
            except DuplicateKey:
                records = await earlier_answer(server.store, caller.name, idempotency)
                if records is None:
                    raise
    by_model = {record.payload["correction"]["model"]: _corrected(record, server) for record in records}
    return json_response({"request_id": records[0].request_id, "about": decision_id, **by_model})


async def _correct(
    request: Request, server: Server, decision_id: str, caller: Caller, body: bytes, idempotency: Idempotency | None
) -> Sequence[Passport]:
    kept = _need_decided(await _found(server, decision_id))
    given = await object_of(body)
    now, today = server.ports.clock.now(), server.holder.model
    then = await _model_of_that_day(server, kept)
    records: list[Passport] = []
    for name, model in (("of_that_day", then), ("of_today", today)):
        applications = checked([given], model.intake, now.date(), where="body")
        _need_same_entity(applications[0].key, kept.passport, hashed=bool(model.book.portfolio.entity.hash_of))
        make = recorder(
            model, applications, request_id=request.state.request_id, caller=caller.name, time=now,
            idempotency=idempotency, kind="correction", about=decision_id, more={"correction": {"model": name}},
        )  # fmt: skip
        records += make(await server.grouping.run(_deciding(model, applications), applications))
    await server.grouping.keep(records)
    request.state.entities = 1
    return records


def _deciding(model: Model, applications: Sequence[Application]) -> Callable[[], list[Decided]]:
    return lambda: model.decider.decide(applications)


@router.get("/disclosure", **openapi.DISCLOSURE)
async def disclosure(request: Request, decision_id: DecisionId, caller: Reader) -> Response:  # noqa: ARG001
    """What the person concerned may be told: the model's part, data and sources, reasons, and how to object."""
    server = server_of(request)
    kept = _need_decided(await _found(server, decision_id))
    about = await asyncio.to_thread(server.store.about, decision_id)
    model = await _model_of_that_day(server, kept)
    return json_response(disclosure_of(kept, about, model, server.book))


async def _found(server: Server, decision_id: str) -> Kept:
    kept = await asyncio.to_thread(server.store.find, decision_id)
    if kept is None or kept.passport.book != server.book.name:
        raise HttpProblem(404, "no_such_decision", "no decision of this id is kept here", where="decision_id")
    return kept


async def _model_of_that_day(server: Server, kept: Kept) -> Model:
    try:
        return await asyncio.to_thread(server.models.of_bundle, kept.passport.bundle_sha256)
    except (BadUsage, BrokenFile, MissingInput) as error:
        raise HttpProblem(409, "model_gone", error.what, hint=error.hint) from error


def _need_decided(kept: Kept) -> Kept:
    if kept.passport.kind not in DECIDED:
        raise HttpProblem(
            409, "not_a_decision", f"this record is of the kind {kept.passport.kind}", where="decision_id",
            hint="its field `about` names the decision",
        )  # fmt: skip
    if kept.deleted:
        raise HttpProblem(410, "deleted", "what this decision was made from has been deleted", where="decision_id")
    if kept.locked_by is not None:
        raise HttpProblem(
            409, "encrypted", "what this decision was made from is encrypted, and this server has not the key",
            where="decision_id",
        )  # fmt: skip
    return kept


def _standing(kept: Kept, about: Sequence[Kept]) -> str | None:
    """The decision that holds: the last override's, else the model's."""
    overrides = [one.passport.decision for one in about if one.passport.kind == "override"]
    return overrides[-1] if overrides else kept.passport.decision


def _override_of(given: dict[str, Any], caller: Caller, codes: dict[str, str]) -> dict[str, str]:
    """decision, role, code, text, by. Raises HttpProblem (422) with everything that is wrong."""
    wrong: list[dict[str, str]] = []

    def text(name: str, longest: int, *, default: str | None = None) -> str:
        value = given.get(name, default)
        if isinstance(value, str) and 0 < len(value.strip()) <= longest:
            return value.strip()
        wrong.append({"where": name, "rule": "text", "hint": f"1 to {longest} characters"})
        return ""

    told = {
        "decision": text("decision", LONGEST_NAME),
        "role": text("role", LONGEST_NAME),
        "code": text("code", LONGEST_NAME),
        "text": text("text", LONGEST_TEXT),
        "by": text("by", LONGEST_NAME, default=caller.name),
    }
    words = [verdict.value for verdict in Verdict]
    if told["decision"] and told["decision"] not in words:
        wrong.append({"where": "decision", "rule": "known decision", "hint": f"known: {', '.join(words)}"})
    if told["code"] and told["code"] not in codes:
        wrong.append({"where": "code", "rule": "known code", "hint": f"known: {', '.join(sorted(codes))}"})
    wrong += [
        {"where": "body", "rule": "unknown key", "hint": did_you_mean(name[:64], told)}
        for name in given
        if name not in told
    ]
    if wrong:
        raise HttpProblem(422, "override", "this is no override", problems=wrong)
    return told


def _need_same_entity(key: object, passport: Passport, *, hashed: bool) -> None:
    """A key that is a hash of the facts changes with them."""
    if not hashed and key != passport.entity_id:
        raise HttpProblem(
            422, "other_entity", "the corrected application is another one than what was decided", where="application",
            hint="send the same key; for another application there is /predict",
        )  # fmt: skip


def _corrected(record: Passport, server: Server) -> dict[str, Any]:
    model = {"name": server.models.name, "version": record.model_version, "bundle": record.bundle_sha256}
    return {"model": model, **answer_of(record)}
