"""The limits of the canary: each with its reason, none of them part of a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.config import BESIDE_THE_MODEL, Canary, load_book
from creditrisk.errors import BadConfig
from tests.support.tiny_book import write_tiny_book


def test_every_limit_says_why_it_stands_there() -> None:
    limits = [value for value in Canary().model_dump().values() if isinstance(value, dict)]
    assert limits
    assert all(limit["because"] for limit in limits)


def test_a_limit_without_a_reason_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="because"):
        load_book(write_tiny_book(tmp_path), {"canary.auc_fall_max": {"value": 0.1}})


def test_an_unknown_limit_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as told:
        load_book(write_tiny_book(tmp_path), {"canary.auc_fal_max": {"value": 0.1, "because": "a test"}})
    assert "auc_fall_max" in str(told.value)


def test_other_limits_leave_the_book_of_a_model_what_it_was(tmp_path: Path) -> None:
    folder = write_tiny_book(tmp_path)
    other = load_book(folder, {"canary.auc_fall_max": {"value": 0.5, "because": "a test"}})
    assert "canary" in BESIDE_THE_MODEL
    assert load_book(folder).sha256 == other.sha256
