"""batch_prediction__<book>: one day's applications decided by the model in production, each decision recorded."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import task
from creditrisk_airflow.books import Book, books
from creditrisk_airflow.commands import Creditrisk
from creditrisk_airflow.dags import dag_of, decisions, production
from creditrisk_airflow.templates import of_the_day

DOC = """
The run of a day decides the applications of that day, from `<creditrisk_incoming>/<book>/<day>/` into
`<creditrisk_scored>/<book>/<day>/decisions.parquet`. Done again, it records nothing twice. A new model in production
starts it as well, for the last day that is over. With `begins` in books.yaml, days that were missed are made up for.
"""


@task.sensor(poke_interval=300, timeout=timedelta(hours=12).total_seconds(), mode="reschedule")
def wait_for_input(folder: str) -> bool:
    """Until the day's folder is there. Of an address in a bucket nothing is known here: the command looks itself."""
    return "://" in folder or Path(folder).exists()


def batch_prediction(book: Book) -> None:
    with dag_of(book, "batch_prediction", DOC, after=production(book), catchup=True):
        came = of_the_day("incoming", book.name)
        score = Creditrisk(
            task_id="score",
            command="score",
            book=book.argument,
            options={"--input": came, "--output": of_the_day("scored", book.name, "/decisions.parquet")},
            flags=["--record"],
            keep=["rows", "decisions", "run_id", "recorded", "recorded_before", "version"],
            execution_timeout=timedelta(hours=3),
            outlets=[decisions(book)],
        )
        wait_for_input(came) >> score


for one in books():
    batch_prediction(one)
