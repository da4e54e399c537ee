"""compliance_report.json on a terminal: each duty, its result and what was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

STYLES = {"pass": "green", "fail": "bold red", "lender_states": "bold yellow", "not_in_force": "dim"}
WORDS = {"pass": "pass", "fail": "FAIL", "lender_states": "the lender must state", "not_in_force": "not in force"}


def compliance_tables(report: Mapping[str, Any]) -> RenderableType:
    """That it is no legal advice, a table for each profile, and the counts."""
    title = Text(f"{report['book']}, version {report['version']}, on {report['on']}", style="bold")
    counts = ", ".join(f"{count} {WORDS[result]}" for result, count in report["counts"].items() if count)
    return Group(
        Panel(Text(report["notice"]), style="bold yellow", box=box.HEAVY),
        title,
        *(part for profile in report["profiles"] for part in _profile(profile)),
        Text(counts),
    )


def _profile(profile: Mapping[str, Any]) -> list[RenderableType]:
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left",
        title=Text(f"{profile['name']}: {profile['title']}", style="bold"),
    )  # fmt: skip
    table.add_column("duty", overflow="fold", ratio=1)
    table.add_column("result", overflow="fold", min_width=8)
    table.add_column("looked at", overflow="fold", ratio=2)
    for duty in profile["duties"]:
        result = Text(WORDS[duty["result"]], style=STYLES[duty["result"]])
        table.add_row(_named(duty), result, _seen(duty))
    notes = [Text(f"note: {note}", style="dim") for note in profile["notes"]]
    notes += [Text(f"not covered: {what}", style="dim") for what in profile["not_covered"]]
    return [table, *notes]


def _named(duty: Mapping[str, Any]) -> Text:
    read = f"{duty['read']} read {duty['source_date']}" if duty["source_date"] else "nobody read the source"
    told = Text(duty["id"], style="bold")
    if duty["result"] != "not_in_force":
        told.append(f"\n{duty['text']}", style="default not bold")
    return told.append(f"\n{duty['source']} ({read})", style="dim not bold")


def _seen(duty: Mapping[str, Any]) -> Text:
    """Where the duty is met one line each; else only what is in the way."""
    lines = [one for one in duty["seen"] if one["result"] == duty["result"]]
    rest = len(duty["seen"]) - len(lines)
    told = Text("\n".join(one["what"] for one in lines))
    return told.append(f"\n(and {rest} more in the report)", style="dim") if rest else told
