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
from creditrisk.config.strict import Limit
from creditrisk.governance.gates import ARTEFACTS, GATES, LINEAGE, TRACKED, Evidence, judged, overall
from creditrisk.kinds import Judgement


def interval(value: float, reach: float) -> dict[str, float]:
    return {"value": value, "low": value - reach, "high": value + reach, "level": 0.95}


def group(**changes: Any) -> dict[str, Any]:
    """Figures of some rows as calibration_report.json tells them."""
    return {
        "n": 4_000,
        "default_rate": interval(0.1, 0.01),
        "mean_pd": interval(0.101, 0.001),
        "mean_pd_over_default_rate": interval(1.01, 0.1),
        "slope": interval(1.0, 0.1),
        "notes": {},
        "tests": [{"test": "jeffreys", "verdict": "pass"}],
        **changes,
    }


def calibrated(**changes: Any) -> dict[str, Any]:
    """calibration_report.json with other figures of all rows."""
    return {
        "overall": group(**changes),
        "by_grade": [{"grade": grade, **group()} for grade in "ABC"],
        "by_segment": {"term": [{"group": "36 months", **group()}, {"group": "60 months", **group()}]},
    }


GOOD: dict[str, dict[str, Any]] = {
    LINEAGE: {"gaps": [], "nodes": 12},
    ARTEFACTS: {"wrong": [], "files": 30},
    TRACKED: {
        "why": "",
        "figures": 40,
        "missing": [],
        "worst": {"name": "test_brier", "local": 0.1, "tracked": 0.1, "difference": 0.0},
    },
    "leak_report.json": {
        "columns": [
            {"table": "application", "column": "income", "verdict": "clear"},
            {"table": "application", "column": "recovered", "verdict": "known_after_origination"},
        ]
    },
    "fairness.json": {"verdict": "pass", "reason": "all groups pass"},
    "stability.json": {"verdict": "pass", "reason": "nothing moved"},
    "reasons_report.json": {
        "looked_at": 100,
        "unproved_because": None,
        "figures": {"declines_without_proved_reason": 1, "among_four_largest": 0.95, "reasons": 380},
    },
    "policy_checks.json": {
        name: {"verdict": "pass", "reason": "no exception", "checked": 5, "exceptions": []}
        for name in ("directions", "raw_directions", "blanks", "proxies", "never_worse")
    },
    "calibration_report.json": calibrated(),
    "test_metrics.json": {
        "n": 4_000,
        "default_rate": interval(0.1, 0.01),
        "roc_auc": interval(0.75, 0.02),
        "brier_skill": interval(0.08, 0.02),
        "notes": {},
    },
}
"""Reports of a model that passes."""

FIGURE = {"auc_floor": "roc_auc", "auc_ceiling": "roc_auc", "brier": "brier_skill", "slope": "slope",
          "mean_pd": "mean_pd_over_default_rate"}  # fmt: skip
"""Gate -> the key that it reads."""
OF_CALIBRATION = ("slope", "mean_pd")


def evidence(problems: Mapping[str, str] | None = None, **changes: Any) -> Evidence:
    """The good reports with other figures in test_metrics.json, and of all rows in calibration_report.json."""
    reports = deepcopy(GOOD)
    reports["test_metrics.json"] |= changes
    reports["calibration_report.json"]["overall"] |= changes
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
        ("mean_pd", {"mean_pd_over_default_rate": interval(1.5, 0.1)}),
        ("mean_pd", {"mean_pd_over_default_rate": interval(0.7, 0.1)}),
        ("slope", {"slope": interval(0.7, 0.1)}),
        ("slope", {"slope": interval(1.5, 0.1)}),
    ],
)
def test_a_figure_beyond_its_limit_fails_with_figure_limit_and_reason(gate: str, changes: dict[str, Any]) -> None:
    told = result(gate, evidence(**changes))
    assert told["verdict"] == "fail"
    assert told["limit"]
    assert told["because"]
    assert told["low"] <= told["figure"] <= told["high"]
    report = "calibration_report.json" if gate in OF_CALIBRATION else "test_metrics.json"
    assert told["place"].startswith(f"{report}: ")


@pytest.mark.parametrize(
    ("gate", "changes", "why"),
    [
        ("auc_floor", {"roc_auc": interval(0.59, 0.02)}, "reaches into it"),
        ("brier", {"brier_skill": interval(0.01, 0.02)}, "reaches down"),
        ("mean_pd", {"mean_pd_over_default_rate": interval(1.15, 0.1)}, "reaches into it"),
        ("slope", {"slope": interval(0.8, 0.1)}, "reaches into it"),
        ("auc_floor", {"roc_auc": None, "notes": {"roc_auc": "one class only"}}, "one class only"),
        (
            "slope",
            {"slope": None, "notes": {"slope": "all PDs are equal"}},
            "all PDs are equal",
        ),
        ("mean_pd", {"mean_pd_over_default_rate": None, "notes": {"mean_pd_over_default_rate": "no bads"}}, "no bads"),
    ],
)
def test_what_the_rows_cannot_tell_is_neither_a_pass_nor_a_fail(gate: str, changes: dict[str, Any], why: str) -> None:
    told = result(gate, evidence(**changes))
    assert told["verdict"] == "not_enough_evidence"
    assert why in told["reason"]


@pytest.mark.parametrize("gate", ["auc_floor", "auc_ceiling", "brier", "mean_pd", "slope"])
def test_with_too_few_bads_nothing_is_judged_and_the_counts_are_told(gate: str) -> None:
    """As on 204 rows of a small sample: AUC 0.92 and slope 2.2 on eight bads say nothing."""
    few = evidence(n=204, default_rate=interval(8 / 204, 0.027), roc_auc=interval(0.92, 0.05), slope=interval(2.2, 1.1),
                   mean_pd_over_default_rate=interval(2.0, 0.9), brier_skill=interval(0.08, 0.3))  # fmt: skip
    told = result(gate, few)
    assert told["verdict"] == "not_enough_evidence"
    assert "8 bads and 196 goods among 204 rows; 50 of each are needed" in told["reason"]


def test_an_auc_above_the_ceiling_fails_though_its_interval_reaches_below() -> None:
    limits = Gates.model_validate({"auc_max": {"value": 0.75, "because": "a leak"}})
    assert result("auc_ceiling", evidence(roc_auc=interval(0.76, 0.03)), limits)["verdict"] == "fail"
    assert result("auc_ceiling", evidence(roc_auc=interval(0.74, 0.03)), limits)["verdict"] == "pass"


def graded(*verdicts: str, rows: int = 100) -> Evidence:
    """Grades with these verdicts and as many rows each, the last one with 300."""
    reports = deepcopy(GOOD)
    reports["calibration_report.json"]["by_grade"] = [
        {"grade": grade, "n": rows if grade != "D" else 300, "tests": [{"test": "jeffreys", "verdict": verdict}]}
        for grade, verdict in zip("ABCD", verdicts, strict=True)
    ]
    return Evidence(reports, {})


@pytest.mark.parametrize(
    ("verdicts", "verdict", "says"),
    [
        (("pass", "pass", "pass", "fail"), "fail", "the PD of D is refuted; 3 of 4 grades pass"),
        (("not_enough_evidence", "fail", "pass", "pass"), "fail", "the PD of B is refuted; 2 of 4"),
        (("not_enough_evidence", "pass", "pass", "pass"), "pass", "3 of 4 grades pass; too few bads or goods in A"),
        (("not_enough_evidence", "not_enough_evidence", "pass", "pass"), "not_enough_evidence", "only 67% of the rows"),
    ],
)
def test_grades_are_judged_together(verdicts: tuple[str, ...], verdict: str, says: str) -> None:
    told = result("grades", graded(*verdicts))
    assert told["verdict"] == verdict
    assert says in told["reason"]


@pytest.mark.parametrize(
    ("changes", "verdict", "says"),
    [
        ({"slope": interval(0.6, 0.1)}, "fail", "term: 60 months, slope: slope 0.600"),
        ({"slope": interval(0.8, 0.1)}, "not_enough_evidence", "cannot tell term: 60 months, slope"),
        ({"n": 60, "mean_pd_over_default_rate": interval(1.5, 0.1)}, "not_enough_evidence", "60 months, mean PD"),
    ],
)
def test_one_segment_alone_decides(changes: dict[str, Any], verdict: str, says: str) -> None:
    reports = deepcopy(GOOD)
    reports["calibration_report.json"]["by_segment"]["term"][1] |= changes
    told = result("segments", Evidence(reports, {}))
    assert told["verdict"] == verdict
    assert says in told["reason"]


def test_a_book_without_segments_has_no_evidence_on_them() -> None:
    reports = deepcopy(GOOD)
    reports["calibration_report.json"]["by_segment"] = {}
    assert result("segments", Evidence(reports, {}))["verdict"] == "not_enough_evidence"


@pytest.mark.parametrize(
    "gate", ["directions", "raw_directions", "blanks", "proxies", "never_worse", "fairness", "stability"]
)
@pytest.mark.parametrize("verdict", ["fail", "not_enough_evidence"])
def test_a_report_that_judges_by_itself_is_taken_at_its_word(gate: str, verdict: str) -> None:
    reports = deepcopy(GOOD)
    section = reports.get(f"{gate}.json") or reports["policy_checks.json"][gate]
    section |= {"verdict": verdict, "reason": "as it found"}
    told = result(gate, Evidence(reports, {}))
    assert (told["verdict"], told["reason"]) == (verdict, "as it found")
    section["verdict"] = "perhaps"
    assert result(gate, Evidence(reports, {}))["verdict"] == "fail"


@pytest.mark.parametrize(
    ("gate", "figures", "verdict"),
    [
        ("reasons_proved", {"declines_without_proved_reason": 20}, "fail"),
        ("reasons_proved", {"declines_without_proved_reason": 7}, "not_enough_evidence"),
        ("reasons_principal", {"among_four_largest": 0.7}, "fail"),
        ("reasons_principal", {"among_four_largest": 0.89}, "not_enough_evidence"),
        ("reasons_principal", {"among_four_largest": None}, "not_enough_evidence"),
    ],
)
def test_reasons_are_judged_by_their_share_and_its_interval(gate: str, figures: dict[str, Any], verdict: str) -> None:
    reports = deepcopy(GOOD)
    reports["reasons_report.json"]["figures"] |= figures
    assert result(gate, Evidence(reports, {}))["verdict"] == verdict


@pytest.mark.parametrize("gate", ["reasons_proved", "reasons_principal"])
def test_reasons_that_were_not_proved_are_no_evidence(gate: str) -> None:
    reports = deepcopy(GOOD)
    reports["reasons_report.json"] |= {"figures": None, "unproved_because": "no application was declined"}
    told = result(gate, Evidence(reports, {}))
    assert (told["verdict"], told["reason"]) == ("not_enough_evidence", "no application was declined")


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
    first, *results = judged(GATES, told, Gates())
    assert (first["name"], first["verdict"]) == ("reports", "fail" if why else "pass")
    for gate, one in zip(GATES, results, strict=True):
        assert (one["verdict"] == "fail") == (gate.report == report)
        if gate.report == report:
            assert one["reason"] == (why or f"{report} is missing")
    assert overall(judged(GATES, told, Gates())) is Judgement.FAIL


@pytest.mark.parametrize(("gate", "key"), FIGURE.items())
@pytest.mark.parametrize("value", [{"value": math.nan, "low": 0.0, "high": 1.0}, {"value": 0.7}, "high", [], True])
def test_a_figure_that_is_no_figure_fails(gate: str, key: str, value: Any) -> None:
    assert result(gate, evidence(**{key: value}))["verdict"] == "fail"


def test_an_empty_report_fails() -> None:
    results = judged(GATES, Evidence({name: {} for name in GOOD}, {}), Gates())
    assert {one["verdict"] for one in results if one["name"] != "reports"} == {"fail"}


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


@pytest.mark.parametrize(
    ("gate", "place", "found", "why"),
    [
        ("lineage", LINEAGE, {"gaps": ["no raw stands behind the bundle"]}, "no raw stands behind"),
        ("artefacts", ARTEFACTS, {"wrong": ["reports/fairness.json was altered"]}, "fairness.json was altered"),
        ("artefacts", ARTEFACTS, {"files": 0}, "all 0"),
        ("tracked", TRACKED, {"missing": ["test_brier"]}, "lacks 1 of 40 figures: test_brier"),
        ("tracked", TRACKED, {"worst": None}, "lacks"),
        ("tracked", TRACKED, {"why": "not told to the tracker"}, "not told"),
        ("tracked", TRACKED,
         {"worst": {"name": "test_brier", "local": 0.1, "tracked": None, "difference": None}}, "no number"),
        ("tracked", TRACKED,
         {"worst": {"name": "test_brier", "local": 0.1, "tracked": 0.11, "difference": 0.09}}, "0.11 in the tracker"),
    ],
)  # fmt: skip
def test_what_cannot_be_traced_or_was_changed_fails_and_nobody_may_waive_it(
    gate: str, place: str, found: dict[str, Any], why: str
) -> None:
    told = result(gate, Evidence({**GOOD, place: {**GOOD[place], **found}}, {}))
    assert (told["verdict"], told["can_be_waived"]) == ("fail", False)
    assert why in told["reason"]


def test_how_far_the_tracker_may_be_off_is_the_books_to_say() -> None:
    worst = {"name": "test_brier", "local": 0.1, "tracked": 0.11, "difference": 0.09}
    told = Evidence({**GOOD, TRACKED: {**GOOD[TRACKED], "worst": worst}}, {})
    assert result("tracked", told, Gates(tracked_tolerance=Limit(value=0.1, because="a test")))["verdict"] == "pass"


def test_what_validate_looked_at_by_itself_is_no_report() -> None:
    reports = {name: of for name, of in GOOD.items() if name not in (LINEAGE, ARTEFACTS, TRACKED)}
    looked = {name: GOOD[name] for name in (LINEAGE, ARTEFACTS, TRACKED)}
    assert overall(judged(GATES, Evidence(reports, {}, looked), Gates())) is Judgement.PASS
    (first, *_) = judged(GATES, Evidence(reports, {}, looked), Gates())
    assert f"all {len(reports)} are there" in first["reason"]
