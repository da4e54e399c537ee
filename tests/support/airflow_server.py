"""Airflow in its own environment: a home, runs in one process, and a standalone scheduler that is asked by REST."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil

from tests.support.server_process import free_port

READY_WITHIN_S = 600
ENDS_WITHIN_S = 20
PERSON_READS_S = 10


@dataclass(frozen=True)
class Home:
    """root: the repository.  folder: where Airflow keeps its own.  environment: over this process's own."""

    root: Path
    folder: Path
    environment: Mapping[str, str]

    @property
    def dags(self) -> Path:
        return self.root / "orchestration" / "airflow" / "dags"

    def variables(self, **more: str) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "CREDITRISK"))}
        return {
            **plain,
            "PATH": f"{Path(self.program('airflow')).parent}{os.pathsep}{plain['PATH']}",
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "PYTHONPATH": str(self.root / "tests" / "support"),
            **self.environment,
            **more,
        }

    def program(self, name: str) -> str:
        return str(self.root / ".cache" / "env" / "airflow" / "bin" / name)

    def driven(self, wanted: str, *words: str, limit_s: float = 900, **more: str) -> tuple[Any, str]:
        """What tests/support/airflow_driver.py answers, and what Airflow said meanwhile."""
        out, driver = self.folder / f"{wanted}.json", self.root / "tests" / "support" / "airflow_driver.py"
        self.folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [self.program("python"), str(driver), wanted, str(out), *words],
            env=self.variables(**more), cwd=self.folder, capture_output=True, text=True, timeout=limit_s, check=False,
        )  # fmt: skip
        told = done.stdout + done.stderr
        assert done.returncode == 0, told[-3000:]
        return json.loads(out.read_text(encoding="utf-8")), told


@dataclass(frozen=True)
class Airflow:
    """A scheduler that runs, by its REST."""

    url: str
    token: str

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/api/v2/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def unpause(self, *dag_ids: str) -> None:
        """Once the DAG processor has seen them."""
        for dag_id in dag_ids:
            self.until(lambda dag_id=dag_id: self._known(dag_id), f"{dag_id} is known")
            self.ask("PATCH", f"dags/{dag_id}", {"is_paused": False})

    def start(self, dag_id: str, run: str, **more: Any) -> None:
        self.ask("POST", f"dags/{dag_id}/dagRuns", {"logical_date": None, "dag_run_id": run, **more})

    def runs(self, dag_id: str) -> dict[str, str]:
        """run -> state, oldest first."""
        told = self.ask("GET", f"dags/{dag_id}/dagRuns?order_by=run_after")
        return {one["dag_run_id"]: one["state"] for one in told["dag_runs"]}

    def first_run(self, dag_id: str, kind: str = "", limit_s: float = 600) -> str:
        """The oldest run, of that kind; waited for."""

        def found() -> list[str]:
            return [run for run in self.runs(dag_id) if run.startswith(kind)]

        self.until(found, f"{dag_id} is started", limit_s)
        return found()[0]

    def backfill(self, dag_id: str, first: date, last: date) -> None:
        body = {"dag_id": dag_id, "from_date": f"{first}T00:00:00Z", "to_date": f"{last}T00:00:00Z",
                "max_active_runs": 1}  # fmt: skip
        self.ask("POST", "backfills", body)

    def tasks(self, dag_id: str, run: str) -> dict[str, tuple[str, int]]:
        """task -> (state, tries)"""
        told = self.ask("GET", f"dags/{dag_id}/dagRuns/{run}/taskInstances")
        return {one["task_id"]: (one["state"], one["try_number"]) for one in told["task_instances"]}

    def states(self, dag_id: str, run: str) -> dict[str, str]:
        return {task: state for task, (state, _) in self.tasks(dag_id, run).items()}

    def ended(self, dag_id: str, run: str, limit_s: float = 900) -> str:
        """Its state, once it has one that lasts."""
        self.until(lambda: self.runs(dag_id).get(run) in ("success", "failed"), f"{dag_id} {run} ends", limit_s)
        return self.runs(dag_id)[run]

    def reaches(self, dag_id: str, run: str, task: str, state: str, limit_s: float = 600) -> None:
        self.until(lambda: self.states(dag_id, run).get(task) == state, f"{dag_id}.{task} is {state}", limit_s)

    def answer(self, dag_id: str, run: str, task: str, option: str) -> None:
        """As a person does, after a while: Airflow 3.3.2 fails a task that goes on before it has heard of its pause."""
        time.sleep(PERSON_READS_S)
        path = f"dags/{dag_id}/dagRuns/{run}/taskInstances/{task}/-1/hitlDetails"
        self.ask("PATCH", path, {"chosen_options": [option], "params_input": {}})

    def log(self, dag_id: str, run: str, task: str, tries: int) -> str:
        return json.dumps(self.ask("GET", f"dags/{dag_id}/dagRuns/{run}/taskInstances/{task}/logs/{tries}"))

    def until(self, holds: Any, what: str, limit_s: float = 600) -> None:
        """Asks until it holds; an answer that does not come in time is asked for again."""
        last = time.monotonic() + limit_s
        while True:
            with suppress(TimeoutError):
                if holds():
                    return
            assert time.monotonic() < last, f"{limit_s:g} s are over before {what}"
            time.sleep(1.0)

    def _known(self, dag_id: str) -> bool:
        try:
            return bool(self.ask("GET", f"dags/{dag_id}"))
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return False


@contextmanager
def standalone(home: Home) -> Iterator[Airflow]:
    """API server, scheduler, DAG processor and triggerer on a free port of loopback; all of it ends with the block."""
    port = free_port()
    environment = home.variables(
        AIRFLOW__API__HOST="127.0.0.1",
        AIRFLOW__API__PORT=str(port),
        AIRFLOW__API__WORKERS="1",
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"http://127.0.0.1:{port}/execution/",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True",
    )
    home.folder.mkdir(parents=True, exist_ok=True)
    log = home.folder / "standalone.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [home.program("airflow"), "standalone"],
            stdout=stream, stderr=stream, cwd=home.folder, env=environment, start_new_session=True,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        _healthy(url, process, log)
        with urllib.request.urlopen(f"{url}/auth/token", timeout=60) as answer:
            token = json.loads(answer.read())["access_token"]
        yield Airflow(url, token)
    finally:
        _end(process)


def _healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    last = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < last and process.poll() is None:
        with suppress(OSError, ValueError), urllib.request.urlopen(f"{url}/api/v2/monitor/health", timeout=5) as answer:
            told = json.loads(answer.read())
            if all(told[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
                return
        time.sleep(1.0)
    raise AssertionError(f"Airflow did not come up:\n{log.read_text()[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """By number: the group that was made for it, and the commands that tasks had started in groups of their own."""
    started = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    psutil.wait_procs(started, timeout=ENDS_WITHIN_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # idle workers take no notice of the first
    for one in started:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()
