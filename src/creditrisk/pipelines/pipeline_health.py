"""When each stage last ran, how old the tables are, and the alarms of what is overdue or stale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from creditrisk.errors import MissingInput
from creditrisk.files import read_json
from creditrisk.governance import Act, acts_about, ledger
from creditrisk.kinds import sha256_of
from creditrisk.monitoring.freshness import Freshness
from creditrisk.monitoring.health import Health, LastRun, last_runs
from creditrisk.pipelines import data_freshness
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.origins import time_of

LAST_RUN_OF = {
    "check": "contract_findings.json", "split": "split.json", "train": "metrics.json", "evaluate": "test_metrics.json",
    "validate": "post_training_validation.json", "register": "registry_promotion.json", "canary": "canary_report.json",
    "monitor drift": "drift_report.json", "monitor production": "production_drift_report.json",
    "monitor outcomes": "outcomes_report.json",
}  # fmt: skip
"""Command -> the report whose `meta` says when it last ran; of an ingestion the audit chain says so."""


def last_runs_of(context: Context) -> list[LastRun]:
    overdue = context.book.portfolio.monitoring.overdue_days
    limits = {
        "ingest": overdue.ingest, "train": overdue.train, "monitor production": overdue.production,
        "monitor outcomes": overdue.outcomes,
    }  # fmt: skip
    deciding = ledger.standing(ledger.entries(context.folder.ledger)).production
    since = {} if deciding is None else dict.fromkeys(limits, deciding.effective_at)
    accepted = acts_about(context.workspace.audit, Act.INGEST_ACCEPTED, book=context.book.name)
    last: dict[str, datetime | None] = {"ingest": time_of(accepted[-1]["time"]) if accepted else None}
    for stage, name in LAST_RUN_OF.items():
        path = context.folder.report(name)
        last[stage] = time_of(read_json(path)["meta"].get("created_at")) if path.is_file() else None
    return last_runs(last, limits, expected_since=since, now=context.clock.now())


def freshness_of(context: Context) -> dict[str, Any]:
    """Ages of the tables, as data_freshness.json tells them."""
    try:
        told = data_freshness.run(context)["meta"]
    except MissingInput as error:
        return {"verdict": Freshness.UNKNOWN.value, "max_age_hours": None, "tables": {}, "why_not": error.what}
    tables = {
        name: {key: of[key] for key in ("verdict", "source_modified", "ingested_at", "why")}
        for name, of in told["tables"].items()
    }
    return {"verdict": told["verdict"], "max_age_hours": told["max_age_hours"], "tables": tables, "why_not": None}


def overdue_alarms(context: Context, runs: Iterable[LastRun], owner: str | None) -> list[dict[str, Any]]:
    return [
        _plain_alarm(
            context, "overdue", one.stage, owner, one.due,
            what=f"{one.stage} is overdue: {one.why}",
            look=f"the scheduler's log, then: creditrisk {one.stage} {context.book.name}",
        )
        for one in runs
        if one.verdict is Health.OVERDUE and one.due is not None
    ]  # fmt: skip


def stale_alarms(context: Context, fresh: Mapping[str, Any], owner: str | None) -> list[dict[str, Any]]:
    alarms = []
    for table, of in sorted(fresh["tables"].items()):
        times = [time for key in ("source_modified", "ingested_at") if (time := time_of(of[key])) is not None]
        if of["verdict"] == Freshness.STALE and times:
            since = min(times) + timedelta(hours=fresh["max_age_hours"])
            what = f"table {table} is stale: {of['why']}"
            look = f"its source, then: creditrisk ingest {context.book.name}"
            alarms.append(_plain_alarm(context, "freshness", table, owner, since, what=what, look=look))
    return alarms


def _plain_alarm(
    context: Context, kind: str, of: str, owner: str | None, since: datetime, *, what: str, look: str
) -> dict[str, Any]:
    """Of what is counted in days, not in rows: chance has no part in it."""
    day = since.astimezone(UTC).date().isoformat()
    named = {"book": context.book.name, "kind": kind, "what": of, "since": day}
    return {
        "id": sha256_of(named)[:16], "kind": kind, "of": of, "what": what, "severity": "warning", "owner": owner,
        "since": day, "certain": day, "ended": None, "part_of": None, "now": None, "limit": None, "chance": None,
        "level": None, "figures": {}, "change": None, "portfolio": [], "look_at": [look],
    }  # fmt: skip
