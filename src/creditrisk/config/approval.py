"""What `approval:` and `waiver:` of `portfolio.yaml` may say: who must agree before a model decides, for how long."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from creditrisk.config.strict import Strict

PublicKey = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Approval(Strict):
    """Signatures over the evidence that production asks for. Whoever trained the model never counts."""

    needed: Annotated[int, Field(ge=1, le=20)] = 1
    """How many different people must approve the same evidence."""
    valid_days: Annotated[int, Field(ge=1, le=3660)] = 90
    """For how many days an approval counts; a quarter is how long a validation is taken to describe the portfolio."""
    approvers: dict[str, PublicKey] = Field(default={})
    """Who may approve, with the 64 hex digits of their public key; empty = whoever has a key made in the workspace."""

    @model_validator(mode="after")
    def _each_is_one_person(self) -> Self:
        names = {name.strip().casefold() for name in self.approvers}
        if len(names) < len(self.approvers) or len(set(self.approvers.values())) < len(self.approvers):
            raise ValueError("approvers: each person stands once, with a key of their own")
        if self.approvers and self.needed > len(self.approvers):
            raise ValueError(f"needed is {self.needed}, and only {len(self.approvers)} people may approve")
        return self


class Waiver(Strict):
    """Gates that do not pass and are answered for by somebody, for a time."""

    max_days: Annotated[int, Field(ge=1, le=3660)] = 180
    """How far ahead a waiver may end, in days; half a year, so that nobody waives a gate for the life of a model."""
