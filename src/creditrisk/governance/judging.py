"""How a gate is judged: on reports that can be believed, by limits with a reason, in three words.

Gates fail closed: a report that is missing, altered, of another model or without the figure is a fail with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from creditrisk.config import Gates
from creditrisk.kinds import Judgement

type Report = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """What a validation may rest on, by file name: reports that can be believed, and why the others cannot.

    looked: what `validate` looked at by itself, by the name under which gates ask for it.
    """

    reports: Mapping[str, Report]
    problems: Mapping[str, str]
    looked: Mapping[str, Report] = field(default_factory=dict)

    def problem(self, name: str) -> str:
        """Why the report may not be believed; "" when it may."""
        return self.problems.get(name, "") or ("" if self.report(name) is not None else f"{name} is missing")

    def report(self, name: str) -> Report | None:
        return self.reports.get(name, self.looked.get(name))


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
    """asks: the question in a reader's words.  report: the one that answers it.  place: where in it.

    can_be_waived: not where nobody could know what they would answer for.
    """

    name: str
    asks: str
    report: str
    place: str
    judge: Callable[[Report, Gates], Told]
    can_be_waived: bool = True


def judged(gates: Sequence[Gate], evidence: Evidence, limits: Gates) -> list[dict[str, Any]]:
    """Every gate's result for JSON: first whether the reports can be believed at all, then the table in its order."""
    return [_believed(evidence), *(_result(gate, evidence, limits) for gate in gates)]


def overall(results: Sequence[Mapping[str, Any]]) -> Judgement:
    """The worst: a fail, else not enough evidence, else a pass. No gates at all are a fail."""
    verdicts = {result["verdict"] for result in results}
    for verdict in (Judgement.FAIL, Judgement.NOT_ENOUGH_EVIDENCE):
        if verdict in verdicts:
            return verdict
    return Judgement.PASS if verdicts else Judgement.FAIL


def _believed(evidence: Evidence) -> dict[str, Any]:
    """Also of the reports that no other gate rests on: what a model was made from is part of the evidence."""
    told = "; ".join(f"{name}: {why}" for name, why in sorted(evidence.problems.items()))
    return {
        "name": "reports",
        "asks": "Can every report be believed?",
        **asdict(
            Told(
                Judgement.FAIL if told else Judgement.PASS,
                told or f"all {len(evidence.reports)} are there, of this model, unaltered and finite",
                float(len(evidence.problems)),
                limit="no report missing, altered, of another model, or with a number that is none",
                because="a verdict on evidence that was changed is none",
            )
        ),
        "verdict": (Judgement.FAIL if told else Judgement.PASS).value,
        "place": "data_lineage.json: nodes",
        "can_be_waived": False,
    }


def _result(gate: Gate, evidence: Evidence, limits: Gates) -> dict[str, Any]:
    problem, report = evidence.problem(gate.report), evidence.report(gate.report)
    told = Told(Judgement.FAIL, problem) if problem or report is None else _judged_safely(gate, report, limits)
    place = f"{gate.report}: {gate.place}" if gate.place else gate.report
    return {
        "name": gate.name,
        "asks": gate.asks,
        **asdict(told),
        "verdict": told.verdict.value,
        "place": place,
        "can_be_waived": gate.can_be_waived,
    }


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


def interval(value: Any) -> tuple[float, float, float]:
    """(value, low, high). Raises TypeError, KeyError where there is no interval."""
    return float(value["value"]), float(value["low"]), float(value["high"])


def too_few(report: Report, limits: Gates) -> str:
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


def no_figure(report: Report, name: str) -> str:
    return f"no figure: {report.get('notes', {}).get(name, 'the report gives no reason')}"


def within(
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
    limit = limit_in_words(lowest, highest)
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


def limit_in_words(lowest: float | None, highest: float | None) -> str:
    if lowest is not None and highest is not None:
        return f"{lowest:g} to {highest:g}"
    return f"at least {lowest:g}" if lowest is not None else f"at most {highest:g}"
