"""From the bytes of a request to applications that may be decided on, or to everything that is wrong with them."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.requests import Request

from creditrisk.config import MAIN, Book
from creditrisk.decisions.intake import Application, Intake
from creditrisk.decisions.rows import Problem
from creditrisk.errors import BadData, did_you_mean
from creditrisk.ports import Idempotency
from creditrisk.serving.json_reader import read_json
from creditrisk.serving.limits import read_body
from creditrisk.serving.problems import HttpProblem
from creditrisk.serving.server import Server

JSON = ("application/json",)
SMALL = 64 * 1024
"""A longer body is read in a thread: meanwhile the event loop answers others."""

_KEY = re.compile(r'"?([\x21\x23-\x5b\x5d-\x7e]{1,200})"?')


@dataclass(frozen=True)
class Applications:
    """What one request asks to decide, in its order."""

    read: Sequence[Application]


async def body_of(request: Request, server: Server, *, kinds: tuple[str, ...] = JSON) -> bytes:
    settings = server.settings
    return await read_body(request, most=settings.body_max_bytes, kinds=kinds, timeout_s=settings.timeout_seconds)


async def object_of(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises BadData."""
    value = read_json(body) if len(body) <= SMALL else await asyncio.to_thread(read_json, body)
    if not isinstance(value, dict):
        raise BadData("expected a JSON object", where="body", hint="as /schema describes it")
    return value


async def applications_of(body: bytes, book: Book, intake: Intake, *, most: int, at: date) -> Sequence[Application]:
    """Raises BadData for what is no JSON, HttpProblem (422) with every broken rule of the records."""
    if len(body) <= SMALL:
        return _applications(body, book, intake, most, at)
    return await asyncio.to_thread(_applications, body, book, intake, most, at)


def _applications(body: bytes, book: Book, intake: Intake, most: int, at: date) -> Sequence[Application]:
    return checked(listed(read_json(body), book, most), intake, at)


def checked(given: Sequence[object], intake: Intake, at: date, *, where: str = "") -> Sequence[Application]:
    """where: what stands before each place instead of `applications[0].`, for a request with one application."""
    read = intake.read(given, at=at)
    if read.problems:
        raise HttpProblem(
            422,
            "records",
            f"{len(read.problems)} rules of the book's contracts are broken; nothing was decided",
            hint="/schema describes the records",
            problems=[_told(problem, where) for problem in read.problems],
        )
    return read.applications


def listed(value: object, book: Book, most: int) -> list[object]:
    """The applications of `{"applications": [...]}`, or of `{"records": [...]}` for a one-table book."""
    if not isinstance(value, Mapping):
        raise BadData("expected a JSON object", where="body", hint='send {"applications": [...]}')
    known = ["applications", "records"] if len(book.portfolio.tables) == 1 else ["applications"]
    for name in value:
        if name not in known:
            hint = did_you_mean(str(name)[:64], known) + "; cut-offs and policy belong to the model"
            raise HttpProblem(422, "unknown_key", "an unknown key", where="body", hint=hint)
    if len(value) != 1:
        raise HttpProblem(422, "no_applications", "nothing to decide on", where="body", hint=f"send one of {known}")
    name, given = next(iter(value.items()))
    if not isinstance(given, list) or not given:
        raise HttpProblem(422, "no_applications", "expected a list with at least one entry", where=name)
    if len(given) > most:
        raise HttpProblem(
            413, "too_many_applications", f"{len(given)} applications; at most {most} at once", where=name,
            hint="send several requests; those that wait together are decided together",
        )  # fmt: skip
    return [{MAIN: record} for record in given] if name == "records" else given


def idempotency_of(request: Request, body: bytes) -> Idempotency | None:
    """The caller's key with the hash of what it asks; None without the header. Raises HttpProblem (400)."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    key = _KEY.fullmatch(given)
    if key is None:
        raise HttpProblem(
            400, "idempotency_key", "not an idempotency key", where="Idempotency-Key",
            hint="1 to 200 visible characters, such as a UUID",
        )  # fmt: skip
    asked = hashlib.sha256(request.url.path.encode() + b"\n" + body).hexdigest()
    return Idempotency(key[1], asked)


def _told(problem: Problem, where: str) -> dict[str, str]:
    place = problem.where
    if where:
        place = place.replace("applications[0]", where, 1)
    return {"where": place, "rule": problem.rule, "hint": problem.hint}
