"""What the core asks of the world. Adapters answer it, `adapters.in_memory` answers it in tests.

A port raises errors of this project only: OutsideFailed when the other system did not do its part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

type FeatureKind = Literal["number", "category"]

BUNDLE_TAG = "bundle_sha256"
"""The registry's tag that says which bundle a version number points at: the hash is the model's name."""

VALIDATION_TAG = "validation"
"""The registry's tag with the verdict of the last validation: pass, fail or not_enough_evidence."""

CANDIDATE = "candidate"
PRODUCTION = "production"


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC, with its time zone."""
        ...


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One training, told to the tracker after everything it names is whole on disk."""

    book: str
    bundle: Path
    """The bundle's folder, logged as a model that scores engineered features."""
    bundle_sha256: str
    features: Mapping[str, FeatureKind]
    """The model's inputs in the order of preprocess.json."""
    parameters: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Flat names; leave out what is not a number."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """At least actor, estimator, code_version."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """{folder in the run: local file or folder}, for example {"plots": reports/test_evaluation}."""


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """Where the tracker keeps a run and its model."""

    run_id: str
    model_uri: str
    bundle_sha256: str


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A number in the registry that points at a bundle. `uri` works wherever MLflow's tools take a model."""

    name: str
    version: int
    bundle_sha256: str
    run_id: str
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        return f"models:/{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class TriedParameters:
    """One trial of a search. value: what is searched for; None where the trial was given up or failed."""

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    parameters: Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class ParameterSearch:
    """A search for parameters, with every trial so far."""

    book: str
    name: str
    """Of the study: the same rows and settings have the same name."""
    objective: str
    trials: Sequence[TriedParameters]
    tags: Mapping[str, str] = field(default_factory=dict)
    """At least actor, estimator, code_version."""


class Tracker(Protocol):
    """Keeps what was trained, with which settings and figures."""

    def log_search(self, search: ParameterSearch) -> int:
        """Keep the trials of a search under one run; returns how many are new. What is kept is not kept again."""
        ...

    def log_run(self, run: TrainingRun) -> LoggedRun:
        """Keep a training and its bundle as a model. A bundle that is kept already is pointed at, not copied again."""
        ...


class Registry(Protocol):
    """Knows the versions of each book's model, and which one an alias means."""

    def register(self, name: str, run: LoggedRun, *, alias: str, tags: Mapping[str, str]) -> ModelVersion:
        """Make a version of the run's model and give it the alias.

        A bundle that has a version keeps that one: it gets the alias, no second number.
        """
        ...

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Let the alias mean that version from now on. Raises BadUsage when there is no such version."""
        ...

    def tag(self, name: str, version: int, tags: Mapping[str, str]) -> None:
        """Add these to the version's tags, over those of the same names. Raises BadUsage for no such version."""
        ...

    def versions(self, name: str) -> Sequence[ModelVersion]:
        """Oldest first; empty when the name is unknown."""
        ...

    def fetch(self, version: ModelVersion) -> Path:
        """The version's bundle as a local folder, to read only. Whoever loads it checks its hash."""
        ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a store, as its owner describes it."""

    uri: str
    size: int | None
    """Bytes; None where the store does not say."""
    version: str | None = None
    """Changes when the bytes change (ETag, generation, modification time); None where the store does not say."""
    modified: datetime | None = None
    """In UTC, with its time zone."""
    md5: str | None = None
    """Lower-case hex, where the store knows it."""


class Storage(Protocol):
    """Files at an address: s3://, az://, gs://, or file://.

    Raises MissingObject when there is no such object, OutsideFailed for everything else that the store does not do:
    `retry_may_help` says whether it may do it later. No message holds a credential.
    """

    def stat(self, uri: str) -> StoredObject:
        """What the store says of one object."""
        ...

    def read(self, uri: str, *, offset: int = 0) -> AbstractContextManager[Iterator[bytes]]:
        """The object's bytes from `offset` on, in chunks."""
        ...

    def list(self, uri: str) -> Sequence[StoredObject]:
        """Every object under a prefix, by name; empty when there is none."""
        ...

    def write(self, local: Path, uri: str) -> StoredObject:
        """Upload one file, whole or not at all; what arrived is compared with what was sent."""
        ...
