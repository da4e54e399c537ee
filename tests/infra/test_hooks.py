"""What `make hooks` refuses before a commit, in a clone; and that the devcontainer names what exists."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

HOOKS = Path(".cache/env/hooks/bin")
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c")


@pytest.fixture(scope="module")
def clone(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the hooks installed, and the environments of the repository."""
    assert (repository / HOOKS / "pre-commit").exists(), "scripts/tool_environment.sh hooks brings it"
    folder = tmp_path_factory.mktemp("hooks") / "clone"
    subprocess.run(["git", "clone", "-q", str(repository), str(folder)], check=True)
    for name in (".venv", ".cache"):
        (folder / name).symlink_to(repository / name)
    run(folder, str(HOOKS / "pre-commit"), "install")
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PRE_COMMIT_HOME": str(folder.parent / "pre-commit")}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def committed(folder: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    """The attempt to commit a new file, which is gone afterwards."""
    (folder / name).write_text(text, encoding="utf-8")
    run(folder, *GIT, "add", name)
    done = run(folder, *GIT, "commit", "-m", "one file")
    run(folder, *GIT, "reset", "--hard", "-q")
    (folder / name).unlink(missing_ok=True)
    return done


def test_every_file_of_the_repository_passes(clone: Path) -> None:
    done = run(clone, str(HOOKS / "pre-commit"), "run", "--all-files")
    assert done.returncode == 0, done.stdout
    assert run(clone, "git", "status", "--short").stdout == ""


PLANTED = "".join(["ghp", "_", "R4nD0mC0u1dBeAnyth1ngAsLongAs1tF1", "ts9q"])


@pytest.mark.parametrize(
    ("name", "text", "refusing"),
    [
        ("rows.csv", "1,2,3\n" * 100_000, "large-files"),
        ("broken.yaml", "a: [1\n", "yaml"),
        ("settings.txt", f"token = '{PLANTED}'\n", "gitleaks"),
        ("ugly.py", "x = {  'a':1 }\n", "ruff-format"),
        ("unused.py", "import os\n", "ruff-check"),
        ("open.txt", "no line end", "end-of-file"),
    ],
    ids=["large", "broken YAML", "a key", "not formatted", "not linted", "no line end"],
)
def test_a_commit_is_refused_by_the_hook_that_is_for_it(name: str, text: str, refusing: str, clone: Path) -> None:
    before = run(clone, "git", "rev-parse", "HEAD").stdout
    done = committed(clone, name, text)
    assert done.returncode == 1
    assert re.findall(r"^- hook id: (\S+)$", done.stderr + done.stdout, re.MULTILINE) == [refusing]
    assert PLANTED not in done.stderr + done.stdout
    assert run(clone, "git", "rev-parse", "HEAD").stdout == before


def test_a_clean_file_is_committed(clone: Path) -> None:
    assert committed(clone, "fine.yaml", "a: 1\n").returncode == 0


def test_hooks_are_ours_and_fetch_nothing(repository: Path) -> None:
    config = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    assert {hook["language"] for hook in config["repos"][0]["hooks"]} == {"system"}


def test_the_devcontainer_has_a_python_that_fits_and_calls_targets_that_exist(repository: Path) -> None:
    told = json.loads((repository / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    version = re.search(r"/python:(\d+)\.(\d+)-", told["image"])
    assert version is not None
    assert (int(version[1]), int(version[2])) >= (3, 12)  # requires-python
    targets = re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    called = re.findall(r"make ([a-z-]+)", told["postCreateCommand"])
    assert called == ["env", "hooks"]
    assert set(called) <= set(targets)
