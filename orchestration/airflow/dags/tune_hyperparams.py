"""tune_hyperparams__<book>: a search for better parameters, and its result to whoever may put it into the book."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, task
from creditrisk_airflow.books import Book, books
from creditrisk_airflow.commands import Creditrisk
from creditrisk_airflow.dags import dag_of
from creditrisk_airflow.messages import tell

DOC = """
Searches on the rows that the last `train_pipeline` split; a try that was stopped goes on where it was.
Nothing is changed: the best parameters are told, and somebody puts them into `portfolio.yaml`.
"""
PARAMS = {
    "trials": Param(None, type=["null", "integer"], minimum=1, description="In all; else the book's own number."),
    "minutes": Param(None, type=["null", "number"], description="No further trial begins after so many minutes."),
    "estimator": Param(None, type=["null", "string"], description="A family of models; else the book's own."),
}


@task
def tell_best(book: str, found: dict[str, Any]) -> None:
    tell(f"{book}: parameters were searched for", f"{found['verdict']}\n{found['paste']}")


def tune_hyperparams(book: Book) -> None:
    with dag_of(book, "tune_hyperparams", DOC, params=PARAMS):
        tune = Creditrisk(
            task_id="tune",
            command="tune",
            book=book.argument,
            options={f"--{name}": f"{{{{ params.{name} or '' }}}}" for name in PARAMS},
            keep=["verdict", "paste"],
            execution_timeout=timedelta(hours=14),
        )
        tell_best(book.name, tune.output)


for one in books():
    tune_hyperparams(one)
