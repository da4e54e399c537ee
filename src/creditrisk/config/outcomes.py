"""`monitoring.outcomes` of portfolio.yaml: what later happened to loans, in a lender's words, and when it is known."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from creditrisk.config.strict import Limit, Share, Strict

type Words = tuple[str, ...]

BUCKETS: dict[str, Words] = {
    "current": ("current", "open", "active", "performing", "up to date"),
    "1-29": ("1-29", "1-29 days", "late (1-29 days)", "in grace period", "late"),
    "30-59": ("30-59", "30-59 days", "late (30-59 days)"),
    "60-89": ("60-89", "60-89 days", "late (60-89 days)"),
}

_BETWEEN = re.compile(r"[\s_\-]+")


class UnheardMax(Limit):
    """A share of loans, with the reason for it."""

    value: Share
    """The share."""


class Outcomes(Strict):
    """What later happened to a loan, and when it can be known; docs/outcomes.md explains each."""

    window_months: Annotated[int, Field(ge=1, le=600)] = 12
    """Months from the decision within which a loan must turn bad to be a bad one."""
    term_feature: str | None = None
    """A feature of the model with the contract's months: a loan's window is then these and `months_after_term`."""
    months_after_term: Annotated[int, Field(ge=0, le=120)] = 0
    """Months after the contract's end that still count, until the last bads are booked."""
    granted: Literal["approved", "all"] = "approved"
    """Which decisions became loans: those that were approved, or `all` where the model only advises or is tried out."""
    known_after_months: Annotated[int, Field(ge=0, le=120)] = 1
    """Months from the end of a window until what happened in it has been delivered."""
    unheard_max: UnheardMax = UnheardMax(
        value=0.05, because="bads are heard of first: where many loans are silent, the rest look worse than they are"
    )
    """Share of loans that may be silent until their window ends before no figure is given of their group."""
    bad: Words = (
        "bad", "1", "default", "defaulted", "charged off", "chargeoff", "written off", "write off", "bankrupt",
        "90+", "90+ days", "late (90+ days)", "120+", "120+ days",
    )  # fmt: skip
    """Status words of a loan that failed."""
    good: Words = ("good", "0", "paid", "fully paid", "paid off", "repaid", "closed", "ended")
    """Of a loan that ended well."""
    open: dict[str, Words] = Field(default=BUCKETS)
    """Of a loan that runs: buckets of lateness, the best first, each with its words; between them loans roll."""
    no_loan: Words = ("not taken up", "cancelled", "canceled", "withdrawn", "declined")
    """Of an application that never became a loan."""
    retracted: Words = ("retracted",)
    """Takes back what was said of a loan on that date."""

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        seen: dict[str, str] = {}
        groups = {"bad": self.bad, "good": self.good, "no_loan": self.no_loan, "retracted": self.retracted}
        for group, words in {**groups, **{f"open: {name}": words for name, words in self.open.items()}}.items():
            for word in map(plain_word, words):
                if seen.setdefault(word, group) != group:
                    raise ValueError(f'"{word}" stands under {seen[word]} and under {group}: a word has one meaning')
        if not self.bad:
            raise ValueError("`bad` has no word: a loan could never fail")
        return self


def plain_word(word: str) -> str:
    """A status as words are compared: in lower case, with a blank where blanks, hyphens or underscores stand.

    >>> plain_word(" Charged_Off ")
    'charged off'
    """
    return _BETWEEN.sub(" ", word.strip().casefold())
