"""Raw tables of the tiny book, invented, and a context whose outside world is memory."""

from __future__ import annotations

import shutil
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from creditrisk.adapters.in_memory import InMemoryRegistry, InMemoryTracker, SteppingClock
from creditrisk.config import Workspace, load_book
from creditrisk.duck import DuckSettings
from creditrisk.pipelines.context import Context
from tests.support.tiny_book import write_tiny_book


def write_tiny_raw(folder: Path, rows: int = 600, seed: int = 3) -> Path:
    """applications.csv and payments.csv: about one in four is bad, debt and lateness tell."""
    random = np.random.default_rng(seed)
    debt, late = random.gamma(2.0, 3000.0, rows).round(2), random.poisson(2.0, rows)
    log_odds = -3.0 + debt / 6000 + 0.4 * late
    applications = {
        "loan_id": np.arange(1, rows + 1),
        "bad": (random.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(int),
        "income": random.lognormal(10.0, 0.4, rows).round(2),
        "debt": debt,
        "town": random.choice(["big", "small"], rows),
        "sex": random.choice(["f", "m"], rows),
        "recovered": np.zeros(rows),
    }
    payments = {
        "payment_id": np.arange(1, rows + 1),
        "loan_id": np.arange(1, rows + 1),
        "day": random.integers(-300, 0, rows),
        "days_late": late,
        "paid": random.gamma(3.0, 40.0, rows).round(2),
    }
    folder.mkdir(parents=True, exist_ok=True)
    pyarrow.csv.write_csv(pa.table(applications), folder / "applications.csv")
    pyarrow.csv.write_csv(pa.table(payments), folder / "payments.csv")
    return folder


def tiny_context(
    folder: Path, raw: Path | None = None, told: list[tuple[str, str]] | None = None, **settings: Any
) -> Context:
    """A context in <folder>/workspace; settings as on the command line, with __ for the dots.

    raw: else <folder>/raw, written here.  told: progress as (stage, what) is appended to it.
    """
    chosen = {name.replace("__", "."): value for name, value in settings.items()}
    # Few rows: a leaf may be small.
    book = load_book(write_tiny_book(folder / "book"), {"training.parameters.xgboost.min_child_weight": 1, **chosen})

    def progress(stage: str, what: str, share: float) -> None:
        assert 0.0 <= share <= 1.0
        if told is not None:
            told.append((stage, what))

    return Context(
        book=book,
        workspace=Workspace(folder / "workspace").open(),
        duck=DuckSettings("300MB", 2),
        actor="ann",
        clock=SteppingClock(),
        tracker=InMemoryTracker(),
        registry=InMemoryRegistry(),
        progress=progress,
        raw=raw or write_tiny_raw(folder / "raw"),
    )


def copied(context: Context, to: Path) -> Context:
    """The same context in a workspace, and with a tracker and a registry, of its own."""
    shutil.copytree(context.workspace.root, to)
    tracker, registry = deepcopy((context.tracker, context.registry))
    return replace(context, workspace=Workspace(to), tracker=tracker, registry=registry, found={}, written={})
