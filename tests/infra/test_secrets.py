"""No secret stands in any commit."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path


def test_gitleaks_finds_nothing_in_the_whole_history(
    repository: Path, tool: Callable[[str], str], tmp_path: Path
) -> None:
    assert leaks(tool("gitleaks"), repository, tmp_path / "report.json") == []


def test_gitleaks_finds_a_key_that_was_committed_and_removed(tool: Callable[[str], str], tmp_path: Path) -> None:
    """What a history without findings is worth: the search does see one."""
    history = tmp_path / "history"
    subprocess.run(["git", "init", "-q", str(history)], check=True)
    git = ["git", "-C", str(history), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    key = "".join(["ghp", "_", "R4nD0mC0u1dBeAnyth1ngAsLongAs1tF1", "ts9q"])
    for text in (f"token = '{key}'\n", "nothing\n"):
        (history / "settings.py").write_text(text, encoding="utf-8")
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", "a"], check=True)
    assert leaks(tool("gitleaks"), history, tmp_path / "report.json") == ["settings.py"] * 2  # by two rules


def leaks(gitleaks: str, folder: Path, report: Path) -> list[str]:
    """Files of findings over every commit of the repository in the folder."""
    command = [gitleaks, "git", str(folder), "--no-banner", "--exit-code", "0", "--redact"]
    command += ["--report-format", "json", "--report-path", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [one["File"] for one in json.loads(report.read_text(encoding="utf-8"))]
