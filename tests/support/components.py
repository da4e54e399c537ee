"""System components that a test may need, and the command that brings each."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

MARK = "missing component "
"""Begins the message of every test that could not run; the summary counts by it."""


@dataclass(frozen=True)
class Component:
    """find: the path or address when it is there and works, None when not.  brings: the command that brings it."""

    find: Callable[[], str | None]
    brings: str


def _program(*names: str) -> Callable[[], str | None]:
    return lambda: next((path for name in names if (path := shutil.which(name))), None)


def _postgres_server() -> str | None:
    """Debian keeps the server's programs off PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
    return str(found[0]) if found else shutil.which("postgres")


def _ssh_server() -> str | None:
    """It wants to be called by its whole path, which is not on everybody's PATH."""
    return shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


def _balancer() -> str | None:
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")


def _docker_engine() -> str | None:
    """The client alone is of no use: ask it for its engine."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    answer = subprocess.run([docker, "info"], capture_output=True, timeout=20, check=False)
    return docker if answer.returncode == 0 else None


def _tracer() -> str | None:
    """Where processes may not be traced, the program alone is of no use."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    answer = subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True, timeout=20, check=False)
    return strace if answer.returncode == 0 else None


def real_data_folder() -> Path:
    """CREDITRISK_REAL_DATA, else ../shared/data seen from the project's root."""
    root = Path(__file__).resolve().parents[2]
    return Path(os.environ.get("CREDITRISK_REAL_DATA") or root.parent / "shared" / "data").resolve()


def _real_data() -> str | None:
    folder = real_data_folder()
    return str(folder) if folder.is_dir() else None


def _azurite() -> str | None:
    program = Path(__file__).resolve().parents[2] / ".cache" / "node" / "node_modules" / ".bin" / "azurite-blob"
    return str(program) if program.exists() and shutil.which("node") else shutil.which("azurite-blob")


COMPONENTS = {
    "azurite": Component(_azurite, "scripts/node_packages.sh"),
    "chromium": Component(_program("chromium", "chromium-browser", "google-chrome"), "apt-get install chromium"),
    "docker": Component(_docker_engine, "apt-get install docker.io, and start the engine"),
    "haproxy": Component(_balancer, "apt-get install haproxy"),
    "java": Component(_program("java"), "apt-get install openjdk-17-jre-headless"),
    "postgres": Component(_postgres_server, "apt-get install postgresql"),
    "prometheus": Component(_program("prometheus"), "apt-get install prometheus"),
    "prometheus-node-exporter": Component(
        _program("prometheus-node-exporter"), "apt-get install prometheus-node-exporter"
    ),
    "prometheus-pushgateway": Component(_program("prometheus-pushgateway"), "apt-get install prometheus-pushgateway"),
    "promtool": Component(_program("promtool"), "apt-get install prometheus"),
    "real data": Component(_real_data, "export CREDITRISK_REAL_DATA=<folder with the real loan files>"),
    "sshd": Component(_ssh_server, "apt-get install openssh-server"),
    "shellcheck": Component(_program("shellcheck"), "apt-get install shellcheck"),
    "terraform": Component(
        _program("terraform"), "Terraform 1.11 or later from its makers, developer.hashicorp.com/terraform/install"
    ),
    "strace": Component(_tracer, "apt-get install strace"),
}


def require(name: str) -> str:
    """The component's path; without it the test is skipped, or fails where CI=true promises that all is there."""
    component = COMPONENTS[name]
    found = component.find()
    if found is not None:
        return found
    message = f"{MARK}{name}: {component.brings}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def missing_line(messages: Iterable[str]) -> str | None:
    """One line for the end of the run, from the messages of tests that were skipped or failed.

    >>> missing_line(["Skipped: missing component java: apt-get install openjdk-17-jre-headless", "other"])
    'missing components: java (1 test; apt-get install openjdk-17-jre-headless)'
    """
    counts = Counter(name for message in messages for name in COMPONENTS if f"{MARK}{name}:" in message)
    if not counts:
        return None
    told = [
        f"{name} ({tests} test{'s' if tests > 1 else ''}; {COMPONENTS[name].brings})"
        for name, tests in sorted(counts.items())
    ]
    return "missing components: " + ", ".join(told)
