"""Cut-offs from costs, directions, and words for every feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from creditrisk.config import Decision, Policy, Reasons
from creditrisk.errors import BadConfig, BrokenFile
from creditrisk.modelling.policy import (
    CutOff,
    DecisionPolicy,
    ReasonWords,
    choose_cut_off,
    decision_policy,
    directions_of,
    words_for,
)


def _number(value: float) -> dict[str, Any]:
    return {"value": value, "because": "a test", "owner": "tests"}


def _decision(**given: float) -> Decision:
    return Decision.model_validate(
        {name: _number(value) for name, value in given.items()}
        | {"refer_from_share_of_cut_off": _number(0.5), "grades": {"A": 0.1, "B": 1.0}}
    )


def test_cut_off_given_by_the_book_is_taken_as_it_is() -> None:
    assert choose_cut_off(np.array([0.1]), np.array([0.0]), _decision(decline_from_pd=0.3)) == CutOff(0.3, 0.15)


def test_cheapest_cut_off_by_hand() -> None:
    pd, target = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 0.0, 1.0, 0.0])
    # declining from 0.3 refuses one good (1); from 0.4 pays a bad (5) and refuses a good; never declining pays a bad
    cut_off = choose_cut_off(pd, target, _decision(cost_of_bad=5, cost_of_refused_good=1))
    assert cut_off == CutOff(0.3, 0.15, 0.25)


def test_cut_off_refuses_nobody_when_bads_cost_nothing_and_everybody_when_goods_cost_nothing() -> None:
    pd, target = np.array([0.1, 0.2, 0.2]), np.array([0.0, 1.0, 0.0])
    assert choose_cut_off(pd, target, _decision(cost_of_bad=0, cost_of_refused_good=1)).decline_from_pd == 1.0
    # 0.2 costs nothing either, and refuses fewer than 0.1
    assert choose_cut_off(pd, target, _decision(cost_of_bad=1, cost_of_refused_good=0)).decline_from_pd == 0.2


def test_cut_off_agrees_with_trying_every_pd() -> None:
    random = np.random.default_rng(3)
    pd = np.round(random.beta(2, 8, 500), 2)
    target = (random.random(500) < pd).astype(float)
    costs = {
        cut: 4.0 * np.sum(target[pd < cut]) + np.sum(1 - target[pd >= cut]) for cut in [*np.unique(pd).tolist(), 1.0]
    }
    cut_off = choose_cut_off(pd, target, _decision(cost_of_bad=4, cost_of_refused_good=1))
    assert costs[cut_off.decline_from_pd] == min(costs.values())
    assert cut_off.cost_per_application == pytest.approx(min(costs.values()) / 500)


def test_order_of_rows_does_not_move_the_cut_off() -> None:
    random = np.random.default_rng(4)
    pd, order = np.round(random.random(200), 1), random.permutation(200)
    target = (random.random(200) < pd).astype(float)
    decision = _decision(cost_of_bad=2, cost_of_refused_good=1)
    assert choose_cut_off(pd, target, decision) == choose_cut_off(pd[order], target[order], decision)


def test_directions_are_kept_for_the_features_of_this_preset() -> None:
    policy = Policy(monotone={"income": "pd_falls", "rate": "pd_rises"})
    assert directions_of(policy, ["income", "debt"]) == {"income": -1}


def _reasons(**groups: list[str]) -> Reasons:
    return Reasons.model_validate(
        {"groups": {code: {"text": code.lower(), "features": patterns} for code, patterns in groups.items()}}
    )


def test_features_are_grouped_by_name_or_pattern_in_the_order_of_codes() -> None:
    words = words_for(["bureau_count", "age", "bureau_sum"], _reasons(WHO=["age"], BUREAU=["bureau_*"], OTHER=["x"]))
    assert {group.code: group.features for group in words} == {
        "BUREAU": ("bureau_count", "bureau_sum"),
        "WHO": ("age",),
    }


def test_feature_with_no_words_or_with_two_kinds_of_words_is_refused_by_name() -> None:
    with pytest.raises(BadConfig, match=r"reasons\.yaml: no words, or the words of two groups, for age, debt_share"):
        words_for(["age", "debt", "debt_share"], _reasons(DEBT=["debt*"], SHARE=["debt_share"]))


def test_policy_survives_json() -> None:
    policy = decision_policy(
        CutOff(0.3, 0.2, 0.123),
        _decision(decline_from_pd=0.3),
        {"income": -1},
        [ReasonWords("DEBT", "Your debts", ("debt", "debt_share"), 0.25)],
    )
    assert DecisionPolicy.from_json(policy.to_json()) == policy


def test_damaged_policy_is_named() -> None:
    with pytest.raises(BrokenFile, match=r"policy\.json"):
        DecisionPolicy.from_json({"cut_off": {"decline_from_pd": 0.3}})
