"""monitoring.html: how the model in use does, on one page that opens from a file and prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from creditrisk.pages.drift import answers_drawn, heat_map
from creditrisk.pages.environment import environment
from creditrisk.pages.formats import as_number, interval_of

WIDTH, HEIGHT, LEFT, BOTTOM = 640.0, 320.0, 56.0, 40.0
"""Of a drawing, in its own units; LEFT and BOTTOM are kept for the numbers of the axes."""
MOST_CURVES = 24
"""Vintages that are drawn, the youngest; the table beside has all."""
AT_MONTHS = (3, 6, 12, 18, 24, 36)

type Report = Mapping[str, Any]


def render_monitoring(
    title: str,
    model: Mapping[str, Any],
    *,
    drift: Report | None,
    outcomes: Report | None,
    alarms: Report | None,
    left_out: Sequence[str] = (),
) -> str:
    """The page as HTML text. Same reports, same bytes.

    title: the book's.  model: {name, version, alias, bundle_sha256}.  drift, outcomes, alarms: production_drift_report,
    outcomes_report and alarms of this model; None where nothing was counted yet.  left_out: why a report is not here.
    """
    told = [report for report in (drift, outcomes, alarms) if report is not None]
    view = {
        "title": title,
        "model": model,
        "invented": any(report["invented_data"] for report in told),
        "made_at": max((str(report["meta"]["created_at"]) for report in told), default=""),
        "code_version": told[0]["code_version"] if told else "",
        "left_out": list(left_out),
        "drift": drift,
        "map": None if drift is None else heat_map(drift),
        "answers": [] if drift is None else answers_drawn(drift),
        "outcomes": outcomes,
        "calibration": None if outcomes is None else calibration_drawn(outcomes),
        "curves": None if outcomes is None else curves_drawn(outcomes),
        "at_months": AT_MONTHS,
        "waiting": [] if outcomes is None else [row for row in outcomes["vintages"] if row["why_not"]],
        "alarms": alarms,
        "verdicts": {"pass": "pass", "fail": "MOVED", "not_enough_evidence": "cannot tell"},
    }
    return environment().get_template("monitoring.html.j2").render(view)


def calibration_drawn(outcomes: Report) -> dict[str, Any] | None:
    """Default rate by grade against the mean PD, now and at development, as places in the drawing.

    None where no outcome can be judged.
    """
    points = []
    for row in outcomes["grades"] or ():
        for when, of, rate in _now_and_then(row):
            promised, seen = as_number(of.get("mean_pd")), as_number(rate)
            if promised is not None and seen is not None:
                points.append((row["grade"], when, promised, seen, interval_of(rate) or (seen, seen)))
    if not points:
        return None
    top = _round_up(max(max(promised, high) for _, _, promised, _, (_, high) in points))
    return {
        **_frame(top, top),
        "points": [
            {
                "grade": grade,
                "when": when,
                "x": _across(promised, top),
                "y": _up(seen, top),
                "low": _up(low, top),
                "high": _up(high, top),
                "promised": promised,
                "seen": seen,
            }
            for grade, when, promised, seen, (low, high) in points
        ],
        "diagonal": (_across(0.0, top), _up(0.0, top), _across(top, top), _up(top, top)),
    }


def _now_and_then(row: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any], Any]]:
    then = row["development"]
    before = [] if then is None else [("then", then, then.get("observed"))]
    return [*before, ("now", row, row["default_rate"])]


def curves_drawn(outcomes: Report) -> dict[str, Any] | None:
    """Share of each vintage's loans that was bad by so many months on book; None where none can be told."""
    told = [curve for curve in outcomes["vintage_curves"] if curve["bad_share"]]
    if not told:
        return None
    drawn = told[-MOST_CURVES:]
    longest = max(len(curve["bad_share"]) for curve in drawn)
    top = _round_up(max(max(curve["bad_share"]) for curve in drawn) or 0.01)
    return {
        **_frame(float(longest), top, months=True),
        "lines": [
            {
                "vintage": curve["vintage"],
                "points": " ".join(
                    f"{_across(month, longest):.1f},{_up(share, top):.1f}"
                    for month, share in enumerate([0.0, *curve["bad_share"]])
                ),
                "age": place / max(len(drawn) - 1, 1),
            }
            for place, curve in enumerate(drawn)
        ],
        "drawn": len(drawn),
        "rows": [
            {
                "vintage": curve["vintage"],
                "loans": curve["loans"],
                "months": len(curve["bad_share"]),
                "at": [_at(curve["bad_share"], month) for month in AT_MONTHS],
            }
            for curve in outcomes["vintage_curves"]
        ],
    }


def _at(shares: Sequence[float], month: int) -> float | None:
    return shares[month - 1] if len(shares) >= month else None


def _frame(right: float, top: float, *, months: bool = False) -> dict[str, Any]:
    """Size of a drawing and the numbers at its axes."""
    steps = [part / 4 for part in range(5)]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "floor": HEIGHT - BOTTOM,
        "across": [{"at": _across(right * step, right), "value": right * step, "months": months} for step in steps],
        "up": [{"at": _up(top * step, top), "value": top * step} for step in steps],
    }


def _across(value: float, right: float) -> float:
    return LEFT + (WIDTH - LEFT - 24.0) * (value / right if right else 0.0)


def _up(value: float, top: float) -> float:
    floor = HEIGHT - BOTTOM
    return floor - (floor - 12.0) * (min(value, top) / top if top else 0.0)


def _round_up(share: float) -> float:
    """The next of 1, 2, 4, 5, 8 in its power of ten, so that a quarter of it reads well."""
    power = 1.0
    while power > share:
        power /= 10.0
    return next((power * step for step in (1, 2, 4, 5, 8) if power * step >= share), power * 10.0)
