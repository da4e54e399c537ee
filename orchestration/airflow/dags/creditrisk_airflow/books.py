"""books.yaml: which books have DAGs, and when they run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import yaml

DAGS = ("train_pipeline", "tune_hyperparams", "promote_model", "batch_prediction", "monitoring")
FILE = Path(__file__).parent.parent / "books.yaml"


@dataclass(frozen=True)
class Rhythm:
    """schedule: a cron line in UTC, or None.  deadline_minutes: a run that takes longer calls somebody."""

    schedule: str | None
    deadline_minutes: float


@dataclass(frozen=True)
class Book:
    """One book's entry, with the defaults under it.

    path: what the command line takes as BOOK; else the name.  begins: batch_prediction makes up for days from there on.
    """

    name: str
    owner: str
    retries: int
    retry_delay_seconds: int
    window_days: int
    begins: date | None
    rhythms: Mapping[str, Rhythm]
    path: str = ""

    @property
    def argument(self) -> str:
        return self.path or self.name


def books() -> list[Book]:
    """Of books.yaml beside the DAGs, or of the file that CREDITRISK_AIRFLOW_BOOKS names. Raises ValueError."""
    file = Path(os.environ.get("CREDITRISK_AIRFLOW_BOOKS") or FILE)
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    return [_book(file, name, {**told["defaults"], **(own or {})}) for name, own in told["books"].items()]


def _book(file: Path, name: str, told: Mapping[str, Any]) -> Book:
    settings = {one.name for one in fields(Book)} - {"name", "rhythms"}
    if unknown := set(told) - settings - set(DAGS):
        raise ValueError(f"{file}: {name} has unknown keys {sorted(unknown)}; known: {sorted(settings | set(DAGS))}")
    rhythms = {dag: Rhythm(**told[dag]) for dag in DAGS}
    return Book(name=name, rhythms=rhythms, **{key: value for key, value in told.items() if key in settings})
