"""What `inventory:` of `portfolio.yaml` may say: the place of a book's models in the lender's model inventory."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from creditrisk.config.strict import Strict

type Level = Literal["low", "medium", "high"]
type Use = Literal["decides", "advises", "informs"]
type Basis = Literal[
    "age", "birth", "children", "colour", "consumer_rights", "disability", "ethnic_origin", "gender_identity",
    "genetics", "health", "language", "marital_status", "minority", "national_origin", "nationality", "opinion",
    "pregnancy", "public_assistance", "race", "religion", "residence", "sex", "sexual_orientation", "social_origin",
]  # fmt: skip
"""What the law of one place or another keeps from deciding about people."""


class Inventory(Strict):
    """Judges and describes a model, and changes nothing in it. Exposure and use give its tier: docs/inventory.md."""

    exposure: Level | None = None
    """How much money or how many people depend on it, by the lender's own measure."""
    use: Use | None = None
    """`decides` without a person in between, `advises` one who decides, or `informs` reports and limits."""
    because: str | None = None
    """Why this exposure and this use."""
    review_months: Annotated[int, Field(ge=1, le=60)] | None = None
    """Months from one validation to the next; empty = what the tier asks for."""
    bases: dict[Basis, tuple[str, ...]] = Field(default={})
    """For each ground that no decision may rest on: the book's columns that tell it; [] = no table holds it."""

    @property
    def columns(self) -> list[tuple[Basis, str]]:
        """Each ground with each column that tells it."""
        return [(basis, column) for basis, columns in self.bases.items() for column in columns]
