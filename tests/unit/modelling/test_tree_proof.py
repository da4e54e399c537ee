"""Directions are proved on the trees themselves: a constrained model passes, an unconstrained one is refuted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.modelling import ESTIMATORS, Feature, Learning, Rows
from creditrisk.modelling.tree_proof import (
    LINEAR,
    TREES,
    Node,
    Tree,
    _just_above,
    _lightgbm_trees,
    prove_directions,
    prove_trees,
)

NUMBERS = (Feature("income", "number"), Feature("debt", "number"), Feature("town", "category", ("big", "small")))
RISING = {"income": 1}


def leaf(value: float) -> Node:
    return Node(value=value)


def split(feature: int, left: int, right: int, threshold: float, *, missing_left: bool = False) -> Node:
    return Node(0.0, feature, left, right, threshold, missing_left=missing_left)


def rows(n: int = 1500, seed: int = 5) -> Rows:
    """Bad falls with income on the whole, with bumps in it; debt and town tell too, a fifth of debts are missing."""
    random = np.random.default_rng(seed)
    income, debt = random.uniform(0, 10, n), random.uniform(0, 5, n)
    town = random.integers(0, 2, n)
    log_odds = -0.2 * income + np.sin(2 * income) + 0.5 * debt * (town - 0.3) - 0.5
    debt[random.random(n) < 0.2] = np.nan
    values = np.column_stack([income, debt, town]).astype(np.float32)
    return Rows(values, (random.random(n) < 1 / (1 + np.exp(-log_odds))).astype(np.float64))


def fitted(name: str, directions: dict[str, int], **parameters: Any) -> Any:
    learning = Learning(NUMBERS, parameters, directions, seed=3)
    kind = ESTIMATORS[name]
    return kind.fit(rows(), learning, rounds=60) if kind.stops_early else kind.fit(rows(), learning)


@pytest.fixture(scope="module")
def free() -> Any:
    return fitted("xgboost", {}, max_depth=4, min_child_weight=1, learning_rate=0.2, colsample_bytree=1.0)


def test_a_constrained_model_is_proved() -> None:
    directions = {"income": -1, "debt": 1}
    model = fitted("xgboost", directions, max_depth=4, min_child_weight=1, learning_rate=0.2)
    proofs = prove_directions(model, NUMBERS, directions)
    assert proofs is not None
    assert [(proof.feature, proof.holds) for proof in proofs] == [("income", True), ("debt", True)]
    assert all(proof.splits > 10 and proof.pairs > proof.splits for proof in proofs)


def test_an_unconstrained_model_is_refuted_by_values_that_really_break_the_direction(free: Any) -> None:
    proofs = prove_directions(free, NUMBERS, {"income": -1})
    assert proofs is not None
    (proof,) = proofs
    assert not proof.holds
    assert proof.broken >= len(proof.counter_examples) == 3
    for example in proof.counter_examples:
        assert example.low < example.high
        assert example.margin_at_high > example.margin_at_low


def test_an_unconstrained_model_breaks_the_direction_on_the_surface_too(free: Any) -> None:
    grid = np.repeat(np.linspace(0, 10, 200, dtype=np.float32)[:, None], 3, axis=1)
    grid[:, 1:] = [1.0, 0.0]
    assert np.max(np.diff(free.margin(grid))) > 0


def test_leaves_that_no_applicant_joins_by_one_feature_are_no_counter_example() -> None:
    # Left of income 5 the low leaf needs debt >= 2, right of it the lower one needs debt < 2.
    tree: Tree = [
        split(0, 1, 2, 5.0),
        split(1, 3, 4, 2.0),
        split(1, 5, 6, 2.0),
        leaf(0.0), leaf(1.0), leaf(0.5), leaf(2.0),
    ]  # fmt: skip
    (proof,) = prove_trees([tree], NUMBERS, RISING)
    assert proof.holds
    assert (proof.splits, proof.pairs) == (1, 4)


def test_leaves_that_meet_only_where_another_feature_is_missing_are_a_counter_example() -> None:
    tree: Tree = [
        split(0, 1, 2, 5.0),
        split(1, 3, 4, 2.0),
        split(1, 5, 6, 2.0, missing_left=True),
        leaf(0.0), leaf(1.0), leaf(0.5), leaf(2.0),
    ]  # fmt: skip
    (proof,) = prove_trees([tree], NUMBERS, RISING)
    assert [(one.low_leaf, one.high_leaf) for one in proof.counter_examples] == [(4, 5)]
    (example,) = proof.counter_examples
    assert example.low < 5.0 <= example.high
    assert (example.margin_at_low, example.margin_at_high) == (1.0, 0.5)


def test_words_keep_leaves_apart_as_numbers_do() -> None:
    def tree(words: frozenset[int]) -> Tree:
        return [
            split(0, 1, 2, 5.0),
            Node(0.0, 2, 3, 4, words_left=frozenset({0})),
            Node(0.0, 2, 5, 6, words_left=words),
            leaf(1.0), leaf(0.0), leaf(0.5), leaf(2.0),
        ]  # fmt: skip

    apart, meeting = (prove_trees([tree(frozenset({place}))], NUMBERS, RISING)[0] for place in (1, 0))
    assert apart.holds
    assert [(one.low_leaf, one.high_leaf) for one in meeting.counter_examples] == [(3, 5)]


def test_a_leaf_that_only_a_missing_value_reaches_states_nothing() -> None:
    tree: Tree = [split(0, 1, 2, 5.0, missing_left=True), split(0, 3, 4, 7.0), leaf(0.5), leaf(0.0), leaf(9.0)]
    (proof,) = prove_trees([tree], NUMBERS, RISING)
    assert proof.holds


def test_a_feature_that_no_tree_splits_on_keeps_any_direction() -> None:
    (proof,) = prove_trees([[leaf(0.3)]], NUMBERS, RISING)
    assert proof.as_json() == {
        "feature": "income", "direction": "pd_rises", "verdict": "pass", "splits": 0, "pairs": 0, "broken": 0,
        "counter_examples": [],
    }  # fmt: skip


@pytest.mark.parametrize(("wanted", "holds"), [(-1, True), (1, False)])
def test_the_sign_of_a_coefficient_is_the_proof_of_a_linear_model(wanted: int, *, holds: bool) -> None:
    model = fitted("logistic", {"income": -1})
    proofs = prove_directions(model, NUMBERS, {"income": wanted})
    assert proofs is not None
    assert [proof.holds for proof in proofs] == [holds]


@pytest.mark.parametrize(("wanted", "holds"), [(-1, True), (1, False)])
def test_the_order_of_its_points_is_the_proof_of_a_scorecard(wanted: int, *, holds: bool) -> None:
    model = fitted("scorecard", {"income": -1})
    proofs = prove_directions(model, NUMBERS, {"income": wanted})
    assert proofs is not None
    (proof,) = proofs
    assert (proof.holds, proof.splits > 0) == (holds, True)
    for example in proof.counter_examples:
        low, high = (rows(2).values[:1].copy() for _ in range(2))
        low[0, 0], high[0, 0] = example.low, example.high
        assert (model.margin(high) < model.margin(low)).all()


def test_every_estimator_has_a_proof() -> None:
    assert set(TREES) | set(LINEAR) == set(ESTIMATORS)


def test_an_estimator_without_a_proof_says_so(free: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(free), "name", "oracle")
    assert prove_directions(free, NUMBERS, RISING) is None


def test_lightgbms_trees_are_read_as_it_reads_them() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    learnt = rows()
    settings = {
        "objective": "binary", "monotone_constraints": [-1, 1, 0], "verbosity": -1,
        "num_threads": 1, "min_data_in_leaf": 20,
    }  # fmt: skip
    data = lightgbm.Dataset(learnt.values, learnt.target, categorical_feature=[2], params={"verbosity": -1})
    model = lightgbm.train(settings, data, num_boost_round=20)
    trees = _lightgbm_trees({"model.txt": model.model_to_string().encode()})
    ours = [sum(_reached(tree, row) for tree in trees) for row in learnt.values[:200].astype(float)]
    assert ours == pytest.approx(model.predict(learnt.values[:200], raw_score=True), abs=1e-9)
    assert all(proof.holds for proof in prove_trees(trees, NUMBERS, {"income": -1, "debt": 1}))
    assert not all(proof.holds for proof in prove_trees(trees, NUMBERS, {"income": 1, "debt": -1}))


def _reached(tree: Tree, row: Any) -> float:
    node = tree[0]
    while node.feature >= 0:
        told = row[node.feature]
        if np.isnan(told):
            left = node.missing_left
        elif node.words_left is not None:
            left = int(told) in node.words_left
        else:
            left = told < node.threshold
        node = tree[node.left if left else node.right]
    return node.value


@given(st.floats(-1e30, 1e30))
@settings(max_examples=200)
def test_up_to_a_threshold_is_below_the_next_float(threshold: float) -> None:
    above = _just_above(threshold)
    assert float(np.float32(above)) == above > threshold
    assert float(np.nextafter(np.float32(above), np.float32(-np.inf))) <= threshold


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_the_proof_agrees_with_trying_every_applicant(data: st.DataObject) -> None:
    """Small trees over small grids: a direction is proved exactly when no pair of applicants breaks it."""
    tree = _grown(data, depth=3)
    (proof,) = prove_trees([tree], NUMBERS, RISING)
    grid = [0.5, 1.5, 2.5, 3.5]
    others = [(debt, town) for debt in (*grid, np.nan) for town in (0, 1, np.nan)]
    broken = any(
        _reached(tree, (low, *other)) > _reached(tree, (high, *other))
        for other in others
        for place, low in enumerate(grid)
        for high in grid[place:]
    )
    assert proof.holds != broken


def _grown(data: st.DataObject, depth: int) -> Tree:
    nodes: list[Node] = []

    def grow(left_over: int) -> int:
        place = len(nodes)
        nodes.append(leaf(0.0))
        kind = data.draw(st.sampled_from([-1, 0, 0, 1, 2])) if left_over else -1
        if kind < 0:
            nodes[place] = leaf(float(data.draw(st.integers(0, 3))))
            return place
        left, right = grow(left_over - 1), grow(left_over - 1)
        missing = data.draw(st.booleans())
        if kind == 2:
            words = frozenset(data.draw(st.sets(st.integers(0, 1))))
            nodes[place] = Node(0.0, kind, left, right, words_left=words, missing_left=missing)
        else:
            nodes[place] = split(kind, left, right, float(data.draw(st.integers(1, 3))), missing_left=missing)
        return place

    grow(depth)
    return nodes
