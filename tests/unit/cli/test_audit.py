"""`creditrisk audit`: verify with its exit codes, checkpoint, and what is not covered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from creditrisk.adapters.system_clock import SystemClock
from creditrisk.cli import main
from creditrisk.governance import Act, append_act


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Three acts of today."""
    for _ in range(3):
        append_act(tmp_path / "audit.jsonl", "ann", Act.TRAINED, {"bundle": "a" * 64}, clock=SystemClock())
    return tmp_path


def test_verify_tells_what_is_covered(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--workspace", str(workspace)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "3 acts, each as it was written"
    assert told[1].startswith("1 of them are covered by 1 signed checkpoints, since ")
    assert told[2] == "the last 2 could be cut off unnoticed until the next checkpoint"


def test_a_checkpoint_covers_everything(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "checkpoint", "--workspace", str(workspace), "--by", "cron", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["acts"], told["overrides_told"]) == (4, 0)
    assert main(["audit", "verify", "--workspace", str(workspace), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["unbroken"], report["acts"], report["covered_acts"]) == (True, 4, 4)


def test_an_altered_act_is_named_and_the_exit_code_is_one(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = workspace / "audit.jsonl"
    chain.write_bytes(chain.read_bytes().replace(b'"ann"', b'"bob"', 1))
    assert main(["audit", "verify", "--workspace", str(workspace)]) == 1
    told = capsys.readouterr()
    assert told.out == "BROKEN: audit.jsonl: line 1 was altered\n"
    assert "where: audit.jsonl, line 1" in told.err


def test_without_a_chain_there_is_nothing_to_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--workspace", str(tmp_path)]) == 2
    assert main(["audit", "checkpoint", "--workspace", str(tmp_path)]) == 2
    assert "there is no audit chain yet" in capsys.readouterr().err


def test_audit_alone_tells_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit"]) == 0
    assert "checkpoint" in capsys.readouterr().out
