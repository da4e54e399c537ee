"""What the tests of deployment share: the tools of requirements/infra.txt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tool(repository: Path) -> Callable[[str], str]:
    """tool("gitleaks") -> its path in the environment that `make test-infra` makes."""

    def found(name: str) -> str:
        path = repository / ".cache" / "env" / "infra" / "bin" / name
        assert path.exists(), f"no {name}: scripts/tool_environment.sh infra brings it"
        return str(path)

    return found
