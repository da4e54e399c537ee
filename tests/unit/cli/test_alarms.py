"""`creditrisk monitor alarms` and `creditrisk retrain` say what is wrong in one message."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from creditrisk.cli import main


def test_a_period_that_is_none_is_bad_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "alarms", "lending_club", "--workspace", str(tmp_path / "w"), "--by", "mnth"]) == 2
    assert "month" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["monitor", "alarms"], ["retrain"]])
def test_before_a_model_decides_there_is_nothing_to_watch(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*command, "lending_club", "--workspace", str(tmp_path / "w")])
    told = capsys.readouterr().err
    assert code == 1, told
    assert "Traceback" not in told
    assert "hint" in told


def test_a_scheduler_reads_that_another_command_is_at_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It waits then; every other refusal says the same again."""
    lock = tmp_path / "lending_club" / ".lock"
    lock.parent.mkdir()
    with lock.open("w") as taken:
        fcntl.flock(taken, fcntl.LOCK_EX)
        code = main(["retrain", "lending_club", "--workspace", str(tmp_path), "--json"])
    assert (code, json.loads(capsys.readouterr().out)["error"]["kind"]) == (1, "Busy")
