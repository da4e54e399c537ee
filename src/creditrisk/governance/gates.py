"""May this model be used? Each gate asks one question of one report; docs/model-document.md tells them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from creditrisk.config import Gates
from creditrisk.config.strict import Limit
from creditrisk.governance.judging import (
    Evidence,
    Gate,
    Report,
    Told,
    interval,
    judged,
    limit_in_words,
    no_figure,
    overall,
    too_few,
    within,
)
from creditrisk.kinds import Judgement
from creditrisk.stats import wilson_interval


def _ranks(report: Report, limits: Gates) -> Told:
    if report["roc_auc"] is None:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, no_figure(report, "roc_auc"))
    few, limit = too_few(report, limits), limits.auc_min
    return within(interval(report["roc_auc"]), limit.value, None, few, what="AUC", because=limit.because)


def _not_too_well(report: Report, limits: Gates) -> Told:
    """A leak is suspected from the figure alone: no interval excuses it."""
    if report["roc_auc"] is None:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, no_figure(report, "roc_auc"))
    limit, (value, low, high) = limits.auc_max, interval(report["roc_auc"])
    few, words = too_few(report, limits), limit_in_words(None, limit.value)
    if few:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, f"AUC {value:.3f}: {few}", value, low, high, words, limit.because)
    if value > limit.value:
        told = f"AUC {value:.3f} is too good to be true: look for a column that knows the outcome"
        return Told(Judgement.FAIL, told, value, low, high, words, limit.because)
    return Told(Judgement.PASS, f"AUC {value:.3f}", value, low, high, words, limit.because)


def _better_than_average(report: Report, limits: Gates) -> Told:
    """The whole interval must lie above: better by chance is not better."""
    if report["brier_skill"] is None:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, no_figure(report, "brier_skill"))
    limit, (value, low, high) = limits.brier_skill_min, interval(report["brier_skill"])
    few = too_few(report, limits)
    says = f"the PDs take away {value:.1%} of the average's Brier, interval {low:.1%} to {high:.1%}"
    if few:
        verdict, says = Judgement.NOT_ENOUGH_EVIDENCE, f"{says}: {few}"
    elif low > limit.value:
        verdict = Judgement.PASS
    elif value <= limit.value:
        verdict = Judgement.FAIL
    else:
        verdict, says = Judgement.NOT_ENOUGH_EVIDENCE, f"{says}: the interval reaches down to the limit"
    return Told(verdict, says, value, low, high, f"more than {limit.value:g}", limit.because)


def _right_on_average(report: Report, limits: Gates) -> Told:
    return _mean_within(report["overall"], limits)


def _mean_within(rows: Report, limits: Gates) -> Told:
    """Of one group of rows of calibration_report.json: mean PD over default rate."""
    if rows["mean_pd_over_default_rate"] is None:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, no_figure(rows, "mean_pd_over_default_rate"))
    limit, few = limits.mean_pd_tolerance, too_few(rows, limits)
    what = f"mean PD {_value(rows['mean_pd']):.2%}, default rate {_value(rows['default_rate']):.2%}; their ratio"
    ratio = interval(rows["mean_pd_over_default_rate"])
    return within(ratio, 1 - limit.value, 1 + limit.value, few, what=what, because=limit.because)


def _slope(report: Report, limits: Gates) -> Told:
    return _slope_within(report["overall"], limits)


def _slope_within(rows: Report, limits: Gates) -> Told:
    if rows["slope"] is None:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, no_figure(rows, "slope"))
    lowest, highest = limits.slope_min, limits.slope_max
    because = f"{lowest.because}; {highest.because}"
    few = too_few(rows, limits)
    return within(interval(rows["slope"]), lowest.value, highest.value, few, what="slope", because=because)


def _value(figure: Any) -> float:
    return float(figure["value"])


def _grades(report: Report, limits: Gates) -> Told:
    """The two-sided Jeffreys test of each grade, corrected for their number."""
    found: dict[str, Judgement] = {}
    for row in report["by_grade"]:
        found[row["grade"]] = next(Judgement(test["verdict"]) for test in row["tests"] if test["test"] == "jeffreys")
    rows = {row["grade"]: int(row["n"]) for row in report["by_grade"]}
    failed, untold = _of(found, Judgement.FAIL), _of(found, Judgement.NOT_ENOUGH_EVIDENCE)
    limit = limits.grades_tested_min
    tested = 1 - sum(rows[grade] for grade in untold) / sum(rows.values())
    words = f"no grade refuted, and grades with {limit.value:.0%} of the rows tested"
    if failed:
        passed = len(found) - len(failed) - len(untold)
        told = f"the PD of {_some(failed)} is refuted; {passed} of {len(found)} grades pass"
        return Told(Judgement.FAIL, told, float(len(failed)), None, None, words, limit.because)
    if tested < limit.value:
        told = f"grades with only {tested:.0%} of the rows could be tested; too few bads or goods in {_some(untold)}"
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, told, tested, None, None, words, limit.because)
    left = f"; too few bads or goods in {_some(untold)}" if untold else ""
    told = f"{len(found) - len(untold)} of {len(found)} grades pass{left}"
    return Told(Judgement.PASS, told, tested, None, None, words, limit.because)


def _segments(report: Report, limits: Gates) -> Told:
    """Mean PD and slope of each group of each segment, by the limits of the whole."""
    groups = {f"{name}: {row['group']}": row for name, rows in report["by_segment"].items() for row in rows}
    because = "who prices or limits by a segment relies on its PDs"
    limit = "mean PD and slope as for all rows"
    if not groups:
        told = "the book names no segments (assessment.segments)"
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, told, limit=limit, because=because)
    judgements = {
        f"{name}, {what}": judge(row, limits)
        for name, row in groups.items()
        for what, judge in (("mean PD", _mean_within), ("slope", _slope_within))
    }
    found = {name: told.verdict for name, told in judgements.items()}
    failed, untold = _of(found, Judgement.FAIL), _of(found, Judgement.NOT_ENOUGH_EVIDENCE)
    if failed:
        told = "; ".join(f"{name}: {judgements[name].reason}" for name in failed[:3])
        return Told(Judgement.FAIL, told, float(len(failed)), None, None, limit, because)
    if untold:
        told = f"of {len(groups)} groups these rows cannot tell {_some(untold)}"
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, told, float(len(untold)), None, None, limit, because)
    return Told(Judgement.PASS, f"all {len(groups)} groups", 0.0, None, None, limit, because)


def _of(found: Mapping[str, Judgement], verdict: Judgement) -> list[str]:
    return [name for name, one in found.items() if one is verdict]


def _no_suspects(report: Report, _limits: Gates) -> Told:
    """A suspect cannot be a feature, but one that nobody released or removed still stands in the contract."""
    suspects = [
        f"{column['table']}.{column['column']}" for column in report["columns"] if column["verdict"] == "suspect"
    ]
    released = [
        f"{column['table']}.{column['column']}" for column in report["columns"] if column["verdict"] == "released"
    ]
    limit, because = "no unreleased suspect", "a column that knows the outcome makes every figure a dream"
    if suspects:
        told = f"{len(suspects)} columns may know the outcome, none of them a feature: {_some(suspects)}"
        return Told(Judgement.FAIL, told, float(len(suspects)), None, None, limit, because)
    told = f"none of {len(report['columns'])} columns" + (f"; released by name: {_some(released)}" if released else "")
    return Told(Judgement.PASS, told, 0.0, None, None, limit, because)


def _reasons_proved(report: Report, limits: Gates) -> Told:
    figures, limit = report["figures"], limits.reasons_proved_min
    words = limit_in_words(limit.value, None)
    if not figures:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, str(report["unproved_because"]), limit=words, because=limit.because)
    looked, without = int(report["looked_at"]), int(figures["declines_without_proved_reason"])
    told = f"{looked - without} of {looked} declines that were looked at have a proved reason"
    return _share_of(1 - without / looked, looked, told, limit)


def _reasons_principal(report: Report, limits: Gates) -> Told:
    figures, limit = report["figures"], limits.reasons_principal_min
    if not figures or figures["among_four_largest"] is None:
        why = str(report["unproved_because"] or "no reason was given")
        words = limit_in_words(limit.value, None)
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, why, limit=words, because=limit.because)
    share, given = float(figures["among_four_largest"]), int(figures["reasons"])
    return _share_of(share, given, f"{share:.1%} of {given} reasons are among the four that weigh most", limit)


def _share_of(share: float, rows: int, told: str, limit: Limit) -> Told:
    """A share with Wilson's interval, at least as high as its limit."""
    found = wilson_interval(round(share * rows), rows)
    verdict = Judgement.PASS if share >= limit.value else Judgement.FAIL
    if verdict is Judgement.FAIL and found.high >= limit.value:
        verdict, told = Judgement.NOT_ENOUGH_EVIDENCE, f"{told}: below the limit, yet the interval reaches it"
    return Told(verdict, told, share, found.low, found.high, limit_in_words(limit.value, None), limit.because)


def _nothing_missing(report: Report, limits: Gates) -> Told:
    del limits
    gaps = report["gaps"]
    limit, because = "no gap", "a model that cannot be traced to its raw data cannot be made again, or defended"
    told = f"{len(gaps)} gaps: {_some(gaps)}" if gaps else f"{report['nodes']} nodes, each with what it was made from"
    verdict = Judgement.FAIL if gaps else Judgement.PASS
    return Told(verdict, told, float(len(gaps)), limit=limit, because=because)


def _nothing_altered(report: Report, limits: Gates) -> Told:
    del limits
    wrong = report["wrong"]
    limit, because = "every file there, of the hash that was noted", "what was changed by hand was tested by nobody"
    told = f"{len(wrong)} of {report['files']}: {_some(wrong)}" if wrong else f"all {report['files']} are"
    verdict = Judgement.FAIL if wrong or not report["files"] else Judgement.PASS
    return Told(verdict, told, float(len(wrong)), limit=limit, because=because)


def _same_in_the_tracker(report: Report, limits: Gates) -> Told:
    limit, worst, missing = limits.tracked_tolerance, report["worst"], report["missing"]
    words = f"each figure there, apart by at most {limit.value:g} of itself"
    if report["why"]:
        return Told(Judgement.FAIL, report["why"], None, None, None, words, limit.because)
    if missing or worst is None:
        told = f"the tracker lacks {len(missing)} of {report['figures']} figures: {_some(missing)}"
        return Told(Judgement.FAIL, told, None, None, None, words, limit.because)
    apart = worst["difference"]
    if apart is None or apart > limit.value:
        says = "no number" if worst["tracked"] is None else f"{worst['tracked']:.6g}"
        told = f"{worst['name']} is {worst['local']:.6g} in the reports and {says} in the tracker"
        return Told(Judgement.FAIL, told, apart, None, None, words, limit.because)
    return Told(Judgement.PASS, f"all {report['figures']} figures agree", apart, None, None, words, limit.because)


def _section(name: str, limit: str, because: str) -> Callable[[Report, Gates], Told]:
    """The verdict of one section of a report that judges by rules of its own, which it states."""

    def judge(report: Report, _limits: Gates) -> Told:
        section = report[name] if name else report
        return Told(Judgement(section["verdict"]), str(section["reason"]), limit=limit, because=because)

    return judge


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _policy(name: str, asks: str, limit: str, because: str) -> Gate:
    return Gate(name, asks, "policy_checks.json", name, _section(name, limit, because))


LINEAGE, ARTEFACTS, TRACKED = "data_lineage.json", "files of the model and its reports", "the tracker's run"
"""What `validate` looks at by itself, as it stands in `Evidence.looked` and in a gate's place."""

GATES: tuple[Gate, ...] = (
    Gate("lineage", "Is everything known that it was made from?", LINEAGE, "nodes", _nothing_missing,
         can_be_waived=False),
    Gate("artefacts", "Are all its files what their stages made?", ARTEFACTS, "", _nothing_altered,
         can_be_waived=False),
    Gate("tracked", "Does the tracker hold the same figures?", TRACKED, "", _same_in_the_tracker,
         can_be_waived=False),
    Gate("leaks", "Does any column know the outcome?", "leak_report.json", "columns", _no_suspects),
    Gate("auc_floor", "Does it rank well enough?", "test_metrics.json", "roc_auc", _ranks),
    Gate("auc_ceiling", "Does it rank too well to be true?", "test_metrics.json", "roc_auc", _not_too_well),
    Gate("brier", "Are its PDs better than the average?", "test_metrics.json", "brier_skill", _better_than_average),
    Gate("mean_pd", "Is the mean PD the default rate?", "calibration_report.json", "overall", _right_on_average),
    Gate("slope", "Are its PDs spread as the outcomes are?", "calibration_report.json", "overall, slope", _slope),
    Gate("grades", "Is the PD of each grade right?", "calibration_report.json", "by_grade, jeffreys", _grades),
    Gate("segments", "Are the PDs of each segment right?", "calibration_report.json", "by_segment", _segments),
    _policy("directions", "Does it keep the directions that policy prescribes?", "no counter-example",
            "a direction that the model may break explains nothing"),
    _policy("raw_directions", "Do raw inputs keep their directions?", "no exception that nobody answers for",
            "an applicant who earns more must not be told that it counted against them"),
    _policy("blanks", "Does leaving an input blank pay?", "no exception that nobody answers for",
            "who hides a fact must not be better off than who states it"),
    _policy("proxies", "Does any feature rebuild a prohibited attribute?", "AUC up to 0.9, unless released by name",
            "a feature that tells the attribute is the attribute"),
    _policy("never_worse", "Are older, pensioned and assisted applicants scored as well as the best treated?",
            "no exception", "12 CFR 1002.6(b)(2): age of 62 and over and assistance may not count against anybody"),
    Gate("fairness", "Are groups of applicants treated alike?", "fairness.json", "groups",
         _section("", "fairness.* of the book", "the limits and their reasons stand in fairness.json under limits")),
    Gate("stability", "Does it hold still from development to test?", "stability.json", "verdict",
         _section("", "stability.* of the book", "the limits and their reasons stand in stability.json under limits")),
    Gate("reasons_proved", "Has every decline a proved reason?", "reasons_report.json", "figures", _reasons_proved),
    Gate("reasons_principal", "Are its reasons the principal ones?", "reasons_report.json", "figures",
         _reasons_principal),
)  # fmt: skip
"""Every gate, in the order in which a reader meets them."""

__all__ = ["ARTEFACTS", "GATES", "LINEAGE", "TRACKED", "Evidence", "Gate", "Told", "judged", "overall"]
