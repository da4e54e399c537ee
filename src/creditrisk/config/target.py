"""`target` of portfolio.yaml: what a bad loan is, and when one can be known."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Self

from pydantic import Field, model_validator

from creditrisk.config.strict import Strict


class KnownFrom(Strict):
    """When a bad loan could first be known for bad. Read to tell what a test is worth, never as a feature."""

    column: str
    """Date column of the main table after which nothing more was heard, such as the last payment."""
    months_later: Annotated[int, Field(ge=0, le=120)]
    """Months from that date until the loan is booked as bad."""
    because: Annotated[str, Field(min_length=1)]
    """Why so many."""


class Target(Strict):
    """What a bad loan is. `sql` (a file of the book) or `column`, with the words a validator asks for."""

    column: str | None = None
    """Column of the main table: 1 bad, 0 good."""
    sql: str | None = None
    """SELECT <entity key>, target (1 bad, 0 good, NULL), label_state ('observed', 'indeterminate', 'immature')."""
    bad: str
    """When a loan counts as bad."""
    horizon: str
    """How long after granting one looks."""
    population: str
    """Whom the figures are about."""
    is_not: str
    """What the PD must not be taken for."""
    observed_until: dt.date | None = None
    """The day on which the outcomes were last looked at."""
    observed_until_latest_of: tuple[str, ...] = ()
    """Columns read as metadata only: the latest date in them is when the outcomes were last looked at."""
    bad_known_from: KnownFrom | None = None
    """From when a bad loan could be known; tells how much of what was learnt was knowable before the test began."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.column is None) == (self.sql is None):
            raise ValueError("give either `column` or `sql`")
        return self
