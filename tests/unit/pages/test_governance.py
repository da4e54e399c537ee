"""Whoever answers for a model sees its gates, figures, waivers, and what is in the way."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console, RenderableType

from creditrisk.pages.governance import approval_table, keys_table, validation_table, waivers_table

WAIVER = {"gate": "slope", "by": "carl", "until": "2026-06-30", "because": "[red]a pilot[/red]"}
GATES = [
    {"name": "slope", "verdict": "fail", "reason": "slope 0.7", "limit": "0.85 to 1.2"},
    {"name": "brier", "verdict": "pass", "reason": "takes away 8 %", "limit": "more than 0"},
]
TOLD: dict[str, Any] = {
    "book": "tiny", "version": 3, "bundle_sha256": "ab" * 32, "evidence_sha256": "cd" * 32, "invented_data": True,
    "verdict": "fail", "gates": GATES, "waivers": [WAIVER], "by": "bob", "approved": False, "in_the_way": [],
    "figures": {"n": 4000, "roc_auc": {"value": 0.75, "low": 0.7, "high": 0.8}, "brier": None},
}  # fmt: skip


def printed(table: RenderableType, width: int = 120) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(table)
    stream = console.file
    assert isinstance(stream, StringIO)
    return stream.getvalue()


def test_an_approval_shows_what_it_is_about() -> None:
    text = printed(approval_table(TOLD))
    for part in ("tiny version 3", "cd" * 32, "Invented data", "tested on 4,000", "AUC 0.750", "FAIL, waived", "carl",
                 "nothing is in the way of an approval by bob"):  # fmt: skip
        assert part in text
    assert "Brier" not in text, "a figure that is not there is not told"
    assert "[red]a pilot[/red]" in text, "words are no markup"


def test_what_is_in_the_way_is_told_line_by_line() -> None:
    text = printed(approval_table({**TOLD, "in_the_way": ["bob trained it", "a gate fails"], "evidence_sha256": None}))
    assert "bob trained it\n" in text
    assert "a gate fails\n" in text
    assert "nothing is in the way" not in text


def test_a_given_approval_tells_until_when_and_how_many_are_missing() -> None:
    given = {"approved": True, "approvals": [{"by": "bob", "expires": "2026-09-01T00:00"}], "still_needed": 1}
    text = printed(approval_table({**TOLD, **given}))
    assert "bob until 2026-09-01" in text
    assert "1 more needed before production" in text


def test_the_validations_table_marks_what_is_waived_and_says_by_whom() -> None:
    report = {"book": "tiny", "bundle_sha256": "ab" * 32, "verdict": "fail", "gates": GATES}
    assert "waived" not in printed(validation_table(report))
    text = printed(validation_table(report, [WAIVER]))
    assert "FAIL, waived" in text
    assert "2026-06-30" in text


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in printed(waivers_table([WAIVER]), width).splitlines()) <= width


def test_keys_that_do_not_count_say_why() -> None:
    assert "creditrisk keys new NAME" in printed(keys_table([]))
    key = {"name": "ann", "public_key": "ab" * 32, "made_at": "2026-01-01T00:00:00+00:00", "made_by": "ops",
           "store": "file", "counts": True, "why": ""}  # fmt: skip
    text = printed(keys_table([key, {**key, "name": "eve", "counts": False, "why": "it was laid here"}]), 200)
    assert "2026-01-01" in text
    assert "does not count: it was laid here" in text
