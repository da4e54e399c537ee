"""`cd` with the real product, from raw tables in DVC's remote to a server that decides, and back again.

Of others, AWS is moto with deployments, and docker, cosign and GitHub's actions are stubs. What ECS would start is
`creditrisk serve` on the workspace as the delivery kept it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from creditrisk.config import Workspace
from creditrisk.governance import ledger, rollouts
from tests.support import act, ecs_service
from tests.support.act import Ran, Runner
from tests.support.fake_ecs import FakeEcs
from tests.support.server_process import free_port
from tests.support.tiny_delivery import CLOUD, SYFT, changed, programs, with_tiny_book


@dataclass
class Server:
    """That which ECS starts, from the workspace as it is kept then."""

    repository: Path
    folder: Path
    kept: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        here = self.folder / "workspace"
        brought(self.repository, here, self.kept)
        with (self.folder / "server.log").open("ab") as log:
            command = [sys.executable, "-m", "creditrisk.cli", "serve", str(self.folder.parent / "clone/books/tiny")]
            command += ["--workspace", str(here), "--port", str(self.port)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "DO_NOT_TRACK": "1"})

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None


def brought(repository: Path, into: Path, kept: str) -> None:
    command = [sys.executable, "-m", "scripts.workspace_archive", "fetch", str(into), kept]
    subprocess.run(command, cwd=repository, check=True)


@pytest.fixture
def ecs() -> Iterator[FakeEcs]:
    with ecs_service.cloud() as fake:
        yield fake


@pytest.fixture
def server(repository: Path, tmp_path: Path) -> Iterator[Server]:
    (folder := tmp_path / "server").mkdir()
    made = Server(repository, folder, f"file://{tmp_path}/kept/tiny.tar.gz")
    yield made
    made.stop()


@pytest.fixture
def deliver(
    repository: Path, tool: Callable[[str], str], tmp_path: Path, ecs: FakeEcs, server: Server
) -> Callable[[int], Ran]:
    """deliver(0) runs `cd` on what is committed in the clone; the registry gives its image the first digest."""
    ecs_service.furnish(ecs, ecs_service.clients(ecs))
    runner = Runner(tool("act"), act.clone(repository, tmp_path / "clone"), tmp_path / "record")
    act.shadow_of(runner.folder, SYFT, {})
    with_tiny_book(runner.folder, tmp_path / "remote", rows=900)
    settings = {
        **CLOUD, "API_URL": server.url, "WORKSPACE_URL": f"file://{tmp_path}/kept",
        "DVC_REMOTE_URL": str(tmp_path / "remote"), "IMAGE_REGISTRY": ecs_service.REPOSITORY.partition("/")[0],
    }  # fmt: skip
    environment = {**ecs_service.environment(ecs), "CREDITRISK_DEPLOY_SMOKE_SECONDS": "40"}

    def run(image: int) -> Ran:
        others = programs(ecs.pushed[image].partition("@")[2])
        return runner.run(
            "cd.yaml", variables=settings, inputs={"book": "tiny"}, environment=environment,
            programs=act.write_programs(tmp_path / "programs", others), timeout=900,
        )  # fmt: skip

    return run


def creditrisk(book: Path, workspace: Path, *words: str) -> dict[str, Any]:
    """A command of somebody who has the workspace on a machine of their own."""
    command, *options = words
    typed = [sys.executable, "-m", "creditrisk.cli", command, str(book), *options, "--workspace", str(workspace)]
    done = subprocess.run([*typed, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def approved(repository: Path, book: Path, desk: Path, kept: str, version: int) -> None:
    """As docs/workflows.md says: fetched, looked at, approved, kept. carl answers for the gates that do not pass."""
    brought(repository, desk, kept)
    workspace = ["--workspace", str(desk)]
    if version == 1:
        subprocess.run([sys.executable, "-m", "creditrisk.cli", "keys", "new", "bob", *workspace], check=True)
    reports = {"": "post_training_validation.json", "canary_": "canary_report.json"}
    told = {kind: json.loads((desk / "tiny" / "reports" / name).read_text())["gates"] for kind, name in reports.items()}
    names = [kind + gate["name"] for kind, gates in told.items() for gate in gates if gate["verdict"] != "pass"]
    open_gates = [word for name in names for word in ("--gate", name)]
    until = (date.today() + timedelta(days=30)).isoformat()  # noqa: DTZ011 - as a reader of the page would say it
    number = ["--version", str(version)]
    creditrisk(book, desk, "waive", *open_gates, "--by", "carl", "--because", "a test", "--until", until, *number)
    creditrisk(book, desk, "approve", *number, "--by", "bob", "--note", "read the document")
    command = [sys.executable, "-m", "scripts.workspace_archive", "keep", str(desk), kept]
    subprocess.run(command, cwd=repository, check=True)


def stands(repository: Path, into: Path, kept: str) -> tuple[int, list[tuple[str, str]]]:
    """What the ledger that was kept says: the version in production, and (outcome, image in place) of each rollout."""
    brought(repository, into, kept)
    path = Workspace(into).book("tiny").ledger
    told = [one.rollout for one in rollouts.rollouts(path)]
    outcomes = [(str(one.outcome), one.after.image if one.after else "") for one in told]
    return ledger.standing(ledger.by_the_rules(ledger.entries(path))).aliases["production"], outcomes


STEPS = [
    "AWS", "Workspace of earlier runs", "Data", "Full pipeline", "Freshness gate", "Drift", "Canary", "Promote",
    "Keep the workspace", "Artefacts",
]  # fmt: skip


@pytest.mark.by_hand
@pytest.mark.timeout(3600)
def test_a_model_is_held_back_approved_delivered_and_taken_back_when_its_rollout_fails(
    deliver: Callable[[int], Ran], server: Server, ecs: FakeEcs, repository: Path, tmp_path: Path
) -> None:
    clone, aws, desk = tmp_path / "clone", ecs_service.clients(ecs), tmp_path / "desk"
    book = clone / "books" / "tiny"

    held = deliver(0)
    assert held.passed, held.said
    assert held.names("model")[2:] == STEPS
    assert "the candidate is held back" in held.said
    assert "no model of tiny was promoted in this run" in held.said
    assert "UpdateService" not in ecs.calls

    approved(repository, book, desk, server.kept, 1)
    ecs.on["UpdateService"] = server.start
    delivered = deliver(0)
    assert delivered.passed, delivered.said
    assert delivered.names("rollout")[-4:] == [
        "Deploy manifest",
        "Deploy and smoke test",
        "Keep the workspace",
        "Artefacts",
    ]
    assert ecs_service.runs(aws) == ("creditrisk-api:2", "COMPLETED", 1)
    assert stands(repository, tmp_path / "second", server.kept) == (1, [("deployed", ecs.pushed[0])])

    changed(clone, training={"parameters": {"xgboost": {"learning_rate": 0.2, "max_depth": 2, "rounds": 30}}})
    act.commit(clone)
    held = deliver(1)
    assert held.passed, held.said
    assert "the candidate is held back" in held.said
    assert stands(repository, tmp_path / "third", server.kept)[0] == 1

    # The server that are waited for go on with the model of before, which the smoke test sees.
    approved(repository, book, desk, server.kept, 2)
    failed = deliver(1)
    assert not failed.passed
    assert failed.names("rollout", "failure") == ["Deploy and smoke test"], failed.said
    assert failed.names("rollout")[-3:] == ["Roll back", "Keep the workspace", "Artefacts"]
    assert "version 1 decided" in failed.said
    assert "rolled back: image and model" in failed.said
    assert ecs_service.runs(aws) == ("creditrisk-api:2", "COMPLETED", 1)
    ended = [("deployed", ecs.pushed[0]), ("rolled_back", ecs.pushed[0])]
    assert stands(repository, tmp_path / "fourth", server.kept) == (1, ended)
