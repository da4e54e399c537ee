"""What the parts of a book's files are made of: strict sections, shares, and numbers that carry their reason."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, le=1.0)]
OpenShare = Annotated[float, Field(gt=0.0, lt=1.0)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, str_strip_whitespace=True)


class Number(Strict):
    """A number that decides about people carries its reason and its owner."""

    value: float
    """The number itself."""
    because: str
    """Why this value and no other."""
    owner: str
    """Who may change it."""


class Limit(Strict):
    """A threshold, with the reason for it."""

    value: float
    """The number itself."""
    because: str
    """Why this value and no other."""
