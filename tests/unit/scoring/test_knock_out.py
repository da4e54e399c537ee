"""Rules decline whatever the PD, and are told first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest

from creditrisk.errors import BadData
from creditrisk.modelling import Bundle
from creditrisk.modelling.policy import KnockOut
from creditrisk.scoring import score
from creditrisk.scoring.knock_out import knocked_out
from tests.support.learning import feature_rows

ROWS = feature_rows(300, seed=44)
RICH = KnockOut("RICH", "You earn too much for this loan", "income", at_least=40_000.0)


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        (KnockOut("A", "a", "income", at_least=2.0), [False, True, True, False]),
        (KnockOut("A", "a", "income", at_most=2.0), [True, True, False, False]),
        (KnockOut("A", "a", "income", equals=3.0), [False, False, True, False]),
        (KnockOut("A", "a", "income", missing=True), [False, False, False, True]),
        (KnockOut("A", "a", "town", equals="big"), [True, False, False, False]),
    ],
)
def test_a_rule_declines_what_it_says_and_nothing_that_is_missing(rule: KnockOut, broken: list[bool]) -> None:
    rows = pa.table({"income": [1.0, 2.0, 3.0, None], "town": ["big", "small", None, None]})
    assert knocked_out([rule], rows)[:, 0].tolist() == broken


def test_a_rule_on_a_feature_that_is_not_there_names_the_ones_that_are() -> None:
    with pytest.raises(BadData, match='the rule RICH reads "income"'):
        knocked_out([RICH], pa.table({"incom": [1.0]}))


def test_a_rule_on_a_word_where_there_are_numbers_is_told() -> None:
    with pytest.raises(BadData, match="cannot be read"):
        knocked_out([replace(RICH, at_least=None, equals="much")], pa.table({"income": [1.0]}))


def test_a_knocked_out_row_is_declined_and_its_rule_is_the_first_reason(bundle_of: Callable[[str], Bundle]) -> None:
    bundle = bundle_of("xgboost")
    before = score(bundle, ROWS).to_pylist()
    after = score(replace(bundle, policy=replace(bundle.policy, knock_out=(RICH,))), ROWS).to_pylist()
    verdicts = set()
    for row, old, income in zip(after, before, ROWS["income"].to_pylist(), strict=True):
        if income < 40_000.0:
            assert row == old
            continue
        verdicts.add(old["decision"])
        assert row["decision"] == "decline"
        assert row["pd"] == old["pd"]
        first, *others = row["reasons"]
        told = {"code": "RICH", "text": RICH.text, "feature": "income", "contribution": None, "pd_without": None}
        assert first == told
        assert others == old["reasons"][:3]
    assert "approve" in verdicts
