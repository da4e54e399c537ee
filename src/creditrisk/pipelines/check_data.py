"""Stage 2: the tables keep the promises of their contracts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from creditrisk.contracts import check, refuse_if_needed
from creditrisk.errors import Refused
from creditrisk.files import read_json
from creditrisk.kinds import Severity, sha256_of_file
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import need_unchanged

FINDINGS = "contract_findings.json"


def run(context: Context) -> dict[str, Any]:
    """contract_findings.json. A table that breaks a contract's must leaves nothing for the stages after this one."""
    tables = _bronze(context)
    need_unchanged(context, "ingest", {f"bronze/{name}": path for name, path in tables.items()})
    findings = check(
        tables,
        context.book.contracts,
        context.book.portfolio,
        settings=context.duck,
        progress=context.stage_progress("check"),
    )
    refuse_if_needed(findings)
    arrived = read_json(context.folder.report("ingestion_summary.json"))["findings"]
    every = [*arrived, *(finding.as_json() for finding in findings)]
    counts = {severity.value: sum(finding["severity"] == severity for finding in every) for severity in Severity}
    return context.report(
        FINDINGS,
        {"findings": every, "counts": counts, "verdict": "accepted"},
        inputs={f"bronze/{name}": path for name, path in tables.items()},
    )


def need_checked(context: Context) -> dict[str, Path]:
    """The bronze tables, if they are to the byte those that passed the last check; else Refused."""
    tables = _bronze(context)
    path = context.folder.report(FINDINGS)
    passed = read_json(path)["inputs"] if path.is_file() else {}
    if passed != {f"bronze/{name}": sha256_of_file(file) for name, file in tables.items()}:
        raise Refused(
            "the tables have not passed their contracts as they are now",
            where=str(context.folder.bronze),
            hint=f"creditrisk check {context.book.name}",
        )
    return tables


def _bronze(context: Context) -> dict[str, Path]:
    paths = {name: context.folder.table(name) for name in context.book.portfolio.tables}
    return {name: path for name, path in paths.items() if path.is_file()}


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("check"))
