"""Which groups of applicants are compared, and when they are treated unlike: `fairness:` in portfolio.yaml."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from creditrisk.config.strict import Limit, OpenShare, Strict


class Grouping(Strict):
    """One way to tell applicants apart, by columns that are kept apart from the features."""

    sql: Annotated[str, Field(min_length=1)]
    """Over audit.parquet, the main table's prohibited, rebuilding and restricted columns. NULL is not stated."""
    meaning: str = ""
    """For people."""
    levels: tuple[str, ...] = ()
    """The groups it tells apart, in order, so that an empty one is seen; others follow by name."""


class Fairness(Strict):
    groups: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Grouping] = Field(default={})
    """By name."""
    crossings: tuple[tuple[str, ...], ...] = ()
    """Names of groups to be crossed, e.g. [[sex, age_band]]: what is even in each may be uneven in both."""
    approval_ratio_min: Limit = Limit(
        value=0.8,
        because="four fifths: US Uniform Guidelines on Employee Selection, 29 CFR 1607.4(D), used for credit too",
    )
    """Approval rate over that of the best-treated group, below which a group is treated unlike."""
    opportunity_difference_max: Limit = Limit(
        value=0.1,
        because="one good applicant in ten more who misses approval; no law names the number, the lender does",
    )
    """How far the approval rate of a group's good applicants may lie below that of the best-treated group's."""
    calibration_ratio_max: Limit = Limit(
        value=1.25, because="a PD a quarter off for a group refuses or burdens its members wrongly"
    )
    """Default rate over mean PD of a group, or the inverse, above which its PDs are off."""
    rows_min: Limit = Limit(value=30, because="the rates of fewer people say more about each of them than of the group")
    """Rows that a test needs (of good ones, where it looks at those), and a group to be compared with."""
    level: OpenShare = 0.95
    """Of the intervals."""

    @model_validator(mode="after")
    def _crossings_known(self) -> Self:
        for crossing in self.crossings:
            if len(crossing) < 2 or len(set(crossing)) < len(crossing):
                raise ValueError(f"the crossing {list(crossing)} needs two different groups or more")
            for name in crossing:
                if name not in self.groups:
                    raise ValueError(f"the crossing {list(crossing)} names {name!r}, not among {sorted(self.groups)}")
        return self
