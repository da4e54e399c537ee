"""Shared by all tests: quiet libraries, reproducible hypothesis, real data and system components."""

from __future__ import annotations

import os

# Read by the libraries when they are imported, so they stand before any other import.
os.environ.update(DO_NOT_TRACK="true", MLFLOW_DISABLE_TELEMETRY="true", MPLBACKEND="Agg", NO_COLOR="1")
for _name in [name for name in os.environ if name.startswith("CREDITRISK_") and name != "CREDITRISK_REAL_DATA"]:
    os.environ.pop(_name)
for _name in [name for name in os.environ if name.startswith("MLFLOW_TRACKING_")]:
    os.environ.pop(_name, None)  # a developer's own settings must not change a result

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.components import missing_line, require
from tests.support.postgres import PostgresServer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# No deadline: the machine is shared, and a slow example is not a wrong one.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def component() -> Callable[[str], str]:
    """component("chromium") -> its path; skips the test with the command that brings it, fails it when CI=true."""
    return require


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real loan files (home_credit_sample, home_credit_large, lending_club)."""
    return Path(require("real data"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server with databases of its own, for tests that do not stop it."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:  # the server's user cannot reach into pytest's folders
        server = PostgresServer(require("postgres"), Path(folder))
        server.start()
        yield server
        server.stop("immediate")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return ROOT


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes make no name: an archive holds the second in which it was packed, and two workers must agree on names."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test in tests/integration, tests/e2e or tests/infra has that mark; one that takes `real_data` has that one."""
    for item in items:
        room = item.path.relative_to(ROOT / "tests").parts[0] if item.path.is_relative_to(ROOT / "tests") else ""
        if room in ("integration", "e2e", "infra"):
            item.add_marker(room)
        if room == "infra" and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(1800))  # the first to ask waits until an image is built
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker("real_data")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    stats = terminalreporter.stats
    reports = [report for outcome in ("skipped", "failed", "error") for report in stats.get(outcome, [])]
    line = missing_line(str(report.longrepr) for report in reports)
    if line is not None:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One Spark on this machine for all tests: to start it takes longer than most of them."""
    from creditrisk.spark import SparkSettings, session

    require("java")
    with session(SparkSettings("local[2]", {"spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "2"})) as one:
        yield one
