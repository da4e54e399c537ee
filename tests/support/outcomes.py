"""An invented book of decisions and what later happened to the loans, with a context to add it in."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

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


def lived_book(
    loans: int = 600, *, months: int = 20, seed: int = 7, first: str = "2024-06", **changes: Any
) -> tuple[list[Passport], list[tuple[int, str, str]]]:
    """Approved loans, spread over months, and what happened to them: monthly statuses until they end or 2026-10-14.

    The PD of a year is the truth: with it a loan turns bad on some day of its first year.
    """
    random = np.random.default_rng(seed)
    passports, told = [], []
    for number in range(loans):
        month = np.datetime64(first, "M") + np.timedelta64(number * months // loans, "M")
        day = month.astype("datetime64[D]") + np.timedelta64(int(random.integers(0, 28)), "D")
        pd = float(np.clip(random.beta(1.0, 4.0), 0.01, 0.95))
        grade = "A" if pd < 0.05 else "B" if pd < 0.2 else "C"
        passports.append(decision(number, str(day), pd=pd, grade=grade, **changes))
        bad_on = day + np.timedelta64(int(random.integers(30, 360)), "D") if random.random() < pd else None
        for step in range(1, 15):
            then = day + np.timedelta64(30 * step, "D")
            if then > np.datetime64("2026-10-14"):
                break
            if bad_on is not None and then >= bad_on:
                told.append((number, str(bad_on), "bad"))
                break
            told.append((number, str(then), "late" if random.random() < 0.1 else "current"))
    return passports, told
