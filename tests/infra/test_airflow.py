"""The DAGs in a real Airflow: what parsing asks for, what an exit code leads to, whole runs, a person's yes."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml

from tests.support.airflow_server import Airflow, Home, standalone
from tests.support.listening import Webhook, listening
from tests.support.postgres import PostgresServer
from tests.support.tiny_book import PORTFOLIO, write_tiny_book
from tests.support.tiny_run import write_tiny_raw
from tests.support.typed_commands import blocks

KINDS = ("train_pipeline", "tune_hyperparams", "promote_model", "batch_prediction", "monitoring")
STAGES = ("ingest", "check", "features", "split", "train", "evaluate", "validate", "register", "canary")
CREDITRISK = str(Path(sys.executable).parent / "creditrisk")
DEFAULTS = {
    "owner": "tests", "retries": 2, "retry_delay_seconds": 1, "window_days": 92, "begins": None,
    **{kind: {"schedule": None, "deadline_minutes": 60} for kind in KINDS},
}  # fmt: skip


@pytest.fixture(scope="session")
def programs(repository: Path) -> Path:
    """Airflow's own environment; making it takes no time where it is there."""
    subprocess.run([repository / "scripts" / "tool_environment.sh", "airflow"], check=True)
    return repository


CURIOUS = """\
import socket
from airflow.sdk import DAG, Connection, Variable
Variable.get("path", default="")
try:
    socket.create_connection(("127.0.0.1", 9))
except OSError:
    pass
Connection.get("bucket")
"""


@pytest.fixture(scope="module")
def parsed(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The shipped DAGs, and one that asks for things; Airflow's own database is out of reach."""
    folder = tmp_path_factory.mktemp("parsed")
    (folder / "curious").mkdir()
    (folder / "curious" / "curious_dag.py").write_text(CURIOUS, encoding="utf-8")
    home = Home(programs, folder / "airflow", {})
    told, _ = home.driven(
        "described", str(home.dags), str(folder / "curious"),
        AIRFLOW__SECRETS__BACKEND="airflow_driver.Recording",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{folder}/nowhere/airflow.db",
    )  # fmt: skip
    return list(told)


@pytest.fixture
def shipped(parsed: list[dict[str, Any]]) -> dict[str, Any]:
    return parsed[0]


def test_the_shipped_dags_are_five_of_each_book_without_an_import_error(shipped: dict[str, Any]) -> None:
    assert shipped["import_errors"] == {}
    assert set(shipped["dags"]) == {f"{kind}__{book}" for kind in KINDS for book in ("home_credit", "lending_club")}


def test_parsing_asks_for_no_variable_no_connection_no_network_and_no_database(shipped: dict[str, Any]) -> None:
    assert shipped["asked"] == []


def test_a_dag_that_asks_while_it_is_parsed_would_be_seen(parsed: list[dict[str, Any]]) -> None:
    curious = parsed[1]
    assert {"Variable path", "Connection bucket"} <= set(curious["asked"])
    assert any(one.startswith("network") for one in curious["asked"])
    assert set(curious["import_errors"]) == {"curious_dag.py"}


def test_every_dag_has_retries_time_limits_a_deadline_an_owner_and_somebody_who_is_told(
    shipped: dict[str, Any],
) -> None:
    for name, dag in shipped["dags"].items():
        kind, book = name.split("__")
        assert dag["tags"] == sorted(["creditrisk", kind, book])
        assert dag["deadline_minutes"] != []
        assert (dag["max_active_runs"], dag["catchup"]) == (1, False)
        for task_name, task in dag["tasks"].items():
            assert task["owner"] == "credit-risk"
            assert task["tells_of_failure"]
            assert task["execution_timeout"] is not None
            assert task["retries"] == (0 if task_name == "approve" else 3), (name, task_name)


def test_each_stage_of_a_training_is_a_task_and_assets_lead_from_one_dag_to_the_next(
    shipped: dict[str, Any],
) -> None:
    dags = shipped["dags"]
    train = dags["train_pipeline__home_credit"]["tasks"]
    assert [train[stage]["downstream"] for stage in STAGES] == [*([stage] for stage in STAGES[1:]), []]
    outlets = {
        f"{kind}.{name}": task["outlets"]
        for kind in KINDS
        for name, task in dags[f"{kind}__home_credit"]["tasks"].items()
        if task["outlets"]
    }
    assert outlets == {
        "train_pipeline.canary": ["home_credit_candidate"],
        "promote_model.promote": ["home_credit_production"],
        "batch_prediction.score": ["home_credit_decisions"],
    }


def test_a_lender_lists_books_of_its_own_and_a_wrong_key_is_named(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = books_module(repository)
    monkeypatch.setenv("CREDITRISK_AIRFLOW_BOOKS", str(write_books(tmp_path, {"mine": {"path": "/books/mine"}})))
    (mine,) = reading.books()
    assert (mine.argument, mine.owner, mine.rhythms["monitoring"].deadline_minutes) == ("/books/mine", "tests", 60)
    write_books(tmp_path, {"mine": {"retris": 5}})
    with pytest.raises(ValueError, match=r"mine has unknown keys \['retris'\]; known: .*'retries'"):
        reading.books()


def books_module(repository: Path) -> Any:
    """The file that reads books.yaml; it needs nothing of Airflow."""
    path = repository / "orchestration" / "airflow" / "dags" / "creditrisk_airflow" / "books.py"
    spec = importlib.util.spec_from_file_location("airflow_books", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkey = sys.modules.setdefault("airflow_books", module)
    spec.loader.exec_module(monkey)
    return monkey


def write_books(folder: Path, books: dict[str, Any], **defaults: Any) -> Path:
    file = folder / "books.yaml"
    file.write_text(yaml.safe_dump({"defaults": {**DEFAULTS, **defaults}, "books": books}), encoding="utf-8")
    return file


CODES = """\
from datetime import timedelta
from airflow.sdk import DAG
from creditrisk_airflow.commands import Creditrisk
from creditrisk_airflow.messages import failed
import creditrisk_airflow.commands
creditrisk_airflow.commands.BUSY_FOR = timedelta(seconds=1)
with DAG("codes", default_args={"retries": 2, "retry_delay": timedelta(seconds=0), "on_failure_callback": failed}):
    options = {"--left-out": "", "--on": "{{ 1 + 1 }}"}
    for name in ("done", "refused", "misused", "away", "busy", "killed"):
        Creditrisk(task_id=name, command=name, book="b", keep=["n"], options=options)
    Creditrisk(task_id="answered", command="refused", book="b", keep=["objections"], answers=(0, 1))
"""
STAND_IN = """\
#!/bin/sh
# Ends as the command line does; what fails once leaves a mark in the workspace.
case "$*" in *--left-out*) exit 9;; esac
mark="$4/$1"
case $1 in
  done) [ "$*" = "done b --workspace $4 --on 2 --json" ] && echo '{"n": 7}' ;;
  refused)
    printf '{"objections": ["a gate says %02000d", "two approvals are missing"]}' 0
    echo "refused: approvals are missing" >&2; exit 1 ;;
  misused) echo '{"error": {"kind": "BadUsage", "what": "no such book", "where": "", "hint": "known: a"}}'; exit 2 ;;
  away) [ -e "$mark" ] && echo '{"n": 1}' && exit 0; touch "$mark"; echo "error: the registry is away" >&2; exit 3 ;;
  busy) [ -e "$mark" ] && echo '{"n": 1}' && exit 0; touch "$mark"; echo '{"error": {"kind": "Busy"}}'; exit 1 ;;
  killed) [ -e "$mark" ] && echo '{"n": 1}' && exit 0; touch "$mark"; kill -9 $$ ;;
esac
"""
AWAY_ONCE = """\
#!/bin/sh
# The real command; the first time that a model is to be registered, MLflow is away.
if [ "$1" = register ] && [ ! -e {mark} ]; then
  touch {mark}
  export MLFLOW_TRACKING_URI=http://127.0.0.1:9 MLFLOW_HTTP_REQUEST_MAX_RETRIES=0
fi
exec {creditrisk} "$@"
"""


SCORED_EARLIER = """\
#!{python}
# The real command; batches are decided nine days ago, so that a backfill finds decisions.
import sys
from datetime import UTC, datetime, timedelta
from creditrisk.adapters import system_clock
from creditrisk.cli.tree import entry_point
if sys.argv[1] == "score":
    system_clock.SystemClock.now = lambda _: datetime.now(UTC) - timedelta(days=9)
entry_point()
"""


def write_program(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def sound_book(folder: Path) -> Path:
    """The tiny book with one grade, which its rows can bear, so that its gates pass."""
    written = write_tiny_book(folder)
    text = PORTFOLIO.replace("{A: 0.05, B: 0.2, C: 1.0}", "{A: 1.0}")
    text = text.replace("monotone: {income: pd_falls}", "monotone: {income: pd_falls}\n  blank_is_worst: [income]")
    (written / "portfolio.yaml").write_text(text + "monitoring: {auto_retrain: run}\n", encoding="utf-8")
    return written


@dataclass(frozen=True)
class Ran:
    """dags: as they ended.   log: what Airflow said.   messages: what somebody was told."""

    dags: dict[str, Any]
    log: str
    messages: str


@pytest.fixture(scope="module")
def ran(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Three runs in one process: a command that ends in every way, a training of the tiny book, no program at all."""
    folder = tmp_path_factory.mktemp("ran")
    write_tiny_raw(folder / "raw" / "tiny", rows=6000)
    file = write_books(folder, {"tiny": {"path": str(sound_book(folder / "book"))}})
    dags = folder / "dags"
    shutil.copytree(programs / "orchestration" / "airflow" / "dags", dags)
    (dags / "codes_dag.py").write_text(CODES, encoding="utf-8")
    (folder / "w").mkdir()
    once = write_program(folder / "once", AWAY_ONCE.format(mark=folder / "mark", creditrisk=CREDITRISK))
    with listening() as hook:
        home = Home(programs, folder / "airflow", {
            "CREDITRISK_AIRFLOW_BOOKS": str(file),
            "AIRFLOW_VAR_CREDITRISK_WORKSPACE": str(folder / "w"),
            "AIRFLOW_VAR_CREDITRISK_RAW": str(folder / "raw"),
            "AIRFLOW_CONN_CREDITRISK_MESSAGES": messages_to(hook),
        })  # fmt: skip
        runs, log = home.driven(
            "run", str(dags), f"codes={write_program(folder / 'any', STAND_IN)}",
            f"train_pipeline__tiny={once}", "tune_hyperparams__tiny=/no/such",
            AIRFLOW__CORE__DAGS_FOLDER=str(dags),
        )  # fmt: skip
        return Ran(runs, log, told(hook))


def tables_in(postgres: PostgresServer) -> str:
    """Airflow's own database, empty."""
    return postgres.empty_database().replace("postgresql://", "postgresql+psycopg2://")


def messages_to(hook: Webhook) -> str:
    """The Connection creditrisk_messages."""
    return json.dumps({"conn_type": "generic", "extra": {"addresses": [f"json://127.0.0.1:{hook.port}/told"]}})


@pytest.mark.timeout(900)
def test_an_exit_code_decides_whether_a_task_fails_at_once_is_retried_or_waits(ran: Ran) -> None:
    assert ran.dags["codes"]["tasks"] == {
        "done": ["success", 1], "answered": ["success", 1],
        "refused": ["failed", 1], "misused": ["failed", 1],
        "away": ["success", 2], "killed": ["success", 2],
        "busy": ["success", 1],
    }  # fmt: skip
    assert ran.dags["codes"]["kept"]["done"] == {"n": 7}
    assert ran.dags["codes"]["kept"]["answered"]["objections"][1] == "two approvals are missing"
    assert "exit code 2: what no such book; hint known: a" in ran.log
    assert "exit code 3: error: the registry is away" in ran.log


def test_somebody_is_told_every_objection_however_much_the_first_one_says(ran: Ran) -> None:
    of_refused = ran.messages.partition("codes: refused failed")[2].partition("What to do")[0]
    assert "a gate says 000" in of_refused
    assert "two approvals are missing" in of_refused
    assert len(of_refused) < 1500


def test_a_training_ends_well_although_mlflow_was_away_when_the_model_was_to_be_registered(ran: Ran) -> None:
    run = ran.dags["train_pipeline__tiny"]
    assert run["tasks"] == {stage: ["success", 2 if stage == "register" else 1] for stage in STAGES}, ran.log[-6000:]
    assert run["state"] == "success"
    assert run["kept"]["register"]["version"] == 1


def test_without_the_program_a_task_says_so_and_is_not_tried_again(ran: Ran) -> None:
    assert ran.dags["tune_hyperparams__tiny"]["tasks"]["tune"] == ["failed", 1]
    assert (
        "cannot run /no/such: No such file or directory; hint: the Variable creditrisk_cli is its path here" in ran.log
    )


SHOWN = """\
from airflow.sdk import DAG, task
from creditrisk_airflow import connections
with DAG("shown"):
    @task
    def of_commands():
        told = connections.environment()
        return {name: told[name] for name in told if name.startswith(("CREDITRISK", "MLFLOW_TR", "AIRFLOW"))}
    of_commands()
"""


def lines_of_the_page(root: Path, commands: str) -> list[str]:
    """Those of `airflow` that docs/airflow.md tells to type."""
    page = [line for block in blocks(root / "docs" / "airflow.md") for line in block.commands]
    return [line for line in page if re.match(f"airflow ({commands}) ", line)]


@pytest.mark.by_hand
@pytest.mark.timeout(900)
def test_the_lines_of_the_page_set_variables_connections_and_backfills(programs: Path, tmp_path: Path) -> None:
    """Those of `airflow` in docs/airflow.md that neither begin a server nor need one."""
    dags = tmp_path / "dags"
    shutil.copytree(programs / "orchestration" / "airflow" / "dags", dags)
    (dags / "shown_dag.py").write_text(SHOWN, encoding="utf-8")
    add = "airflow connections add creditrisk_"
    further = [
        f"{add}decisions --conn-type postgres --conn-host db --conn-schema kept --conn-login me",
        f"""{add}environment --conn-type generic --conn-extra '{{"CREDITRISK_SIGNING_KEY": "k"}}'""",
    ]
    lines = lines_of_the_page(programs, "variables|connections|backfill")
    assert len(lines) == 8
    values = {"PWD": "/somewhere", "HOME": "/of/me", "PASSWORD": "very secret"}
    home = Home(programs, tmp_path / "airflow", {"AIRFLOW__CORE__DAGS_FOLDER": str(dags), "CREDITRISK_OF_WORKER": "x"})
    told, _ = home.driven("typed", str(dags), "shown", *(Template(line).substitute(values) for line in lines), *further)
    assert told["variables"] == {
        "creditrisk_cli": "/somewhere/.venv/bin/creditrisk",
        "creditrisk_workspace": "/somewhere/workspace",
        "creditrisk_raw": "/of/me/kaggle",
    }
    days = ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert told["days"] == [
        [f"{kind}__lending_club", day] for kind in ("batch_prediction", "monitoring") for day in days
    ]
    assert told["shown"]["kept"]["of_commands"] == {
        "CREDITRISK_ACTOR": "airflow",
        "CREDITRISK_OF_WORKER": "x",
        "CREDITRISK_DECISIONS_URL": "postgresql://me@db:5432/kept",
        "CREDITRISK_SIGNING_KEY": "k",
        "MLFLOW_TRACKING_URI": "https://mlflow.example.org",
        "MLFLOW_TRACKING_USERNAME": "airflow",
        "MLFLOW_TRACKING_PASSWORD": "very secret",
    }


@dataclass(frozen=True)
class Lender:
    """A workspace, a book and what people type at their own desks."""

    folder: Path
    book: Path

    @property
    def workspace(self) -> Path:
        return self.folder / "w"

    def types(self, *words: object) -> dict[str, Any]:
        done = subprocess.run(
            [CREDITRISK, *map(str, words), "--workspace", str(self.workspace), "--json"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def signs(self, name: str, version: int) -> None:
        """Waives what is not known of so few rows, with a key made now, and signs the evidence."""
        report = json.loads((self.workspace / "tiny" / "reports" / "post_training_validation.json").read_text())
        gates = [word for gate in report["gates"] if gate["verdict"] != "pass" for word in ("--gate", gate["name"])]
        until = datetime.now(UTC).date() + timedelta(days=9)
        self.types("waive", self.book, *gates, "--because", "a test", "--until", until, "--version", version)
        self.types("keys", "new", name)
        self.types("approve", self.book, "--version", version, "--by", name, "--note", "read it all")

    def changes_its_policy(self) -> None:
        file = self.book / "portfolio.yaml"
        file.write_text(file.read_text().replace("because: a test, owner: tests", "because: a test, owner: others"))

    def audited(self, act: str) -> int:
        lines = (self.workspace / "audit.jsonl").read_text(encoding="utf-8").splitlines()
        return sum(json.loads(line)["act"] == act for line in lines)


@pytest.mark.by_hand
@pytest.mark.timeout(2400)
def test_from_raw_tables_to_a_retraining_with_two_people_in_between(
    programs: Path, postgres: PostgresServer, tmp_path: Path
) -> None:
    """Every DAG of the tiny book under a scheduler: assets lead on, a person answers, a late run is told.

    Airflow's tables are in Postgres: in SQLite no backfill can be made while anything runs.
    """
    lender = Lender(tmp_path, sound_book(tmp_path / "book"))
    raw = write_tiny_raw(tmp_path / "raw" / "tiny", rows=6000)
    today = datetime.now(UTC).date()
    for days in range(4):
        shutil.copytree(raw, lender.workspace / "incoming" / "tiny" / str(today - timedelta(days=days)))
    nightly = {"schedule": "0 0 * * *", "deadline_minutes": 60}
    hasty = {"schedule": None, "deadline_minutes": 0.05}
    books = write_books(tmp_path, {"tiny": {"path": str(lender.book), "monitoring": nightly, "promote_model": hasty}})
    with listening() as hook:
        home = Home(programs, tmp_path / "airflow", {
            "CREDITRISK_AIRFLOW_BOOKS": str(books),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": tables_in(postgres),
            "AIRFLOW_VAR_CREDITRISK_CLI": write_program(
                tmp_path / "earlier", SCORED_EARLIER.format(python=sys.executable)
            ),
            "AIRFLOW_VAR_CREDITRISK_WORKSPACE": str(lender.workspace),
            "AIRFLOW_VAR_CREDITRISK_RAW": str(tmp_path / "raw"),
            "AIRFLOW_CONN_CREDITRISK_MESSAGES": messages_to(hook),
        })  # fmt: skip
        with standalone(home) as airflow:
            train, promote, batch, nights = (
                f"{kind}__tiny" for kind in ("train_pipeline", "promote_model", "batch_prediction", "monitoring")
            )
            airflow.unpause(train, promote, batch, "tune_hyperparams__tiny")

            airflow.start(train, "first")
            assert airflow.ended(train, "first") == "success", airflow.states(train, "first")
            asked = airflow.first_run(promote)
            airflow.reaches(promote, asked, "approve", "awaiting_input")
            airflow.until(lambda: "too slow" in told(hook), "the deadline is told")

            airflow.answer(promote, asked, "approve", "Approve")
            assert airflow.ended(promote, asked) == "failed"
            assert airflow.tasks(promote, asked)["promote"] == ("failed", 1)  # a yes in Airflow is no signature
            assert "approv" in told(hook).partition("promote failed")[2]

            lender.signs("ben", version=1)
            [clear] = lines_of_the_page(programs, "tasks")
            clears = clear.replace("train_pipeline__lending_club", promote).replace(" validate ", " promote ")
            assert clears != clear
            subprocess.run(shlex.split(clears), env=home.variables(), check=True)
            airflow.reaches(promote, asked, "promote", "success")
            airflow.unpause(nights)
            assert airflow.ended(promote, asked) == "success"
            scored = airflow.first_run(batch)
            assert airflow.ended(batch, scored) == "success"
            day = today - timedelta(days=1)
            assert (lender.workspace / "scored" / "tiny" / str(day) / "decisions.parquet").exists()

            night = airflow.first_run(nights, "asset_triggered")
            assert airflow.ended(nights, night) == "success", airflow.states(nights, night)
            assert branches(airflow, nights, night) == {"learn_anew": "skipped", "propose": "skipped",
                                                        "nothing_to_do": "success"}  # fmt: skip

            lender.changes_its_policy()
            for run in ("second", "third"):
                airflow.start(nights, run)
                assert airflow.ended(nights, run) == "success", airflow.states(nights, run)
            assert branches(airflow, nights, "second") == {"learn_anew": "success", "propose": "skipped",
                                                           "nothing_to_do": "skipped"}  # fmt: skip
            assert sum(run.startswith("retrain__") for run in airflow.runs(train)) == 1
            assert lender.audited("retrain_triggered") == 1

            airflow.backfill(nights, today - timedelta(days=3), today - timedelta(days=2))
            kept = lender.workspace / "tiny" / "monitoring"
            airflow.until(lambda: len(list(kept.glob("*/outcomes_report.json"))) == 2, "two days are told again", 600)
            report = json.loads((kept / str(today - timedelta(days=3)) / "outcomes_report.json").read_text())
            assert report["as_of"] == str(today - timedelta(days=2))

            again = next(run for run in airflow.runs(train) if run.startswith("retrain__"))
            assert airflow.ended(train, again) == "success", airflow.states(train, again)
            airflow.start("tune_hyperparams__tiny", "search", conf={"trials": 2})
            assert airflow.ended("tune_hyperparams__tiny", "search") == "success"


@pytest.mark.by_hand
@pytest.mark.timeout(2400)
def test_a_shipped_book_from_its_schedule_to_its_monitoring_on_the_workspace_that_the_demo_left(
    programs: Path, postgres: PostgresServer, tmp_path: Path
) -> None:
    """With books.yaml as it is: unpausing starts the last training that was due, and assets lead on from there."""
    workspace = tmp_path / "w"
    subprocess.run([CREDITRISK, "demo", "--rows", "2000", "--workspace", workspace], check=True)
    today, incoming = datetime.now(UTC).date(), workspace / "incoming" / "lending_club"
    incoming.mkdir(parents=True)
    for days in range(4):
        (incoming / str(today - timedelta(days=days))).symlink_to(workspace / "demo" / "lending_club")
    home = Home(programs, tmp_path / "airflow", {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": tables_in(postgres),
        "AIRFLOW_VAR_CREDITRISK_CLI": CREDITRISK,
        "AIRFLOW_VAR_CREDITRISK_WORKSPACE": str(workspace),
        "AIRFLOW_VAR_CREDITRISK_RAW": str(workspace / "demo"),
    })  # fmt: skip
    with standalone(home) as airflow:
        train, tune, promote, batch, nights = (f"{kind}__lending_club" for kind in KINDS)
        airflow.unpause(train, promote)
        due = airflow.first_run(train, "scheduled")
        assert airflow.ended(train, due) == "success", airflow.states(train, due)

        asked = airflow.first_run(promote)
        airflow.reaches(promote, asked, "approve", "awaiting_input")
        airflow.unpause(batch, nights, tune)
        airflow.answer(promote, asked, "approve", "Approve")
        assert airflow.ended(promote, asked) == "success", airflow.states(promote, asked)

        for dag_id in (batch, nights):
            run = airflow.first_run(dag_id, "asset_triggered")
            assert airflow.ended(dag_id, run) == "success", airflow.states(dag_id, run)
        assert branches(airflow, nights, run) == {"learn_anew": "skipped", "propose": "skipped",
                                                  "nothing_to_do": "success"}  # fmt: skip
        yesterday = workspace / "scored" / "lending_club" / str(today - timedelta(days=1))
        assert (yesterday / "decisions.parquet").exists()

        airflow.start(tune, "search", conf={"trials": 2})
        assert airflow.ended(tune, "search") == "success", airflow.states(tune, "search")


def told(hook: Webhook) -> str:
    """Every message that came, one after the other."""
    return "\n".join(f"{one.json()['title']}\n{one.json()['message']}" for one in hook.posted)


def branches(airflow: Airflow, dag_id: str, run: str) -> dict[str, str]:
    states = airflow.states(dag_id, run)
    return {name: states[name] for name in ("learn_anew", "propose", "nothing_to_do")}
