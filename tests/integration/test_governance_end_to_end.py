"""One model after another is trained, judged, approved, promoted and taken back, by the commands that people type.

The same on SQLite in the workspace and on an MLflow server with passwords; and with a server that is away.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from creditrisk.adapters.mlflow_registry import MlflowRegistry
from creditrisk.cli import main
from creditrisk.errors import ExitCode
from tests.support.mlflow_auth_server import ADMIN, AuthServer
from tests.support.server_process import free_port
from tests.support.tiny_book import write_tiny_book
from tests.support.tiny_run import write_tiny_raw

FEW_ROWS = ["--set", "training.parameters.xgboost.min_child_weight=1"]
LAST_DAY = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


@dataclass(frozen=True)
class Desk:
    """A workspace, and the commands as people type them."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def book(self) -> str:
        return str(self.root / "book")

    def asked(self, *words: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr)"""
        self.capsys.readouterr()
        code = main([*words, "--workspace", str(self.workspace)])
        told = self.capsys.readouterr()
        return code, told.out, told.err

    def done(self, *words: str) -> Any:
        """What the command tells as JSON, once it has succeeded."""
        code, out, err = self.asked(*words, "--json")
        assert code == ExitCode.DONE, err
        return json.loads(out)

    def refused(self, *words: str) -> str:
        code, _, err = self.asked(*words)
        assert code == ExitCode.REFUSED, err
        return err

    def with_waivers(self) -> None:
        """Every gate that the few rows do not pass is waived, the canary's too; the others could not be."""
        pack = json.loads((self.workspace / "tiny" / "reports" / "evidence_pack.json").read_text())
        gates = [gate["name"] for gate in pack["gates"] if gate["verdict"] != "pass" and gate["can_be_waived"]]
        told = json.loads((self.workspace / "tiny" / "reports" / "canary_report.json").read_text())
        gates += [f"canary_{gate['name']}" for gate in told["gates"] if gate["verdict"] != "pass"]
        named = [word for gate in gates for word in ("--gate", gate)]
        self.done("waive", self.book, *named, "--because", "a test", "--until", LAST_DAY, "--by", "ann")

    def approved(self, version: int) -> None:
        self.done("canary", self.book, "--by", "ann")
        self.with_waivers()
        self.done("approve", self.book, "--version", str(version), "--by", "ben", "--note", "looked at it all")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a first model that is trained and tested, and nothing told to MLflow yet."""
    root = tmp_path_factory.mktemp("trained")
    book, raw = write_tiny_book(root / "book"), write_tiny_raw(root / "raw", rows=2400)
    at = ["--workspace", str(root / "workspace"), "--by", "ann", "--json"]
    assert main(["run", str(book), "--raw", str(raw), "--until", "evaluate", *FEW_ROWS, *at]) == 0
    assert main(["keys", "new", "ben", *at]) == 0
    return root


@pytest.fixture
def desk(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return Desk(tmp_path, capsys)


@pytest.mark.parametrize("where", ["sqlite", "server"])
def test_two_models_go_to_production_by_all_rules_and_one_comes_back(
    where: str, desk: Desk, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking = f"sqlite:///{desk.workspace / 'mlflow.db'}"
    if where == "server":
        server: AuthServer = request.getfixturevalue("mlflow_auth_server")
        tracking = server.log_in(ADMIN, monkeypatch)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking)
    registry = MlflowRegistry(tracking, cache=desk.root / "cache")

    def aliases() -> dict[str, int]:
        return {alias: version.version for version in registry.versions("tiny") for alias in version.aliases}

    book, note = desk.book, ("--note", "a test")
    assert desk.done("run", book, "--from", "validate", "--by", "ann", *FEW_ROWS)
    assert "canary" in desk.refused("promote", book, "--version", "1", "--to", "production", "--by", "cd")
    desk.approved(1)
    desk.done("promote", book, "--version", "1", "--to", "Production", "--by", "cd")
    assert aliases() == {"candidate": 1, "production": 1}

    rounds = ["--set", "training.parameters.xgboost.rounds=25"]
    desk.done("run", book, "--from", "train", "--by", "ann", *FEW_ROWS, *rounds, "--raw", str(desk.root / "raw"))
    assert automatic(desk) == ExitCode.REFUSED
    assert aliases() == {"candidate": 2, "production": 1}
    desk.approved(2)
    between = datetime.now(UTC).isoformat()
    assert automatic(desk) == ExitCode.DONE
    assert aliases() == {"candidate": 2, "production": 2, "previous": 1}

    back = desk.done("rollback", book, "--by", "cara", *note)
    assert (back["from_version"], back["version"]) == (2, 1)
    assert aliases() == {"candidate": 2, "production": 1}
    tags = {version.version: version.tags for version in registry.versions("tiny")}
    assert (bool(tags[1]["deployed"]), bool(tags[2].get("deployed"))) == (True, False)
    assert [desk.done("asof", book, time)["version"] for time in (between, datetime.now(UTC).isoformat())] == [1, 1]
    assert "approve" in desk.refused("promote", book, "--version", "2", "--to", "production", "--by", "cd")

    assert desk.asked("doctor")[0] == ExitCode.DONE
    registry.set_alias("tiny", "production", 2)
    _, told, _ = desk.asked("doctor")
    assert "by hand" in told
    assert "by hand" in desk.refused("rollback", book, "--by", "cara", *note)
    desk.done("repair", book, "--by", "cara", *note)
    assert aliases() == {"candidate": 2, "production": 1}
    assert desk.asked("audit", "verify")[0] == ExitCode.DONE


def automatic(desk: Desk) -> int:
    """What continuous delivery calls, as a process of its own; its exit code."""
    command = [sys.executable, "-m", "creditrisk.pipelines.auto_promote", desk.book, "--by", "cd"]
    return subprocess.run([*command, "--workspace", str(desk.workspace)], capture_output=True, check=False).returncode


ASKED = {
    "register": ["register", "BOOK", "--by", "ann"],
    "canary": ["canary", "BOOK", "--by", "ann"],
    "waive": ["waive", "BOOK", "--gate", "auc_floor", "--because", "x", "--until", LAST_DAY, "--version", "1"],
    "approve": ["approve", "BOOK", "--version", "1", "--by", "ben", "--note", "x"],
    "promote": ["promote", "BOOK", "--version", "1", "--to", "production", "--by", "cd"],
    "auto-promote": ["auto-promote", "BOOK", "--by", "cd"],
    "rollback": ["rollback", "BOOK", "--by", "cd", "--note", "x"],
    "repair": ["repair", "BOOK", "--by", "cd", "--note", "x"],
    "asof": ["asof", "BOOK", "2026-10-03T12:00"],
}  # fmt: skip
"""Commands that ask the registry."""


@pytest.fixture(scope="module")
def validated(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first model, registered on SQLite."""
    root = tmp_path_factory.mktemp("validated")
    shutil.copytree(trained, root, dirs_exist_ok=True)
    at = ["--workspace", str(root / "workspace"), "--by", "ann", "--json"]
    assert main(["run", str(root / "book"), "--from", "validate", *FEW_ROWS, *at]) == 0
    return root


@pytest.mark.parametrize("command", ASKED)
def test_a_server_that_is_away_is_told_and_changes_nothing(
    command: str, validated: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, before = Desk(validated, capsys), content(validated / "workspace")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ann:secret@127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    code, out, err = desk.asked(*(desk.book if word == "BOOK" else word for word in ASKED[command]))
    assert code == ExitCode.OUTSIDE_FAILED, err
    assert "is the server up" in err
    assert "secret" not in out + err
    assert content(validated / "workspace") == before


def content(folder: Path) -> Mapping[str, str]:
    """{file: hash}; locks are not content."""
    files = [path for path in folder.rglob("*") if path.is_file() and "lock" not in path.name]
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}
