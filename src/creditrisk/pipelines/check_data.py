"""Stage 2: the tables keep the promises of their contracts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from creditrisk.config import MAIN
from creditrisk.contracts import Checked, examine, findings_report, refuse_if_needed
from creditrisk.errors import Refused
from creditrisk.files import read_json, write_text
from creditrisk.kinds import sha256_of, sha256_of_file
from creditrisk.pages.contract_findings import render_contract_findings
from creditrisk.pipelines import leak_check
from creditrisk.pipelines.accepted import Accepted, to_compare_with
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import add_step, need_unchanged
from creditrisk.pipelines.same_engine import refuse_sample

FINDINGS = "contract_findings.json"
FINDINGS_PAGE = "contract_findings.html"


def run(context: Context) -> dict[str, Any]:
    """contract_findings.json and .html, and leak_report.json, whose `suspects` are told with the findings.

    A table that breaks a contract's must leaves nothing for later stages.
    """
    refuse_sample(context, context.folder.bronze_state, "ingest")
    tables = _bronze(context)
    hashes = need_unchanged(context, "ingest", {f"bronze/{name}": path for name, path in tables.items()})
    before = to_compare_with(context.folder.bronze, hashes)
    checked = need_promises_kept(context, tables, hashes, before, context.stage_progress("check"))
    summary = read_json(context.folder.report("ingestion_summary.json"))
    last = before.profiles if before else None
    body = findings_report(context.book.contracts, context.book.portfolio, summary, checked, last)
    report = context.report(FINDINGS, body, inputs=hashes)
    write_text(context.folder.report(FINDINGS_PAGE), render_contract_findings(report, context.book.portfolio.title))
    suspects = leak_check.search(context, tables, hashes)
    add_step(context, "check", {})
    return {**report, "suspects": suspects}


def need_promises_kept(
    context: Context,
    tables: Mapping[str, Path],
    hashes: Mapping[str, str],
    before: Accepted | None,
    progress: Callable[[str, float], None],
) -> Checked:
    """What the contracts find in these tables, whose sha256 are `hashes`. Raises BadData when they refuse them."""
    book, mark = context.book, found_mark(hashes, before)
    if mark not in context.found:
        if context.on_spark and context.folder.bronze_state.is_file():
            from creditrisk.pipelines.ingest_on_spark import examined_again

            context.found[mark] = examined_again(context, before)
        else:
            context.found[mark] = examine(
                tables,
                book.contracts,
                book.portfolio,
                settings=context.duck,
                last=before.profiles if before else None,
                progress=progress,
            )
    refuse_if_needed(context.found[mark].findings)
    return context.found[mark]


def found_mark(hashes: Mapping[str, str], before: Accepted | None) -> str:
    """Under which `context.found` keeps what the contracts find in tables of these sha256."""
    return sha256_of({"tables": dict(hashes), "before": before.as_json() if before else None})


def need_checked(context: Context) -> tuple[dict[str, Path], dict[str, str]]:
    """The bronze tables and their sha256, if they are to the byte those that passed the last check; else Refused."""
    tables = _bronze(context)
    path = context.folder.report(FINDINGS)
    passed = read_json(path)["inputs"] if path.is_file() else {}
    hashes = {f"bronze/{name}": sha256_of_file(file) for name, file in tables.items()}
    if MAIN not in tables or passed != hashes:
        raise Refused(
            "the tables have not passed their contracts as they are now",
            where=str(context.folder.bronze),
            hint=f"creditrisk check {context.book.name}",
        )
    return tables, hashes


def _bronze(context: Context) -> dict[str, Path]:
    paths = {name: context.folder.table(name) for name in context.book.portfolio.tables}
    return {name: path for name, path in paths.items() if path.is_file()}


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("check"))
