"""Outcomes on a terminal: what was delivered, and how the model did on loans whose outcome is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from creditrisk.pages.formats import NONE, count, minute

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
    for finding in report["findings"][:MOST_LINES]:
        at = f"line {finding['line']}: " if finding["line"] else ""
        hint = f" ({finding['hint']})" if finding["hint"] else ""
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
