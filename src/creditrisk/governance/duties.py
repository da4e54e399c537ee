"""Whether a duty of a regulation profile is met, as far as software can see. Each check tells what it looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from creditrisk.config import Document, Policy, Retention, Review
from creditrisk.governance.regulation import (
    DocumentationHeadings,
    Duty,
    HumanReview,
    LenderStates,
    LogRetention,
    Profile,
    ProhibitedBases,
    ReasonsCoverage,
    RetentionOfDecisions,
    TierPresent,
)
from creditrisk.kinds import Judgement


class Result(StrEnum):
    """What is told of a duty. The third is no pass: the software cannot see it, or the lender left it open."""

    PASS = "pass"
    FAIL = "fail"
    LENDER_STATES = "lender_states"
    NOT_IN_FORCE = "not_in_force"


_WORST = (Result.FAIL, Result.LENDER_STATES, Result.PASS)


@dataclass(frozen=True)
class Facts:
    """What the checks look at, of one model and of the book as it is today."""

    policy: Policy
    """The model's own."""
    max_reasons: int
    wordless: tuple[str, ...]
    """Features without words for an applicant."""
    read_by: Mapping[str, tuple[str, ...]] | None
    """Raw column -> features that read it; None where the bundle does not tell."""
    gates: Mapping[str, Mapping[str, Any]]
    """Of the model's validation, by name."""
    sections: Mapping[str, bool] | None
    """Sections of its model document: True where none of their reports is missing; None without a document."""
    bases: Mapping[str, tuple[str, ...]]
    retention: Retention
    review: Review
    document: Document
    tier: int | None
    validated: datetime | None
    due: datetime | None
    """When it is to be validated again; None where nothing says so."""
    chain: str
    """What is wrong with the audit chain; "" = nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that a check looked at."""

    result: Result
    what: str


def judged(profile: Profile, facts: Facts, on: date) -> list[dict[str, Any]]:
    """Every duty of the profile in its order, as the report has it."""
    return [_told(duty, facts, on) for duty in profile.duties]


def _told(duty: Duty, facts: Facts, on: date) -> dict[str, Any]:
    if duty.holds_on(on):
        seen = list(_look(duty, facts, on))
        result = next(worst for worst in _WORST if any(one.result is worst for one in seen))
    else:
        seen, result = [Seen(Result.NOT_IN_FORCE, _when(duty, on))], Result.NOT_IN_FORCE
    return {
        "id": duty.id,
        "text": duty.text,
        "source": duty.source,
        "read": duty.read,
        "source_date": duty.source_date.isoformat() if duty.source_date else None,
        "in_force_from": duty.in_force_from.isoformat() if duty.in_force_from else None,
        "in_force_until": duty.in_force_until.isoformat() if duty.in_force_until else None,
        "check": duty.check.kind,
        "result": result.value,
        "seen": [{"result": one.result.value, "what": one.what} for one in seen],
    }


def _when(duty: Duty, on: date) -> str:
    if duty.in_force_from is not None and on < duty.in_force_from:
        return f"from {duty.in_force_from} on"
    return f"until {duty.in_force_until}"


def _look(duty: Duty, facts: Facts, on: date) -> Iterable[Seen]:
    look: Callable[[Any, Facts, date], Iterable[Seen]] = CHECKS[duty.check.kind]
    return look(duty.check, facts, on)


def _gate(facts: Facts, name: str) -> Seen:
    """A gate's verdict, whatever a waiver says: nobody waives the law."""
    gate = facts.gates.get(name)
    if gate is None:
        return Seen(Result.FAIL, f"gate {name}: not judged; creditrisk validate")
    told = f"gate {name}: {gate['reason']}"
    if gate["verdict"] == Judgement.PASS:
        return Seen(Result.PASS, told)
    if gate["verdict"] == Judgement.FAIL:
        return Seen(Result.FAIL, told)
    return Seen(Result.LENDER_STATES, f"{told}; how is it shown otherwise?")


def _reasons_coverage(check: ReasonsCoverage, facts: Facts, _on: date) -> Iterable[Seen]:
    yield _gate(facts, "reasons_proved")
    yield _gate(facts, "reasons_principal")
    if facts.wordless:
        yield Seen(Result.FAIL, f"no words for {', '.join(facts.wordless[:5])}; add them to reasons.yaml")
    else:
        yield Seen(Result.PASS, "every feature has words for an applicant")
    if check.most is not None:
        fits = facts.max_reasons <= check.most
        told = f"up to {facts.max_reasons} reasons are told, besides inquiries; at most {check.most} are asked for"
        yield Seen(Result.PASS if fits else Result.FAIL, told)


def _prohibited_bases(check: ProhibitedBases, facts: Facts, _on: date) -> Iterable[Seen]:
    untold = [basis for basis in (*check.bases, *check.within_rule) if basis not in facts.bases]
    if untold:
        told = f"does any table tell {', '.join(untold)}? The book does not say (inventory.bases; [] = none does)"
        yield Seen(Result.LENDER_STATES, told)
    for basis in (*check.bases, *check.within_rule):
        columns = facts.bases.get(basis)
        if columns is not None and not columns:
            yield Seen(Result.PASS, f"{basis}: no table holds it, says the book")
        for column in columns or ():
            yield _column(basis, column, check.within_rule.get(basis), facts)
    yield _gate(facts, "proxies")


def _column(basis: str, column: str, rule: str | None, facts: Facts) -> Seen:
    if facts.read_by is None:
        return Seen(Result.FAIL, f"{basis}: the bundle does not tell which features read {column}; train again")
    features = facts.read_by.get(column, ())
    if not features:
        return Seen(Result.PASS, f"{basis}: no feature reads {column}")
    told = f"{basis}: {', '.join(features[:3])}{' and more' if len(features) > 3 else ''} read {column}"
    if rule is None:
        return Seen(Result.FAIL, f"{told}; put it under policy.prohibited and train again")
    if rule == "justified":
        return Seen(Result.LENDER_STATES, f"{told}; by which objective reason?")
    if not any(column in promise.columns for promise in facts.policy.never_worse):
        return Seen(
            Result.LENDER_STATES, f"{told}, and no promise of policy.never_worse is about it; how is it kept fair?"
        )
    gate = _gate(facts, "never_worse")
    return Seen(gate.result, f"{told}; {gate.what}")


def _retention(check: RetentionOfDecisions, facts: Facts, _on: date) -> Iterable[Seen]:
    for decision in check.decisions:
        keep = getattr(facts.retention, decision)
        if keep is None and check.months is None:
            yield Seen(
                Result.LENDER_STATES, f"{decision}: no period stands under retention.{decision}; how long, and why?"
            )
        elif keep is None:
            yield Seen(Result.PASS, f"{decision}: kept until somebody deletes it; nothing is deleted by age")
        elif check.months is not None and keep.months < check.months:
            told = f"{decision}: deleted after {keep.months} months, {check.months} are asked for"
            yield Seen(Result.FAIL, f"{told}; raise retention.{decision}.months")
        else:
            yield Seen(Result.PASS, f"{decision}: kept {keep.months} months, because {keep.because}")


def _human_review(_check: HumanReview, facts: Facts, _on: date) -> Iterable[Seen]:
    if facts.review.contact:
        yield Seen(Result.PASS, "every disclosure names whom to ask for a person's review")
    else:
        yield Seen(Result.FAIL, "review.contact is empty: no disclosure says whom to ask")
    if facts.review.override_codes:
        yield Seen(
            Result.PASS, f"people overrule by {len(facts.review.override_codes)} codes, each override is recorded"
        )
    else:
        yield Seen(Result.FAIL, "review.override_codes is empty: nobody can overrule a decision")
    if not facts.document.overrides:
        yield Seen(Result.LENDER_STATES, "who may override, and within which limits? (document.overrides)")


def _log_retention(check: LogRetention, facts: Facts, on: date) -> Iterable[Seen]:
    decisions = RetentionOfDecisions(
        kind="retention", months=check.months, decisions=("approve", "refer", "decline")
    )  # fmt: skip
    yield from _retention(decisions, facts, on)
    if facts.chain:
        yield Seen(Result.FAIL, f"audit chain: {facts.chain}")
    else:
        yield Seen(Result.PASS, "audit chain: unbroken, and nothing of it is deleted by age")


def _documentation_headings(check: DocumentationHeadings, facts: Facts, _on: date) -> Iterable[Seen]:
    if facts.sections is None:
        yield Seen(Result.FAIL, "there is no model document of this model; creditrisk validate")
        return
    absent = [name for name in check.sections if name not in facts.sections]
    empty = [name for name in check.sections if not facts.sections.get(name, True)]
    if absent:
        yield Seen(Result.FAIL, f"the model document has no section {', '.join(absent)}")
    if empty:
        yield Seen(Result.FAIL, f"sections of the model document lack their report: {', '.join(empty)}")
    if not absent and not empty:
        yield Seen(Result.PASS, f"the model document has {', '.join(check.sections)}")
    blank = [name for name in check.stated if not getattr(facts.document, name)]
    if blank:
        yield Seen(
            Result.LENDER_STATES, f"blank in the model document: {', '.join(f'document.{name}' for name in blank)}"
        )


def _tier_present(_check: TierPresent, facts: Facts, on: date) -> Iterable[Seen]:
    if facts.tier is None:
        yield Seen(Result.FAIL, "no tier: state inventory.exposure and inventory.use")
    else:
        yield Seen(Result.PASS, f"tier {facts.tier}")
    if facts.validated is None:
        yield Seen(Result.FAIL, "no validation of it stands in the audit chain; creditrisk validate")
    elif facts.due is not None and facts.due.date() < on:
        yield Seen(Result.FAIL, f"validated on {facts.validated.date()}, due again on {facts.due.date()}: overdue")
    elif facts.due is not None:
        yield Seen(Result.PASS, f"validated on {facts.validated.date()}, due again on {facts.due.date()}")


def _lender_states(check: LenderStates, _facts: Facts, _on: date) -> Iterable[Seen]:
    yield Seen(Result.LENDER_STATES, check.ask)


CHECKS: dict[str, Callable[..., Iterable[Seen]]] = {
    "reasons_coverage": _reasons_coverage,
    "prohibited_bases": _prohibited_bases,
    "retention": _retention,
    "human_review": _human_review,
    "log_retention": _log_retention,
    "documentation_headings": _documentation_headings,
    "tier_present": _tier_present,
    "lender_states": _lender_states,
}
"""By the kind that a profile names."""
