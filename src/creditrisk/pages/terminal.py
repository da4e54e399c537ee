"""The table at the end of a run: one column for each book, readable at 80 columns, in colour and without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from creditrisk.pages.context import RunContext
from creditrisk.pages.formats import (
    NONE,
    as_number,
    count,
    decimals,
    hours,
    interval,
    minute,
    percent,
    seconds,
    size,
    waived,
)


def run_table(runs: Sequence[RunContext]) -> RenderableType:
    """What came out, and where the time went, for one or several books side by side.

    Texts from reports are shown as they are: nothing in them is read as markup.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=False)
    table.add_column("", style="dim", no_wrap=True)
    for run in runs:
        table.add_column(_heading(run), justify="right", overflow="fold")
    for words, figure in _FIGURES.items():
        cells = [figure(run) for run in runs]
        if any(cell != NONE for cell in cells):
            table.add_row(words, *(Text(cell) for cell in cells))
    _add_seconds(table, runs)
    banners = [Panel(_BANNER, style="bold red", box=box.HEAVY)] if any(run.get("invented") for run in runs) else []
    banners += [released_banner(run["leaks_released"]) for run in runs if run.get("leaks_released")]
    banners += [Panel(_exploring(run), style="bold yellow", box=box.HEAVY) for run in runs if run.get("checks_off")]
    banners += [banner for run in runs if (banner := _validation_banner(run)) is not None]
    banners += [_waived(run) for run in runs if run.get("waivers")]
    return Group(*banners, table)


def verdict_in_words(verdict: Any) -> str:
    return str(verdict).replace("_", " ").upper()


GATE_STYLES = {"pass": "green", "fail": "bold red", "not_enough_evidence": "bold yellow"}
GATE_WORDS = {"pass": "pass", "fail": "FAIL", "not_enough_evidence": "too few"}


def _validation_banner(run: RunContext) -> Panel | None:
    """Loud where a gate failed: the model stays a candidate."""
    report = run.get("validation", {})
    if report.get("verdict") != "fail":
        return None
    failed = [gate for gate in report["gates"] if gate["verdict"] == "fail"]
    name = run.get("book", {}).get("name", "book")
    text = Text(f"{name}: validation FAILED, {len(failed)} of {len(report['gates'])} gates. It stays a candidate.")
    for gate in failed:
        text.append(f"\n{gate['name']}: {gate['reason']}")
    return Panel(text, style="bold red", box=box.HEAVY)


def _waived(run: RunContext) -> Panel:
    name = run.get("book", {}).get("name", "book")
    told = [f"{name}: gates that do not pass and are waived", *waived(run["waivers"])]
    return Panel(Text("\n".join(told)), style="bold yellow")


def _validation(run: RunContext) -> str:
    report = run.get("validation", {})
    if not report:
        return NONE
    counts = report["counts"]
    told = ", ".join(f"{count} {GATE_WORDS[verdict]}" for verdict, count in counts.items() if count)
    return f"{verdict_in_words(report['verdict'])} ({told})"


def plan_lines(planned: Mapping[str, Any]) -> list[str]:
    """What `ingest --dry-run` tells: a line for each file; what is in the way is told under the last file it stops."""
    lines = [f"raw folder: {planned['raw']}"]
    rows = planned["tables"]
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        size = NONE if row["bytes"] is None else f"{row['bytes'] / 1e6:,.1f} MB"
        lines.append(f"{_state(row):<9} {row['file']:<24} {size:>12}  {row['uri']}")
        problem = row["problem"]
        if problem and (after is None or after["problem"] != problem):
            lines += [f"{'':<10}{problem['what']}", f"{'':<10}hint: {problem['hint']}"]
    return lines


def _state(row: Mapping[str, Any]) -> str:
    if row["there"]:
        return "there"
    if row["problem"] is None:
        return "to fetch"
    return "PROBLEM" if row["needed"] else "absent"


def freshness_table(report: Mapping[str, Any]) -> RenderableType:
    """data_freshness.json: a line for each table, the verdict in a word and its reason in a few."""
    told = report["meta"]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left", title=_freshness_title(report))
    for column, justify in (("table", "left"), ("source changed", "left"), ("age", "right"), ("taken in", "right")):
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    table.add_column("verdict", overflow="fold")
    for name, of in told["tables"].items():
        verdict = Text(of["verdict"], style=_VERDICT_STYLES.get(of["verdict"], ""))
        table.add_row(
            Text(name),
            Text(minute(of["source_modified"])),
            hours(of["source_age_hours"]),
            hours(of["ingestion_age_hours"]),
            verdict.append(f": {of['why']}", style="default not bold"),
        )
    return table


_VERDICT_STYLES = {"fresh": "green", "stale": "bold red", "unknown": "bold yellow"}


def _freshness_title(report: Mapping[str, Any]) -> Text:
    newest = report["newest"]
    data = f"; newest {newest['column']} in the data: {newest['date']}" if newest else ""
    return Text(f"{report['book']}, as of {minute(report['meta']['as_of'])}{data}")


def lineage_table(answer: Mapping[str, Any]) -> RenderableType:
    """What stands behind one model; with the state of each file where that was asked."""
    model = f"model {answer['bundle_sha256']}" if answer["bundle_sha256"] else "no model yet"
    parts: list[RenderableType] = [Text(f"{answer['book']}: {model}", style="bold")]
    for told in answer["lineages"]:
        parts.append(Text(f"made {minute(told['made_at'])} by {told['actor']}, from"))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("raw file", overflow="fold")
        table.add_column("size", justify="right", no_wrap=True)
        table.add_column("sha256", overflow="fold", min_width=32)
        for raw in told["raw"]:
            name = Text(raw["file"])
            table.add_row(name.append(f"\n{raw['uri']}", style="dim") if raw["uri"] else name,
                          size(raw["bytes"]), Text(raw["sha256"]))  # fmt: skip
        parts.append(table)
        parts += _states(told["files"]) if "files" in told else []
    return Group(*parts)


def _states(files: Sequence[Mapping[str, str]]) -> list[RenderableType]:
    counts = {state: sum(file["state"] == state for file in files) for state in _STATE_STYLES}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    lines: list[RenderableType] = [Text(f"of {len(files)} files: {told}")]
    return lines + [
        Text(f"  {file['state']}: {file['name']}, was {file['sha256'][:16]}", style=_STATE_STYLES[file["state"]])
        for file in files
        if file["state"] != "as it was"
    ]


_STATE_STYLES = {"as it was": "green", "replaced": "dim", "differs": "bold red", "gone": "bold red"}


def models_table(answer: Mapping[str, Any]) -> RenderableType:
    """Which models were made from some bytes."""
    parts: list[RenderableType] = [Text(f"{answer['book']}: models made from {answer['sha256']}", style="bold")]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("model", "version", "made", "by", "as"):
        table.add_column(column, overflow="fold")
    for model in answer["models"]:
        version = " ".join([str(model["version"] or "none"), *model["aliases"]])
        files = ", ".join(raw["file"] for raw in model["raw"])
        table.add_row(
            *map(Text, (model["bundle_sha256"][:16], version, minute(model["made_at"]), model["actor"], files))
        )
    parts.append(table if answer["models"] else Text("none"))
    if answer["without_lineage"]:
        parts.append(Text(f"no lineage was kept with: {', '.join(answer['without_lineage'])}", style="bold red"))
    return Group(*parts)


_BANNER = Text("Invented data: no row of it is about real people or a real lender.", justify="center")


def released_banner(released: Sequence[Mapping[str, Any]]) -> Panel:
    """In red: which suspects of the leak radar may be features, who answers for each, and why."""
    text = Text("Released from the leak radar: these columns may know the outcome.")
    for release in released:
        text.append(f"\n{release['table']}.{release['column']}, by {release['by']}: {release['because']}")
    return Panel(text, style="bold red", box=box.HEAVY)


def _exploring(run: RunContext) -> Text:
    off = run.get("checks_off", ())
    told = [f"{check.get('table')}: {check.get('rule')}" for check in off]
    name = run.get("book", {}).get("name", "book")
    return Text(f"{name}: an exploring run, checks switched off ({len(off)}): {'; '.join(told)}", justify="center")


def _heading(run: RunContext) -> Text:
    book = run.get("book", {})
    name = Text(str(book.get("name") or book.get("title") or "book"), style="bold")
    return name.append("\ninvented data", style="bold red") if run.get("invented") else name


def _add_seconds(table: Table, runs: Sequence[RunContext]) -> None:
    spent = [{str(stage["stage"]): stage["seconds"] for stage in run.get("stages", ())} for run in runs]
    stages = list(dict.fromkeys(stage for of_run in spent for stage in of_run))
    if not stages:
        return
    table.add_section()
    for stage in stages:
        table.add_row(Text(stage), *(seconds(of_run.get(stage)) for of_run in spent))
    totals = [sum(as_number(value) or 0.0 for value in of_run.values()) for of_run in spent]
    table.add_row("all stages", *(seconds(total) if total else NONE for total in totals), style="bold")


def _metric(run: RunContext, name: str) -> Any:
    return run.get("metrics", {}).get(name)


def _rows(run: RunContext) -> str:
    parts = run.get("split", {}).get("parts", ())
    return count(sum(as_number(part.get("rows")) or 0 for part in parts)) if parts else count(_metric(run, "n"))


def _auc(run: RunContext) -> str:
    auc = _metric(run, "roc_auc")
    limits = interval(auc)
    return decimals(auc) + (f" ({limits})" if limits else "")


def _brier(run: RunContext) -> str:
    flat = decimals(_metric(run, "brier_of_mean"), 4)
    return decimals(_metric(run, "brier"), 4) + (f" (mean {flat})" if flat != NONE else "")


def _version(model: Mapping[str, Any]) -> str:
    return f"{model['version']}, {model['alias']}" if model.get("alias") else NONE


_FIGURES: dict[str, Callable[[RunContext], str]] = {
    "rows": _rows,
    "tested on": lambda run: count(_metric(run, "n")),
    "features": lambda run: count(run.get("model", {}).get("features")),
    "AUC (interval)": _auc,
    "Brier": _brier,
    "mean PD": lambda run: percent(_metric(run, "mean_pd"), 2),
    "default rate": lambda run: percent(_metric(run, "default_rate"), 2),
    "approved": lambda run: percent(_metric(run, "approval_rate")),
    "referred": lambda run: percent(_metric(run, "refer_rate")),
    "validation": _validation,
    "version": lambda run: _version(run.get("model", {})),
    "approved by": lambda run: ", ".join(str(one["by"]) for one in run.get("approvals", ())) or NONE,
}
