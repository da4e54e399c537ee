"""What one server holds while it runs; routes find it at `request.app.state.server`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request

from creditrisk.config import Book, ServingSettings
from creditrisk.duck import DuckSettings
from creditrisk.governance.agreement import Records
from creditrisk.ports import Clock, DecisionStore, InferenceLog, Passport, Registry

if TYPE_CHECKING:
    from creditrisk.serving.grouping import Grouping
    from creditrisk.serving.metrics import Metrics
    from creditrisk.serving.model import Holder, Models
    from creditrisk.serving.security import Guard
    from creditrisk.serving.shadow import Shadow
    from creditrisk.serving.windows import Windows


@dataclass(frozen=True)
class Ports:
    """What a server asks of the world.

    open_store: called once, when the server starts.  own_copy: where the workspace would keep a bundle of a hash.
    folder: where the workers of one server leave each other word (a reload, a used token, what they counted).
    inference: is told what was decided in each window of time, where that is asked for.
    records: of the moves of the model's versions, so that an alias moved by hand is refused.
    tell_override: puts the act of an override, which the store has by then, into the audit chain.
    """

    registry: Registry
    open_store: Callable[[], DecisionStore]
    clock: Clock
    own_copy: Callable[[str], Path]
    duck: DuckSettings
    folder: Path
    inference: InferenceLog | None = None
    records: Records | None = None
    tell_override: Callable[[Passport], object] | None = None


@dataclass
class Server:
    """book: as its folder is today; the model has the book of its own day. store, grouping, ...: once it runs."""

    book: Book
    settings: ServingSettings
    ports: Ports
    guard: Guard
    metrics: Metrics
    models: Models
    holder: Holder
    started: datetime
    store: DecisionStore
    grouping: Grouping
    shadow: Shadow | None = None
    windows: Windows | None = None


def server_of(request: Request) -> Server:
    server: Server = request.app.state.server
    return server
