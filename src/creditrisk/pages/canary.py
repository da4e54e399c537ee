"""canary_report.json as the terminal shows it: the gates, who changes sides, who changes grade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creditrisk.pages.formats import count
from creditrisk.pages.terminal import verdict_in_words

_STYLES = {"pass": "green", "fail": "bold red", "not_enough_evidence": "bold yellow"}
_WORDS = {"pass": "pass", "fail": "FAIL", "not_enough_evidence": "too few"}
_MOST_REASONS = 4


def canary_tables(report: Mapping[str, Any]) -> RenderableType:
    """Texts from the report are shown as they are: nothing in them is read as markup."""
    parts: list[RenderableType] = [_gates(report)]
    if report["decisions"] is not None:
        parts += [_pairs("decisions", report["decisions"]["table"]), _pairs("grades", report["grades"]["table"])]
        parts += [Text(line) for line in _lines(report)]
    elif report["no_outcomes"]:
        parts.append(Text(f"no outcomes: {report['no_outcomes']}"))
    return Group(*parts)


def _gates(report: Mapping[str, Any]) -> Table:
    title = Text(f"{report['book']}: {_name(report['candidate'])} against {_name(report['production'])}, ", "bold")
    title.append(f"{count(report['reference']['rows'])} rows ({report['reference']['source']}): ")
    title.append(verdict_in_words(report["verdict"]), style=_STYLES[report["verdict"]])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title=title)
    table.add_column("gate", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("found", overflow="fold")
    table.add_column("limit", overflow="fold")
    for gate in report["gates"]:
        verdict = Text(_WORDS[gate["verdict"]], style=_STYLES[gate["verdict"]])
        table.add_row(Text(gate["name"]), verdict, Text(gate["reason"]), Text(gate["limit"]))
    return table


def _name(model: Mapping[str, Any] | None) -> str:
    return "no model" if model is None else f"version {model['version']} ({model['bundle_sha256'][:16]})"


def _pairs(what: str, told: Mapping[str, Any]) -> Table:
    """Rows as production says, columns as the candidate says."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title=f"{what}: production -> candidate")
    table.add_column("", style="dim", no_wrap=True)
    for name in told["candidate"]:
        table.add_column(Text(name), justify="right")
    for name, row in zip(told["production"], told["counts"], strict=True):
        table.add_row(Text(name), *(count(cell) for cell in row))
    return table


def _lines(report: Mapping[str, Any]) -> list[str]:
    lines = [f"- {sentence}" for sentence in report["differences"]["says"]]
    told = report["decisions"]["explained"]
    if report["differences"]["cut_offs"]:
        lines.append(
            f"- of {told['flips']:,} flips {told['from_pds']:,} come from the PDs and {told['from_cut_offs']:,} from "
            f"the cut-offs; {told['undone_by_cut_offs']:,} more were undone by the cut-offs"
        )
    for words, who in (("newly declined", "newly_declined"), ("no longer declined", "no_longer_declined")):
        group = report["reasons"][who]
        codes = ", ".join(f"{one['code']} {one['rows']}" for one in group["codes"][:_MOST_REASONS])
        if group["rows"]:
            lines.append(f"- {group['rows']:,} {words}, told of {group['looked_at']:,} of them: {codes or 'nothing'}")
    if report["no_outcomes"]:
        lines.append(f"- no outcomes: {report['no_outcomes']}")
    return lines
