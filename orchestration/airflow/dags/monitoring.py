"""monitoring__<book>: drift, outcomes, alarms, messages, and whether the model is learnt anew."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import chain, task
from creditrisk_airflow.books import Book, books
from creditrisk_airflow.commands import Creditrisk
from creditrisk_airflow.connections import workspace
from creditrisk_airflow.dags import dag_of, decisions
from creditrisk_airflow.messages import tell
from creditrisk_airflow.templates import of_the_day, raw_tables, until

DOC = """
Every night, and after each batch. A run of an earlier day (a backfill) first tells what would have been told that day,
`monitor production --since --until` and `monitor outcomes --as-of`, and keeps it in
`<workspace>/<book>/monitoring/<day>/`; then all runs end alike, with today's figures. Run twice, it says nothing twice.
"""
NEWEST_WITHIN = timedelta(hours=26)
"""A run whose interval ended longer ago is about an earlier day."""
KEPT_REPORTS = ("production_drift_report.json", "production_drift_report.html", "outcomes_report.json")
AFTER_A_BRANCH = "none_failed_min_one_success"


@task.short_circuit(ignore_downstream_trigger_rules=False)
def outcomes_came(file: str) -> bool:
    """False skips `take_outcomes` alone: most days bring no file."""
    return "://" in file or Path(file).exists()


@task.branch
def which_day(dag_run: Any = None) -> str:
    return "monitor" if datetime.now(UTC) - until(dag_run) < NEWEST_WITHIN else "drift_then"


@task
def keep_then(book: str, day: str) -> None:
    """Today's reports will take the place of these."""
    folder = Path(workspace()) / book
    (folder / "monitoring" / day).mkdir(parents=True, exist_ok=True)
    for name in KEPT_REPORTS:
        shutil.copy2(folder / "reports" / name, folder / "monitoring" / day / name)


@task.branch
def learn_anew_or_not(told: dict[str, Any]) -> str:
    """By retrain_trigger.json. An open trigger is followed up until a run of its name is there, so none gets lost."""
    triggers = told["triggers"]
    if told["mode"] == "run" and triggers and triggers[-1]["ended"] is None:
        return "learn_anew"
    return "propose" if told["action"] == "propose" else "nothing_to_do"


@task
def propose(book: str, told: dict[str, Any]) -> None:
    reasons = "\n".join(f"{one['cause']}: {one['why']}" for one in told["reasons"])
    tell(
        f"{book}: the model should be learnt anew", f"{reasons}\nTrigger train_pipeline__{book}, or close the trigger."
    )


def monitoring(book: Book) -> None:
    with dag_of(book, "monitoring", DOC, after=decisions(book)):
        arrived = of_the_day("outcomes", book.name, ".csv")
        take_outcomes = Creditrisk(
            task_id="take_outcomes", command="outcomes add", book=book.argument, options={"--input": arrived}
        )
        freshness = Creditrisk(task_id="freshness", command="freshness", book=book.argument, trigger_rule="none_failed")
        drift_then = Creditrisk(
            task_id="drift_then",
            command="monitor production",
            book=book.argument,
            options={
                "--since": f"{{{{ as_time(until(dag_run) - timedelta(days={book.window_days})) }}}}",
                "--until": "{{ as_time(until(dag_run)) }}",
            },
        )
        outcomes_then = Creditrisk(
            task_id="outcomes_then",
            command="monitor outcomes",
            book=book.argument,
            options={"--as-of": "{{ until(dag_run).date() }}"},
        )
        monitor = Creditrisk(
            task_id="monitor",
            command="monitor all",
            book=book.argument,
            keep=["left_out", "page"],
            trigger_rule=AFTER_A_BRANCH,
        )
        retrain = Creditrisk(
            task_id="retrain",
            command="retrain",
            book=book.argument,
            options={"--raw": raw_tables(book.name)},
            flags=["--open-only"],
            keep=["action", "mode", "reasons", "triggers"],
        )
        learn_anew = TriggerDagRunOperator(
            task_id="learn_anew",
            trigger_dag_id=f"train_pipeline__{book.name}",
            trigger_run_id="retrain__{{ ti.xcom_pull(task_ids='retrain')['triggers'][-1]['id'] }}",
            skip_when_already_exists=True,
        )
        day = which_day()
        chain(outcomes_came(arrived), take_outcomes, freshness, day)
        chain(day, drift_then, outcomes_then, keep_then(book.name, "{{ day(dag_run) }}"), monitor)
        chain(day, monitor, retrain)
        learn_anew_or_not(retrain.output) >> [
            learn_anew,
            propose(book.name, retrain.output),
            EmptyOperator(task_id="nothing_to_do"),
        ]
        for command in ("notify", "metrics"):
            monitor >> Creditrisk(task_id=command, command=command, book=book.argument)


for one in books():
    monitoring(one)
