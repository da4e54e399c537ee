"""Two models on the same rows: the same in both orders, nothing between a model and itself, counts that add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from creditrisk.evaluation.side_by_side import (
    DECISIONS,
    Decided,
    decisions_apart,
    flips_explained,
    grades_apart,
    outcomes_apart,
    pds_apart,
)

GRADES = ("A", "B", "C", "D")
LIMITS = np.array([0.05, 0.15, 0.3])
LEVEL = 0.95


def decided(pd: NDArray[np.float64], *, decline: float = 0.3, refer: float = 0.2) -> Decided:
    grade = np.array(GRADES)[np.searchsorted(LIMITS, pd, side="right")]
    decision = np.where(pd >= decline, "decline", np.where(pd >= refer, "refer", "approve"))
    return Decided(pd, grade, decision, GRADES)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    rows = draw(st.integers(2, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    one = random.uniform(0.001, 0.6, rows)
    other = np.clip(one * random.uniform(0.3, 2.0, rows), 0.001, 0.9) if draw(st.booleans()) else one.copy()
    return one, other, (random.random(rows) < one).astype(np.int64)


def mirrored(figure: dict[str, float]) -> dict[str, float]:
    return {"value": -figure["value"], "low": -figure["high"], "high": -figure["low"], "level": figure["level"]}


def flat(told: dict[str, Any]) -> Any:
    return pytest.approx(told, rel=1e-9, abs=1e-12)


@settings(max_examples=12)
@given(pairs())
def test_in_both_orders_the_figures_are_the_same(drawn: Any) -> None:
    one, other, y = drawn
    here, there = decided(one), decided(other)
    ahead, back = pds_apart(here, there, level=LEVEL), pds_apart(there, here, level=LEVEL)
    assert mirrored(back["mean"]) == flat(ahead["mean"])
    for forth, again in zip(ahead["quantiles"], back["quantiles"], strict=True):
        assert mirrored(again["change"]) == flat(forth["change"])
    ahead, back = decisions_apart(here, there, level=LEVEL), decisions_apart(there, here, level=LEVEL)
    assert ahead["flipped"] == back["flipped"]
    assert mirrored(back["approval_rate"]) == flat(ahead["approval_rate"])
    assert (ahead["newly_declined"], ahead["newly_approved"]) == (
        back["no_longer_declined"],
        back["no_longer_approved"],
    )
    assert np.array(ahead["table"]["counts"]).T.tolist() == back["table"]["counts"]
    ahead, back = grades_apart(here, there, level=LEVEL), grades_apart(there, here, level=LEVEL)
    assert ahead["moved_by_two"] == back["moved_by_two"]
    assert (ahead["better"], ahead["worse"]) == (back["worse"], back["better"])
    ahead, back = outcomes_apart(y, here, there, level=LEVEL), outcomes_apart(y, there, here, level=LEVEL)
    for name in ("auc", "brier_skill"):
        assert (ahead[name] is None) == (back[name] is None)
        if ahead[name] is not None:
            assert mirrored(back[name]) == flat(ahead[name])


@settings(max_examples=12)
@given(pairs())
def test_a_model_does_not_differ_from_itself(drawn: Any) -> None:
    one, _, y = drawn
    model = decided(one)
    apart = pds_apart(model, model, level=LEVEL)
    assert [gap["change"]["value"] for gap in apart["quantiles"]] == [0.0] * 5
    assert apart["mean"]["low"] == apart["mean"]["value"] == apart["mean"]["high"] == 0.0
    assert decisions_apart(model, model, level=LEVEL)["flipped"]["rows"] == 0
    assert grades_apart(model, model, level=LEVEL)["moved"]["rows"] == 0
    outcomes = outcomes_apart(y, model, model, level=LEVEL)
    assert all(outcomes[name] is None or outcomes[name]["value"] == 0.0 for name in ("auc", "brier_skill"))
    assert all(row["difference"] is None or row["difference"]["value"] == 0.0 for row in outcomes["grades"])


@settings(max_examples=12)
@given(pairs(), st.floats(0.05, 0.5), st.floats(0.05, 0.5))
def test_counts_add_up(drawn: Any, our_cut_off: float, their_cut_off: float) -> None:
    one, other, _ = drawn
    rows = len(one)
    ours, theirs = (
        decided(pd, decline=cut, refer=0.8 * cut) for pd, cut in ((one, our_cut_off), (other, their_cut_off))
    )
    told = decisions_apart(ours, theirs, level=LEVEL)
    counts = np.array(told["table"]["counts"])
    assert counts.sum() == rows
    assert counts.sum() - np.trace(counts) == told["flipped"]["rows"]
    by_row = {name: counts[place].sum() for place, name in enumerate(DECISIONS)}
    assert by_row == {name: int(np.count_nonzero(theirs.decision == name)) for name in DECISIONS}
    grades = grades_apart(ours, theirs, level=LEVEL)
    assert np.array(grades["table"]["counts"]).sum() == rows
    assert grades["better"] + grades["worse"] == grades["moved"]["rows"]
    crossed = decided(one, decline=their_cut_off, refer=0.8 * their_cut_off)
    back = decided(other, decline=our_cut_off, refer=0.8 * our_cut_off)
    why = flips_explained(ours.decision, theirs.decision, crossed.decision, back.decision)
    assert why["from_pds"] + why["from_cut_offs"] == why["flips"] == told["flipped"]["rows"]
    assert why["from_pds"] + why["undone_by_cut_offs"] == why["under_production_cut_offs"]
    mirror = flips_explained(theirs.decision, ours.decision, back.decision, crossed.decision)
    assert mirror["under_production_cut_offs"] == why["under_candidate_cut_offs"]


def test_cut_offs_alone_explain_the_flips_of_equal_pds() -> None:
    pd = np.array([0.1, 0.21, 0.25, 0.4])
    ours, theirs = decided(pd, decline=0.24), decided(pd, decline=0.3)
    told = flips_explained(ours.decision, theirs.decision, theirs.decision, ours.decision)
    assert told == {
        "flips": 1, "from_pds": 0, "from_cut_offs": 1, "undone_by_cut_offs": 0, "under_production_cut_offs": 0,
        "under_candidate_cut_offs": 0,
    }  # fmt: skip


def test_grades_of_another_scale_are_counted_and_no_steps_are() -> None:
    pd = np.array([0.01, 0.1, 0.5])
    theirs = Decided(pd, np.array(["1", "1", "2"]), decided(pd).decision, ("1", "2"))
    told = grades_apart(decided(pd), theirs, level=LEVEL)
    assert told["table"] == {
        "production": ["1", "2"],
        "candidate": list(GRADES),
        "counts": [[1, 1, 0, 0], [0, 0, 0, 1]],
    }
    assert (told["same_scale"], told["moved"], told["moved_by_two"]) == (False, None, None)


def test_a_grade_counts_whom_either_model_puts_there() -> None:
    y = np.array([0, 1, 1, 0])
    ours, theirs = decided(np.array([0.01, 0.01, 0.4, 0.4])), decided(np.array([0.01, 0.4, 0.4, 0.4]))
    told = {row["grade"]: row for row in outcomes_apart(y, ours, theirs, level=LEVEL)["grades"]}
    assert (told["A"]["candidate"]["rows"], told["A"]["candidate"]["bads"]) == (2, 1)
    assert (told["A"]["production"]["rows"], told["A"]["production"]["bads"]) == (1, 0)
    assert told["A"]["difference"]["value"] == 0.5
    assert told["B"]["difference"] is None
    assert told["B"]["candidate"]["default_rate"] is None


def test_outcomes_of_one_class_give_no_figure_and_say_why() -> None:
    pd = np.array([0.1, 0.2, 0.3])
    told = outcomes_apart(np.zeros(3, dtype=np.int64), decided(pd), decided(pd), level=LEVEL)
    assert told["auc"] is None
    assert told["brier_skill"] is None
    assert set(told["notes"]) >= {"auc", "brier_skill"}
