"""Outcomes on a terminal: what was delivered, and how the model did on loans whose outcome is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creditrisk.pages.formats import NONE, count, decimals, interval, minute, percent

MOST_LINES = 10
"""Findings that a terminal shows."""


def delivery_lines(report: Mapping[str, Any]) -> list[str]:
    """What `outcomes add` took, what it did not, and why."""
    verb = "would be taken" if report["dry_run"] else "taken"
    lines = [
        f"{report['file']}: {report['rows']:,} rows, {report['taken']:,} {verb} "
        f"({report['corrected']:,} of them corrections), {report['already']:,} told before, "
        f"{report['refused']:,} refused"
    ]
    lines += [f"  refused for {rule}: {rows:,}" for rule, rows in report["refused_by_rule"].items()]
    hints: set[str] = set()
    for finding in report["findings"][:MOST_LINES]:
        at = f"line {finding['line']}: " if finding["line"] else ""
        hint = f" ({finding['hint']})" if finding["hint"] and finding["hint"] not in hints else ""
        hints.add(finding["hint"])  # each is told once
        lines.append(f"  {at}{finding['what']}{hint}")
    if report["findings_in_all"] > MOST_LINES:
        lines.append(f"  and {report['findings_in_all'] - MOST_LINES:,} more findings; --json tells the first hundred")
    if report["ignored_columns"]:
        lines.append(f"  columns that mean nothing here: {', '.join(report['ignored_columns'][:8])}")
    if report["complete_until"]:
        lines.append(f"  everything is told until {report['complete_until']}")
    return lines


def deliveries_table(told: Mapping[str, Any]) -> RenderableType:
    """One row for each delivery, oldest first."""
    if not told["deliveries"]:
        return Text(f"no outcomes were delivered: creditrisk outcomes add {told['book']} --input FILE")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("", "when", "by", "file"):
        table.add_column(name, overflow="fold")
    for name in ("taken", "corrected", "refused"):
        table.add_column(name, justify="right")
    table.add_column("complete until")
    for each in told["deliveries"]:
        table.add_row(
            str(each["number"]), minute(each["delivered"]), Text(each["by"]), Text(each["file"]),
            *(count(each[name]) for name in ("taken", "corrected", "refused")), each["complete_until"] or NONE,
        )  # fmt: skip
    return table


FIGURES = {
    "roc_auc": "AUC", "normalized_gini": "Gini", "ks": "KS", "brier": "Brier", "log_loss": "log loss",
    "default_rate": "default rate",
}  # fmt: skip


def outcomes_table(report: Mapping[str, Any]) -> RenderableType:
    """What is known, the figures beside those of development, grades and vintages."""
    counts, told = report["counts"], report["performance"]
    lines = [
        f"{report['book']}, model {report['bundle_sha256'][:16]} ({report['model_chosen']}), as of {report['as_of']}",
        f"{counts['decisions']:,} decisions: {counts['judged']:,} loans with a known outcome, {counts['bads']:,} "
        f"of them bad; {counts['not_yet']:,} not yet observable; {counts['unheard']:,} not heard of; "
        f"{counts['no_loan']:,} no loan",
    ]
    if told["why_not"]:
        lines.append(f"no figures: {told['why_not']}" + _from(told["observable_from"]))
    lines += [f"note: {finding['what']}" for finding in report["findings"]]
    parts: list[RenderableType] = [Text("\n".join(lines))]
    if not told["why_not"]:
        parts += [_figures(report), _grades(report["grades"])]
    parts += [_vintages(report["vintages"]), Text(f"estimated: {report['estimated']['says']}")]
    return Group(*parts, Text(f"selection: {report['selection']['says']}"))


def _from(day: str | None) -> str:
    return f"; the first loans from {day}" if day else ""


def _figures(report: Mapping[str, Any]) -> Table:
    table = _plain("figure", "now", "95 % interval", "development", "difference")
    told, notes = {row["figure"]: row for row in report["against_development"]}, report["performance"]["notes"]
    for name, words in FIGURES.items():
        row = told[name]
        gap = row["difference"]
        apart = f"{gap['difference']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})" if gap else NONE
        why = Text(notes[name], style="dim") if name in notes else Text(interval(row["now"]))
        table.add_row(words, decimals(row["now"]), why, decimals(row["development"]), apart)
    ratio = report["performance"]["observed_over_expected"]
    table.add_row("bads / expected", decimals(ratio, 2), interval(ratio, 2), NONE, NONE)
    return table


def _grades(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _plain("grade", "loans", "bads", "expected", "default rate", "95 % interval", "")
    for row in rows:
        style = "bold red" if row["verdict"] == "fail" else "dim" if row["verdict"] != "pass" else ""
        rate = row["default_rate"]
        table.add_row(
            Text(row["grade"]), count(row["n"]), count(row["bads"]), decimals(row["expected_bads"], 1), percent(rate),
            interval(rate, 1, as_percent=True), Text(row["reason"], style=style),
        )  # fmt: skip
    return table


def _vintages(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _plain("vintage", "known", "bads", "expected", "AUC", "95 % interval", "")
    for row in rows:
        why = row["why_not"] or row["notes"].get("roc_auc", "")
        day = f"; from {row['observable_from']}" if row["observable_from"] else ""
        known = count(row["judged"]) if not row["why_not"] else NONE
        table.add_row(
            row["vintage"], known, count(row["bads"]), decimals(row["expected_bads"], 1), decimals(row["roc_auc"]),
            interval(row["roc_auc"]), Text(f"{why}{day}", style="dim"),
        )  # fmt: skip
    return table


def _plain(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right" if name else "left", overflow="fold")
    return table
