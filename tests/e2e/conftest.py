"""One small book for every server of these tests, with one model or with two."""

from __future__ import annotations

import pytest

from tests.support.components import require
from tests.support.tiny_server import Trained, train


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """To serve from; each test leaves a model that can be served."""
    return train(tmp_path_factory.mktemp("server"), rounds=15)


@pytest.fixture(scope="session")
def trained_twice(trained: Trained) -> Trained:
    """The same workspace with another model, which is the candidate now."""
    return train(trained.workspace.parent, rounds=10)


@pytest.fixture
def balancer_and_store() -> None:
    """Both are there, or the test says how they come."""
    require("haproxy")
    require("postgres")
