"""tuning.json for people, in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creditrisk.pages.formats import NONE, count, percent

MOST_TRIALS = 10


def tuning_tables(report: Mapping[str, Any]) -> RenderableType:
    """The best trials, the verdict on the best one, and which parameters mattered."""
    counts = report["counts"]
    told = ", ".join(f"{counts[state]} {state}" for state in ("complete", "pruned", "failed") if counts[state])
    parts: list[RenderableType] = [
        Text(f"{report['study']}: {told}; {report['objective_is']}"),
        _trials(report),
        Text(report["verdict"], style="bold"),
        Text(report["optimism"]),
    ]
    if report["importance"]:
        shares = ", ".join(f"{name} {percent(share, 0)}" for name, share in report["importance"].items())
        parts.append(Text(f"What parted good trials from bad: {shares}"))
    if report["meta"]["other_studies"]:
        parts.append(Text(f"{len(report['meta']['other_studies'])} studies of other rows or settings were left alone."))
    return Group(*parts)


def _trials(report: Mapping[str, Any]) -> Table:
    sign = -1 if report["objective"] == "roc_auc" else 1
    complete = [trial for trial in report["trials"] if trial["state"] == "complete"]
    shown = sorted(complete, key=lambda trial: (sign * trial["value"], trial["number"]))[:MOST_TRIALS]
    own = next(trial for trial in report["trials"] if trial["own"])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("trial")
    table.add_column(report["objective"].replace("_", " "), justify="right", no_wrap=True)
    for name in report["searched"]:
        table.add_column(name, justify="right", overflow="fold")
    for trial in shown if own in shown else [*shown, own]:
        values = [trial["parameters"].get(name, report["own"]["parameters"].get(name)) for name in report["searched"]]
        table.add_row(
            f"{count(trial['number'])}{' (own)' if trial['own'] else ''}",
            f"{trial['value']:.6f}",
            *(NONE if value is None else f"{value:g}" for value in values),
            style="bold" if trial["own"] else "",
        )
    return table
