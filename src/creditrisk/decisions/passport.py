"""What is kept of a decision: everything that it takes to make it again, and to tell why it was made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from types import NoneType
from typing import Any

from creditrisk.decisions.decide import Decided
from creditrisk.decisions.intake import Application
from creditrisk.kinds import PASSPORT_SCHEMA_VERSION
from creditrisk.modelling import Bundle
from creditrisk.modelling.environment import environment_lock
from creditrisk.ports import Idempotency, Passport, PassportKind

NUMBER = "number"
"""Key of what stands for a number with more digits than a double holds: {"number": "0.1234567890123456789"}."""

_AS_THEY_ARE = frozenset({str, int, float, bool, NoneType})
_NAMES = frozenset({str})


def passport_of(
    application: Application,
    decided: Decided,
    bundle: Bundle,
    *,
    book: str,
    model_version: str | None,
    decision_id: str,
    request_id: str,
    caller: str,
    time: datetime,
    kind: PassportKind = "decision",
    about: str | None = None,
    idempotency: Idempotency | None = None,
    with_reasons: bool = True,
    more: Mapping[str, Any] | None = None,
) -> Passport:
    """The passport of one decision. more: joins its payload."""
    return Passport(
        decision_id=decision_id,
        request_id=request_id,
        caller=caller,
        time=time,
        book=book,
        bundle_sha256=bundle.sha256,
        model_version=model_version,
        entity_id=decided.key,
        pd=decided.pd,
        score=decided.score,
        grade=decided.grade,
        decision=decided.decision,
        payload={**payload_of(application, decided, bundle, with_reasons=with_reasons), **(more or {})},
        kind=kind,
        about=about,
        idempotency=idempotency,
    )


def payload_of(
    application: Application, decided: Decided, bundle: Bundle, *, with_reasons: bool = True
) -> dict[str, Any]:
    """The payload of a decision's passport, as canonical JSON can spell it.

    raw: as it was sent, children in their order.  features: those of the model.  policy: the cut-offs, and the hash of
    all of policy.json.  environment_sha256: of the versions that decided, one line each as in environment.lock.
    """
    return {
        "schema_version": PASSPORT_SCHEMA_VERSION,
        "raw": spelt(application.raw),
        "features": dict(decided.features),
        "answer": {
            "pd": decided.pd, "score": decided.score, "grade": decided.grade, "decision": decided.decision,
        },
        "reasons": decided.reasons,
        "with_reasons": with_reasons,
        "warnings": decided.warnings,
        "policy": policy_of(bundle),
        "bundle_sha256": bundle.sha256,
        "environment_sha256": environment_sha256(),
    }  # fmt: skip


def policy_of(bundle: Bundle) -> dict[str, Any]:
    """What decided between a PD and an answer."""
    cut_off = bundle.policy.cut_off
    return {
        "sha256": _sha256_of(bundle.files["policy.json"]),
        "decline_from_pd": cut_off.decline_from_pd,
        "refer_from_pd": cut_off.refer_from_pd,
    }


@lru_cache(maxsize=16)
def _sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@cache
def environment_sha256() -> str:
    """Of the versions that this process runs with."""
    return hashlib.sha256(environment_lock().encode()).hexdigest()


def spelt(value: Any) -> Any:
    """A decoded JSON value as canonical JSON spells it; `sent` gives a value of the same digits back."""
    if (
        type(value) is dict
        and _AS_THEY_ARE.issuperset(map(type, value.values()))
        and _NAMES.issuperset(map(type, value))
    ):
        return value
    if isinstance(value, Decimal):
        near = float(value)
        return near if Decimal(repr(near)) == value else {NUMBER: str(value)}
    if isinstance(value, Mapping):
        return {str(name): spelt(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [spelt(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def sent(value: Any) -> Any:
    """What `spelt` was given, as far as a contract can tell."""
    if isinstance(value, Mapping):
        if set(value) == {NUMBER}:
            return Decimal(value[NUMBER])
        return {name: sent(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [sent(inner) for inner in value]
    return Decimal(repr(value)) if isinstance(value, float) else value
