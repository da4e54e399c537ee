"""The stack of deploy/compose on an engine of the tests, by `make` in a clone, with ports and secrets of its own."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import act
from tests.support.engine import Engine
from tests.support.server_process import free_port

STANDINS = {"postgres": "postgres:17", "prometheus": "prom/prometheus:v3.5.0", "grafana": "grafana/grafana:12.2.0"}
"""Official images that cannot be had without the internet, and the names under which others stand in for them."""
PORTS = ("API_PORT", "MLFLOW_PORT", "AIRFLOW_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT")
DOCKER = """#!/bin/sh
[ "$1" = compose ] && shift && exec {compose} "$@"
exec /usr/bin/docker "$@"
"""
"""Debian's, which has BuildKit within, with a compose plugin, which it has not."""


@dataclass(frozen=True)
class Stack:
    """folder: a clone of the repository.  programs: of the engine, before all others on PATH."""

    engine: Engine
    folder: Path
    programs: Path
    ports: dict[str, str]

    @property
    def settings(self) -> dict[str, str]:
        return {"DOCKER_HOST": self.engine.environment["DOCKER_HOST"], "PROMETHEUS_RETENTION": "1d", **self.ports}

    def made(self, *words: str, within_s: float = 580, **more: str) -> subprocess.CompletedProcess[str]:
        """`make` with these words, in the clone."""
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["make", *words], cwd=self.folder, env={**os.environ, **self.settings, "PATH": path, **more},
            capture_output=True, text=True, timeout=within_s, check=False,
        )  # fmt: skip

    def make(self, *words: str, **more: str) -> str:
        """All that it said, where it succeeds; a failure is told with what `make troubleshoot` says of it."""
        done = self.made(*words, **more)
        if done.returncode:
            told = self.made("troubleshoot").stdout
            raise AssertionError(f"make {' '.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}\n{told}")
        return done.stdout + done.stderr

    def wrong(self) -> list[str]:
        """What `make troubleshoot` finds, without the hints; it ends well where that is nothing."""
        done = self.made("troubleshoot")
        found = [line.removeprefix("WRONG    ") for line in done.stdout.splitlines() if line.startswith("WRONG")]
        assert (done.returncode == 0) == (not found), done.stdout + done.stderr
        return found

    def compose(self, *arguments: str, given: str = "", within_s: float = 300) -> str:
        file = self.folder / "deploy" / "compose" / "compose.yaml"
        done = subprocess.run(
            [str(self.programs / "docker"), "compose", "--file", str(file), "--profile", "*", *arguments],
            env={**os.environ, **self.settings}, input=given, capture_output=True, text=True, timeout=within_s,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-3000:]}{done.stderr[-5000:]}"
        return done.stdout

    def rows(self, query: str) -> list[str]:
        """Of the decision store, as Postgres itself tells them."""
        psql = ("exec", "-T", "postgres", "psql", "--username", "postgres", "--tuples-only", "--no-align", "decisions")
        return self.compose(*psql, given=query).splitlines()

    def secret(self, name: str) -> str:
        return (self.folder / "deploy" / "compose" / "secrets" / name).read_text(encoding="ascii").strip()

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}"

    def ask(self, port: str, path: str, body: object = None, **headers: str) -> Any:
        asked = urllib.request.Request(
            self.url(port) + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)


@contextmanager
def cloned_stack(engine: Engine, repository: Path, into: Path, docker_compose: str) -> Iterator[Stack]:
    """Nothing of it is started yet; in the end all of it goes, volumes too."""
    programs = into / "programs"
    programs.mkdir(parents=True)
    docker = programs / "docker"
    docker.write_text(DOCKER.format(compose=docker_compose), encoding="utf-8")
    docker.chmod(0o755)
    made = Stack(engine, act.clone(repository, into / "clone"), programs, {name: str(free_port()) for name in PORTS})
    standins = repository / "tests" / "infra" / "standins"
    for name, tag in STANDINS.items():
        engine.docker("build", "--file", standins / f"Dockerfile.{name}", "--tag", tag, standins, within_s=600)
    try:
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "10", "--remove-orphans")
