"""What people see who answer for a model: its gates, waivers and figures, who approved, whose keys are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creditrisk.pages.formats import NONE, count, decimals, minute, percent
from creditrisk.pages.terminal import GATE_STYLES, GATE_WORDS, verdict_in_words


def approval_table(told: Mapping[str, Any]) -> RenderableType:
    """What `approve` signed, or would sign: the model, its figures, every gate, its waivers, and what is in the way."""
    title = f"{told['book']} version {told['version']}, model {told['bundle_sha256'][:16]}"
    parts: list[RenderableType] = [Text(title, style="bold")]
    if told["invented_data"]:
        parts.append(Text("Invented data: no row of it is about real people or a real lender.", style="bold red"))
    if told["evidence_sha256"]:
        parts += [Text(f"evidence {told['evidence_sha256']}"), Text(_figures(told["figures"])), _gates(told)]
    if told["waivers"]:
        parts.append(waivers_table(told["waivers"]))
    if told["in_the_way"]:
        parts.append(Text("In the way of an approval:", style="bold red"))
        parts += [Text(f"  {reason}", style="red") for reason in told["in_the_way"]]
    elif told["approved"]:
        names = ", ".join(f"{one['by']} until {one['expires'][:10]}" for one in told["approvals"])
        parts.append(Text(f"approved by {told['by']}; approvals that count: {names}", style="green"))
        if told["still_needed"]:
            parts.append(Text(f"{told['still_needed']} more needed before production", style="bold yellow"))
    else:
        parts.append(Text(f"nothing is in the way of an approval by {told['by']}", style="green"))
    return Group(*parts)


def validation_table(report: Mapping[str, Any], waivers: Sequence[Mapping[str, Any]] = ()) -> RenderableType:
    """post_training_validation.json: a line for each gate, its verdict in colour, its reason; then who waived what."""
    title = Text(f"{report['book']}, model {report['bundle_sha256'][:16]}: ", style="bold")
    title.append(verdict_in_words(report["verdict"]), style=GATE_STYLES[report["verdict"]])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title=title)
    for column in ("gate", "verdict", "found", "limit"):
        table.add_column(column, no_wrap=column in ("gate", "verdict"), overflow="fold")
    for gate in report["gates"]:
        table.add_row(Text(gate["name"]), _verdict(gate, waivers), Text(gate["reason"]), Text(gate["limit"]))
    return Group(table, waivers_table(waivers)) if waivers else table


def waivers_table(waivers: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Who answers for which gate, why, and through which day."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title=Text("waived", style="bold yellow"))
    for column in ("gate", "by", "until", "because"):
        table.add_column(column, overflow="fold", no_wrap=column == "until")
    for waiver in waivers:
        table.add_row(*(Text(waiver[column]) for column in ("gate", "by", "until", "because")))
    return table


def keys_table(keys: Sequence[Mapping[str, Any]]) -> RenderableType:
    if not keys:
        return Text("nobody has a key here: creditrisk keys new NAME")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("name", "made", "by", "kept in", "public key"):
        table.add_column(column, overflow="fold")
    for key in keys:
        if key["counts"]:
            table.add_row(
                *map(Text, (key["name"], minute(key["made_at"]), key["made_by"], key["store"], key["public_key"]))
            )
        else:
            table.add_row(Text(key["name"]), Text(f"does not count: {key['why']}", style="bold red"), NONE, NONE,
                          Text(key["public_key"]))  # fmt: skip
    return table


def _gates(told: Mapping[str, Any]) -> Table:
    title = Text(f"validation: {verdict_in_words(told['verdict'])}", style=GATE_STYLES[told["verdict"]])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title=title)
    for column in ("gate", "verdict", "found"):
        table.add_column(column, overflow="fold", no_wrap=column != "found")
    for gate in told["gates"]:
        table.add_row(Text(gate["name"]), _verdict(gate, told["waivers"]), Text(gate["reason"]))
    return table


def _verdict(gate: Mapping[str, Any], waivers: Sequence[Mapping[str, Any]]) -> Text:
    verdict = Text(GATE_WORDS[gate["verdict"]], style=GATE_STYLES[gate["verdict"]])
    if any(waiver["gate"] == gate["name"] for waiver in waivers):
        verdict.append(", waived", style="yellow")
    return verdict


def _figures(figures: Mapping[str, Any]) -> str:
    told = {
        "tested on": count(figures.get("n")),
        "AUC": decimals(figures.get("roc_auc")),
        "Brier": decimals(figures.get("brier"), 4),
        "mean PD": percent(figures.get("mean_pd"), 2),
        "default rate": percent(figures.get("default_rate"), 2),
        "approved": percent(figures.get("approval_rate")),
    }
    return ", ".join(f"{name} {value}" for name, value in told.items() if value != NONE)
