"""A check can be switched off with a reason; what keeps the target's meaning cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from creditrisk.config import load_book
from creditrisk.errors import BadConfig
from tests.support.tiny_book import write_tiny_book


def off(folder: Path, **says: str) -> Any:
    return load_book(write_tiny_book(folder), {"checks_off": [{"because": "to look around", **says}]})


def test_a_check_is_off_for_its_column_and_for_no_other(tmp_path: Path) -> None:
    portfolio = off(tmp_path, table="application", rule="range", column="debt").portfolio
    assert portfolio.is_off("application", "range", "debt")
    assert not portfolio.is_off("application", "range", "income")
    assert not portfolio.is_off("payments", "range", "debt")


def test_a_check_without_a_column_is_off_in_the_whole_table(tmp_path: Path) -> None:
    portfolio = off(tmp_path, table="application", rule="range").portfolio
    assert portfolio.is_off("application", "range", "income")


@pytest.mark.parametrize(
    ("says", "hint"),
    [
        ({"table": "aplication", "rule": "range"}, 'did you mean "application"'),
        ({"table": "payments", "rule": "rang"}, 'did you mean "range"'),
        ({"table": "payments", "rule": "range", "column": "payd"}, 'did you mean "paid"'),
        ({"table": "application", "rule": "one class"}, "with one outcome alone"),
        ({"table": "application", "rule": "missing table"}, "without applications"),
        ({"table": "application", "rule": "contradicting rows"}, "one row an application"),
    ],
)
def test_what_is_unknown_or_needed_is_refused_with_a_hint(says: dict[str, str], hint: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        off(tmp_path, **says)
    assert hint in caught.value.hint


def test_a_check_is_not_switched_off_without_a_reason(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="because"):
        off(tmp_path, table="payments", rule="range", because="")
