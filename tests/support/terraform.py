"""Terraform with stub providers: the real program, and providers that know their schema and no cloud."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STUB = ROOT / "tests" / "infra" / "terraform"
DEPLOY = ROOT / "deploy" / "terraform"

SECONDS = 120
"""Of one command; each takes a few."""


def target() -> str:
    """`linux_amd64`, as Terraform calls this machine."""
    machine = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    return f"{platform.system().lower()}_{machine}"


def mirror(folder: Path, python: str) -> Path:
    """A mirror with the stubs, laid out as unpacked providers are, so that init, modules and versions work unchanged.

    python: an interpreter that has `tf`. Returns the file that TF_CLI_CONFIG_FILE names.
    """
    for schema in sorted((STUB / "schemas").glob("*.json")):
        told = json.loads(schema.read_text(encoding="utf-8"))
        version = told["version"]
        program = folder / told["provider"] / version / target() / f"terraform-provider-{schema.stem}_v{version}"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec "{python}" "{STUB / "stub_provider.py"}" "{schema}"\n', encoding="utf-8")
        program.chmod(0o755)
    settings = folder / "terraform.rc"
    mirrors = f'filesystem_mirror {{\n    path = "{folder}"\n  }}'
    settings.write_text(f"provider_installation {{\n  {mirrors}\n}}\n", encoding="utf-8")
    return settings


@contextmanager
def standing(python: str, home: Path) -> Iterator[str]:
    """The stubs as two processes that stay, for TF_REATTACH_PROVIDERS: Terraform starts one for each step otherwise."""
    told: dict[str, Any] = {}
    with ExitStack() as stack:
        for schema in sorted((STUB / "schemas").glob("*.json")):
            process = stack.enter_context(
                subprocess.Popen(
                    [python, "-u", str(STUB / "stub_provider.py"), str(schema), "--dev"],
                    env={"HOME": str(home), "PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
            stack.callback(process.terminate)
            assert process.stdout is not None
            line = next(line for line in process.stdout if "TF_REATTACH_PROVIDERS=" in line)
            told |= json.loads(line.partition("=")[2].strip().strip("'"))
        yield json.dumps(told)


@dataclass(frozen=True)
class Terraform:
    """The program with a mirror, away from the user's own settings and credentials."""

    program: str
    settings: Path
    home: Path
    standing: str | None = None

    def environment(self) -> dict[str, str]:
        """Of every command; `standing` in place of a process for each step."""
        return {
            **({} if self.standing is None else {"TF_REATTACH_PROVIDERS": self.standing}),
            "PATH": f"{Path(self.program).parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "TF_CLI_CONFIG_FILE": str(self.settings),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
        }

    def run(self, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, f"-chdir={folder}", *words],
            env=self.environment(), capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip

    def must(self, folder: Path, *words: str) -> str:
        done = self.run(folder, *words)
        assert done.returncode == 0, f"terraform {' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def answer(self, folder: Path, *words: str) -> Any:
        return json.loads(self.must(folder, *words))


def copy_of(cloud: str, folder: Path) -> Path:
    """deploy/terraform/CLOUD without what a user's own runs left in it; the state stands in a file beside it."""
    copy = folder / cloud
    left = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfplan", "terraform.tfvars", "backend.hcl")
    shutil.copytree(DEPLOY / cloud, copy, ignore=left)
    return copy
