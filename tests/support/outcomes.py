"""An invented book of decisions and what later happened to the loans, with a context to add it in."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from creditrisk.adapters.in_memory import InMemoryDecisionStore, InMemoryRegistry, InMemoryTracker, SteppingClock
from creditrisk.config import Workspace, load_book
from creditrisk.duck import DuckSettings
from creditrisk.pipelines.context import Context
from creditrisk.ports import Passport
from tests.support.passports import passport
from tests.support.tiny_book import write_tiny_book

NOW = dt.datetime(2026, 10, 15, 12, tzinfo=dt.UTC)


def outcome_context(folder: Path, *, now: dt.datetime = NOW, **settings: Any) -> Context:
    """A context of the tiny book whose clock begins at `now`; settings as in `tiny_context`. No raw tables."""
    chosen = {name.replace("__", "."): value for name, value in settings.items()}
    return Context(
        book=load_book(write_tiny_book(folder / "book"), chosen),
        workspace=Workspace(folder / "workspace").open(),
        duck=DuckSettings("300MB", 2),
        actor="ann",
        clock=SteppingClock(now),
        tracker=InMemoryTracker(),
        registry=InMemoryRegistry(),
        progress=lambda *_: None,
        raw=folder / "raw",
    )


def decision(number: int, day: str, **changes: Any) -> Passport:
    """The decision `number`, approved, made at noon of that day."""
    time = dt.datetime.fromisoformat(f"{day}T12:00+00:00")
    return passport(number, **{"time": time, "decision": "approve", "payload": {}, **changes})


def stored(passports: Iterable[Passport]) -> InMemoryDecisionStore:
    store = InMemoryDecisionStore()
    store.append(list(passports))
    return store


def id_of(number: int) -> str:
    return passport(number).decision_id


def write_outcomes(path: Path, rows: Sequence[Sequence[object]], header: str = "decision_id,date,status") -> Path:
    """A CSV file; a whole number in the first column stands for the decision of that number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        stream.write(header + "\n")
        writer = csv.writer(stream)
        by_id = header.startswith("decision_id")
        writer.writerows([id_of(row[0]) if by_id and isinstance(row[0], int) else row[0], *row[1:]] for row in rows)
    return path
