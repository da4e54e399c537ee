"""What the tests of deployment share: the tools of requirements/infra.txt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.engine import Engine
from tests.support.engine import engine as started_engine

LONGEST_FIRST = ["compose", "dvc", "images", "airflow", "docs", "delivery", "workflows", "terraform"]
"""Files that take minutes. Two processes share the files, so a long one that comes last would run alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {f"test_{name}.py": place for place, name in enumerate(LONGEST_FIRST)}
    here = Path(__file__).parent
    items.sort(key=lambda item: places.get(item.path.name, len(places)) if item.path.parent == here else -1)


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
    """A Docker engine of the session's own."""
    with started_engine(repository) as made:
        yield made
