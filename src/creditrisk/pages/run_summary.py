"""One run on one page: a single HTML file that can be mailed, opened without a network, and printed."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from creditrisk.pages import formats, story
from creditrisk.pages.context import RunContext
from creditrisk.pages.environment import environment
from creditrisk.pages.formats import as_number, share_of
from creditrisk.pages.lineage_picture import picture

PLOTS = {
    "roc": "Receiver operating characteristic",
    "precision_recall": "Precision and recall",
    "calibration": "Calibration",
    "calibration_by_segment": "Calibration by segment",
    "score_distribution": "Score by outcome",
    "gains": "Gains and lift",
    "pd_histogram": "Spread of the PDs",
    "cut_offs": "Cut-offs",
    "psi": "What has moved",
    "importance": "Strongest features",
}
"""The plots that the page knows, in the order in which they are read: name of the PNG -> title."""

_SEVERITIES = ("refuse", "quarantine", "warn")
_CUT_OFFS = {
    "decline_from_pd": "Decline from a PD of",
    "refer_from_pd": "Refer to a person from a PD of",
    "refer_from_share_of_cut_off": "Referral begins at this share of the decline cut-off",
    "cost_of_bad": "Loss on an approved loan that turns bad",
    "cost_of_refused_good": "Profit missed on a good loan that was declined",
}
_BARRED = {
    "prohibited": "Prohibited",
    "rebuilders": "Rebuilds a prohibited one",
    "restricted": "Restricted",
}
_MOST_FINDINGS = 40
_MOST_FEATURES = 25


def render_run_summary(context: RunContext, plots: Mapping[str, bytes] | None = None) -> str:
    """The page as HTML text. Same input, same bytes.

    context: what the reports say; every part but `book` may be missing.
    plots: PNG bytes by name (see PLOTS; `read_plots` gathers them), drawn into the page.
    """
    view = {
        "invented": bool(context.get("invented", False)),
        "checks_off": list(context.get("checks_off", ())),
        "leaks_released": list(context.get("leaks_released", ())),
        "context": {name: context.get(name, {}) for name in RunContext.__annotations__},
        "metrics": context.get("metrics", {}),
        "sentences": story.in_plain_words(context),
        "cautions": story.cautions(context),
        "validation": context.get("validation", {}),
        "waivers": context.get("waivers", ()),
        "metric_rows": _metric_rows(context.get("metrics", {})),
        "plots": _pictures(plots or {}, context.get("metrics", {})),
        "parts": _parts(context),
        "total_rows": _total_rows(context),
        "grade_tables": _grade_tables(context.get("metrics", {})),
        "importance": _importance(context),
        "cut_offs": _cut_offs(context.get("decision", {})),
        "barred": _barred(context.get("policy", {})),
        "findings": _findings(context),
        "document_page": context.get("document_page", ""),
        "findings_page": context.get("findings_page", ""),
        "drawn": picture(context.get("lineage", {}).get("nodes", {})),
        "ages": _ages(context.get("freshness", {})),
        "stages": _stages(context),
    }
    return environment().get_template("run_summary.html.j2").render(view)


def read_plots(folder: Path) -> dict[str, bytes]:
    """The PNGs of an evaluation's folder that the page knows; those that are not there are left out."""
    return {name: (folder / f"{name}.png").read_bytes() for name in PLOTS if (folder / f"{name}.png").is_file()}


def _pictures(plots: Mapping[str, bytes], metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "title": title,
            "aid": story.reading_aid(name, metrics),
            # base64 holds no character that HTML could read as markup
            "source": Markup("data:image/png;base64," + base64.b64encode(plots[name]).decode("ascii")),
        }
        for name, title in PLOTS.items()
        if name in plots
    ]


def _metric_rows(metrics: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"words": words, "says": says, **_spelt(metrics[name], spelling)}
        for name, words, spelling, says in story.METRICS
        if name in metrics
    ]


def _spelt(value: Any, spelling: str) -> dict[str, str]:
    if spelling == "percent":
        return {"value": formats.percent(value, 2), "interval": formats.interval(value, 2, as_percent=True)}
    places = 4 if spelling == "four" else 3
    return {"value": formats.decimals(value, places), "interval": formats.interval(value, places)}


def _parts(context: RunContext) -> list[dict[str, Any]]:
    total = _total_rows(context)
    return [
        {
            "part": part.get("part"),
            "rows": part.get("rows"),
            "bads": part.get("bads"),
            "rate": share_of(part.get("bads"), part.get("rows")),
            "share": share_of(part.get("rows"), total),
            "window": " to ".join(str(end) for end in (part.get("first"), part.get("last")) if end),
        }
        for part in context.get("split", {}).get("parts", ())
    ]


def _total_rows(context: RunContext) -> float | None:
    """Of all parts together; of the test part where the split is not told; None where nothing is."""
    parts = context.get("split", {}).get("parts", ())
    if not parts:
        return as_number(context.get("metrics", {}).get("n"))
    return sum(as_number(part.get("rows")) or 0.0 for part in parts)


def _grade_tables(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The test part's table first and open; the other parts, and the vintages, in one folded table each."""
    tables = [{"title": "Test part", "group": "", "rows": list(metrics.get("grades") or ())}]
    for name, title, group in (("grades_by_part", "By part", "Part"), ("grades_by_vintage", "By vintage", "Vintage")):
        rows = [{"group": key, **row} for key, of_group in (metrics.get(name) or {}).items() for row in of_group]
        tables.append({"title": title, "group": group, "rows": rows})
    return [table for table in tables if table["rows"]]


def _importance(context: RunContext) -> list[dict[str, Any]]:
    rows = list(context.get("importance", ()))[:_MOST_FEATURES]
    largest = max((as_number(row.get("share")) or 0.0 for row in rows), default=0.0)
    return [{**row, "bar": _bar(share_of(row.get("share"), largest))} for row in rows]


def _cut_offs(decision: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name, words in _CUT_OFFS.items():
        number = decision.get(name)
        if number is not None:
            told = number if isinstance(number, Mapping) else {}
            value = formats.percent(number, 2) if name.endswith("_pd") else formats.decimals(number, 2)
            rows.append({"words": words, "value": value, "because": told.get("because"), "owner": told.get("owner")})
    return rows


def _barred(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"kind": words, **row} for name, words in _BARRED.items() for row in policy.get(name) or ()]


def _findings(context: RunContext) -> dict[str, Any]:
    """Worst first, bounded; `counts` by severity says how many there are in all."""
    findings: Sequence[Mapping[str, Any]] = list(context.get("findings", ()))
    known = {severity: place for place, severity in enumerate(_SEVERITIES)}
    ordered = sorted(findings, key=lambda finding: known.get(str(finding.get("severity")), len(known)))
    return {
        "told": "findings" in context,
        "total": len(findings),
        "counts": {severity: sum(f.get("severity") == severity for f in findings) for severity in _SEVERITIES},
        "rows": [{**finding, "where": _where(finding)} for finding in ordered[:_MOST_FINDINGS]],
        "left_out": max(len(findings) - _MOST_FINDINGS, 0),
    }


def _where(finding: Mapping[str, Any]) -> str:
    place = str(finding.get("file") or finding.get("table") or "")
    if finding.get("line") is not None:
        place += f", line {finding['line']}"
    return place + (f", column {finding['column']}" if finding.get("column") else "")


def _ages(freshness: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a table, as old as it was when the report was written."""
    told = freshness.get("meta", {})
    tables = told.get("tables", {}) if isinstance(told, Mapping) else {}
    return [{"table": name, **of} for name, of in tables.items() if isinstance(of, Mapping)]


def _stages(context: RunContext) -> dict[str, Any]:
    stages = list(context.get("stages", ()))
    longest = max((as_number(stage.get("seconds")) or 0.0 for stage in stages), default=0.0)
    return {
        "rows": [{**stage, "bar": _bar(share_of(stage.get("seconds"), longest))} for stage in stages],
        "total": sum(as_number(stage.get("seconds")) or 0.0 for stage in stages),
    }


def _bar(share: float | None) -> str:
    """Width of a bar as CSS; always a bounded number, never a report's own text."""
    return f"{100 * (share or 0.0):.1f}"
