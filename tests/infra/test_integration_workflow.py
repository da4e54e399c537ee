"""integration.yaml, executed by act on this machine: its real steps, on the images that stand in for official ones."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.act import Ran, Runner
from tests.support.compose_stack import Stack, cloned_stack
from tests.support.engine import Engine

STEPS = (
    "Images",
    "Up, and healthy",
    "Invented data to a model in production, by the batch image",
    "The API, healthy as well",
    "Against the real services",
)


@pytest.fixture
def stack(engine: Engine, repository: Path, tool: Callable[[str], str], tmp_path: Path) -> Iterator[Stack]:
    with cloned_stack(engine, repository, tmp_path, tool("docker-compose")) as made:
        yield made


def run(stack: Stack, tool: Callable[[str], str], record: Path, **settings: str) -> Ran:
    runner = Runner(tool("act"), stack.folder, record)
    return runner.run(
        "integration.yaml", environment={**stack.settings, **settings}, programs=stack.programs, timeout=1500
    )


@pytest.mark.by_hand
def test_the_stack_is_built_brought_up_asked_for_a_decision_and_taken_down(
    stack: Stack, tool: Callable[[str], str], tmp_path: Path
) -> None:
    ran = run(stack, tool, tmp_path / "record")
    assert ran.passed, ran.said[-5000:]
    assert ran.names("stack") == ["actions/checkout", *STEPS, "Down"]
    assert ran.names("stack", "failure") == []
    assert "ok       airflow: 10 DAGs, no import error" in ran.said
    assert "kept in Postgres as" in ran.said
    assert "ok       prometheus: 1 of 1 targets up" in ran.said
    assert stack.compose("ps", "--all", "--quiet") == ""


@pytest.mark.by_hand
def test_a_stack_that_does_not_come_up_is_explained_and_taken_down(
    stack: Stack, tool: Callable[[str], str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run(stack, tool, tmp_path / "record", PROMETHEUS_PORT=str(taken.getsockname()[1]))
    assert not ran.passed
    assert ran.names("stack", "failure") == ["Up, and healthy", "What the containers said"]
    assert ran.names("stack") == ["actions/checkout", "Images", "Down"]
    assert "WRONG    prometheus: created" in ran.said
    assert "its port is taken" in ran.said
    assert stack.compose("ps", "--all", "--quiet") == ""
