"""A planted proxy is found, alone or in two halves; honest features are not; groups without evidence are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.modelling import Feature
from creditrisk.modelling.proxies import LIMIT, _Ranks, groups_of, screen, told_together
from creditrisk.stats import roc_auc

ROWS = 3000


def planted(**extra: Any) -> tuple[Any, tuple[Feature, ...], pa.Table]:
    """Family members less children is 1 for a single and 2 for a married person; income and town tell nothing."""
    random = np.random.default_rng(4)
    married = random.random(ROWS) < 0.6
    children = random.poisson(1.0, ROWS)
    columns = {
        "income": random.lognormal(10.0, 0.5, ROWS),
        "members": 1 + married + children,
        "children": children,
        **{name: make(random, married) for name, make in extra.items()},
    }
    features = (*tuple(Feature(name, "number") for name in columns), Feature("town", "category", ("a", "b", "c")))
    values = np.column_stack([*columns.values(), random.integers(0, 3, ROWS)]).astype(np.float32)
    return values, features, pa.table({"status": np.where(married, "married", "single")})


def test_a_difference_that_rebuilds_an_attribute_is_found_though_neither_half_does() -> None:
    values, features, audit = planted()
    groups, left_out = groups_of(audit, ["status"])
    told = screen(values, features, groups)
    assert [(one.features, one.how, one.auc, one.label) for one in told.found] == [
        (("members", "children"), "difference", 1.0, "married"),
        (("members", "children"), "difference", 1.0, "single"),
    ]
    assert all(one.auc < LIMIT for one in told.closest)
    assert (left_out, told.too_few, told.pairs) == (0, (), 6)


def test_a_sum_is_found_too() -> None:
    values, features, audit = planted()
    values[:, 2] = -values[:, 2]
    told = screen(values, features, groups_of(audit, ["status"])[0])
    assert {(one.features, one.how) for one in told.found} == {(("members", "children"), "sum")}


@pytest.mark.parametrize(
    "copy",
    [
        lambda random, married: married + random.normal(0, 0.2, ROWS),
        lambda random, married: np.where(married, np.nan, random.random(ROWS)),
        lambda random, married: np.where(random.random(ROWS) < 0.5, np.nan, -1.0 * married),
    ],
    ids=["noisy", "told by being missing", "told where it is stated"],
)
def test_one_feature_that_tells_the_attribute_is_found_alone(copy: Any) -> None:
    values, features, audit = planted(copy=copy)
    told = screen(values, features, groups_of(audit, ["status"])[0])
    alone = [one for one in told.found if one.how == "alone"]
    assert {one.features for one in alone} == {("copy",)}
    assert all(one.auc > LIMIT for one in alone)
    assert not [one for one in told.found if one.how != "alone" and "copy" in one.features]


def test_a_category_that_tells_the_attribute_is_found_on_rows_it_was_not_ordered_on() -> None:
    values, features, audit = planted()
    married = np.array(audit["status"].to_pylist()) == "married"
    values[:, -1] = np.where(married, 2, np.arange(ROWS) % 2)
    told = screen(values, features, groups_of(audit, ["status"])[0])
    assert {one.features for one in told.found if one.how == "alone"} == {("town",)}


def test_a_group_of_a_few_rows_is_no_evidence() -> None:
    values, features, audit = planted()
    words = np.array(audit["status"].to_pylist(), dtype=object)
    words[:5] = "unknown"
    told = screen(values, features, groups_of(pa.table({"status": pa.array(words.tolist())}), ["status"])[0])
    assert [one.as_json() for one in told.too_few] == [
        {"column": "status", "group": "unknown", "inside": 5, "outside": ROWS - 5}
    ]


def test_rows_without_the_attribute_are_left_out() -> None:
    values, features, audit = planted()
    words = audit["status"].to_pylist()
    hidden = pa.table({"status": pa.array([word if place % 3 else None for place, word in enumerate(words)])})
    groups, _ = groups_of(hidden, ["status"])
    assert sum(groups[0].counts) == ROWS - ROWS // 3
    assert {one.features for one in screen(values, features, groups).found} == {("members", "children")}


def test_a_number_is_cut_at_its_quartiles_and_few_whole_numbers_are_words() -> None:
    audit = pa.table({"age": np.arange(200), "children": np.arange(200) % 3, "nothing": pa.nulls(200, pa.float64())})
    groups, _ = groups_of(audit, ["age", "children", "nothing", "absent"])
    assert [group.label for group in groups if group.column == "age"] == ["above 49.75", "above 99.5", "above 149.25"]
    assert sorted(group.label for group in groups if group.column == "children") == ["0", "1", "2"]
    assert {group.column for group in groups} == {"age", "children"}


def test_the_largest_groups_are_looked_at_and_the_others_counted() -> None:
    area = np.concatenate([np.repeat(np.arange(30), 100), np.repeat(99, 50)]).astype(str)
    groups, left_out = groups_of(pa.table({"area": area}), ["area"])
    assert (len(groups), left_out) == (20, 11)
    assert "99" not in {group.label for group in groups}


def test_features_that_tell_only_together_are_told_together() -> None:
    values, _features, audit = planted()
    told = told_together(values, groups_of(audit, ["status"])[0])
    assert [one.group.label for one in told] == ["married", "single"]
    assert all(one.auc.low > 0.9 for one in told)
    assert told[0].auc == told_together(values, groups_of(audit, ["status"])[0])[0].auc


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.5, np.nan]), st.booleans()), min_size=4, max_size=60))
@settings(max_examples=100)
def test_ranks_give_the_auc_of_missing_lowest_and_highest(pairs: list[tuple[float, bool]]) -> None:
    column, inside = (np.array(part) for part in zip(*pairs, strict=True))
    if inside.all() or not inside.any():
        return
    told = _Ranks.of(column[:, None].astype(np.float32), (Feature("x", "number"),)).auc(inside)[0]
    each = [roc_auc(inside, np.where(np.isnan(column), end, column)) for end in (-9.0, 9.0)]
    assert told == pytest.approx(max(max(auc, 1 - auc) for auc in each), abs=1e-12)
