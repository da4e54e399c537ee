"""One whole run of the tiny book for all tests of the stages; those that spoil something copy it first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stages
from tests.support.approving import promoted
from tests.support.tiny_run import copied, tiny_context


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """After every stage. To read only."""
    context = tiny_context(tmp_path_factory.mktemp("tiny"))
    run_stages(context)
    return context


@pytest.fixture(scope="session")
def deployed(finished: Context, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """Version 1 in production by everything that the rules ask for. To read only."""
    own = copied(finished, tmp_path_factory.mktemp("deployed") / "workspace")
    promoted(own)
    return own


@pytest.fixture
def own(finished: Context, tmp_path: Path) -> Context:
    """The same in a workspace of the test's own."""
    return copied(finished, tmp_path / "workspace")


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[..., Context]:
    """fresh(split__folds=2) -> a context before the first stage."""
    return lambda **settings: tiny_context(tmp_path, **settings)
