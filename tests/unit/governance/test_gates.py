"""Each gate passes, fails, says that the rows cannot tell, and fails closed on whatever cannot be believed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.config import Gates
from creditrisk.governance.gates import GATES, Evidence, judged, overall
from creditrisk.kinds import Judgement


def interval(value: float, reach: float) -> dict[str, float]:
    return {"value": value, "low": value - reach, "high": value + reach, "level": 0.95}


GOOD: dict[str, dict[str, Any]] = {
    "leak_report.json": {
        "columns": [
            {"table": "application", "column": "income", "verdict": "clear"},
            {"table": "application", "column": "recovered", "verdict": "known_after_origination"},
        ]
    },
    "fairness.json": {"verdict": "pass", "reason": "all groups pass"},
    "policy_checks.json": {
        name: {"verdict": "pass", "reason": "no exception", "checked": 5, "exceptions": []}
        for name in ("directions", "raw_directions", "blanks", "proxies", "never_worse")
    },
    "test_metrics.json": {
        "n": 4_000,
        "default_rate": interval(0.1, 0.01),
        "mean_pd": 0.101,
        "roc_auc": interval(0.75, 0.02),
        "brier_skill": interval(0.08, 0.02),
        "calibration_slope": interval(1.0, 0.1),
        "notes": {},
    },
}
"""Reports of a model that passes."""

FIGURE = {"auc_floor": "roc_auc", "auc_ceiling": "roc_auc", "brier": "brier_skill", "slope": "calibration_slope"}
"""Gate -> the key of test_metrics.json that it reads."""


def evidence(problems: Mapping[str, str] | None = None, **changes: Any) -> Evidence:
    """The good reports with other figures in test_metrics.json."""
    reports = deepcopy(GOOD)
    reports["test_metrics.json"] |= changes
    return Evidence({name: of for name, of in reports.items() if name not in (problems or {})}, problems or {})


def result(name: str, told: Evidence, limits: Gates | None = None) -> dict[str, Any]:
    return next(one for one in judged(GATES, told, limits or Gates()) if one["name"] == name)


def test_a_good_model_passes_every_gate() -> None:
    results = judged(GATES, evidence(), Gates())
    assert [(one["name"], one["verdict"]) for one in results if one["verdict"] != "pass"] == []
    assert overall(results) is Judgement.PASS


@pytest.mark.parametrize(
    ("gate", "changes"),
    [
        ("auc_floor", {"roc_auc": interval(0.55, 0.02)}),
        ("auc_ceiling", {"roc_auc": interval(0.91, 0.02)}),
        ("brier", {"brier_skill": interval(-0.01, 0.02)}),
        ("mean_pd", {"mean_pd": 0.15}),
        ("mean_pd", {"mean_pd": {"value": 0.15, "low": 0.149, "high": 0.151, "level": 0.95}}),
        ("slope", {"calibration_slope": interval(0.7, 0.1)}),
        ("slope", {"calibration_slope": interval(1.5, 0.1)}),
    ],
)
def test_a_figure_beyond_its_limit_fails_with_figure_limit_and_reason(gate: str, changes: dict[str, Any]) -> None:
    told = result(gate, evidence(**changes))
    assert told["verdict"] == "fail"
    assert told["limit"]
    assert told["because"]
    assert told["low"] <= told["figure"] <= told["high"]
    assert told["place"].startswith("test_metrics.json: ")


@pytest.mark.parametrize(
    ("gate", "changes", "why"),
    [
        ("auc_floor", {"roc_auc": interval(0.59, 0.02)}, "reaches into it"),
        ("brier", {"brier_skill": interval(0.01, 0.02)}, "reaches down"),
        ("mean_pd", {"mean_pd": 0.115}, "reaches into it"),
        ("slope", {"calibration_slope": interval(0.8, 0.1)}, "reaches into it"),
        ("auc_floor", {"roc_auc": None, "notes": {"roc_auc": "one class only"}}, "one class only"),
        (
            "slope",
            {"calibration_slope": None, "notes": {"calibration_slope": "all PDs are equal"}},
            "all PDs are equal",
        ),
        ("mean_pd", {"default_rate": {"value": 0.0, "low": 0.0, "high": 0.01}}, "no bads"),
    ],
)
def test_what_the_rows_cannot_tell_is_neither_a_pass_nor_a_fail(gate: str, changes: dict[str, Any], why: str) -> None:
    told = result(gate, evidence(**changes))
    assert told["verdict"] == "not_enough_evidence"
    assert why in told["reason"]


@pytest.mark.parametrize("gate", ["auc_floor", "auc_ceiling", "brier", "mean_pd", "slope"])
def test_with_too_few_bads_nothing_is_judged_and_the_counts_are_told(gate: str) -> None:
    """As on 204 rows of a small sample: AUC 0.92 and slope 2.2 on eight bads say nothing."""
    few = evidence(n=204, default_rate=interval(8 / 204, 0.027), roc_auc=interval(0.92, 0.05), mean_pd=0.078,
                   calibration_slope=interval(2.2, 1.1), brier_skill=interval(0.08, 0.3))  # fmt: skip
    told = result(gate, few)
    assert told["verdict"] == "not_enough_evidence"
    assert "8 bads and 196 goods among 204 rows; 50 of each are needed" in told["reason"]


def test_an_auc_above_the_ceiling_fails_though_its_interval_reaches_below() -> None:
    limits = Gates.model_validate({"auc_max": {"value": 0.75, "because": "a leak"}})
    assert result("auc_ceiling", evidence(roc_auc=interval(0.76, 0.03)), limits)["verdict"] == "fail"
    assert result("auc_ceiling", evidence(roc_auc=interval(0.74, 0.03)), limits)["verdict"] == "pass"


@pytest.mark.parametrize("gate", ["directions", "raw_directions", "blanks", "proxies", "never_worse", "fairness"])
@pytest.mark.parametrize("verdict", ["fail", "not_enough_evidence"])
def test_a_report_that_judges_by_itself_is_taken_at_its_word(gate: str, verdict: str) -> None:
    reports = deepcopy(GOOD)
    section = reports["fairness.json"] if gate == "fairness" else reports["policy_checks.json"][gate]
    section |= {"verdict": verdict, "reason": "as it found"}
    told = result(gate, Evidence(reports, {}))
    assert (told["verdict"], told["reason"]) == (verdict, "as it found")
    section["verdict"] = "perhaps"
    assert result(gate, Evidence(reports, {}))["verdict"] == "fail"


def test_an_unreleased_suspect_of_the_leak_radar_fails_and_a_released_one_is_told() -> None:
    reports = deepcopy(GOOD)
    reports["leak_report.json"]["columns"][0]["verdict"] = "suspect"
    told = result("leaks", Evidence(reports, {}))
    assert (told["verdict"], told["figure"]) == ("fail", 1.0)
    assert "application.income" in told["reason"]
    reports["leak_report.json"]["columns"][0]["verdict"] = "released"
    told = result("leaks", Evidence(reports, {}))
    assert told["verdict"] == "pass"
    assert "released by name: application.income" in told["reason"]


@pytest.mark.parametrize("report", sorted(GOOD))
@pytest.mark.parametrize("why", ["", "it is about the model 00, not 11", "altered since"])
def test_a_report_that_cannot_be_believed_fails_every_gate_that_rests_on_it(report: str, why: str) -> None:
    told = evidence({report: why} if why else None)
    if not why:
        told = Evidence({name: of for name, of in GOOD.items() if name != report}, {})
    for gate, one in zip(GATES, judged(GATES, told, Gates()), strict=True):
        assert (one["verdict"] == "fail") == (gate.report == report)
        if gate.report == report:
            assert one["reason"] == (why or f"{report} is missing")
    assert overall(judged(GATES, told, Gates())) is Judgement.FAIL


@pytest.mark.parametrize(("gate", "key"), FIGURE.items())
@pytest.mark.parametrize("value", [{"value": math.nan, "low": 0.0, "high": 1.0}, {"value": 0.7}, "high", [], True])
def test_a_figure_that_is_no_figure_fails(gate: str, key: str, value: Any) -> None:
    assert result(gate, evidence(**{key: value}))["verdict"] == "fail"


def test_an_empty_report_fails() -> None:
    assert {one["verdict"] for one in judged(GATES, Evidence({name: {} for name in GOOD}, {}), Gates())} == {"fail"}


def test_no_gates_are_no_pass() -> None:
    assert overall([]) is Judgement.FAIL


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        (["pass", "not_enough_evidence", "fail"], "fail"),
        (["pass", "not_enough_evidence"], "not_enough_evidence"),
        (["pass", "pass"], "pass"),
    ],
)
def test_the_whole_is_as_bad_as_its_worst_gate(verdicts: list[str], worst: str) -> None:
    assert overall([{"verdict": verdict} for verdict in verdicts]).value == worst


@given(auc=st.floats(0, 1), reach=st.floats(0, 0.3), floor=st.floats(0, 1))
def test_a_higher_floor_never_turns_a_no_into_a_yes(auc: float, reach: float, floor: float) -> None:
    order = ["pass", "not_enough_evidence", "fail"]
    limits = [Gates.model_validate({"auc_min": {"value": at, "because": "a test"}}) for at in (floor / 2, floor)]
    low, high = (result("auc_floor", evidence(roc_auc=interval(auc, reach)), limit)["verdict"] for limit in limits)
    assert order.index(low) <= order.index(high)
