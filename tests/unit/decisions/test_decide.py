"""Decisions in process are the batch's, bit for bit, alone and in groups."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from creditrisk.decisions.decide import Decided, Decider
from creditrisk.decisions.intake import Intake
from creditrisk.modelling import Bundle
from creditrisk.pipelines import batch_predict
from creditrisk.pipelines.context import Context


@pytest.fixture(scope="session")
def scored(trained: Context, tmp_path_factory: pytest.TempPathFactory) -> dict[Any, dict[str, Any]]:
    """What the batch decides, by key."""
    out = tmp_path_factory.mktemp("batch") / "decisions.parquet"
    batch_predict.run(trained, trained.raw, out, reference="models:/tiny@candidate")
    return {row["loan_id"]: row for row in pq.read_table(out).to_pylist()}


def told(one: Decided) -> tuple[Any, ...]:
    return one.key, one.pd, one.score, one.grade, one.decision, one.reasons


def expected(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["loan_id"], row["pd"], row["score"], row["grade"], row["decision"], row["reasons"]


@pytest.mark.parametrize("together", [1, 7, 60])
def test_every_decision_is_the_batchs_in_groups_of_any_size(
    together: int, intake: Intake, decider: Decider, records: list[Any], scored: dict[Any, Any]
) -> None:
    some = records[:60]
    for start in range(0, len(some), together):
        read = intake.read(some[start : start + together])
        assert not read.problems
        for one in decider.decide(read.applications):
            assert told(one) == expected(scored[one.key])


def test_the_order_of_a_group_changes_nothing(
    intake: Intake, decider: Decider, records: list[Any], scored: dict[Any, Any]
) -> None:
    turned = list(reversed(records[:40]))
    assert [told(one) for one in decider.decide(intake.read(turned).applications)] == [
        expected(scored[one["application"]["loan_id"]]) for one in turned
    ]


def test_one_key_may_stand_twice_in_a_group_with_other_facts(
    intake: Intake, decider: Decider, records: list[Any]
) -> None:
    other = {**records[0], "payments": []}
    group = intake.read([records[0], other, records[0]]).applications
    together = decider.decide(group)
    assert together == [decider.decide([one])[0] for one in group]
    assert together[0].features["payment_count"] == 1
    assert together[1].features["payment_count"] == 0


def test_a_table_that_was_not_asked_for_is_unknown_and_an_empty_one_is_none(
    intake: Intake, decider: Decider, records: list[Any]
) -> None:
    none = {**records[0], "payments": []}
    unknown = {"application": records[0]["application"]}
    first, second = decider.decide(intake.read([none, unknown]).applications)
    assert first.features["payment_count"] == 0
    assert second.features["payment_count"] is None
    assert "not_asked:payments" in second.warnings
    assert "not_asked:payments" not in first.warnings


def test_an_explanation_adds_up_and_says_what_would_have_had_to_be_different(
    intake: Intake, decider: Decider, bundle: Bundle, records: list[Any]
) -> None:
    some = intake.read(records[:20]).applications
    explained = decider.explain(some)
    assert [one.decided for one in explained] == decider.decide(some)
    for one in explained:
        assert one.base + sum(one.contributions.values()) == pytest.approx(one.margin, abs=1e-4)
        assert (one.counterfactual is None) == (one.decided.decision == "approve")
    helped = [one for one in explained if one.counterfactual and one.counterfactual["changes"]]
    assert helped
    for one in helped:
        (place,) = [place for place, other in enumerate(explained) if other is one]
        change = {change["column"]: Decimal(repr(change["new"])) for change in one.counterfactual["changes"]}
        changed = {**records[place], "application": {**records[place]["application"], **change}}
        (again,) = decider.decide(intake.read([changed]).applications)
        assert (again.decision, again.pd) == (one.counterfactual["decision"], one.counterfactual["pd"])
