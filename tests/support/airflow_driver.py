"""Run by Airflow's own Python: what its DAGs are, and runs of them in this process. Knows nothing of the product."""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
from pathlib import Path
from typing import Any

from airflow.secrets import BaseSecretsBackend

asked: list[str] = []
"""Whatever was asked for while DAGs were parsed."""


class Recording(BaseSecretsBackend):
    """Has nothing, and writes down what it was asked for."""

    def get_variable(self, key: str, **_: object) -> None:
        sys.modules["__main__"].asked.append(f"Variable {key}")  # Airflow imports this file once more

    def get_conn_value(self, conn_id: str, **_: object) -> None:
        sys.modules["__main__"].asked.append(f"Connection {conn_id}")


def described(*folders: str) -> list[dict[str, Any]]:
    """The DAGs of each folder; whoever calls for the network while they are parsed is written down and refused."""

    def refused(_: socket.socket, address: object) -> None:
        asked.append(f"network {address}")
        raise OSError("no network while DAGs are parsed")

    socket.socket.connect = refused  # type: ignore[assignment,method-assign]
    return [_bag(folder) for folder in folders]


def _bag(folder: str) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    sys.path.append(folder)  # as the DAG processor does
    asked.clear()
    bag = DagBag(folder)
    return {
        "import_errors": {Path(file).name: error for file, error in bag.import_errors.items()},
        "dags": {name: _dag(dag) for name, dag in bag.dags.items()},
        "asked": list(asked),
    }


def _dag(dag: Any) -> dict[str, Any]:
    alerts = dag.deadline if isinstance(dag.deadline, list) else [dag.deadline]
    return {
        "tags": sorted(dag.tags),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "deadline_minutes": [alert.interval.total_seconds() / 60 for alert in alerts if alert],
        "tasks": {task.task_id: _task(task) for task in dag.tasks},
    }


def _task(task: Any) -> dict[str, Any]:
    return {
        "owner": task.owner,
        "retries": task.retries,
        "execution_timeout": None if task.execution_timeout is None else task.execution_timeout.total_seconds(),
        "tells_of_failure": bool(task.on_failure_callback),
        "downstream": sorted(task.downstream_task_ids),
        "outlets": [outlet.name for outlet in getattr(task, "outlets", [])],
    }


def run(folder: str, *wanted: str) -> dict[str, Any]:
    """One run of each `<dag>=<program that its tasks call>`, in this process. Airflow's tables are made first."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import initdb

    initdb()
    sys.path.append(folder)
    bag = DagBag(folder)
    assert not bag.import_errors, bag.import_errors
    return {dag_id: _run(bag.dags[dag_id], program) for dag_id, _, program in (one.partition("=") for one in wanted)}


def _run(dag: Any, program: str) -> dict[str, Any]:
    os.environ["AIRFLOW_VAR_CREDITRISK_CLI"] = program
    dag.deadline = (
        None  # Airflow 3.3.2's DAG.test() cannot end a run that has one: "'dict' object has no attribute 'hex'"
    )
    done = dag.test()
    tasks = done.get_task_instances()
    return {
        "state": str(done.state),
        "tasks": {one.task_id: [str(one.state), one.try_number] for one in tasks},
        "kept": {one.task_id: one.xcom_pull(task_ids=one.task_id) for one in tasks},
    }


def typed(folder: str, dag_id: str, *lines: str) -> dict[str, Any]:
    """Lines of `airflow ...` one after another, and what they left: in the tables, and for the tasks of a DAG's run."""
    from airflow.cli.cli_parser import get_parser
    from airflow.models import DagRun, Variable
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session
    from sqlalchemy import select

    initdb()
    sys.path.append(folder)
    for line in ("airflow dags reserialize", *lines):
        words = get_parser().parse_args(shlex.split(line)[1:])
        words.func(words)
    with create_session() as session:
        runs = session.scalars(select(DagRun).order_by(DagRun.dag_id, DagRun.logical_date))
        left = {
            "variables": {one.key: one.val for one in session.scalars(select(Variable))},
            "days": [[one.dag_id, f"{one.logical_date:%Y-%m-%d}"] for one in runs],
        }
    return {**left, **run(folder, f"{dag_id}=")}


if __name__ == "__main__":
    wanted, out, *words = sys.argv[1:]
    does = {"described": described, "run": run, "typed": typed}[wanted]
    Path(out).write_text(json.dumps(does(*words), default=str))
