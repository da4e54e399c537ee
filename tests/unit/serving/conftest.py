"""One small trained model, and servers over it whose outside world is memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from creditrisk.adapters.in_memory import InMemoryDecisionStore, InMemoryInferenceLog, SteppingClock
from creditrisk.config import ServingSettings
from creditrisk.duck import DuckSettings
from creditrisk.governance.agreement import Records
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stages
from creditrisk.ports import Passport
from creditrisk.serving import Ports, create_app
from tests.support.app_server import Calls, answered
from tests.support.tiny_run import tiny_context


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """The tiny book, run up to its candidate."""
    context = tiny_context(tmp_path_factory.mktemp("serving"))
    run_stages(context, last="register")
    return context


@dataclass(frozen=True)
class Served:
    """A running server, the store that it writes into, and the log that it tells its windows."""

    calls: Calls
    store: InMemoryDecisionStore
    inference: InMemoryInferenceLog


type Serve = Callable[..., Served]


@contextmanager
def serving(
    trained: Context,
    folder: Path,
    *,
    host: str = "127.0.0.1",
    alias: str = "candidate",
    store: InMemoryDecisionStore | None = None,
    tell_override: Callable[[Passport], object] | None = None,
    **settings: Any,
) -> Iterator[Served]:
    """A server of the tiny candidate, stopped at the end; the moves of its versions are recorded elsewhere."""
    kept, inference = store or InMemoryDecisionStore(), InMemoryInferenceLog()
    ports = Ports(
        registry=trained.registry,
        open_store=lambda: kept,
        clock=SteppingClock(),
        own_copy=trained.folder.bundle,
        duck=DuckSettings("200MB", 1),
        folder=folder / "serving",
        inference=inference,
        records=Records(trained.folder.ledger.with_name("elsewhere.jsonl"), trained.folder.unfinished_move),
        tell_override=tell_override,
    )
    app = create_app(trained.book, ports, ServingSettings(**settings), alias=alias, host=host)
    with answered(app) as calls:
        yield Served(calls, kept, inference)


@pytest.fixture(scope="module")
def served(trained: Context, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server without keys for the tests of a file; each leaves it able to answer."""
    with serving(trained, tmp_path_factory.mktemp("served")) as one:
        yield one


@pytest.fixture
def serve(trained: Context, tmp_path: Path) -> Iterator[Serve]:
    """serve(**settings) starts a server of its own; all are stopped when the test ends."""
    with ExitStack() as running:
        yield lambda **settings: running.enter_context(serving(trained, tmp_path, **settings))


@pytest.fixture(scope="session")
def record() -> dict[str, Any]:
    """An application that the tiny book takes."""
    return {
        "application": {"loan_id": 7, "income": 21000.5, "debt": 9000, "town": "big", "sex": "f"},
        "payments": [{"payment_id": 1, "loan_id": 7, "day": -3, "days_late": 4, "paid": 100.25}],
    }
