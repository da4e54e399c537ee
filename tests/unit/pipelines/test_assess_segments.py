"""What a book's assessments look at exists, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from creditrisk.config import load_book, shipped_books
from creditrisk.errors import BadConfig
from creditrisk.pipelines.assessments.groups import check_groups
from creditrisk.pipelines.assessments.segments import check_segments
from creditrisk.pipelines.context import Context


@pytest.mark.parametrize("name", shipped_books())
def test_groups_and_segments_of_the_shipped_books_fit_their_tables(name: str) -> None:
    book = load_book(name)
    check_groups(book)
    check_segments(book)
    assert book.portfolio.fairness.groups
    assert book.portfolio.assessment.segments


def test_a_segment_over_a_feature_that_does_not_exist_is_refused_with_its_name(fresh: Callable[..., Context]) -> None:
    book = fresh(assessment__segments={"contract": "contract_type"}).book
    with pytest.raises(BadConfig, match="contract_type") as told:
        check_segments(book)
    assert told.value.where == "portfolio.yaml, assessment.segments.contract"
