"""How long what is personal in a decision is kept (`retention:`)."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime
from typing import Annotated

from pydantic import Field

from creditrisk.config.strict import Strict


class Keep(Strict):
    """For so long; then `creditrisk decisions delete --older-than-retention` deletes it."""

    months: Annotated[int, Field(ge=1, le=1200)]
    """Whole months after the decision."""
    because: Annotated[str, Field(min_length=1)]
    """Which law or purpose asks for so long, and no longer."""


class Retention(Strict):
    """Payload and entity of a decision's records; what is not stated is never deleted by age."""

    approve: Keep | None = None
    """Of approved applications, and of records about them that say so."""
    refer: Keep | None = None
    """Of applications sent to a person."""
    decline: Keep | None = None
    """Of declined applications; in the United States at least 25 months (Regulation B, 12 CFR 1002.12)."""

    def before(self, now: datetime) -> dict[str, datetime]:
        """{decision: time before which its payloads are due}, for what is stated."""
        kept: dict[str, Keep | None] = {"approve": self.approve, "refer": self.refer, "decline": self.decline}
        return {decision: months_before(now, keep.months) for decision, keep in kept.items() if keep is not None}


def months_before(now: datetime, months: int) -> datetime:
    """The same hour of the same day so many months ago, or of that month's last day where it is shorter."""
    index = now.year * 12 + now.month - 1 - months
    year, month = index // 12, index % 12 + 1
    return now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1]))
