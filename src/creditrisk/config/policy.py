"""What may not decide about people, and which way a fact may count: `policy:` in portfolio.yaml."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from creditrisk.config.strict import Strict

type Direction = Literal["pd_rises", "pd_falls"]
type Cell = int | float | str | bool | None


class Barred(Strict):
    """A column that may not decide about people, and the law that says so."""

    column: str
    """Name in the raw table."""
    ground: str
    """The rule, with its source."""


class Released(Strict):
    """One feature, or two, that rebuild a prohibited attribute and may be features all the same."""

    features: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    """Their names."""
    by: Annotated[str, Field(min_length=1)]
    """Who answers for it."""
    because: Annotated[str, Field(min_length=1)]
    """Why the law allows it."""


class Accepted(Strict):
    """Raw inputs for which a check of the policy may find exceptions; how many there are is reported all the same."""

    check: Literal["raw_directions", "blanks"]
    """Which check: that a raw input has its direction, or that leaving it empty never pays."""
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    """Raw columns of the main table."""
    by: Annotated[str, Field(min_length=1)]
    """Who answers for it."""
    because: Annotated[str, Field(min_length=1)]
    """Why the exceptions are right, or harmless."""


class NeverWorse(Strict):
    """People who are never scored worse than the best treated of others with all else equal.

    Each of them is scored again with other values of some raw columns: those given in `values`, or those of applicants
    who meet `like`.
    """

    who: Annotated[str, Field(min_length=1)]
    """In words."""
    ground: Annotated[str, Field(min_length=1)]
    """The rule, with its source."""
    protected: Annotated[str, Field(min_length=1)]
    """SQL condition on the main table's raw columns: who they are."""
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    """Raw columns of the main table that are replaced, together."""
    values: Annotated[tuple[tuple[Cell, ...], ...], Field(min_length=1)] | None = None
    """What they are replaced by: rows of values in the order of `columns`."""
    like: Annotated[str, Field(min_length=1)] | None = None
    """SQL condition on the main table: a fixed number of such applicants lend their values of `columns`."""
    donors: Annotated[int, Field(ge=1, le=200)] = 50
    """How many lend them."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.values is None) == (self.like is None):
            raise ValueError("give either `values` or `like`")
        if any(len(row) != len(self.columns) for row in self.values or ()):
            raise ValueError("each row of `values` needs one value for each of `columns`")
        return self


class Policy(Strict):
    prohibited: tuple[Barred, ...] = ()
    """Never reach the features' SQL; kept in audit.parquet for fairness."""
    rebuilders: tuple[Barred, ...] = ()
    """Columns from which a prohibited one can be rebuilt; treated alike."""
    restricted: tuple[Barred, ...] = ()
    """May be features, within the rule that `ground` states."""
    released: tuple[Released, ...] = ()
    """Features that rebuild a prohibited attribute and are allowed by name; every report of the policy says so."""
    monotone: dict[str, Direction] = Field(default={})
    """Direction of PD when the feature rises."""
    raw_directions: dict[str, Direction] = Field(default={})
    """Direction of PD when a raw number of the main table rises and every feature is computed again; tested."""
    blank_is_worst: tuple[str, ...] = ()
    """Features of `monotone` whose missing value is read as the worst one seen in training: hiding never pays."""
    never_worse: tuple[NeverWorse, ...] = ()
    """Who is never scored worse than others with all else equal; tested."""
    accepted: tuple[Accepted, ...] = ()
    """Exceptions that the tests of `raw_directions` and of blanks may find."""

    @model_validator(mode="after")
    def _blanks_are_directed(self) -> Self:
        without = [name for name in self.blank_is_worst if name not in self.monotone]
        if without:
            raise ValueError(f"blank_is_worst names {', '.join(without)} without a direction in `monotone`")
        return self

    @property
    def kept_apart(self) -> tuple[str, ...]:
        return tuple(barred.column for barred in (*self.prohibited, *self.rebuilders))
