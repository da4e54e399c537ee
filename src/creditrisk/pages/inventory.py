"""The model inventory on a terminal: what is overdue and what cannot be believed in red."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creditrisk.pages.formats import NONE, waived

VERDICTS = {"pass": ("pass", "green"), "fail": ("FAIL", "bold red"), "not_enough_evidence": ("too few", "bold yellow")}


def inventory_table(report: Mapping[str, Any]) -> RenderableType:
    """A line for each version."""
    if not report["models"]:
        return Text(f"no model is registered ({', '.join(report['books']) or 'no book has a model here'})")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("model", "tier", "owner and purpose", "validated", "waivers", "approved by"):
        table.add_column(column, overflow="fold")
    for model in report["models"]:
        table.add_row(
            _name(model), _tier(model), _owner(model), _validated(model),
            Text("\n".join(waived({**one, "because": ""} for one in model["waivers"])) or NONE),
            Text("\n".join(f"{one['by']}, {one['at'][:10]}" for one in model["approvals"]) or NONE),
        )  # fmt: skip
    told = f"versions: {len(report['models'])}, of these overdue for validation: {report['overdue']}"
    summary = Text(told, style="bold red" if report["overdue"] else "")
    return Group(table, summary)


def _name(model: Mapping[str, Any]) -> Text:
    told = Text(f"{model['book']} {model['version']}", style="bold")
    return told.append(f"\n{', '.join(model['aliases'])}", style="not bold") if model["aliases"] else told


def _tier(model: Mapping[str, Any]) -> Text:
    if model["tier"] is None:
        return Text("not stated", style="yellow")
    return Text(f"{model['tier']} ({model['exposure']}, {model['use']})")


def _owner(model: Mapping[str, Any]) -> Text:
    told = Text(model["owner"] or "no owner", style="" if model["owner"] else "yellow")
    return told.append(f"\n{model['purpose'] or 'no purpose stated'}", style="" if model["purpose"] else "yellow")


def _validated(model: Mapping[str, Any]) -> Text:
    if model["evidence_problem"]:
        return Text(model["evidence_problem"], style="bold red")
    if model["validated_at"] is None:
        return Text("never", style="bold red" if model["aliases"] else "")
    words, style = VERDICTS.get(model["verdict"], (str(model["verdict"]), ""))
    told = Text(words, style=style).append(f", {model['validated_at'][:10]}", style="default not bold")
    if model["next_due"] is None:
        return told.append("\nnext: not stated", style="yellow")
    if model["overdue"]:
        return told.append(f"\nOVERDUE since {model['next_due'][:10]}", style="bold red")
    return told.append(f"\nnext by {model['next_due'][:10]}", style="default not bold")
