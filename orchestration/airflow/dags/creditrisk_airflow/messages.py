"""Who is told when a task has failed for good, or a run takes too long."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import Context
from airflow.sdk.log import mask_secret

from creditrisk_airflow import connections

log = logging.getLogger(__name__)
LONGEST, MOST_LINES = 1200, 12
"""Letters and lines of a message about what a command said. Every line has its share of the letters."""


def tell(title: str, body: str) -> None:
    """To every address of the Connection creditrisk_messages; without it, into the log alone.

    Its extra is {"addresses": ["slack://…"]}, as apprise reads them. A place that is away is a line in the log: the
    task has an end of its own.
    """
    log.warning("%s: %s", title, body)
    told = connections.found(connections.MESSAGES)
    if told is None:
        log.warning("there is no Connection %s, so nobody is told", connections.MESSAGES)
        return
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its own lines show addresses
    places = apprise.Apprise()
    for address in told.extra_dejson.get("addresses", []):
        mask_secret(address)
        places.add(address)
    if not places.notify(title=title, body=body):
        log.error("the message was not delivered to every address of %s", connections.MESSAGES)


def failed(context: Context) -> None:
    """For on_failure_callback: after the last retry, or at once where a retry cannot help."""
    one = context["task_instance"]
    tell(
        f"{one.dag_id}: {one.task_id} failed",
        f"run {one.run_id}, try {one.try_number}: {_in_short(str(context.get('exception')))}\n"
        'What to do: docs/airflow.md, "When a task fails".',
    )


def _in_short(told: str) -> str:
    lines = told.splitlines()[:MOST_LINES]
    share = LONGEST // max(len(lines), 1)
    return "\n".join(line if len(line) <= share else f"{line[: share - 1]}…" for line in lines)


def too_slow(dag_id: str, minutes: int, context: dict[str, Any] | None = None) -> None:
    """For the deadline: the run goes on, somebody looks at it."""
    run = ((context or {}).get("dag_run") or {}).get("dag_run_id", "a run")
    tell(f"{dag_id}: too slow", f"{run} was not done {minutes} minutes after it was queued; it goes on.")
