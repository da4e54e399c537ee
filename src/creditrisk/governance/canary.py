"""May the candidate take the place of the model in production, by what both say of the same rows?

Each gate has a figure, its interval, a limit of the book's `canary:` with its reason, and one of three verdicts, as
the gates of a validation have; docs/canary.md tells them all. A gate may be waived under the name `canary_<gate>`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from creditrisk.config import Canary
from creditrisk.governance.judging import Told, interval, limit_in_words, within
from creditrisk.kinds import Judgement

type Figures = Mapping[str, Any]

COMPARABLE = "comparable"
"""The gate that asks whether there is anything to compare, and whether it can be."""


@dataclass(frozen=True, slots=True)
class CanaryGate:
    """asks: the question in a reader's words.  needs: which part of the report it reads."""

    name: str
    asks: str
    needs: str
    judge: Callable[[Figures, Canary], Told]


def comparable(verdict: Judgement, reason: str) -> dict[str, Any]:
    """The result of the first gate, which is all there is where two models cannot, or need not, be compared."""
    told = Told(
        verdict,
        reason,
        limit="both models decide the same rows",
        because="what cannot be compared with production cannot take its place unseen",
    )
    return _result(COMPARABLE, "Can it be compared with the model in production?", told)


def judged(report: Figures, limits: Canary) -> list[dict[str, Any]]:
    """Every gate's result for JSON. report: the parts pd, decisions, grades and, where labels exist, outcomes.

    Gates on outcomes are left out where there are none: the report says so.
    """
    gates = [gate for gate in CANARY_GATES if report[gate.needs] is not None]
    return [_result(gate.name, gate.asks, gate.judge(report, limits)) for gate in gates]


def waiver_name(gate: str) -> str:
    """Under which a gate of the canary is waived."""
    return f"canary_{gate}"


def _result(name: str, asks: str, told: Told) -> dict[str, Any]:
    return {"name": name, "asks": asks, **asdict(told), "verdict": told.verdict.value}


def _few_rows(report: Figures, limits: Canary) -> str:
    rows, least = int(report["reference"]["rows"]), limits.rows_min.value
    return f"{rows:,} rows; {least:g} are needed" if rows < least else ""


def _few_bads(report: Figures, limits: Canary) -> str:
    rows, bads = int(report["outcomes"]["rows"]), int(report["outcomes"]["bads"])
    least = limits.bads_min.value
    if min(bads, rows - bads) >= least:
        return ""
    return f"{bads:,} bads and {rows - bads:,} goods among {rows:,} rows; {least:g} of each are needed"


def _mean_pd(report: Figures, limits: Canary) -> Told:
    limit = limits.mean_pd_change_max
    what = (
        f"mean PD {report['candidate']['alone']['mean_pd']:.2%}, in production "
        f"{report['production']['alone']['mean_pd']:.2%}; apart by a share of their mean of"
    )
    few = _few_rows(report, limits)
    return within(interval(report["pd"]["mean"]), -limit.value, limit.value, few, what=what, because=limit.because)


def _quantiles(report: Figures, limits: Canary) -> Told:
    """The quantile that lies farthest apart decides."""
    limit, few = limits.quantile_change_max, _few_rows(report, limits)
    worst = max(report["pd"]["quantiles"], key=lambda one: abs(one["change"]["value"]))
    what = (
        f"at the {worst['share']:.0%} quantile the PD is {worst['candidate']:.2%}, in production "
        f"{worst['production']:.2%}; apart by a share of their mean of"
    )
    return within(interval(worst["change"]), -limit.value, limit.value, few, what=what, because=limit.because)


def _approval_rate(report: Figures, limits: Canary) -> Told:
    limit, few = limits.approval_change_max, _few_rows(report, limits)
    what = (
        f"{report['candidate']['alone']['approval_rate']['value']:.1%} approved, in production "
        f"{report['production']['alone']['approval_rate']['value']:.1%}; apart by"
    )
    apart = interval(report["decisions"]["approval_rate"])
    return within(apart, -limit.value, limit.value, few, what=what, because=limit.because)


def _flips(report: Figures, limits: Canary) -> Told:
    limit, few, decisions = limits.decisions_flipped_max, _few_rows(report, limits), report["decisions"]
    what = (
        f"{decisions['flipped']['rows']:,} decided otherwise ({decisions['newly_declined']:,} newly declined, "
        f"{decisions['newly_approved']:,} newly approved), a share of"
    )
    return within(interval(decisions["flipped"]), None, limit.value, few, what=what, because=limit.because)


def _grades(report: Figures, limits: Canary) -> Told:
    limit, grades = limits.grades_moved_max, report["grades"]
    if not grades["same_scale"]:
        told = (
            "the two models have other grades, so no step between them can be counted; the table tells who goes where"
        )
        words = limit_in_words(None, limit.value)
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, told, limit=words, because=limit.because)
    what = f"{grades['better']:,} get a better grade, {grades['worse']:,} a worse one; by two or more a share of"
    few = _few_rows(report, limits)
    return within(interval(grades["moved_by_two"]), None, limit.value, few, what=what, because=limit.because)


def _auc(report: Figures, limits: Canary) -> Told:
    return _no_worse(report, limits, "auc", limits.auc_fall_max.value, limits.auc_fall_max.because, "AUC apart by")


def _brier(report: Figures, limits: Canary) -> Told:
    limit = limits.brier_skill_fall_max
    return _no_worse(report, limits, "brier_skill", limit.value, limit.because, "Brier skill apart by")


def _no_worse(report: Figures, limits: Canary, name: str, most: float, because: str, what: str) -> Told:
    """A figure of which more is better may fall by so much."""
    if report["outcomes"][name] is None:
        why = f"no figure: {report['outcomes']['notes'][name]}"
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, why, limit=limit_in_words(-most, None), because=because)
    figure = interval(report["outcomes"][name])
    return within(figure, -most, None, _few_bads(report, limits), what=what, because=because)


def _grade_rates(report: Figures, limits: Canary) -> Told:
    """Every grade that has rows enough under both; a grade fails where its whole interval lies outside."""
    limit = limits.grade_default_rate_change_max
    words = limit_in_words(-limit.value, limit.value)
    few = _few_bads(report, limits)
    if few:
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, few, limit=words, because=limit.because)
    told = {row["grade"]: interval(row["difference"]) for row in report["outcomes"]["grades"] if row["difference"]}
    if not told:
        why = "no grade has rows under both models"
        return Told(Judgement.NOT_ENOUGH_EVIDENCE, why, limit=words, because=limit.because)

    def beyond(grade: str) -> float:
        """How far the near end of the interval lies outside; below 0 = it reaches in."""
        _, low, high = told[grade]
        return max(low - limit.value, -limit.value - high)

    worst = max(told, key=lambda grade: (beyond(grade), abs(told[grade][0])))
    value, low, high = told[worst]
    says = f"grade {worst}: default rate apart by {value:.3f}, interval {low:.3f} to {high:.3f}"
    if beyond(worst) > 0.0:
        return Told(Judgement.FAIL, says, value, low, high, words, limit.because)
    farther = [grade for grade, (apart, _, _) in told.items() if abs(apart) > limit.value]
    more = f"; as far as chance brings: {', '.join(farther)}" if farther else ""
    return Told(Judgement.PASS, f"{says}, which is the farthest of {len(told)}{more}", value, low, high, words,
                limit.because)  # fmt: skip


CANARY_GATES: Sequence[CanaryGate] = (
    CanaryGate("mean_pd", "Is the mean PD still the same?", "pd", _mean_pd),
    CanaryGate("pd_quantiles", "Are the PDs spread as before?", "pd", _quantiles),
    CanaryGate("approval_rate", "Are as many approved as before?", "decisions", _approval_rate),
    CanaryGate("decisions_flipped", "How many are decided otherwise?", "decisions", _flips),
    CanaryGate("grades_moved", "How many move by two grades or more?", "grades", _grades),
    CanaryGate("auc", "Does it rank at least as well?", "outcomes", _auc),
    CanaryGate("brier", "Are its PDs at least as good?", "outcomes", _brier),
    CanaryGate("grade_default_rates", "Do the grades still mean what they meant?", "outcomes", _grade_rates),
)
"""In the order in which a reader meets them, after `comparable`."""
