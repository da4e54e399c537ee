"""The figures that go to machines which keep time series, from the reports of monitoring. What is null gives no figure.

Nothing of a single applicant is among them. `MEANINGS` is what the dashboards and the alert rules may ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from creditrisk.monitoring.freshness import Freshness
from creditrisk.ports import URGENCIES, Figure

MEANINGS = {
    "figures_written_timestamp_seconds": "When these figures were written",
    "report_timestamp_seconds": "When the report was written, by report",
    "table_modified_timestamp_seconds": "When its source last changed the raw table, by table",
    "table_ingested_timestamp_seconds": "When the raw table was last accepted, by table",
    "table_stale": "1 if the raw table is older than the book allows, 0 if not; nothing where no limit is set",
    "alarms_open": "Open alarms, by severity",
    "alarm_open": "1 for each open alarm, by its id",
}
"""Name after `creditrisk_` -> what it says."""


def figures_of(book: str, reports: Mapping[str, Mapping[str, Any]], *, now: datetime) -> list[Figure]:
    """All of them. reports: by file name, those that there are."""
    return [
        _figure("figures_written_timestamp_seconds", now.timestamp(), book=book),
        *(
            _figure("report_timestamp_seconds", written, book=book, report=name.removesuffix(".json"))
            for name, report in reports.items()
            if (written := _moment(report.get("meta", {}).get("created_at"))) is not None
        ),
        *_of_freshness(book, reports.get("data_freshness.json", {})),
        *_of_alarms(book, reports.get("alarms.json")),
    ]


def _of_freshness(book: str, report: Mapping[str, Any]) -> Iterator[Figure]:
    for table, told in report.get("meta", {}).get("tables", {}).items():
        for name, key in (("modified", "source_modified"), ("ingested", "ingested_at")):
            if (moment := _moment(told.get(key))) is not None:
                yield _figure(f"table_{name}_timestamp_seconds", moment, book=book, table=table)
        if told["verdict"] != Freshness.UNKNOWN:
            yield _figure("table_stale", float(told["verdict"] == Freshness.STALE), book=book, table=table)


def _of_alarms(book: str, report: Mapping[str, Any] | None) -> Iterator[Figure]:
    """Without a report nothing is said: no alarm is not the same as nobody having looked."""
    if report is None:
        return
    alarms = report["alarms"]
    for severity in URGENCIES:
        found = sum(alarm["severity"] == severity for alarm in alarms)
        yield _figure("alarms_open", float(found), book=book, severity=severity)
    for alarm in alarms:
        told = {"alarm": str(alarm["id"]), "severity": str(alarm["severity"]), "owner": str(alarm.get("owner") or "")}
        yield _figure("alarm_open", 1.0, book=book, **told)


def _figure(name: str, value: float, **labels: str) -> Figure:
    return Figure(f"creditrisk_{name}", value, labels, MEANINGS[name])


def _moment(text: Any) -> float | None:
    """Seconds since 1970 of a time as reports write it."""
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
