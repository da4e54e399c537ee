"""The API's own description: what each route takes and answers, with examples that run."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from creditrisk.ports import STANDING_TAGS
from creditrisk.serving.problems import MEDIA_TYPE, PROBLEM_SCHEMA, TITLES

DESCRIPTION = """\
Decisions on loan applications from raw records.

Send what is known of an applicant; features are made here, by the SQL that also trained the model. Each decision is
on disk before it is answered, carries its reasons, and can be replayed to the same bits. Errors are problem+json with
place, rule and hint, and never hold a value of a field.
"""
TAGS = [
    {"name": "decide", "description": "Raw records in, decisions out."},
    {"name": "decisions", "description": "What was decided."},
    {"name": "operate", "description": "For whoever runs the server."},
    {"name": "mlflow", "description": "MLflow's protocol, for callers that have engineered features already."},
]
SECURITY_SCHEMES = {
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or a token of the configured issuer."},
}

REQUEST_ID = {
    "name": "X-Request-ID", "in": "header", "required": False,
    "description": "Comes back in the answer, and stands in the log and in the decision's record; made where absent.",
    "schema": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"},
}  # fmt: skip
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "The same key with the same request gets the stored answer; with another request it is refused.",
    "schema": {"type": "string", "pattern": r"^[A-Za-z0-9_-]{1,200}$"},
}  # fmt: skip

_TEXT, _NUMBER, _WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
_TEXT_OR_NONE = {"type": ["string", "null"]}
_MODEL = {
    "type": "object",
    "required": ["name", "version", "bundle"],
    "properties": {
        "name": _TEXT,
        "version": {**_TEXT_OR_NONE, "description": "The registry's number."},
        "bundle": {**_TEXT, "description": "sha256 of the bundle: the model's name for ever."},
    },
}
_REASON = {
    "type": "object",
    "properties": {
        "code": _TEXT,
        "text": {**_TEXT, "description": "In words an applicant understands."},
        "feature": _TEXT,
        "contribution": {"type": ["number", "null"], "description": "In log-odds."},
        "pd_without": {
            "type": ["number", "null"],
            "description": "The PD with approved people's facts in this one's place; null where nothing was proved.",
        },
    },
}
_DECISION = {
    "type": "object",
    "required": ["decision_id", "entity_id", "pd", "score", "grade", "decision", "reasons", "warnings"],
    "properties": {
        "decision_id": _TEXT,
        "entity_id": {"type": ["integer", "string"]},
        "pd": {**_NUMBER, "description": "Probability that the loan turns bad, as the book defines it."},
        "score": {**_WHOLE, "description": "Points; more is safer."},
        "grade": _TEXT,
        "decision": {"type": "string", "enum": ["approve", "refer", "decline"]},
        "reasons": {"type": "array", "items": _REASON},
        "warnings": {"type": "array", "items": _TEXT},
        "explanation": {
            "type": "object",
            "description": "Of /explain: what each feature adds to the margin (log-odds before calibration), from "
            "`base` to `margin`; and the nearest change of changeable facts that betters the decision.",
        },
    },
}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


DECISIONS = _object(request_id=_TEXT, model=_MODEL, decisions=_list(_DECISION))
RECORD = {
    "type": "object",
    "required": ["decision_id", "kind", "time", "bundle", "payload", "chain", "about_it"],
    "properties": {"decision_id": _TEXT, "kind": _TEXT, "payload": {"type": "object"}, "chain": {"type": "object"}},
}
OVERRIDE_BODY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["decision", "role", "code", "text"],
    "properties": {
        "decision": {"type": "string", "enum": ["approve", "refer", "decline"]},
        "role": {"type": "string", "minLength": 1, "maxLength": 64, "description": "Of the person who decides."},
        "code": {"type": "string", "description": "One of the book's `review.override_codes`."},
        "text": {"type": "string", "minLength": 1, "maxLength": 2000, "description": "Why."},
        "by": {"type": "string", "minLength": 1, "maxLength": 64, "description": "Who; else the caller."},
    },
}
_ROWS = {"type": "array", "minItems": 1, "items": {"type": "object"}}
INVOCATION_BODY = {
    "oneOf": [
        _object(dataframe_split=_object(columns=_list(_TEXT), data=_list({"type": "array"}))),
        _object(dataframe_records=_ROWS),
        _object(instances=_ROWS),
        _object(inputs={"type": "object"}),
    ]
}


def _answers(schema: Any, *problems: int, status: int = 200, told: str = "Done.") -> dict[str, Any]:
    """What a route answers: its own shape, and which problems."""
    own = {"description": told, "content": {"application/json": {"schema": schema}}}
    refused = {
        code: {
            "description": TITLES[code],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for code in (*problems, 408, 500, 503)
    }
    return {"response_class": Response, "response_model": None, "responses": {status: own, **refused}}


def _takes(schema: Any, *parameters: Any, example: str | None = None, csv: bool = False) -> dict[str, Any]:
    """example: name of one in `components/examples`."""
    media: dict[str, Any] = {"schema": schema}
    if example:
        media["examples"] = {example: {"$ref": f"#/components/examples/{example}"}}
    content = {"application/json": media, **({"text/csv": {"schema": _TEXT}} if csv else {})}
    return {
        "openapi_extra": {
            "requestBody": {"required": True, "content": content},
            "parameters": [REQUEST_ID, *parameters],
        }
    }


_BODY = (400, 401, 403, 413, 415, 422, 429)
_ASK = (401, 403, 422, 429)
_APPLICATIONS = {"$ref": "#/components/schemas/Applications"}
_OPEN: dict[str, Any] = {"openapi_extra": {"security": []}}

VALIDATE = {
    **_answers(_object(request_id=_TEXT, model=_MODEL, applications=_list({"type": "object"})), *_BODY),
    **_takes(_APPLICATIONS, example="applications"),
}
PREDICT = {
    **_answers(DECISIONS, *_BODY, 409, 410, told="Decisions in the order of the applications, durable."),
    **_takes(_APPLICATIONS, IDEMPOTENCY_KEY, example="applications"),
}
EXPLAIN = {
    **_answers(DECISIONS, *_BODY, 409, 410, told="Decisions with contributions and counterfactual, durable."),
    **_takes(_APPLICATIONS, IDEMPOTENCY_KEY, example="applications"),
}
DECISION = _answers(RECORD, *_ASK, 404)
REPLAY = _answers(
    _object(
        decision_id=_TEXT, same={"type": "boolean"}, differences=_list(_TEXT), environment_differences=_list(_TEXT)
    ),
    *_ASK, 404, 409, 410,
)  # fmt: skip
OVERRIDE = {
    **_answers(
        _object(request_id=_TEXT, override_id=_TEXT, decision_id=_TEXT, decision=_TEXT),
        *_BODY, 404, 409, 410, status=201, told="Kept beside the decision.",
    ),
    **_takes({"$ref": "#/components/schemas/Override"}, IDEMPOTENCY_KEY, example="override"),
}  # fmt: skip
CORRECT = {
    **_answers(
        _object(request_id=_TEXT, about=_TEXT, of_that_day=_DECISION, of_today=_DECISION), *_BODY, 404, 409, 410
    ),
    **_takes({"$ref": "#/components/schemas/Application"}, IDEMPOTENCY_KEY, example="application"),
}
DISCLOSURE = _answers(_object(decision_id=_TEXT, role_of_the_model=_TEXT, your_rights={"type": "object"}), *_ASK, 404,
                      409, 410)  # fmt: skip
HEALTH = {**_answers(_object(status=_TEXT)), **_OPEN}
READY = {
    "response_class": Response,
    "response_model": None,
    "responses": {
        code: {"description": told, "content": {"application/json": {"schema": _object(ready={"type": "boolean"})}}}
        for code, told in ((200, "Ready."), (503, "Not ready; `store` says why."))
    },
    **_OPEN,
}
_STANDING = {
    **_object(**{name: _TEXT_OR_NONE for name in STANDING_TAGS}),
    "description": "On which evidence the version stands, what was waived and who approved it, as the registry says.",
}
METADATA = _answers(
    _object(book={"type": "object"}, model=_MODEL, standing=_STANDING, policy={"type": "object"}), *_ASK
)
SCHEMA = _answers({"type": "object"}, *_ASK)
METRICS = {
    **_answers({"type": "object"}, *_ASK),
}
METRICS["responses"] = {
    **METRICS["responses"], 200: {"description": "Prometheus' format.", "content": {"text/plain": {"schema": _TEXT}}}
}  # fmt: skip
RELOAD = _answers(_object(taken={"type": "boolean"}, model=_MODEL, before=_MODEL), *_ASK, 404, 409)
PING = {**_answers({"type": "object"}), **_OPEN}
PING["responses"] = {200: {"description": "Alive."}}
VERSION = {**_answers({"type": "object"}), **_OPEN}
VERSION["responses"] = {200: {"description": "MLflow's version.", "content": {"text/plain": {"schema": _TEXT}}}}
INVOCATIONS = {
    **_answers(_object(predictions=_list({"type": "object"})), *_BODY),
    **_takes({"$ref": "#/components/schemas/Invocation"}, example="invocation", csv=True),
}

COMPONENTS = {"Problem": PROBLEM_SCHEMA, "Override": OVERRIDE_BODY, "Invocation": INVOCATION_BODY}
CLOSED: list[dict[str, list[str]]] = [{"api_key": []}, {"bearer": []}]
