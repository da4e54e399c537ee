"""What a caller is told when something is refused: problem+json (RFC 9457), with place, rule and hint.

Never a value of a field, never a stack, and never which of several credentials was nearly right.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from creditrisk.errors import BadData, BadUsage, CreditRiskError, OutsideFailed, Refused

MEDIA_TYPE = "application/problem+json"
MOST_TOLD = 100
"""Of the problems of one request."""

TITLES = {
    400: "The request cannot be read",
    401: "No valid credential",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "The request came too slowly",
    409: "It stands against what is kept",
    410: "Deleted",
    413: "The request is too large",
    415: "Not a media type that is read here",
    422: "The request breaks a rule",
    429: "Too many requests",
    500: "A fault of the server",
    503: "Not now",
}


class HttpProblem(CreditRiskError):
    """A refusal with its HTTP status. code: stable, for machines.  problems: each {"where", "rule", "hint"}."""

    def __init__(
        self,
        status: int,
        code: str,
        what: str,
        *,
        where: str = "",
        hint: str = "",
        problems: Sequence[Mapping[str, str]] = (),
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.status = status
        self.code = code
        self.problems = problems
        self.retry_after_s = retry_after_s
        self.headers = dict(headers or {})


def come_back(code: str, what: str, *, seconds: int = 1) -> HttpProblem:
    """Busy, or the store is away: the same request may succeed a little later."""
    return HttpProblem(503, code, what, hint="send the same request again", retry_after_s=seconds)


def problem_of(error: CreditRiskError) -> HttpProblem:
    """An error of ours in the words of HTTP."""
    if isinstance(error, HttpProblem):
        return error
    if isinstance(error, BadData):
        status, code = (400, "unreadable_body") if error.where == "body" else (422, "bad_data")
        return HttpProblem(status, code, error.what, where=error.where, hint=error.hint)
    if isinstance(error, OutsideFailed):
        seconds = max(1, round(error.retry_after_s or 1))
        # its words may name a host or a path: those are for the log
        return come_back("outside_failed", "a system behind this server does not answer", seconds=seconds)
    if isinstance(error, BadUsage):
        return HttpProblem(404, "not_found", error.what, hint=error.hint)
    if isinstance(error, Refused):
        return HttpProblem(409, "refused", error.what, hint=error.hint)
    return HttpProblem(500, "fault", "the server could not do it; its log says more under this request id")


def problem_body(problem: HttpProblem, request_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"urn:creditrisk:problem:{problem.code}",
        "title": TITLES.get(problem.status, "Refused"),
        "status": problem.status,
        "detail": problem.what,
    }
    body |= {name: text for name, text in (("where", problem.where), ("hint", problem.hint)) if text}
    if problem.problems:
        body["problems"] = [dict(one) for one in problem.problems[:MOST_TOLD]]
        body["problems_in_all"] = len(problem.problems)
    return {**body, "request_id": request_id}


def problem_response(problem: HttpProblem, request_id: str) -> Response:
    headers = dict(problem.headers)
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    return Response(
        json.dumps(problem_body(problem, request_id), ensure_ascii=False).encode(),
        problem.status,
        headers,
        media_type=MEDIA_TYPE,
    )


def refusal(request: Request, problem: HttpProblem) -> Response:
    """The answer to a request that got its id in front; the log line of the request names the problem."""
    request.state.problem = problem.code
    return problem_response(problem, request.state.request_id)


PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "Stable name of the rule, for machines."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, in one sentence."},
        "where": {"type": "string", "description": "The field, header or part of the request."},
        "hint": {"type": "string", "description": "The next thing to do."},
        "problems": {
            "type": "array",
            "description": f"Every broken rule of the records sent, at most {MOST_TOLD}; never a value.",
            "items": {
                "type": "object",
                "required": ["where", "rule", "hint"],
                "properties": {
                    "where": {"type": "string", "examples": ["applications[0].bureau[2].DAYS_CREDIT"]},
                    "rule": {"type": "string"},
                    "hint": {"type": "string"},
                },
            },
        },
        "problems_in_all": {"type": "integer"},
        "request_id": {"type": "string"},
    },
}
