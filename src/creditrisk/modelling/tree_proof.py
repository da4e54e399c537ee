"""Proof that a shipped model keeps each direction of the book's policy, for every applicant there could be.

Trees are read back from the bundle's own file. Two leaves of a tree can be reached by applicants who differ in one
feature alone only if the node where their paths part splits on that feature: so each such node is looked at, and each
leaf on its left is compared with each leaf on its right whose box overlaps in every other feature (missing counts as a
value of its own there). If no leaf on the higher side lies on the wrong side of one on the lower, the tree keeps the
direction for any two stated values; the margin is a sum of such trees, and rounding keeps order. What a blank does is
not part of this proof: `policy_checks.json` measures it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from creditrisk.modelling.estimators import Estimator
    from creditrisk.modelling.preprocess import Feature

type Floats = NDArray[np.float64]

MOST_EXAMPLES = 3
"""Counter-examples told for one feature; all are counted."""


@dataclass(frozen=True, slots=True)
class Node:
    """A leaf (`feature` is -1) or a split.

    A number goes left below `threshold`; a word goes left when its code is in `words_left`; a missing value goes left
    when `missing_left`.
    """

    value: float = 0.0
    feature: int = -1
    left: int = -1
    right: int = -1
    threshold: float = np.nan
    words_left: frozenset[int] | None = None
    missing_left: bool = False


type Tree = Sequence[Node]
"""The root is node 0."""


@dataclass(frozen=True, slots=True)
class CounterExample:
    """Two leaves that break a direction: the same applicant with `low` and with `high` reaches one and the other.

    Of a scorecard the leaves are bins, the margins points with their sign turned; of a linear model the clip limits.
    """

    tree: int
    low_leaf: int
    high_leaf: int
    low: float
    high: float
    margin_at_low: float
    margin_at_high: float

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class DirectionProof:
    """Of one feature.  splits: nodes that split on it.  pairs: of leaves compared.  broken: pairs that are wrong."""

    feature: str
    direction: int
    splits: int = 0
    pairs: int = 0
    broken: int = 0
    counter_examples: list[CounterExample] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.broken == 0

    def as_json(self) -> dict[str, Any]:
        return {
            "feature": self.feature,
            "direction": "pd_rises" if self.direction > 0 else "pd_falls",
            "verdict": "pass" if self.holds else "fail",
            "splits": self.splits,
            "pairs": self.pairs,
            "broken": self.broken,
            "counter_examples": [example.as_json() for example in self.counter_examples],
        }


def prove_directions(
    estimator: Estimator, features: Sequence[Feature], directions: Mapping[str, int]
) -> list[DirectionProof] | None:
    """A proof or its refutation for each directed feature, in the features' order; None for an estimator that has none.

    directions: {feature: 1 when PD may only rise with it, -1 when it may only fall}, numbers only.
    """
    if estimator.name in LINEAR:
        return LINEAR[estimator.name](estimator, features, directions)
    if estimator.name not in TREES:
        return None
    return prove_trees(TREES[estimator.name](estimator.to_files()), features, directions)


def prove_trees(
    trees: Sequence[Tree], features: Sequence[Feature], directions: Mapping[str, int]
) -> list[DirectionProof]:
    """The same for trees that are at hand."""
    proofs = {
        place: DirectionProof(feature.name, directions[feature.name])
        for place, feature in enumerate(features)
        if directions.get(feature.name)
    }
    for number, tree in enumerate(trees):
        if any(node.feature in proofs for node in tree):
            _prove_tree(number, tree, proofs, features)
    return list(proofs.values())


def _prove_tree(number: int, tree: Tree, proofs: Mapping[int, DirectionProof], features: Sequence[Feature]) -> None:
    leaves, below = _leaves(tree)
    values = np.array([tree[leaf].value for leaf in leaves])
    boxes: _Boxes | None = None
    for place, (first, middle, last) in below.items():
        proof = proofs.get(tree[place].feature)
        if proof is None:
            continue
        proof.splits += 1
        proof.pairs += (middle - first) * (last - middle)
        gap = proof.direction * (values[None, middle:last] - values[first:middle, None])
        if np.min(gap) >= 0:
            continue
        boxes = boxes or _Boxes(tree, features)
        for left, right in np.argwhere(gap < 0).tolist():
            low, high = leaves[first + left], leaves[middle + right]
            _note(proof, number, tree, boxes, low, high)


def _note(proof: DirectionProof, number: int, tree: Tree, boxes: _Boxes, low: int, high: int) -> None:
    feature = boxes.place[proof.feature]
    if not boxes.differ_in_one(low, high, feature):
        return
    proof.broken += 1
    if len(proof.counter_examples) < MOST_EXAMPLES:
        proof.counter_examples.append(
            CounterExample(
                number, low, high, boxes.stated(low, feature), boxes.stated(high, feature),
                tree[low].value, tree[high].value,
            )
        )  # fmt: skip


def _leaves(tree: Tree) -> tuple[list[int], dict[int, tuple[int, int, int]]]:
    """Leaves from left to right; and for each split where its leaves begin, where those of its right side, and end."""
    leaves: list[int] = []
    begun: dict[int, int] = {}
    middle: dict[int, int] = {}
    below: dict[int, tuple[int, int, int]] = {}
    waiting: list[tuple[int, str]] = [(0, "enter")]
    while waiting:
        place, what = waiting.pop()
        node = tree[place]
        if node.feature < 0:
            leaves.append(place)
        elif what == "enter":
            begun[place] = len(leaves)
            waiting += [(place, "leave"), (node.right, "enter"), (place, "between"), (node.left, "enter")]
        elif what == "between":
            middle[place] = len(leaves)
        else:
            below[place] = (begun[place], middle[place], len(leaves))
    return leaves, below


class _Boxes:
    """What each leaf of a tree asks of the features on its path, worked out from its parents when it is needed."""

    def __init__(self, tree: Tree, features: Sequence[Feature]) -> None:
        self.tree, self.features = tree, features
        self.place = {feature.name: place for place, feature in enumerate(features)}
        self.parent = {
            child: place for place, node in enumerate(tree) for child in (node.left, node.right) if child > 0
        }
        self.known: dict[int, dict[int, _Side]] = {}

    def of(self, leaf: int) -> dict[int, _Side]:
        if leaf not in self.known:
            box: dict[int, _Side] = {}
            child = leaf
            while child:
                parent = self.parent[child]
                node = self.tree[parent]
                whole = box.get(node.feature) or _whole(self.features[node.feature])
                box[node.feature] = whole.cut(node, left=child == node.left)
                child = parent
            self.known[leaf] = box
        return self.known[leaf]

    def differ_in_one(self, low: int, high: int, feature: int) -> bool:
        """Can one applicant reach both leaves by stating two values of this feature, all else equal?"""
        first, second = self.of(low), self.of(high)
        if not (first[feature].any_stated and second[feature].any_stated):
            return False
        shared = (first.keys() & second.keys()) - {feature}
        alone = {place: side for place, side in {**first, **second}.items() if place not in shared | {feature}}
        return all(first[place].meets(second[place]) for place in shared) and all(
            side.any_stated or side.missing for side in alone.values()
        )

    def stated(self, leaf: int, feature: int) -> float:
        """A value that leads to the leaf."""
        side = self.of(leaf)[feature]
        if np.isfinite(side.low):
            return float(side.low)
        return float(np.nextafter(np.float32(side.high), np.float32(-np.inf)))


@dataclass(frozen=True, slots=True)
class _Side:
    """Values of one feature that lead to a leaf: low <= number < high, or words; and whether a missing one does."""

    low: float = -np.inf
    high: float = np.inf
    words: frozenset[int] | None = None
    missing: bool = True

    @property
    def any_stated(self) -> bool:
        return bool(self.words) if self.words is not None else self.low < self.high

    def cut(self, node: Node, *, left: bool) -> _Side:
        missing = self.missing and node.missing_left == left
        if node.words_left is not None and self.words is not None:
            kept = self.words & node.words_left if left else self.words - node.words_left
            return _Side(words=kept, missing=missing)
        if left:
            return _Side(self.low, min(self.high, node.threshold), self.words, missing)
        return _Side(max(self.low, node.threshold), self.high, self.words, missing)

    def meets(self, other: _Side) -> bool:
        if self.missing and other.missing:
            return True
        if self.words is not None and other.words is not None:
            return bool(self.words & other.words)
        return max(self.low, other.low) < min(self.high, other.high)


def _whole(feature: Feature) -> _Side:
    if feature.kind == "category":
        return _Side(words=frozenset(range(len(feature.categories))))
    return _Side()


def _xgboost_trees(files: Mapping[str, bytes]) -> list[Tree]:
    """XGBoost's own JSON of the shipped file: a number goes left below the threshold, a word when it is not listed."""
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(next(content for name, content in files.items() if name.endswith(".ubj"))))
    told = json.loads(bytes(booster.save_raw("json")))
    return [_xgboost_tree(tree) for tree in told["learner"]["gradient_booster"]["model"]["trees"]]


def _xgboost_tree(told: Mapping[str, Any]) -> Tree:
    words = {
        node: frozenset(told["categories"][start : start + size])
        for node, start, size in zip(
            told["categories_nodes"], told["categories_segments"], told["categories_sizes"], strict=True
        )
    }
    every = zip(
        told["left_children"], told["right_children"], told["split_indices"], told["split_conditions"],
        told["default_left"], strict=True,
    )  # fmt: skip
    tree = []
    for place, (left, right, feature, condition, default_left) in enumerate(every):
        if left < 0:
            tree.append(Node(value=float(np.float32(condition))))
        elif place in words:  # listed words go right: their node is turned round
            tree.append(Node(0.0, feature, right, left, words_left=words[place], missing_left=not default_left))
        else:
            tree.append(Node(0.0, feature, left, right, float(np.float32(condition)), missing_left=bool(default_left)))
    return tree


def _lightgbm_trees(files: Mapping[str, bytes]) -> list[Tree]:
    """LightGBM's dump of the shipped file: a number goes left up to the threshold, a word when it is listed."""
    import lightgbm

    text = next(content for name, content in files.items() if name.endswith(".txt")).decode()
    told = lightgbm.Booster(model_str=text).dump_model()
    return [_lightgbm_tree(tree["tree_structure"]) for tree in told["tree_info"]]


def _lightgbm_tree(root: Mapping[str, Any]) -> Tree:
    nodes: list[Node | None] = []

    def add(told: Mapping[str, Any]) -> int:
        place = len(nodes)
        nodes.append(None)
        if "split_feature" not in told:
            nodes[place] = Node(value=float(told["leaf_value"]))
            return place
        left, right = add(told["left_child"]), add(told["right_child"])
        if told["decision_type"] == "==":
            words = frozenset(int(word) for word in str(told["threshold"]).split("||"))
            nodes[place] = Node(0.0, told["split_feature"], left, right, words_left=words, missing_left=False)
            return place
        threshold = float(told["threshold"])
        # Without missing values in training LightGBM reads a missing one as 0.
        missing_left = threshold >= 0.0 if told["missing_type"] == "None" else bool(told["default_left"])
        nodes[place] = Node(0.0, told["split_feature"], left, right, _just_above(threshold), missing_left=missing_left)
        return place

    add(root)
    return [node for node in nodes if node is not None]


def _just_above(threshold: float) -> float:
    """The smallest float32 above it: `x <= threshold` and `x < this` say the same of a float32."""
    nearest = np.float32(threshold)
    return float(nearest if float(nearest) > threshold else np.nextafter(nearest, np.float32(np.inf)))


def _coefficients(
    estimator: Estimator, features: Sequence[Feature], directions: Mapping[str, int]
) -> list[DirectionProof]:
    """A sum of coefficient * clipped value keeps a direction exactly when the coefficient has its sign, or is 0."""
    proofs = []
    for feature, term in zip(features, estimator.terms, strict=True):  # type: ignore[attr-defined]
        direction = directions.get(feature.name)
        if not direction:
            continue
        proof = DirectionProof(feature.name, direction, splits=1, pairs=1)
        slope = term.coefficients[0] if feature.kind == "number" else 0.0
        if direction * slope < 0:
            proof.broken = 1
            proof.counter_examples.append(
                CounterExample(0, 0, 0, term.low, term.high, slope * term.low, slope * term.high)
            )
        proofs.append(proof)
    return proofs


def _points(estimator: Estimator, features: Sequence[Feature], directions: Mapping[str, int]) -> list[DirectionProof]:
    """A table of points keeps a direction exactly when the points of its stretches never go the other way.

    Special values are marks and have no place in the order. More points are safer.
    """
    table = {one.bins.feature.name: one for one in estimator.table.characteristics}  # type: ignore[attr-defined]
    proofs = []
    for name in (feature.name for feature in features if directions.get(feature.name)):
        proof = DirectionProof(name, directions[name])
        proofs.append(proof)
        if name not in table or table[name].bins.feature.kind != "number":
            continue
        # As a model's inputs, which are float32, meet them: the smallest one at or above each split.
        splits = [_just_above(np.nextafter(split, -np.inf)) for split in table[name].bins.splits]
        points = table[name].points[: table[name].bins.ordered]
        proof.splits = len(splits)
        for low, split in enumerate(splits):
            for high in range(low + 1, len(points)):
                proof.pairs += 1
                if proof.direction * (points[low] - points[high]) < 0:
                    proof.broken += 1
                    below = float(np.nextafter(np.float32(split), np.float32(-np.inf)))
                    proof.counter_examples.append(
                        CounterExample(0, low, high, below, splits[high - 1], -points[low], -points[high])
                    )
        del proof.counter_examples[MOST_EXAMPLES:]
    return proofs


TREES: dict[str, Callable[[Mapping[str, bytes]], list[Tree]]] = {
    "xgboost": _xgboost_trees,
    "random_forest": _xgboost_trees,
    "lightgbm": _lightgbm_trees,
}
"""Estimator -> its trees, read back from the files of its bundle."""

LINEAR: dict[str, Callable[[Estimator, Sequence[Feature], Mapping[str, int]], list[DirectionProof]]] = {
    "logistic": _coefficients,
    "scorecard": _points,
}
"""Estimator that is a sum of one term a feature -> what each term says of the direction."""
