"""What `decision:` of `portfolio.yaml` may say: from a PD to an answer that a person gets."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from creditrisk.config.strict import Number, Strict


class Scaling(Strict):
    """Score points: `base_points` at `base_odds` good to one bad, `points_to_double_odds` more when odds double."""

    base_points: float = 600.0
    """Score at the base odds."""
    base_odds: Annotated[float, Field(gt=0)] = 50.0
    """Good loans to one bad loan."""
    points_to_double_odds: Annotated[float, Field(gt=0)] = 20.0
    """Points that twice the odds are worth."""


class KnockOutRule(Strict):
    """Declines an application whatever its PD, by one feature; exactly one condition is given."""

    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    """Reason code of such a decline."""
    text: Annotated[str, Field(min_length=1)]
    """In words an applicant understands."""
    feature: str
    """One of the model's."""
    at_least: float | None = None
    """Declined from this value on."""
    at_most: float | None = None
    """Declined up to this value."""
    equals: str | float | bool | None = None
    """Declined at this word or number."""
    missing: Literal[True] | None = None
    """Declined where there is no value."""

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        if sum(one is not None for one in (self.at_least, self.at_most, self.equals, self.missing)) != 1:
            raise ValueError("give exactly one of `at_least`, `at_most`, `equals`, `missing`")
        return self


class Changeable(Strict):
    """A raw column of the main table that an applicant can change before they apply again."""

    direction: Literal["up", "down", "either"] = "either"
    """Which way a counterfactual may move it."""
    because: Annotated[str, Field(min_length=1)]
    """Why it can be changed."""


class Decision(Strict):
    """Decline at or above a PD, refer just below it. Given outright, or the cheapest cut-off for the stated costs."""

    decline_from_pd: Number | None = None
    """PD from which an application is declined."""
    cost_of_bad: Number | None = None
    """Loss of an approved loan that turns bad, in units of ..."""
    cost_of_refused_good: Number | None = None
    """... the profit missed on a good loan that was declined."""
    refer_from_share_of_cut_off: Number
    """`refer` begins at this share of the decline cut-off (1.0 = never refer)."""
    grades: dict[str, float]
    """Grade -> PD below which it is given, best first; the last grade takes the rest and has 1.0."""
    scaling: Scaling = Scaling()
    """From PD to points."""
    margin_of_conservatism: Number | None = None
    """Relative add-on to the PD, e.g. 0.1, that reports show beside the best estimate; no decision uses it."""
    max_reasons: Annotated[int, Field(ge=1, le=5)] = 4
    """The most that a decline or referral names; a proved reason about recent inquiries may come as one more."""
    peers: Annotated[int, Field(ge=0, le=200)] = 50
    """Approved applicants kept in the bundle, whose facts prove reasons; 0 keeps nobody, and proves nothing."""
    knock_out: tuple[KnockOutRule, ...] = ()
    """Rules that decline whatever the PD."""
    changeable: dict[str, Changeable] = Field(default={})
    """By raw column of the main table; all others are fixed facts that no counterfactual touches."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        by_cost = self.cost_of_bad is not None and self.cost_of_refused_good is not None
        if (self.decline_from_pd is not None) == by_cost:
            raise ValueError("give either `decline_from_pd`, or both `cost_of_bad` and `cost_of_refused_good`")
        if self.margin_of_conservatism is not None and not 0.0 <= self.margin_of_conservatism.value <= 10.0:
            raise ValueError("margin_of_conservatism is a relative add-on from 0 to 10, e.g. 0.1")
        limits = list(self.grades.values())
        if not limits or limits != sorted(set(limits)) or limits[-1] != 1.0:
            raise ValueError("grades must rise from best to worst and end at 1.0")
        return self
