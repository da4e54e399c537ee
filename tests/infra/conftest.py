"""What the tests of deployment share: the tools of requirements/infra.txt."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.support.engine import Engine
from tests.support.engine import engine as started_engine

LONGEST_FIRST = [
    "compose",
    "images",
    "integration_workflow",
    "dvc",
    "airflow",
    "docs",
    "delivery",
    "workflows",
    "terraform",
]
"""Files that take minutes. Two processes share the files, so a long one that comes last would run alone."""
WITH_ENGINE = ("test_compose.py", "test_images.py", "test_integration_workflow.py")
"""Run one after the other by one process: they share an engine, what it built, and the name of the stack."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which the workers get the files, under `--no-loadscope-reorder`."""
    places = {f"test_{name}.py": place for place, name in enumerate(LONGEST_FIRST)}
    here = Path(__file__).parent
    items.sort(key=lambda item: places.get(item.path.name, len(places)) if item.path.parent == here else -1)


class _FilesOfOneEngineTogether(LoadFileScheduling):
    """`--dist loadgroup` would do, but the suffix it gives to a test's name is lost on pytest's structured names."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        return "engine" if scope.endswith(WITH_ENGINE) else scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _FilesOfOneEngineTogether(config, log)


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """told(words) stand at the end of the run: what a process of xdist writes nobody sees."""
    return lambda words: record_property("told", words)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, words in report.user_properties:
                if name == "told" and report.when == "call":
                    terminalreporter.write_line(str(words))


@pytest.fixture(scope="session")
def tool(repository: Path) -> Callable[[str], str]:
    """tool("gitleaks") -> its path in the environment that `make test-infra` makes."""

    def found(name: str) -> str:
        path = repository / ".cache" / "env" / "infra" / "bin" / name
        assert path.exists(), f"no {name}: scripts/tool_environment.sh infra brings it"
        return str(path)

    return found


@pytest.fixture(scope="session")
def engine(repository: Path) -> Iterator[Engine]:
    """A Docker engine of the session's own; or that of TEST_ENGINE, a socket, which somebody started before.

    `python -m tests.support.engine` starts one, and keeps what was built from one run to the next.
    """
    if given := os.environ.get("TEST_ENGINE"):
        yield Engine(Path(given))
        return
    with started_engine(repository) as made:
        yield made
