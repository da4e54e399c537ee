"""Between a decision and its durable record: what is kept, and what a caller is told from it.

An answer is always made from the record, also the first time: a repeated request is answered with the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from creditrisk.decisions.decide import Decided, Explained
from creditrisk.decisions.intake import Application
from creditrisk.decisions.passport import passport_of
from creditrisk.kinds import new_decision_id
from creditrisk.ports import Idempotency, Kept, Passport, PassportKind
from creditrisk.serving.model import Model


def recorder(
    model: Model,
    applications: Sequence[Application],
    *,
    request_id: str,
    caller: str,
    time: datetime,
    idempotency: Idempotency | None = None,
    kind: PassportKind = "decision",
    about: str | None = None,
    with_reasons: bool = True,
    more: Mapping[str, Any] | None = None,
) -> Callable[[Sequence[Decided]], list[Passport]]:
    """Makes the records of these applications' decisions. more: joins each payload."""

    def records(decided: Sequence[Decided]) -> list[Passport]:
        return [
            passport_of(
                application,
                one,
                model.bundle,
                book=model.book.name,
                model_version=model.version,
                decision_id=new_decision_id(),
                request_id=request_id,
                caller=caller,
                time=time,
                kind=kind,
                about=about,
                idempotency=idempotency,
                with_reasons=with_reasons,
                more=more,
            )
            for application, one in zip(applications, decided, strict=True)
        ]

    return records


def explanation_of(explained: Explained) -> dict[str, Any]:
    """What an explanation adds to a payload; its name and its shape are those of the answer."""
    found = explained.counterfactual
    return {
        "explanation": {
            "base": explained.base,
            "contributions": [
                {"feature": name, "contribution": adds}
                for name, adds in sorted(explained.contributions.items(), key=lambda one: (-abs(one[1]), one[0]))
            ],
            "margin": explained.margin,
            "counterfactual": None if found is None else dict(found),
        }
    }


def answer_of(passport: Passport) -> dict[str, Any]:
    """One decision as a caller is told it."""
    told = {
        "decision_id": passport.decision_id,
        "entity_id": passport.entity_id,
        "pd": passport.pd,
        "score": passport.score,
        "grade": passport.grade,
        "decision": passport.decision,
        "reasons": passport.payload.get("reasons", []),
        "warnings": passport.payload.get("warnings", []),
    }
    return told | {name: passport.payload[name] for name in ("explanation",) if name in passport.payload}


def answers_of(passports: Sequence[Passport], name: str) -> dict[str, Any]:
    """The whole answer of a request. name: of the served model."""
    first = passports[0]
    return {
        "request_id": first.request_id,
        "model": {"name": name, "version": first.model_version, "bundle": first.bundle_sha256},
        "decisions": [answer_of(passport) for passport in passports],
    }


def kept_json(kept: Kept) -> dict[str, Any]:
    """A whole record, for whoever may read it."""
    passport = kept.passport
    return {
        "decision_id": passport.decision_id,
        "kind": passport.kind,
        "about": passport.about,
        "request_id": passport.request_id,
        "caller": passport.caller,
        "time": passport.time.isoformat(),
        "book": passport.book,
        "bundle": passport.bundle_sha256,
        "model_version": passport.model_version,
        "entity_id": passport.entity_id,
        "pd": passport.pd,
        "score": passport.score,
        "grade": passport.grade,
        "decision": passport.decision,
        "payload": dict(passport.payload),
        "chain": {"chain_id": kept.chain_id, "sequence": kept.sequence, "link": kept.link},
        "deleted": kept.deleted,
        "held": kept.held,
    }
