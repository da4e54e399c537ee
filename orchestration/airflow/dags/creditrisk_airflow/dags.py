"""One DAG of one book, with what all of them have: retries, time limits, a deadline, an owner, somebody who is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    AssetOrTimeSchedule,
    CronDataIntervalTimetable,
    DeadlineAlert,
    DeadlineReference,
    SyncCallback,
)

from creditrisk_airflow.books import Book
from creditrisk_airflow.messages import failed, too_slow
from creditrisk_airflow.templates import MACROS

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""Runs of earlier days can only be asked for by a backfill; without `begins` nothing is made up for by itself."""
LONGEST_WAIT = timedelta(minutes=30)


def dag_of(book: Book, kind: str, doc: str, *, after: Asset | None = None, catchup: bool = False, **more: Any) -> DAG:
    """An empty DAG `<kind>__<book>`.  after: an asset that starts it as well."""
    rhythm, dag_id = book.rhythms[kind], f"{kind}__{book.name}"
    begins = datetime.combine(book.begins, datetime.min.time(), UTC) if book.begins else FIRST_DAY
    return DAG(
        dag_id,
        schedule=_schedule(rhythm.schedule, after),
        start_date=begins,
        catchup=catchup and book.begins is not None,
        max_active_runs=1,  # the next day waits for this one
        doc_md=doc,
        tags=["creditrisk", kind, book.name],
        user_defined_macros=MACROS,
        default_args={
            "owner": book.owner,
            "retries": book.retries,
            "retry_delay": timedelta(seconds=book.retry_delay_seconds),
            "retry_exponential_backoff": True,
            "max_retry_delay": LONGEST_WAIT,
            "execution_timeout": timedelta(hours=1),
            "on_failure_callback": failed,
        },
        deadline=DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=timedelta(minutes=rhythm.deadline_minutes),
            callback=SyncCallback(too_slow, kwargs={"dag_id": dag_id, "minutes": rhythm.deadline_minutes}),
        ),
        **more,
    )


def candidate(book: Book) -> Asset:
    """A version was registered and its canary passed."""
    return Asset(f"{book.name}_candidate", uri=f"creditrisk://{book.name}/candidate")


def production(book: Book) -> Asset:
    """Another version decides."""
    return Asset(f"{book.name}_production", uri=f"creditrisk://{book.name}/production")


def decisions(book: Book) -> Asset:
    """A day's applications were decided and recorded."""
    return Asset(f"{book.name}_decisions", uri=f"creditrisk://{book.name}/decisions")


def _schedule(cron: str | None, after: Asset | None) -> Any:
    timetable = None if cron is None else CronDataIntervalTimetable(cron, timezone="UTC")
    if after is None:
        return timetable
    return [after] if timetable is None else AssetOrTimeSchedule(timetable=timetable, assets=[after])
