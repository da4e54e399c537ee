"""A desk from which servers of the tiny book are deployed: a workspace whose ledger has a version in production."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from creditrisk.adapters.system_clock import SystemClock
from creditrisk.cli import main
from creditrisk.config import Workspace
from creditrisk.governance import Act, acts_about, ledger, rollouts
from creditrisk.governance.ledger import Move
from tests.support.schemas import faults
from tests.support.tiny_book import write_tiny_book

BUNDLE = "cd" * 32
VERSION = 3


@dataclass(frozen=True)
class DeployDesk:
    book: Path
    workspace: Workspace
    capsys: pytest.CaptureFixture[str]

    def asked(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """(exit code, what stdout says, what stderr says)"""
        self.capsys.readouterr()
        code = main([*self.command(*words), "--json"])
        told = self.capsys.readouterr()
        return code, json.loads(told.out) if told.out else {}, told.err

    def command(self, *words: str) -> list[str]:
        kind, *options = words
        return ["deploy", kind, str(self.book), "--workspace", str(self.workspace.root), "--by", "cd", *options]

    def started(self, *words: str) -> subprocess.Popen[str]:
        """The same as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "creditrisk.cli", *self.command(*words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ), start_new_session=True,
        )  # fmt: skip

    def ended(self) -> list[tuple[str, str]]:
        """(outcome, image in place) of every deployment in the ledger; report and audit chain must agree."""
        folder = self.workspace.book("tiny")
        assert not folder.unfinished_rollout.exists()
        told = rollouts.rollouts(folder.ledger)
        acts = acts_about(self.workspace.audit, Act.DEPLOYED, Act.DEPLOYMENT_FAILED)
        assert [act["hashes"]["ledger"] for act in acts] == [one.line for one in told]
        if told:
            assert faults(folder.report("deployment.json")) == []
        return [(str(one.rollout.outcome), one.rollout.after.image if one.rollout.after else "") for one in told]


def deploy_desk(folder: Path, capsys: pytest.CaptureFixture[str]) -> DeployDesk:
    workspace = Workspace(folder / "workspace").open()
    move = Move(
        id="0" * 32, act=Act.PROMOTED, by="ann", note="", effective_at=ledger.in_utc(SystemClock().now()),
        version=VERSION, bundle=BUNDLE, before={}, aliases={"production": VERSION}, evidence="ab" * 32,
    )  # fmt: skip
    ledger.record(workspace.book("tiny").ledger, move, clock=SystemClock())
    return DeployDesk(write_tiny_book(folder / "book"), workspace, capsys)


def waited_for(that: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while not that():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
