from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.config import Outcomes, load_book, plain_word
from creditrisk.errors import BadConfig
from tests.support.tiny_book import write_tiny_book


def test_a_lender_who_says_nothing_gets_twelve_months_and_common_words() -> None:
    said = Outcomes()
    assert said.window_months == 12
    assert {plain_word(word) for word in said.bad} >= {"charged off", "default"}
    assert next(iter(said.open)) == "current"


@pytest.mark.parametrize("word", ["Charged Off", " charged-off ", "CHARGED__OFF"])
def test_a_status_is_compared_without_case_blanks_and_hyphens(word: str) -> None:
    assert plain_word(word) == "charged off"


def test_a_word_with_two_meanings_is_refused_with_both(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match='"paid" stands under bad and under good'):
        load_book(write_tiny_book(tmp_path), {"monitoring.outcomes.bad": ["Paid"]})


def test_a_book_in_which_no_loan_can_fail_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="a loan could never fail"):
        load_book(write_tiny_book(tmp_path), {"monitoring.outcomes.bad": []})


def test_what_is_said_of_outcomes_changes_no_model(tmp_path: Path) -> None:
    folder = write_tiny_book(tmp_path)
    assert load_book(folder).sha256 == load_book(folder, {"monitoring.outcomes.window_months": 24}).sha256


def test_lending_club_judges_a_loan_by_its_own_term() -> None:
    said = load_book("lending_club").portfolio.monitoring.outcomes
    assert (said.term_feature, said.months_after_term, said.window_months) == ("term_months", 6, 66)
