"""comparison.json for people: a table for each question in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creditrisk.pages.formats import NONE, decimals, percent

SECTIONS = {
    "estimators": "Estimators, on the same rows and folds",
    "balance": "Balance of the training rows: mean PD before (sigmoid of the margin) and after calibration",
    "calibration": "Calibration of the book's own margins",
    "prices": "The price of each rule: the model without it, beside the book's own",
}
"""Key of the report -> heading."""


def comparison_tables(report: Mapping[str, Any]) -> RenderableType:
    """What came out of `creditrisk compare`, readable at 80 columns."""
    told = f"{report['book']}: {report['n']:,} development rows, {report['bads']:,} bad, {report['folds']} folds"
    parts: list[RenderableType] = [Text(told, style="bold")]
    for section, heading in SECTIONS.items():
        if report[section]:
            columns = _BALANCE if section == "balance" else _FIGURES
            parts += [Text(heading, style="bold"), _table(report[section], columns)]
    return Group(*parts)


def _table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", min_width=11)
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("beside the book's own", min_width=11)
    for row in rows:
        figures = row["figures"] or {}
        cells = [Text(cell(figures) if figures else NONE) for cell in columns.values()]
        verdict = Text(row["verdict"] if row["reason"] is None else f"{row['verdict']}: {row['reason']}")
        table.add_row(Text(row["name"].replace("_", " "), style="bold" if row["own"] else ""), *cells, verdict)
    return table


def _cost(figures: Mapping[str, Any]) -> str:
    return decimals(figures["cost_per_application"], 4)


def _slope(figures: Mapping[str, Any]) -> str:
    return decimals(figures["calibration_slope"], 2)


_FIGURES = {
    "AUC": lambda figures: decimals(figures["roc_auc"], 4),
    "Brier": lambda figures: decimals(figures["brier"], 4),
    "log\nloss": lambda figures: decimals(figures["log_loss"], 4),
    "slope": _slope,
    "ap-\nproved": lambda figures: percent(figures["approval_rate"]),
    "cost": _cost,
}
_BALANCE = {
    "AUC": lambda figures: decimals(figures["roc_auc"], 4),
    "PD\nbefore": lambda figures: percent(figures["uncalibrated"]["mean_pd"]),
    "PD\nafter": lambda figures: percent(figures["mean_pd"]),
    "slope\nbefore": lambda figures: decimals(figures["uncalibrated"]["calibration_slope"], 2),
    "slope\nafter": _slope,
    "Brier\nbefore": lambda figures: decimals(figures["uncalibrated"]["brier"], 4),
    "Brier\nafter": lambda figures: decimals(figures["brier"], 4),
}
