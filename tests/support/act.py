"""Workflows executed by act on this machine: no container, no network; every action of others is a stub of one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

RUNNER = "ubuntu-24.04"

# What each action is handed is written down, and artefacts are copied as they stand. Checkout is act's own.
ACTIONS = {
    "actions/cache": 'echo "cache ${INPUT_PATH//$\'\\n\'/ }" >>"$STUB_RECORD/calls"',
    "actions/upload-artifact": """\
into="$STUB_RECORD/artefacts/$INPUT_NAME"
mkdir -p "$into"
shopt -s globstar nullglob
for pattern in $INPUT_PATH; do for file in $pattern; do [[ -f $file ]] && cp --parents "$file" "$into"; done; done
echo "artefacts $INPUT_NAME for ${INPUT_RETENTION_DAYS} days" >>"$STUB_RECORD/calls"
""",
    "aws-actions/configure-aws-credentials": 'echo "aws $INPUT_ROLE_TO_ASSUME" >>"$STUB_RECORD/calls"',
    "sigstore/cosign-installer": 'echo "cosign-installer" >>"$STUB_RECORD/calls"',
    "actions/attest-build-provenance": (
        'echo "provenance $INPUT_SUBJECT_NAME@$INPUT_SUBJECT_DIGEST" >>"$STUB_RECORD/calls"'
    ),
}


@dataclass(frozen=True)
class Ran:
    """steps: (job, step, result) in the order of their ends, without act's own and without those of stubs."""

    passed: bool
    steps: list[tuple[str, str, str]]
    said: str
    calls: list[str]

    def names(self, job: str, result: str = "success") -> list[str]:
        """The steps of one job that ended so, in order."""
        return [step for one, step, ended in self.steps if (one, ended) == (job, result)]


@dataclass(frozen=True)
class Runner:
    """folder: a clone of the repository; each job works in a copy of its own.  record: where stubs write."""

    act: str
    folder: Path
    record: Path

    def run(
        self,
        workflow: str,
        *,
        job: str | None = None,
        inputs: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        programs: Path | None = None,
        timeout: int = 420,
    ) -> Ran:
        """One workflow, started by hand. programs: a folder that comes before PATH."""
        home = self.record / "home"
        home.mkdir(parents=True, exist_ok=True)
        calls = self.record / "calls"
        calls.unlink(missing_ok=True)
        path = self.folder / ".github" / "workflows" / workflow
        command = [self.act, "workflow_dispatch", "--workflows", str(path), "--json", "--no-cache-server", "--strict"]
        command += ["--use-gitignore=false"]  # .venv and .cache stand in for what a cache or an hour brings
        command += ["--platform", f"{RUNNER}=-self-hosted", "--concurrent-jobs", "1"]
        command += [] if job is None else ["--job", job]
        environment = {"STUB_RECORD": str(self.record), **(environment or {})}
        given = {"--input": inputs, "--var": variables, "--secret": secrets, "--env": environment}
        for flag, values in given.items():
            for name, value in (values or {}).items():
                command += [flag, f"{name}={value}"]
        for action in used_actions(path):
            command += ["--local-repository", f"{action}={self._stub(action.partition('@')[0])}"]
        first = [] if programs is None else [str(programs)]
        own = {
            "PATH": ":".join([*first, os.environ["PATH"]]),
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / ".cache"),
        }
        done = subprocess.run(
            command, cwd=self.folder, env=own, capture_output=True, text=True, timeout=timeout, check=False
        )
        return _read(done, calls.read_text(encoding="utf-8").splitlines() if calls.exists() else [])

    def artefacts(self, name: str) -> list[str]:
        """Paths of the files that were handed over under that name."""
        folder = self.record / "artefacts" / name
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())

    def _stub(self, action: str) -> Path:
        into = self.record / "actions" / action.replace("/", "_")
        into.mkdir(parents=True, exist_ok=True)
        names = ["name", "path", "retention-days", "if-no-files-found", "key", "restore-keys", "role-to-assume"]
        names += ["aws-region", "role-duration-seconds", "subject-name", "subject-digest", "push-to-registry"]
        step = {
            "shell": "bash",
            "env": {f"INPUT_{name.upper().replace('-', '_')}": f"${{{{ inputs.{name} }}}}" for name in names},
            "run": ACTIONS[action],
        }
        inputs: dict[str, Any] = {name: {"required": False, "default": ""} for name in names}
        told = {"name": "stub", "inputs": inputs, "runs": {"using": "composite", "steps": [step]}}
        (into / "action.yml").write_text(yaml.safe_dump(told), encoding="utf-8")
        return into


def clone(repository: Path, into: Path) -> Path:
    """A clone with what is not committed yet, and with this machine's environments."""
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", repository.as_uri(), str(into)], check=True)
    listed = ["git", "-C", str(repository), "ls-files", "--modified", "--others", "--exclude-standard"]
    changed = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in changed:
        if (repository / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, into / name)
    for name in (".venv", ".cache"):
        (into / name).symlink_to(repository / name)
    commit(into)
    return into


def commit(folder: Path, when: str = "") -> None:
    """All that stands there. when: of the commit, as git takes it."""
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    dated = {**os.environ, "GIT_COMMITTER_DATE": when} if when else None
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "a"], check=True, env=dated)


def shadow(environment: Path, programs: Mapping[str, str]) -> None:
    """In place of the link to an environment: a folder of links, in which some programs are scripts of ours."""
    real = environment.resolve()
    environment.unlink()
    (environment / "bin").mkdir(parents=True)
    for path in [*real.iterdir(), *(real / "bin").iterdir()]:
        into = environment / path.relative_to(real)
        if path != real / "bin" and path.name not in programs:
            into.symlink_to(path)
    write_programs(environment / "bin", programs)


def shadow_of(folder: Path, infra: Mapping[str, str], product: Mapping[str, str]) -> None:
    """In a clone: some programs of the environment of tools, and of the product's, are scripts of ours."""
    cache = folder / ".cache"
    tools = cache / "env" / "infra"
    real = tools.resolve()
    cache.unlink()
    tools.parent.mkdir(parents=True)
    tools.symlink_to(real)
    shadow(tools, infra)
    shadow(folder / ".venv", product)


def write_programs(folder: Path, programs: Mapping[str, str]) -> Path:
    """Scripts of bash that write down how they were called, then do what is given."""
    folder.mkdir(exist_ok=True)
    for name, does in programs.items():
        path = folder / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"$STUB_RECORD/calls"\n{does}\n', encoding="utf-8")
        path.chmod(0o755)
    return folder


def used_actions(workflow: Path) -> set[str]:
    """owner/action@commit of every `uses`, but for checkout."""
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    used = {step["uses"] for job in jobs for step in job["steps"] if "uses" in step}
    return {action for action in used if not action.startswith("actions/checkout@")}


def _read(done: subprocess.CompletedProcess[str], calls: list[str]) -> Ran:
    steps: list[tuple[str, str, str]] = []
    said: list[str] = []
    for line in done.stdout.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            said.append(line)
            continue
        if told.get("raw_output"):
            said.append(told["msg"].rstrip("\n"))
        outermost = len(told.get("stepID", ())) == 1
        if "stepResult" in told and told.get("stage") == "Main" and outermost:
            steps.append((told["jobID"], told["step"].partition("@")[0], told["stepResult"]))
    return Ran(done.returncode == 0, steps, "\n".join([*said, done.stderr]), calls)
