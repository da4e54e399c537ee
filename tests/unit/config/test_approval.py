"""Who may approve stands once, with a key of their own, and enough of them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from creditrisk.config import Approval, Waiver


def test_without_a_word_one_other_person_approves_for_a_quarter() -> None:
    assert (Approval().needed, Approval().valid_days, Approval().approvers) == (1, 90, {})
    assert Waiver().max_days == 180


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"needed": 0}, "needed"),
        ({"valid_days": 0}, "valid_days"),
        ({"approvers": {"ann": "short"}}, "approvers"),
        ({"approvers": {"ann": "ab" * 32, "Ann ": "cd" * 32}}, "each person stands once"),
        ({"approvers": {"ann": "ab" * 32, "bob": "ab" * 32}}, "a key of their own"),
        ({"approvers": {"ann": "ab" * 32}, "needed": 2}, "only 1 people"),
        ({"nobody": 1}, "nobody"),
    ],
)
def test_what_makes_no_sense_is_refused(told: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Approval(**told)
