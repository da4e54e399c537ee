"""What `contracts/<table>.yaml` and `reasons.yaml` may say."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from creditrisk.config.reading import FileReading
from creditrisk.config.strict import Share, Strict
from creditrisk.errors import did_you_mean
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

UNITS = {
    "currency": "an amount of the book's currency; its code (USD) says the same",
    "share": "0 to 1",
    "percent": "0 to 100",
    "count": "how many",
    "points": "of a score",
    **{time: "a span of time" for time in ("hours", "days", "weeks", "months", "years")},
}
"""The word a unit begins with -> what it says. What follows the word is for people: "days before the application"."""


def _known_unit(unit: str) -> str:
    word = unit.split(" ", 1)[0].rstrip(",")
    if unit and word not in UNITS and not (len(word) == 3 and word.isalpha() and word.isupper()):
        raise ValueError(f'no unit "{word}": {did_you_mean(word, UNITS)}, or a currency\'s code')
    return unit


def _low_and_high(band: Any) -> Any:
    return (0.0, band) if isinstance(band, int | float) else band


def _rising(band: tuple[float, float]) -> tuple[float, float]:
    if band[0] > band[1]:
        raise ValueError("the first limit is above the second")
    return band


TableSeverity = Literal[Severity.REFUSE, Severity.WARN]
"""Of what is about a table as a whole: there are no rows to take out."""

ShareBand = Annotated[tuple[Share, Share], BeforeValidator(_low_and_high), AfterValidator(_rising)]
Ratios = Annotated[tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]], AfterValidator(_rising)]
ColumnType = Annotated[str, Field(pattern=r"^(integer|double|text|date|boolean|decimal\(\d{1,2},\d{1,2}\))$")]


class Sentinel(Strict):
    """A value that means something else than it says."""

    means: str
    """What it stands for."""
    share: ShareBand | None = None
    """Expected share of all rows, [lowest, highest] or the highest alone; outside is a finding."""

    @model_validator(mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return {"means": value} if isinstance(value, str) else value


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
    unit: Annotated[str, AfterValidator(_known_unit)] = ""
    """Begins with currency (or its code), share, percent, count, points, hours, days, weeks, months or years."""
    null: bool = True
    """May it be empty?"""
    null_share: ShareBand | None = None
    """Expected share of empty cells, [lowest, highest] or the highest alone; outside is a finding."""
    optional: bool = False
    """May the whole column be absent from the file? It is then all NULL."""
    min: float | None = None
    """A value below it is a finding."""
    max: float | None = None
    """A value above it is a finding."""
    categories: tuple[str, ...] = ()
    """Known values of a text column; a new one is a warning."""
    sentinels: dict[str, Sentinel] = Field(default={})
    """By value; words alone are what it means: {"365243": "not employed"}."""
    missing: tuple[str, ...] = ()
    """Words that mean "no value", besides the empty cell."""
    format: Literal["plain", "percent", "months", "month_year"] = "plain"
    """How a number or date is written: 13.56%, " 36 months", Dec-2011."""
    time: Literal["event", "schedule"] | None = None
    """Days or months relative to the application: an `event` never lies after it, a `schedule` may."""
    severity: Severity = Severity.WARN
    """Of a missing value, a broken range or an event after the application."""
    share_severity: TableSeverity = Severity.WARN
    """Of shares (empty cells, sentinels) outside their bands."""

    @property
    def quantity(self) -> str:
        """The word its unit begins with; "currency" for a currency's code."""
        word = self.unit.split(" ", 1)[0].rstrip(",")
        return word if word in UNITS or not word else "currency"


class SinceLast(Strict):
    """How far a table may move away from the last accepted ingestion. What chance brings on few rows is no finding."""

    rows: Ratios = (0.7, 1.5)
    """Rows now to rows then, [lowest, highest]."""
    empty: Share = 0.05
    """The most that a column's share of empty cells, or of a sentinel, may rise or fall."""
    categories: Share = 0.1
    """The most that a category's share may rise or fall."""
    rows_severity: TableSeverity = Severity.WARN
    """Of a number of rows outside its band."""
    share_severity: TableSeverity = Severity.WARN
    """Of a share that moved too far."""


class Rule(Strict):
    """A condition over one row that must hold, in SQL; rows where it is false are counted."""

    name: str
    """Short, for findings."""
    sql: str
    """An expression over the table's columns."""
    what: str
    """What must hold, in words; a finding says that it is not so."""
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
    """Of different rows with the same key; `quarantine` takes all of them out, since nobody knows which is right."""
    duplicates_severity: Severity | None = None
    """Of rows that are alike in every column; `quarantine` keeps the first. Empty = as `unique_severity`."""
    orphans_severity: Severity = Severity.WARN
    """Of rows whose parent is not there."""
    orphans_share_max: Share = 0.0
    """Up to this share of orphans is expected (the file serves others too): told, and no finding."""
    since_last: SinceLast = SinceLast()
    """Bands around the last accepted ingestion."""
    rejected_share_max: Share = 0.01
    """More unreadable rows than this refuse the file."""
    rules: tuple[Rule, ...] = ()
    """That look at more than one column."""
    reading: FileReading = FileReading()
    """What its CSV files are like, where they leave a doubt."""

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        names = [column.name for column in self.columns]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"columns stand twice: {', '.join(doubled)}")
        rules = [rule.name for rule in self.rules]
        taken = sorted({name for name in rules if rules.count(name) > 1 or name in {*CHECKS, *NEVER_OFF}})
        if taken:
            raise ValueError(f"names of rules are taken: {', '.join(taken)}")
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
    inquiries: bool = False
    """Is it about how often lenders asked for the applicant's credit report? Such a reason may come as one more."""


class SharedFeatures(Strict):
    """Features that are made of what several groups tell; they speak for each of those groups alike."""

    features: tuple[str, ...]
    """Names, or name patterns with * at the end."""
    groups: Annotated[tuple[str, ...], Field(min_length=2)]
    """Reason codes."""


class Reasons(Strict):
    groups: dict[str, ReasonGroup]
    """By reason code."""
    shared: tuple[SharedFeatures, ...] = ()
    """Features that no single group can claim."""

    @model_validator(mode="after")
    def _groups_exist(self) -> Self:
        for one in self.shared:
            unknown = set(one.groups) - set(self.groups)
            if unknown:
                raise ValueError(f"shared names the group {min(unknown)}, which does not exist")
        return self

    def codes_of(self, feature: str) -> list[str]:
        """The group that tells a feature, or the groups that share it; none or too many when the book is unclear."""
        alone = [code for code, group in self.groups.items() if _listed(feature, group.features)]
        together = [one.groups for one in self.shared if _listed(feature, one.features)]
        return [*alone, *(code for codes in together for code in codes)]

    def is_clear(self, feature: str) -> bool:
        """Does it stand in exactly one group, or once among the shared ones?"""
        alone = [code for code, group in self.groups.items() if _listed(feature, group.features)]
        return len(alone) + sum(_listed(feature, one.features) for one in self.shared) == 1

    def text_of(self, feature: str) -> str:
        """The words for a feature; of each group that shares it."""
        return " / ".join(self.groups[code].text for code in self.codes_of(feature))


def _listed(feature: str, patterns: tuple[str, ...]) -> bool:
    return feature in patterns or feature.startswith(_beginnings(patterns))


@lru_cache(maxsize=256)
def _beginnings(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Of the patterns that end in a star."""
    return tuple(one[:-1] for one in patterns if one.endswith("*"))
