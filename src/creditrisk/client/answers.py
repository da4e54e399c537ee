"""What the server answers, as frozen values. Fields that a newer server adds are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from creditrisk.kinds import Verdict


@dataclass(frozen=True, slots=True)
class Model:
    """version: the registry's number.  bundle: sha256, the model's name for ever."""

    name: str
    version: str | None
    bundle: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an application was not approved. pd_without: the PD with approved people's facts; None where unproved."""

    code: str
    text: str
    feature: str | None
    contribution: float | None
    pd_without: float | None


@dataclass(frozen=True, slots=True)
class Decision:
    """explanation: of `explain` only: base, contributions, margin, counterfactual."""

    decision_id: str
    entity_id: int | str
    pd: float
    score: int
    grade: str
    decision: Verdict
    reasons: tuple[Reason, ...]
    warnings: tuple[str, ...]
    explanation: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Decisions in the order of the applications."""

    request_id: str
    model: Model
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Override:
    override_id: str
    decision_id: str
    decision: Verdict


def answer_from(told: Mapping[str, Any]) -> Answer:
    return Answer(
        told["request_id"],
        Model(told["model"]["name"], told["model"]["version"], told["model"]["bundle"]),
        tuple(decision_from(one) for one in told["decisions"]),
    )


def decision_from(told: Mapping[str, Any]) -> Decision:
    return Decision(
        decision_id=told["decision_id"],
        entity_id=told["entity_id"],
        pd=float(told["pd"]),
        score=told["score"],
        grade=told["grade"],
        decision=Verdict(told["decision"]),
        reasons=tuple(
            Reason(one["code"], one["text"], one.get("feature"), one.get("contribution"), one.get("pd_without"))
            for one in told["reasons"]
        ),
        warnings=tuple(told["warnings"]),
        explanation=told.get("explanation"),
    )
