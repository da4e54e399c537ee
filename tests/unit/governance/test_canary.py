"""What the canary's gates say of figures: inside the limit, outside, too few rows, no figure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.config import Canary
from creditrisk.governance.canary import CANARY_GATES, comparable, judged, waiver_name
from creditrisk.kinds import Judgement

LIMITS = Canary()


def interval(value: float, reach: float = 0.001) -> dict[str, float]:
    return {"value": value, "low": value - reach, "high": value + reach, "level": 0.95}


def model(mean_pd: float = 0.1, approved: float = 0.7) -> dict[str, Any]:
    return {"alone": {"mean_pd": mean_pd, "approval_rate": interval(approved)}}


def grade_row(name: str, difference: dict[str, float] | None) -> dict[str, Any]:
    return {"grade": name, "difference": difference}


def figures(**changes: Any) -> dict[str, Any]:
    """A report of two models that hardly differ, with these parts in place of its own."""
    share = {**interval(0.01), "rows": 20}
    report = {
        "reference": {"rows": 2_000},
        "candidate": model(),
        "production": model(),
        "pd": {
            "mean": interval(0.02),
            "quantiles": [{"share": s, "candidate": 0.1, "production": 0.1, "change": interval(0.05 * s)}
                          for s in (0.1, 0.5, 0.9)],
        },
        "decisions": {"flipped": share, "newly_declined": 12, "newly_approved": 8, "approval_rate": interval(-0.002)},
        "grades": {"same_scale": True, "better": 5, "worse": 6, "moved_by_two": share},
        "outcomes": {
            "rows": 2_000, "bads": 200, "auc": interval(0.002), "brier_skill": interval(0.001), "notes": {},
            "grades": [grade_row("A", interval(0.01)), grade_row("B", None)],
        },
    }  # fmt: skip
    return {**report, **changes}


def verdicts(report: dict[str, Any], limits: Canary = LIMITS) -> dict[str, str]:
    return {gate["name"]: gate["verdict"] for gate in judged(report, limits)}


def test_models_that_hardly_differ_pass_every_gate() -> None:
    assert verdicts(figures()) == {gate.name: "pass" for gate in CANARY_GATES}


def test_every_gate_tells_its_limit_and_why_it_stands_there() -> None:
    assert all(gate["limit"] and gate["because"] and gate["asks"] for gate in judged(figures(), LIMITS))


@pytest.mark.parametrize(
    ("gate", "changes"),
    [
        ("mean_pd", {"pd": {**figures()["pd"], "mean": interval(0.2)}}),
        ("mean_pd", {"pd": {**figures()["pd"], "mean": interval(-0.2)}}),
        ("pd_quantiles", {"pd": {**figures()["pd"], "quantiles": [
            {"share": 0.5, "candidate": 0.1, "production": 0.1, "change": interval(0.0)},
            {"share": 0.9, "candidate": 0.1, "production": 0.3, "change": interval(-1.0)}]}}),
        ("approval_rate", {"decisions": {**figures()["decisions"], "approval_rate": interval(0.08)}}),
        ("decisions_flipped", {"decisions": {**figures()["decisions"], "flipped": {**interval(0.4), "rows": 800}}}),
        ("grades_moved", {"grades": {**figures()["grades"], "moved_by_two": {**interval(0.2), "rows": 400}}}),
        ("auc", {"outcomes": {**figures()["outcomes"], "auc": interval(-0.03)}}),
        ("brier", {"outcomes": {**figures()["outcomes"], "brier_skill": interval(-0.03)}}),
        ("grade_default_rates", {"outcomes": {**figures()["outcomes"], "grades": [
            grade_row("A", interval(0.0)), grade_row("B", interval(-0.2))]}}),
    ],
)  # fmt: skip
def test_a_figure_that_lies_outside_with_its_whole_interval_fails(gate: str, changes: dict[str, Any]) -> None:
    assert [name for name, verdict in verdicts(figures(**changes)).items() if verdict == "fail"] == [gate]


def test_better_outcomes_never_fail() -> None:
    better = {**figures()["outcomes"], "auc": interval(0.3), "brier_skill": interval(0.4)}
    assert set(verdicts(figures(outcomes=better)).values()) == {"pass"}


@pytest.mark.parametrize("rows", [0, 499])
def test_with_too_few_rows_no_gate_on_pds_passes_or_fails(rows: int) -> None:
    told = verdicts(figures(reference={"rows": rows}))
    assert {
        told[name] for name in ("mean_pd", "pd_quantiles", "approval_rate", "decisions_flipped", "grades_moved")
    } == {"not_enough_evidence"}


def test_with_too_few_bads_no_gate_on_outcomes_passes_or_fails() -> None:
    told = verdicts(figures(outcomes={**figures()["outcomes"], "bads": 49}))
    assert {told[name] for name in ("auc", "brier", "grade_default_rates")} == {"not_enough_evidence"}


def test_without_outcomes_their_gates_are_left_out() -> None:
    assert not {"auc", "brier", "grade_default_rates"} & verdicts(figures(outcomes=None)).keys()


def test_a_figure_that_is_none_is_no_pass_and_says_why() -> None:
    outcomes = {**figures()["outcomes"], "auc": None, "notes": {"auc": "every pair moves alike"}}
    (told,) = [gate for gate in judged(figures(outcomes=outcomes), LIMITS) if gate["name"] == "auc"]
    assert told["verdict"] == "not_enough_evidence"
    assert "every pair moves alike" in told["reason"]
    assert told["figure"] is None


def test_other_grades_have_no_steps() -> None:
    grades = {**figures()["grades"], "same_scale": False, "moved_by_two": None}
    assert verdicts(figures(grades=grades))["grades_moved"] == "not_enough_evidence"


def test_what_cannot_be_compared_is_one_gate_with_a_name_to_waive_it_by() -> None:
    told = comparable(Judgement.FAIL, "its files are gone")
    assert (told["name"], told["verdict"]) == ("comparable", "fail")
    assert waiver_name(told["name"]) == "canary_comparable"


@given(st.floats(-1, 1), st.floats(0, 0.3))
def test_a_difference_is_judged_alike_in_both_directions(value: float, reach: float) -> None:
    def told(of: float) -> str:
        return verdicts(figures(decisions={**figures()["decisions"], "approval_rate": interval(of, reach)}))[
            "approval_rate"
        ]

    assert told(value) == told(-value)
