"""train_pipeline__<book>: raw tables to a registered candidate whose canary passed; each stage a task of its own."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import chain
from creditrisk_airflow.books import Book, books
from creditrisk_airflow.commands import Creditrisk
from creditrisk_airflow.dags import candidate, dag_of
from creditrisk_airflow.templates import raw_tables

HOURS = {"ingest": 4, "features": 4, "train": 6}
"""Time limits of the stages that may take long on a full book; the others have an hour."""
KEPT = {"validate": ["verdict", "counts"], "register": ["version", "bundle_sha256", "uri"]}
DOC = """
Learns a model from the raw tables that are there now, and stops before anybody decides by it.

A gate that fails (`validate`) or a canary that fails is a refusal: the task fails at once, nobody is asked to promote.
Mend what failed, or `creditrisk waive`, then clear the task: the stages before it are not done again.
Training knows no day: a month that was missed is not made up for.
"""


def train_pipeline(book: Book) -> None:
    with dag_of(book, "train_pipeline", DOC):
        stages = [
            Creditrisk(
                task_id=stage,
                command=stage,
                book=book.argument,
                options={"--raw": raw_tables(book.name)},
                keep=KEPT.get(stage, []),
                execution_timeout=timedelta(hours=HOURS.get(stage, 1)),
            )
            for stage in ("ingest", "check", "features", "split", "train", "evaluate", "validate", "register")
        ]
        canary = Creditrisk(
            task_id="canary",
            command="canary",
            book=book.argument,
            keep=["verdict", "bundle_sha256"],
            execution_timeout=timedelta(hours=2),
            outlets=[candidate(book)],
        )
        chain(*stages, canary)


for one in books():
    train_pipeline(one)
