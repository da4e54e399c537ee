"""alarms.json and retrain_trigger.json on a terminal: what is open comes first, with its cause and what to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creditrisk.ports import URGENCIES

STYLES = {"critical": "bold red", "warning": "bold yellow", "info": "cyan"}
HOLDS = {True: Text("yes", style="bold yellow"), False: Text("no", style="green"), None: Text("cannot tell")}
ACTIONS = {
    "none": "nothing to do",
    "wait": "there are reasons, and nothing is started",
    "propose": "proposed: learn the model anew",
    "run": "the stages were run, to a candidate",
}


def alarms_table(report: Mapping[str, Any]) -> RenderableType:
    """Each open alarm in a few lines, the worst first, then what was watched, and what could not be."""
    worst_first = sorted(report["alarms"], key=lambda one: -URGENCIES.index(one["severity"]))
    parts: list[RenderableType] = [_alarm(one) for one in worst_first]
    if not parts:
        parts = [Text("no alarm is open", style="green")]
    parts.append(Text(_watched(report)))
    for part in ("decisions", "outcomes"):
        if report[part]["why_not"]:
            parts.append(Text(f"{part}: {report[part]['why_not']}", style="yellow"))
    parts += [Text(f"not watched: {one['what']}: {one['why']}", style="yellow") for one in report["unwatched"]]
    overdue = [one["stage"] for one in report["meta"]["stages"] if one["verdict"] == "overdue"]
    fresh = report["meta"]["freshness"]["verdict"]
    parts.append(Text(f"stages overdue: {', '.join(overdue) or 'none'}; data: {fresh}"))
    return Group(*parts)


def retrain_table(report: Mapping[str, Any]) -> RenderableType:
    """Each cause with its verdict, then what follows."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("cause", "holds", "why"):
        table.add_column(column, overflow="fold")
    for one in report["considered"]:
        table.add_row(one["cause"], HOLDS[one["holds"]], one["why"])
    left = report["action"] == "run" and not report["candidate"] and not report["failed"]
    done = "a trigger is open, the stages are left to a scheduler" if left else ACTIONS[report["action"]]
    told = Text(f"{done} (auto_retrain: {report['mode']})", style="bold")
    if report["waiting_for"]:
        told.append(f"\n{report['waiting_for']}", style="not bold")
    if report["candidate"]:
        same = (
            ": the same model as in production, its data are the same"
            if report["candidate"]["same_as_production"]
            else ""
        )
        told.append(f"\ncandidate: version {report['candidate']['version']}{same}", style="not bold")
    return Group(table, told) if report["considered"] else told


def _alarm(one: Mapping[str, Any]) -> Text:
    if one["part_of"]:
        return Text(f"{one['severity'].upper()}  {one['what']}: a part of {one['part_of']}", style="cyan")
    told = Text(one["severity"].upper(), style=STYLES[one["severity"]])
    told.append(f"  {one['what']}\n", style="bold not dim" if one["severity"] == "critical" else "default not bold")
    facts = [f"since {one['since']}", f"owner {one['owner'] or 'nobody'}", one["id"]]
    told.append(f"    {', '.join(facts)}\n", style="default not bold")
    for head, lines in (("portfolio", one["portfolio"]), ("look at", one["look_at"])):
        for line in lines:
            told.append(f"    {head}: {line}\n", style="default not bold")
    return told


def _watched(report: Mapping[str, Any]) -> str:
    seen, known, false = report["decisions"], report["outcomes"], report["false_alarms"]
    months = f"{seen['rows']:,} decisions, {seen['first']} to {seen['last']}" if seen["periods"] else "no decisions"
    outcomes = f"{known['rows']:,} known outcomes" if known["rows"] else "no known outcomes"
    return (
        f"watched: {len(report['watched'])} things on {months}, {outcomes}; while nothing changes, any alarm at all "
        f"rings in at most {100 * false['most']:g} % of lives of {false['life_months']} months"
    )
