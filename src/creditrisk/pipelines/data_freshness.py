"""How old the data are: the tables of the last accepted ingestion, against a limit."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import MAIN
from creditrisk.errors import BadUsage, Refused
from creditrisk.files import read_json
from creditrisk.kinds import Finding, Severity, sha256_of
from creditrisk.monitoring import Age, Freshness, TableTimes, ages, overall
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.origins import time_of

FRESHNESS = "data_freshness.json"


def run(context: Context, *, max_age_hours: float | None = None) -> dict[str, Any]:
    """data_freshness.json. What depends on the hour of asking stands under its `meta`.

    max_age_hours: 0 or more; else the book's `monitoring.max_age_hours`.
    Raises MissingInput before the first ingestion, BadUsage for a limit that is none.
    """
    limit = context.book.portfolio.monitoring.max_age_hours if max_age_hours is None else max_age_hours
    if limit is not None and not 0 <= limit < float("inf"):
        raise BadUsage(f"{limit:g} hours is no limit", hint="for example --max-age-hours 48")
    ingestion = read_json(context.folder.report("ingestion_summary.json"))
    now, times = context.clock.now(), _times(ingestion)
    found = ages(times, now=now, max_age_hours=limit)
    sources = ingestion["meta"].get("sources", {})
    return context.report(
        FRESHNESS,
        {
            "tables": {
                name: {"file": table["file"], "sha256": table["sha256"], "rows": table["rows"]}
                for name, table in ingestion["tables"].items()
            },
            "newest": _newest(context),
            "meta": {
                "as_of": now.isoformat(),
                "max_age_hours": limit,
                "verdict": overall(age.verdict for age in found.values()).value,
                "tables": {
                    name: {"uri": sources.get(name, {}).get("uri"), **_told(times[name]), **age.as_json()}
                    for name, age in found.items()
                },
                "findings": [_finding(name, age).as_json() for name, age in found.items() if age.odd],
            },
        },
        inputs={"ingestion_summary.json": sha256_of(ingestion)},
    )


def need_fresh(report: Mapping[str, Any]) -> None:
    """Raises BadUsage when no limit was set, Refused unless every table of the report is fresh."""
    told, book = report["meta"], report["book"]
    if told["max_age_hours"] is None:
        raise BadUsage(
            "nobody said how old is too old",
            hint="give --max-age-hours, or monitoring.max_age_hours in portfolio.yaml",
        )
    if told["verdict"] != Freshness.FRESH:
        bad = [f"{name} ({of['verdict']})" for name, of in told["tables"].items() if of["verdict"] != Freshness.FRESH]
        raise Refused(
            f"not fresh within {told['max_age_hours']:g} h: {', '.join(bad) or 'no table at all'}",
            where=f"the last ingestion of {book}",
            hint=f"bring in newer files: creditrisk ingest {book}",
        )


def _times(ingestion: Mapping[str, Any]) -> dict[str, TableTimes]:
    sources, ingested = ingestion["meta"].get("sources", {}), time_of(ingestion["meta"].get("created_at"))
    return {name: TableTimes(time_of(sources.get(name, {}).get("modified")), ingested) for name in ingestion["tables"]}


def _told(times: TableTimes) -> dict[str, str | None]:
    return {"source_modified": _text(times.modified), "ingested_at": _text(times.ingested)}


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _finding(table: str, age: Age) -> Finding:
    return Finding(
        table=table,
        rule="times",
        severity=Severity.WARN,
        what=age.odd,
        hint="set the clocks right, then ingest again",
    )


def _newest(context: Context) -> dict[str, str] | None:
    """The newest as-of date in the data, where the book has one: what the files hold, whatever their age."""
    column, path = context.book.portfolio.split.date, context.folder.table(MAIN)
    if column is None or not path.is_file() or not _is_date(path, column):
        return None
    newest = pc.max(pq.read_table(path, columns=[column])[column]).as_py()
    return None if newest is None else {"column": column, "date": newest.isoformat()[:10]}


def _is_date(path: Path, column: str) -> bool:
    schema = pq.read_schema(path)
    return column in schema.names and pa.types.is_temporal(schema.field(column).type)


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("freshness"))
