"""`creditrisk serve` as a process of its own: killed, reloaded, asked by curl, and never wrong about what it kept."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from creditrisk.adapters.mlflow_client import mlflow_at
from creditrisk.cli import main
from creditrisk.client import Client, RequestRefused
from creditrisk.config import Workspace
from creditrisk.wiring import ServerOptions, book_with, context_for
from tests.support.load import Load
from tests.support.server_process import free_port
from tests.support.tiny_server import RECORD, RECORDS, Trained, kept_by, running, wait_until_ready

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("TEST_KILLS", "20"))
SWAPS = int(os.environ.get("TEST_SWAPS", "10"))


@contextmanager
def forking(trained: Trained, folder: Path) -> Iterator[Callable[[], Forked]]:
    """start() makes a server process from one that has imported everything already."""
    log = folder / "server.log"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.forking_server", str(log)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True,
        env={**os.environ, "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"},
    ) as parent:  # fmt: skip

        def start() -> Forked:
            assert parent.stdin is not None
            assert parent.stdout is not None
            port = free_port()
            options = ServerOptions(str(trained.book), str(trained.workspace), "candidate", "127.0.0.1", port, 1)
            parent.stdin.write(json.dumps(asdict(options)) + "\n")
            parent.stdin.flush()
            server = Forked(f"http://127.0.0.1:{port}", int(parent.stdout.readline()))
            wait_until_ready(server.url, server.alive, log)
            return server

        try:
            yield start
        finally:
            os.killpg(parent.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Forked:
    url: str
    pid: int

    def alive(self) -> bool:
        return psutil.pid_exists(self.pid)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def test_the_lines_of_the_documentation_run_as_they_stand(trained: Trained, tmp_path: Path, repository: Path) -> None:
    curl = shutil.which("curl")
    assert curl is not None
    text = (repository / "docs" / "serving.md").read_text(encoding="utf-8")
    shown = re.sub("<!--.*?-->", "", text, flags=re.DOTALL)  # what prepares a page for tests/infra/test_docs.py is not
    lines = re.findall(r"^curl .+$", shown, re.MULTILINE)
    (tmp_path / "request.json").write_text(str({"applications": [RECORD]}).replace("'", '"'))
    assert len(lines) >= 7
    with running(trained, tmp_path) as server:
        for line in lines:
            done = subprocess.run(
                ["bash", "-c", line.replace("http://127.0.0.1:8080", server.url).replace("curl -s", "curl -sf")],
                cwd=tmp_path, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, (line, done.stdout, done.stderr)
        assert server.stop() == 0
    log = (tmp_path / "server.log").read_text()
    assert "request" in {json.loads(line)["event"] for line in log.splitlines()}
    assert "21000" not in log


def test_a_connection_that_was_idle_for_a_while_still_answers(trained: Trained, tmp_path: Path) -> None:
    """uvicorn's own 5 s are shorter than any balancer's, which would send the next request into a closed connection."""
    with running(trained, tmp_path) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
        connection.request("GET", "/health")
        assert connection.getresponse().read()
        held = connection.sock
        time.sleep(7)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        assert connection.sock is held
        connection.close()


def test_the_client_decides_overrules_and_looks_up(trained: Trained, tmp_path: Path) -> None:
    with running(trained, tmp_path) as server, Client(server.url) as client:
        answer = client.predict([RECORD], idempotency_key="once")
        assert client.predict([RECORD], idempotency_key="once") == answer
        (one,) = answer.decisions
        other = "refer" if one.decision != "refer" else "decline"
        assert client.override(one.decision_id, other, role="clerk", code="COLLATERAL", text="seen").decision == other
        assert client.decision(one.decision_id)["pd"] == one.pd
        assert client.disclosure(one.decision_id)["decision"] == other
        assert client.validate([RECORD])[0]["entity_id"] == 7
        with pytest.raises(RequestRefused) as caught:
            client.predict([{"application": {}}])
        assert caught.value.problems


@pytest.mark.timeout(1800)  # every kill needs a server of its own
def test_every_answered_decision_survives_kill_9_and_no_key_decides_twice(trained: Trained, tmp_path: Path) -> None:
    choose = random.Random(20_261_121)
    answered: dict[str, dict[str, Any]] = {}
    unanswered: dict[str, Any] = {}
    with forking(trained, tmp_path) as start:
        for _ in range(KILLS):
            server = start()
            with Load(server.url, RECORDS) as load:
                load.wait_for(choose.randrange(1, 25), server.alive)
                time.sleep(choose.random() * 0.02)
                server.kill()
            assert load.refused == []
            answered |= load.answers
            unanswered |= {key: record for key, record in load.asked.items() if key not in load.answers}
    with kept_by(trained) as store:
        told = store.verify()
        assert told.unbroken, told.breaks
        for key, answer in answered.items():
            (kept,) = store.answered("local", key)
            assert kept.passport.decision_id == answer["decisions"][0]["decision_id"]
            assert kept.passport.pd == answer["decisions"][0]["pd"]
    with running(trained, tmp_path) as server, requests.Session() as session:
        again = Load(server.url, RECORDS)
        for key, record in unanswered.items():
            again.ask(session, key, record)
        assert (again.broken, again.refused) == (0, [])
    with kept_by(trained) as store:
        assert all(len(store.answered("local", key)) == 1 for key in (*answered, *unanswered))
        assert store.verify().unbroken
    assert len(answered) >= KILLS


@pytest.mark.timeout(1800)  # at full size
def test_models_are_swapped_under_load_and_every_answer_names_the_one_that_makes_it_again(
    trained_twice: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundles: dict[str, str] = {}
    with (
        context_for(
            book_with(str(trained_twice.book), {}), trained_twice.workspace, progress=lambda *_: None
        ) as context,
        running(trained_twice, tmp_path) as server,
        Load(server.url, RECORDS, callers=3) as load,
    ):
        bundles = {str(version.version): version.bundle_sha256 for version in context.registry.versions("tiny")}
        assert len(bundles) == 2
        before = requests.get(f"{server.url}/metadata", timeout=30).json()["model"]["version"]
        for swap in range(SWAPS):
            wanted = next(version for version in bundles if version != before)
            context.registry.set_alias("tiny", "candidate", int(wanted))
            told = requests.post(f"{server.url}/admin/reload", timeout=60)
            assert told.ok, (swap, told.text)
            assert told.json()["model"]["version"] == wanted
            before = wanted
            load.wait_for(5)
    assert (load.broken, load.refused) == (0, [])
    assert {answer["model"]["version"] for answer in load.answers.values()} == set(bundles)
    assert all(answer["model"]["bundle"] == bundles[answer["model"]["version"]] for answer in load.answers.values())
    with kept_by(trained_twice) as store:
        for key, answer in load.answers.items():
            (kept,) = store.answered("local", key)
            assert kept.passport.bundle_sha256 == answer["model"]["bundle"]
    capsys.readouterr()
    assert main(["decisions", "replay", "--all", "--workspace", str(trained_twice.workspace), "--json"]) == 0
    replayed = json.loads(capsys.readouterr().out)
    assert replayed["same"] == replayed["replayed"] >= len(load.answers)
    assert replayed["compared_to"] == "the last bit"


def test_a_damaged_bundle_is_refused_and_the_old_one_goes_on(trained_twice: Trained, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(trained_twice.workspace, workspace)
    copied = Trained(trained_twice.book, workspace)
    with (
        context_for(book_with(str(trained_twice.book), {}), workspace, progress=lambda *_: None) as context,
        running(copied, tmp_path) as server,
    ):
        first = requests.get(f"{server.url}/metadata", timeout=30).json()["model"]
        other = next(one for one in context.registry.versions("tiny") if one.bundle_sha256 != first["bundle"])
        damaged = Workspace(workspace).book("tiny").bundle(other.bundle_sha256) / "policy.json"
        damaged.write_text(damaged.read_text().replace("0", "1", 1))
        context.registry.set_alias("tiny", "candidate", other.version)
        told = requests.post(f"{server.url}/admin/reload", timeout=60)
        assert told.status_code == 409
        assert told.json()["type"] == "urn:creditrisk:problem:model_refused"
        metadata = requests.get(f"{server.url}/metadata", timeout=30).json()
        assert metadata["model"] == first | {key: metadata["model"][key] for key in ("estimator", "invented_data")}
        assert "altered" in metadata["last_refusal"]
        assert requests.post(f"{server.url}/predict", json={"applications": [RECORD]}, timeout=30).ok
        assert 'reloads_total{result="refused"} 1.0' in requests.get(f"{server.url}/metrics", timeout=30).text


def test_several_workers_answer_as_one_and_their_counts_are_one_run(trained: Trained, tmp_path: Path) -> None:
    told = {"CREDITRISK_SERVE_MLFLOW_WINDOW_MINUTES": "1440"}
    with running(trained, tmp_path, "--workers", "2", **told) as server:
        with Load(server.url, RECORDS) as load:
            load.wait_for(60)
            asked = len(load.answers)
            metrics = requests.get(f"{server.url}/metrics", timeout=30).text
            version = requests.get(f"{server.url}/metadata", timeout=30).json()["model"]["version"]
        assert server.stop() == 0
    counted = sum(float(one) for one in re.findall(r"^creditrisk_decisions_total\{.*\} (.+)$", metrics, re.MULTILINE))
    assert counted >= asked - 2 * load.callers
    assert (load.broken, load.refused) == (0, [])
    with mlflow_at(Workspace(trained.workspace).tracking_uri) as client:
        experiment = client.get_experiment_by_name("tiny-serving")
        days = [run.data for run in client.search_runs([experiment.experiment_id])]  # two of them at midnight
    assert sum(day.metrics["decisions"] for day in days) == len(load.answers)
    assert {day.tags["model_version"] for day in days} == {version}
