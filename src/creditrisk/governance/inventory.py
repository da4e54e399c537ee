"""The tier of a model, by how much depends on it and how it is used, and when it is to be validated again."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime

from creditrisk.config.inventory import Inventory, Level, Use

TIERS: dict[tuple[Level, Use], int] = {
    ("high", "decides"): 1, ("high", "advises"): 1, ("high", "informs"): 2,
    ("medium", "decides"): 1, ("medium", "advises"): 2, ("medium", "informs"): 3,
    ("low", "decides"): 2, ("low", "advises"): 3, ("low", "informs"): 3,
}  # fmt: skip
"""(exposure, use) -> tier; 1 is looked at most closely."""

REVIEW_MONTHS = {1: 12, 2: 24, 3: 36}
"""Tier -> months from one validation to the next, where the book does not say."""


def tier_of(inventory: Inventory) -> int | None:
    """None where the lender has not stated exposure or use."""
    if inventory.exposure is None or inventory.use is None:
        return None
    return TIERS[inventory.exposure, inventory.use]


def review_months(inventory: Inventory) -> int | None:
    tier = tier_of(inventory)
    return inventory.review_months or (None if tier is None else REVIEW_MONTHS[tier])


def next_due(validated: datetime, months: int) -> datetime:
    """The same hour so many months later, or of that month's last day where it is shorter."""
    index = validated.year * 12 + validated.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return validated.replace(year=year, month=month, day=min(validated.day, monthrange(year, month)[1]))
