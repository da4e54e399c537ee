"""The tier of a model and when it is due: one table, told the same in the documents."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from creditrisk.config.inventory import Inventory
from creditrisk.governance.inventory import REVIEW_MONTHS, TIERS, next_due, review_months, tier_of


def test_the_documents_tell_the_same_table(repository: Path) -> None:
    text = (repository / "docs" / "inventory.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (high|medium|low) \| (\d) \| (\d) \| (\d) \|$", text, re.MULTILINE)
    told = {
        (row[0], use): int(tier)
        for row in rows
        for use, tier in zip(("decides", "advises", "informs"), row[1:], strict=True)
    }
    assert told == TIERS
    assert all(
        f"tier {tier} after {months}" in text.lower().replace("is validated again after", "after")
        for tier, months in REVIEW_MONTHS.items()
    )


def test_without_exposure_or_use_there_is_no_tier() -> None:
    assert tier_of(Inventory()) is None
    assert tier_of(Inventory(exposure="high")) is None
    assert review_months(Inventory(use="decides")) is None


def test_the_book_may_ask_for_another_time_between_validations() -> None:
    assert review_months(Inventory(exposure="high", use="decides")) == 12
    assert review_months(Inventory(exposure="high", use="decides", review_months=6)) == 6


@pytest.mark.parametrize(
    ("validated", "months", "due"),
    [((2026, 1, 31), 1, (2026, 2, 28)), ((2024, 2, 29), 12, (2025, 2, 28)), ((2026, 12, 15), 36, (2029, 12, 15))],
)
def test_it_is_due_on_the_same_day_of_the_month_or_its_last(
    validated: tuple[int, int, int], months: int, due: tuple[int, int, int]
) -> None:
    assert next_due(datetime(*validated, 9, tzinfo=UTC), months) == datetime(*due, 9, tzinfo=UTC)
