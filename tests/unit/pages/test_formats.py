import doctest

import pytest

from creditrisk.pages import formats


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(formats).failed == 0


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), "<script>", True, {}, {"value": None}, []])
def test_what_is_not_a_number_never_looks_like_one(value: object) -> None:
    assert formats.as_number(value) is None
    assert formats.decimals(value) == formats.percent(value) == formats.seconds(value) == formats.size(value) == "–"


def test_an_interval_needs_both_ends() -> None:
    assert formats.interval({"value": 0.5, "low": None, "high": 0.6}) == ""


def test_a_share_is_bounded() -> None:
    assert formats.share_of(3, 2) == 1.0
    assert formats.share_of(-1, 2) == 0.0
    assert formats.share_of(1, 0) is None
    assert formats.share_of("1", 2) is None
