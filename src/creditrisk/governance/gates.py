"""May this model be used? Each gate reads one report and says pass, fail, or that these rows cannot tell.

Gates fail closed: a report that is missing, altered, of another model or without the figure is a fail with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from creditrisk.config import Gates
from creditrisk.kinds import Judgement

type Report = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """What a validation may rest on, by file name: reports that can be believed, and why the others cannot."""

    reports: Mapping[str, Report]
    problems: Mapping[str, str]

    def problem(self, name: str) -> str:
        """Why the report may not be believed; "" when it may."""
        return self.problems.get(name, "") or ("" if name in self.reports else f"{name} is missing")


@dataclass(frozen=True, slots=True)
class Told:
    """What one gate found. limit: as it reads, e.g. "at least 0.6"; because: why it stands where it stands."""

    verdict: Judgement
    reason: str
    figure: float | None = None
    low: float | None = None
    high: float | None = None
    limit: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """asks: the question in a reader's words.  report: the one that answers it.  place: where in it."""

    name: str
    asks: str
    report: str
    place: str
    judge: Callable[[Report, Gates], Told]


def judged(gates: Sequence[Gate], evidence: Evidence, limits: Gates) -> list[dict[str, Any]]:
    """Every gate's result for JSON, in the order of the table."""
    return [_result(gate, evidence, limits) for gate in gates]


def overall(results: Sequence[Mapping[str, Any]]) -> Judgement:
    """The worst: a fail, else not enough evidence, else a pass. No gates at all are a fail."""
    verdicts = {result["verdict"] for result in results}
    for verdict in (Judgement.FAIL, Judgement.NOT_ENOUGH_EVIDENCE):
        if verdict in verdicts:
            return verdict
    return Judgement.PASS if verdicts else Judgement.FAIL


def _result(gate: Gate, evidence: Evidence, limits: Gates) -> dict[str, Any]:
    problem = evidence.problem(gate.report)
    told = Told(Judgement.FAIL, problem) if problem else _judged_safely(gate, evidence.reports[gate.report], limits)
    place = f"{gate.report}: {gate.place}" if gate.place else gate.report
    return {"name": gate.name, "asks": gate.asks, **asdict(told), "verdict": told.verdict.value, "place": place}


def _judged_safely(gate: Gate, report: Report, limits: Gates) -> Told:
    try:
        told = gate.judge(report, limits)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ZeroDivisionError) as error:
        detail = f"{type(error).__name__}: {error}"[:120]
        return Told(Judgement.FAIL, f"{gate.report} does not hold what the gate reads at {gate.place} ({detail})")
    figures = (told.figure, told.low, told.high)
    if any(figure is not None and not math.isfinite(figure) for figure in figures):
        return Told(Judgement.FAIL, f"{gate.report} holds a figure at {gate.place} that is no number", limit=told.limit)
    return told


# --- reading a report -------------------------------------------------------------------------------------------------


def _interval(value: Any) -> tuple[float, float, float]:
    """(value, low, high). Raises TypeError, KeyError where there is no interval."""
    return float(value["value"]), float(value["low"]), float(value["high"])


def _few(report: Report, limits: Gates) -> str:
    """Why these rows cannot judge a figure; "" when they can."""
    rows = int(report["n"])
    rate = report["default_rate"]
    bads = round(rows * float(rate["value"] if isinstance(rate, Mapping) else rate))
    counts = f"{bads:,} bads and {rows - bads:,} goods among {rows:,} rows"
    return (
        f"{counts}; {limits.bads_min.value:g} of each are needed"
        if min(bads, rows - bads) < limits.bads_min.value
        else ""
    )


def _no_figure(report: Report, name: str) -> str:
    return f"no figure: {report.get('notes', {}).get(name, 'the report gives no reason')}"


def _within(
    figure: tuple[float, float, float],
    lowest: float | None,
    highest: float | None,
    few: str,
    *,
    what: str,
    because: str,
) -> Told:
    """Pass inside the limits, fail when the whole interval lies outside, else the rows cannot tell."""
    value, low, high = figure
    floor, ceiling = (-math.inf if lowest is None else lowest), (math.inf if highest is None else highest)
    limit = _limit_in_words(lowest, highest)
    says = f"{what} {value:.3f}, interval {low:.3f} to {high:.3f}"
    if few:
        verdict, says = Judgement.NOT_ENOUGH_EVIDENCE, f"{says}: {few}"
    elif floor <= value <= ceiling:
        verdict = Judgement.PASS
    elif high < floor or low > ceiling:
        verdict = Judgement.FAIL
    else:
        verdict, says = Judgement.NOT_ENOUGH_EVIDENCE, f"{says}: outside the limit, yet the interval reaches into it"
    return Told(verdict, says, value, low, high, limit, because)


def _limit_in_words(lowest: float | None, highest: float | None) -> str:
    if lowest is not None and highest is not None:
        return f"{lowest:g} to {highest:g}"
    return f"at least {lowest:g}" if lowest is not None else f"at most {highest:g}"


# --- the gates --------------------------------------------------------------------------------------------------------


def _ranks(report: Report, limits: Gates) -> Told:
    if report["roc_auc"] is None:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, _no_figure(report, "roc_auc"))
    few, limit = _few(report, limits), limits.auc_min
    return _within(_interval(report["roc_auc"]), limit.value, None, few, what="AUC", because=limit.because)


def _not_too_well(report: Report, limits: Gates) -> Told:
    """A leak is suspected from the figure alone: no interval excuses it."""
    if report["roc_auc"] is None:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, _no_figure(report, "roc_auc"))
    limit, (value, low, high) = limits.auc_max, _interval(report["roc_auc"])
    few, words = _few(report, limits), _limit_in_words(None, limit.value)
    if few:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, f"AUC {value:.3f}: {few}", value, low, high, words, limit.because)
    if value > limit.value:
        told = f"AUC {value:.3f} is too good to be true: look for a column that knows the outcome"
        return Told(Judgement.FAIL, told, value, low, high, words, limit.because)
    return Told(Judgement.PASS, f"AUC {value:.3f}", value, low, high, words, limit.because)


def _better_than_average(report: Report, limits: Gates) -> Told:
    """The whole interval must lie above: better by chance is not better."""
    if report["brier_skill"] is None:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, _no_figure(report, "brier_skill"))
    limit, (value, low, high) = limits.brier_skill_min, _interval(report["brier_skill"])
    few = _few(report, limits)
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
    if report["default_rate"] is None:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, _no_figure(report, "default_rate"))
    few, limit = _few(report, limits), limits.mean_pd_tolerance
    rate, low, high = _interval(report["default_rate"])
    mean = report["mean_pd"]
    mean = float(mean["value"] if isinstance(mean, Mapping) else mean)
    if rate <= 0 or low <= 0:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, f"no bads to compare a mean PD of {mean:.2%} with: {few}")
    figure = (mean / rate, mean / high, mean / low)
    what = f"mean PD {mean:.2%}, default rate {rate:.2%}; their ratio"
    return _within(figure, 1 - limit.value, 1 + limit.value, few, what=what, because=limit.because)


def _slope(report: Report, limits: Gates) -> Told:
    if report["calibration_slope"] is None:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, _no_figure(report, "calibration_slope"))
    return _slope_within(report["calibration_slope"], _few(report, limits), limits)


def _slope_within(slope: Any, few: str, limits: Gates) -> Told:
    lowest, highest = limits.slope_min, limits.slope_max
    because = f"{lowest.because}; {highest.because}"
    return _within(_interval(slope), lowest.value, highest.value, few, what="slope", because=because)


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


GATES: tuple[Gate, ...] = (
    Gate("leaks", "Does any column know the outcome?", "leak_report.json", "columns", _no_suspects),
    Gate("auc_floor", "Does it rank well enough?", "test_metrics.json", "roc_auc", _ranks),
    Gate("auc_ceiling", "Does it rank too well to be true?", "test_metrics.json", "roc_auc", _not_too_well),
    Gate("brier", "Are its PDs better than the average?", "test_metrics.json", "brier_skill", _better_than_average),
    Gate("mean_pd", "Is the mean PD the default rate?", "test_metrics.json", "mean_pd", _right_on_average),
    Gate("slope", "Are its PDs spread as the outcomes are?", "test_metrics.json", "calibration_slope", _slope),
    _policy("directions", "Do its trees keep the directions that policy prescribes?", "no counter-example",
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
)  # fmt: skip
"""Every gate, in the order in which a reader meets them."""
