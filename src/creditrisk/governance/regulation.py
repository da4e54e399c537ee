"""Regulation profiles: what the law of a place asks of a scoring model, as dated data with sources. No legal advice."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from creditrisk.config.inventory import Basis
from creditrisk.config.strict import Strict
from creditrisk.config.yaml_reader import read_yaml
from creditrisk.errors import BadUsage, did_you_mean

FOLDER = Path(__file__).resolve().parent / "profiles"

NOTICE = (
    "This is no legal advice. It looks at what software can see of some duties; whether a lender complies is for the "
    "lender and its counsel to say, and where a source differs from this text, the source is right."
)

type Decision = Literal["approve", "refer", "decline"]
type Said = Literal[
    "owner", "developer", "validator", "use", "materiality", "overrides", "monitoring", "data_protection", "next_review"
]
"""Keys of a book's `document:`."""


class ReasonsCoverage(Strict):
    """The gates on reasons pass for this model, and every feature has words."""

    kind: Literal["reasons_coverage"]
    most: int | None = None
    """Reasons that a decline may be told at most, besides inquiries."""


class ProhibitedBases(Strict):
    """No feature reads a column that tells one of them, and none rebuilds one."""

    kind: Literal["prohibited_bases"]
    bases: Annotated[tuple[Basis, ...], Field(min_length=1)]
    within_rule: dict[Basis, Literal["never_worse", "justified"]] = Field(default={})
    """May be read if nobody protected is scored worse (a gate), or if the lender justifies it."""


class RetentionOfDecisions(Strict):
    """How long what was decided upon is kept."""

    kind: Literal["retention"]
    decisions: Annotated[tuple[Decision, ...], Field(min_length=1)]
    months: int | None = None
    """At least so many; empty = a period must be stated, whichever."""


class HumanReview(Strict):
    """Applicants can turn to a person, who can overrule the model."""

    kind: Literal["human_review"]


class LogRetention(Strict):
    """Decisions and acts are logged and kept, and the audit chain is unbroken."""

    kind: Literal["log_retention"]
    months: int


class DocumentationHeadings(Strict):
    """The model document has these sections, with their reports, and the lender has said its part."""

    kind: Literal["documentation_headings"]
    sections: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of sections of the model document."""
    stated: tuple[Said, ...] = ()


class TierPresent(Strict):
    """The model inventory has exposure, use and so a tier, and a validation that is not overdue."""

    kind: Literal["tier_present"]


class LenderStates(Strict):
    """What no software can see."""

    kind: Literal["lender_states"]
    ask: Annotated[str, Field(min_length=1)]


type Check = Annotated[
    ReasonsCoverage
    | ProhibitedBases
    | RetentionOfDecisions
    | HumanReview
    | LogRetention
    | DocumentationHeadings
    | TierPresent
    | LenderStates,
    Field(discriminator="kind"),
]


class Duty(Strict):
    """One duty, and from when to when it holds."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    text: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    """With article or section."""
    read: Literal["text", "summary"] | None = None
    """Was the provision itself read, or an account of it? Empty = neither; the lender then reads it."""
    source_date: date | None = None
    """When it was read."""
    in_force_from: date | None = None
    """First day; empty = long since."""
    in_force_until: date | None = None
    """Last day; empty = it stands."""
    check: Check

    @model_validator(mode="after")
    def _read_before_it_is_judged(self) -> Self:
        if (self.read is None) != (self.source_date is None):
            raise ValueError(f"{self.id}: read and source_date go together")
        if self.read is None and self.check.kind != "lender_states":
            raise ValueError(f"{self.id}: a source that nobody read can only be asked about (lender_states)")
        if self.in_force_from and self.in_force_until and self.in_force_until < self.in_force_from:
            raise ValueError(f"{self.id}: it ends before it begins")
        return self

    def holds_on(self, day: date) -> bool:
        began = self.in_force_from is None or self.in_force_from <= day
        return began and (self.in_force_until is None or day <= self.in_force_until)


class Profile(Strict):
    """What one place asks for."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z-]*$")]
    title: str
    scope: str
    """Whom it is for."""
    notes: tuple[str, ...] = ()
    not_covered: tuple[str, ...] = ()
    duties: Annotated[tuple[Duty, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        ids = [duty.id for duty in self.duties]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"two duties have the id {', '.join(twice)}")
        return self


def profile_names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_profile(name: str) -> Profile:
    """Raises BadUsage with the known names for an unknown one, BadConfig when its file is wrong."""
    if name not in profile_names():
        raise BadUsage(f'no regulation profile "{name}"', hint=did_you_mean(name, profile_names()))
    return read_yaml(FOLDER / f"{name}.yaml", Profile)
