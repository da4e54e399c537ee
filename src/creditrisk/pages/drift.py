"""drift_report.json and production_drift_report.json as a page and as the terminal shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creditrisk.monitoring.drift import is_judged
from creditrisk.pages.environment import environment
from creditrisk.pages.formats import count, decimals, percent
from creditrisk.pages.terminal import verdict_in_words

MOST_ON_MAP = 40
"""Columns on the heat map: the answers and the features that weigh most."""
MOST_DRAWN = 12
"""Features drawn then and now: those that moved, then those that weigh most."""
MOST_IN_TERMINAL = 12
WORTH_TELLING = 0.005
"""A share of rows; fewer are in the figures, and make no sentence."""

_STYLES = {"pass": "green", "fail": "bold red", "not_enough_evidence": "bold yellow"}
_WORDS = {"pass": "pass", "fail": "MOVED", "not_enough_evidence": "cannot tell"}
_NAMES = {"score": "Score", "pd": "PD", "grade": "Grade", "decision": "Decision"}

type Row = Mapping[str, Any]


def render_drift(report: Mapping[str, Any], title: str) -> str:
    """The page as HTML text. title: the book's, for people."""
    rows: Sequence[Row] = [{**row, "says": says(row), "label": _label(row)} for row in report["columns"]]
    features = [row for row in rows if row["what"] == "feature"]
    moved = [row for row in rows if row["verdict"] == "fail"]
    counts = [is_judged(row) for row in moved]
    view = {
        "title": title,
        "report": report,
        "verdicts": _WORDS,
        "moved": [row for row, judged in zip(moved, counts, strict=True) if judged],
        "also_moved": [row for row, judged in zip(moved, counts, strict=True) if not judged],
        "answers": answers_drawn(report),
        "features": [row for row in features if is_judged(row)],
        "unused": [row for row in features if not is_judged(row)],
        "raw": [row for row in rows if row["what"] == "raw"],
        "drawn": [{**row, "drawn": _drawn(row)} for row in _worth_drawing(features)],
        "map": heat_map(report),
        "latest": next((one for one in reversed(report["periods"]) if one["rows"]), None),
        "page": "production_drift_report" if "alias" in report else "drift_report",
    }
    return environment().get_template("drift.html.j2").render(view)


def says(row: Row) -> str:
    """What changed, in a sentence; "" where nothing is known."""
    told = []
    if row["psi"] is None:
        return str(row["reason"])
    before, now = row["missing_before"], row["missing_now"]
    if before is not None and now is not None and abs(now - before) > WORTH_TELLING:
        told.append(f"missing {percent(before)} before, {percent(now)} now")
    if row["new_words_now"] is not None and row["new_words_now"] > row["new_words_before"]:
        told.append(f"words not seen before in {percent(row['new_words_now'], 2)} of the rows")
    for side, limit, end in (("below", "low", "lowest"), ("above", "high", "highest")):
        beyond = row[f"rows_{side}"]
        if beyond is not None and beyond > WORTH_TELLING * row["actual_rows"]:
            share = percent(beyond / row["actual_rows"])
            told.append(f"{share} {side} {_short(row[limit])}, the {end} at development")
    if row["wasserstein_in_spreads"] is not None and row["wasserstein_in_spreads"] >= 0.05:
        told.append(f"carried by {decimals(row['wasserstein_in_spreads'], 2)} standard deviations")
    return "; ".join(told)


def _label(row: Row) -> str:
    return str(_NAMES.get(row["column"], row["name"]))


def _worth_drawing(features: Sequence[Row]) -> list[Row]:
    """In the order of the report."""
    first = sorted(range(len(features)), key=lambda place: (features[place]["verdict"] != "fail", place))
    return [features[place] for place in sorted(first[:MOST_DRAWN])]


def _drawn(row: Row) -> list[dict[str, Any]] | None:
    """Bars of each bin then and now, heights in [0, 100]; None where there is nothing to draw."""
    before, now = row["bins"]["before"], row["bins"]["now"]
    if not sum(before) or not sum(now):
        return None
    shares = [(then / sum(before), today / sum(now)) for then, today in zip(before, now, strict=True)]
    top = max(max(pair) for pair in shares)
    labels = _bin_labels(row["bins"])
    return [
        {"label": label, "then": 100 * then / top, "now": 100 * today / top, "shares": (then, today)}
        for label, (then, today) in zip(labels, shares, strict=True)
        if then or today
    ]


def _bin_labels(bins: Mapping[str, Any]) -> list[str]:
    if "words" in bins:
        return [*bins["words"], "not seen before", "missing"]
    edges = [_short(edge) for edge in bins["edges"]]
    if not edges:
        return ["any", "missing"]
    between = [f"{low} to {high}" for low, high in pairwise(edges)]
    return [f"below {edges[0]}", *between, f"{edges[-1]} and above", "missing"]


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def answers_drawn(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Score, PD, grade and decision then and now, as bars."""
    answers = [row for row in report["columns"] if row["what"] == "answer"]
    return [{**row, "label": _label(row), "drawn": _drawn(row)} for row in answers]


def heat_map(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """PSI by column and period, each with the shade of its size; None with one period."""
    rows: Sequence[Row] = [row for row in report["columns"] if is_judged(row)][:MOST_ON_MAP]
    if len(report["periods"]) < 2:
        return None
    return {
        "periods": report["periods"],
        "rows": [
            {
                "label": _label(row),
                "importance": row["importance"],
                "cells": [
                    {"psi": psi, "shade": _shade(psi, verdict), "moved": verdict == "fail"}
                    for psi, verdict in zip(row["by_period"]["psi"], row["by_period"]["verdict"], strict=True)
                ],
            }
            for row in rows
        ],
    }


def _shade(psi: float | None, verdict: str | None) -> str:
    """By size; pale where chance alone may bring so much."""
    if psi is None or verdict == "not_enough_evidence":
        return "none"
    return "calm" if psi < 0.1 else "some" if psi < 0.25 else "much"


def drift_tables(report: Mapping[str, Any]) -> RenderableType:
    """Texts from the report are shown as they are: nothing in them is read as markup."""
    parts: list[RenderableType] = [drift_head(report)]
    if len(report["periods"]) > 1:
        parts.append(_periods(report["periods"]))
    parts.append(_columns(report))
    for found in report["findings"]:
        where = f"{found['table']}{', ' + found['column'] if found['column'] else ''}"
        rows = f" ({count(found['rows'])} rows)" if found["rows"] else ""
        parts.append(Text(f"{found['rule']}: {where}: {found['what']}{rows}", style="yellow"))
    return Group(*parts)


def drift_head(report: Mapping[str, Any]) -> Text:
    compared = report["compared"]
    text = Text(f"{report['book']}: {compared['now']} against the {compared['before']}: ", style="bold")
    text.append(verdict_in_words(report["verdict"]), style=_STYLES[report["verdict"]])
    text.append(f"\n{report['reason']}; {count(report['rows']['now'])} rows against {count(report['rows']['before'])}")
    return text


def _periods(periods: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("period", no_wrap=True)
    table.add_column("rows", justify="right")
    table.add_column("verdict", no_wrap=True)
    table.add_column("moved", overflow="fold")
    for period in periods:
        verdict = period["verdict"]
        words = Text("–" if verdict is None else _WORDS[verdict], style=_STYLES.get(verdict or "", ""))
        moved = ", ".join(name.partition(":")[2] or name for name in period["moved"][:5])
        more = f" and {len(period['moved']) - 5} more" if len(period["moved"]) > 5 else ""
        table.add_row(Text(period["period"]), count(period["rows"]), words, Text(period["reason"] or moved + more))
    return table


def _columns(report: Mapping[str, Any]) -> RenderableType:
    """The answers, and the features that moved or weigh most; of what does not count, how many moved."""
    rows = [row for row in report["columns"] if is_judged(row)]
    chosen = [row for place, row in enumerate(rows) if place < MOST_IN_TERMINAL or row["verdict"] == "fail"]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("column", overflow="fold")
    for name in ("weight", "PSI", "chance"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("what changed", overflow="fold")
    for row in chosen[: 3 * MOST_IN_TERMINAL]:
        table.add_row(
            Text(_label(row)),
            percent(row["importance"]),
            decimals(row["psi"]),
            decimals(row["by_chance"]),
            Text(_WORDS[row["verdict"]], style=_STYLES[row["verdict"]]),
            Text(says(row)),
        )
    others = [row for row in report["columns"] if not is_judged(row)]
    also = sum(row["verdict"] == "fail" for row in others)
    told = f"{count(len(report['columns']) - len(table.rows))} more columns stand in the report"
    return Group(table, Text(told + (f"; of {len(others)} that decide nothing {also} moved" if others else ""), "dim"))
