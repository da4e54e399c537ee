"""What `contracts/<table>.yaml` and `reasons.yaml` may say."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from creditrisk.config.portfolio import Share
from creditrisk.config.source import Strict
from creditrisk.kinds import Available, Severity

CHECKS = {
    "missing table": "the file of a child table is there",
    "not null": "a column that may not be empty is not",
    "null share": "the share of empty cells lies where the contract expects it",
    "range": "a number lies between its limits",
    "unit": "the numbers look like their unit",
    "event after application": "nothing that happened later than the application",
    "new category": "a text is one of the known ones",
    "sentinel": "values that mean something else are counted",
    "sentinel share": "their share lies where the contract expects it",
    "duplicate rows": "no row stands twice with all its values",
    "contradicting rows": "no two different rows have the same key",
    "orphans": "every row has its parent",
    "rows changed": "as many rows as the last accepted ingestion had, within a band",
    "share changed": "shares of empty cells, categories and sentinels as in the last accepted ingestion, within a band",
}
"""Rule -> what it promises. A contract's own `rules` come on top, by their names."""

NEVER_OFF = {
    "no rows": "without applications there is nothing to learn from",
    "target values": "the target's meaning hangs on it",
    "one class": "with one outcome alone there is nothing to tell apart",
    "unreadable rows": "what cannot be read is not there; see rejected_share_max in the contract",
}
"""Refusals that protect the machine or the meaning of the target -> why nobody can switch them off."""

ColumnType = Annotated[str, Field(pattern=r"^(integer|double|text|date|boolean|decimal\(\d{1,2},\d{1,2}\))$")]


class Column(Strict):
    """What one column promises."""

    name: str
    """As in the file."""
    type: ColumnType
    """As in the typed table; amounts of money are decimals."""
    available: Available
    """When it comes to exist in a loan's life."""
    meaning: str = ""
    """For people."""
    unit: str = ""
    """For people: currency, days, months, share."""
    null: bool = True
    """May it be empty?"""
    optional: bool = False
    """May the whole column be absent from the file? It is then all NULL."""
    min: float | None = None
    """A value below it is a finding."""
    max: float | None = None
    """A value above it is a finding."""
    categories: tuple[str, ...] = ()
    """Known values of a text column; a new one is a warning."""
    sentinels: dict[str, str] = Field(default={})
    """Values that mean something else than they say: {"365243": "not employed"}."""
    missing: tuple[str, ...] = ()
    """Words that mean "no value", besides the empty cell."""
    format: Literal["plain", "percent", "months", "month_year"] = "plain"
    """How a number or date is written: 13.56%, " 36 months", Dec-2011."""
    time: Literal["event", "schedule"] | None = None
    """Days or months relative to the application: an `event` never lies after it, a `schedule` may."""
    severity: Severity = Severity.WARN
    """Of a broken range or an event after the application."""


class Rule(Strict):
    """A condition over one row that must hold, in SQL; rows where it is false are counted."""

    name: str
    """Short, for findings."""
    sql: str
    """An expression over the table's columns."""
    what: str
    """The finding's sentence."""
    severity: Severity = Severity.WARN
    """Of a row that breaks it."""


class Contract(Strict):
    table: str
    """Logical name."""
    grain: str
    """What one row is."""
    columns: tuple[Column, ...]
    """In the order of the typed table."""
    unique: tuple[tuple[str, ...], ...] = ()
    """Sets of columns that name a row."""
    unique_severity: Severity = Severity.REFUSE
    """Of a key that stands twice."""
    orphans_severity: Severity = Severity.WARN
    """Of rows whose parent is not there."""
    rejected_share_max: Share = 0.01
    """More unreadable rows than this refuse the file."""
    rules: tuple[Rule, ...] = ()
    """That look at more than one column."""

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        names = [column.name for column in self.columns]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"columns stand twice: {', '.join(doubled)}")
        unknown = {name for keys in self.unique for name in keys} - set(names)
        if unknown:
            raise ValueError(f"unique names columns that are not listed: {', '.join(sorted(unknown))}")
        return self

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


class ReasonGroup(Strict):
    """Features that tell an applicant one thing."""

    text: str
    """In words an applicant understands."""
    features: tuple[str, ...]
    """Names, or name patterns with * at the end."""


class Reasons(Strict):
    groups: dict[str, ReasonGroup]
    """By reason code."""

    def codes_of(self, feature: str) -> list[str]:
        """The groups that a feature stands in, by name or by pattern."""
        return [
            code
            for code, group in self.groups.items()
            if any(
                feature.startswith(pattern[:-1]) if pattern.endswith("*") else feature == pattern
                for pattern in group.features
            )
        ]
