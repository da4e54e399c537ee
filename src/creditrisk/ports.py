"""What the core asks of the world. Adapters answer it, `adapters.in_memory` answers it in tests.

A port raises errors of this project only: OutsideFailed when the other system did not do its part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from creditrisk.kinds import sha256_of

if TYPE_CHECKING:
    import pyarrow as pa

    from creditrisk.signatures import Signer

type FeatureKind = Literal["number", "category"]

BUNDLE_TAG = "bundle_sha256"
"""The registry's tag that says which bundle a version number points at: the hash is the model's name."""

VALIDATION_TAG = "validation"
"""The registry's tag with the verdict of the last validation: pass, fail or not_enough_evidence."""

DEPLOYED_TAG = "deployed"
"""The registry's tag of the version behind production: id of the recorded move that put it there; "" on all others."""

EVIDENCE_TAG, DATA_TAG, WAIVERS_TAG, APPROVALS_TAG = "evidence_sha256", "data_sha256", "waivers", "approvals"
"""The registry's tags that say on which evidence and raw data a version stands, and who answers for it."""

STANDING_TAGS = (VALIDATION_TAG, EVIDENCE_TAG, DATA_TAG, WAIVERS_TAG, APPROVALS_TAG)

CANDIDATE = "candidate"
STAGING = "staging"
PRODUCTION = "production"
PREVIOUS = "previous"
"""What was behind `production` before: where a rollback goes."""


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

    @property
    def mark(self) -> str:
        """sha256 over the bundle with its parameters and figures: what makes two trainings the same."""
        told = {"parameters": self.parameters, "metrics": self.metrics}
        spelled = {what: {name: str(value) for name, value in of.items()} for what, of in told.items()}
        return sha256_of({"bundle": self.bundle_sha256, **spelled})


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
        """Keep a training and its bundle as a model. A bundle that is kept already is pointed at, not copied again.

        The same training (`TrainingRun.mark`) that was kept whole before is pointed at as well: it is no second run.
        """
        ...

    def attach(self, run_id: str, files: Mapping[str, Path], tags: Mapping[str, str]) -> None:
        """Keep these with a run that is there, over files and tags of the same names. files: as of a TrainingRun."""
        ...

    def figures(self, run_id: str) -> Mapping[str, float]:
        """The metrics that the run was kept with, NaN where it was. Raises BadUsage when there is no such run."""
        ...


@dataclass(frozen=True, slots=True)
class InferenceWindow:
    """What one server decided with one bundle in a span of time, as counts: nothing of a single applicant."""

    book: str
    server: str
    """Id of the server whose workers counted."""
    since: datetime
    """In UTC, with its time zone; so is `until`."""
    until: datetime
    model_name: str
    model_version: str | None
    bundle_sha256: str
    decisions: Mapping[str, int]
    """By answer; what nobody was answered is 0."""
    grades: Mapping[str, int]
    """By risk band of the model, best first; a band that nobody got is 0."""


class InferenceLog(Protocol):
    """Keeps what was decided over time, beside the trainings."""

    def log_window(self, window: InferenceWindow) -> None:
        """Keep the window as one run; a window of the same server, start and bundle gets these figures instead."""
        ...


class KeyStore(Protocol):
    """Keeps people's private keys, each for its owner."""

    @property
    def name(self) -> str:
        """What it is, in a word."""
        ...

    def find(self, person: str) -> Signer | None:
        """The key kept under that name; None when there is none. Raises BrokenFile for what is no key."""
        ...

    def make(self, person: str) -> Signer:
        """A new key, kept before it is returned."""
        ...


Urgency = Literal["info", "warning", "critical"]

URGENCIES: tuple[Urgency, ...] = ("info", "warning", "critical")
"""From the one that can wait to the one that wakes somebody."""


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told: words and figures of a book, nothing of a single applicant."""

    title: str
    body: str
    """Plain text."""
    urgency: Urgency | Literal["good"]
    """`good`: what was wrong is over."""


class Notifier(Protocol):
    """Brings messages to one place where people look."""

    def send(self, message: Message) -> None:
        """Deliver it once, or raise OutsideFailed or BadConfig; no error holds the place's address."""
        ...


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a book as it stands now, for machines that keep time series."""

    name: str
    """As Prometheus has it: ends in `_seconds` where it is that, in `_timestamp_seconds` for a moment."""
    value: float
    """Finite."""
    labels: Mapping[str, str]
    """Words of the book; nothing of a single applicant."""
    meaning: str


class MetricsSink(Protocol):
    """Takes the figures of one book."""

    @property
    def name(self) -> str:
        """What it is, in a word."""
        ...

    def write(self, figures: Sequence[Figure]) -> None:
        """These take the place of those written before. Raises OutsideFailed; no error holds a secret."""
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

    def remove_alias(self, name: str, alias: str) -> None:
        """Let the alias mean nothing from now on. No error where it meant nothing before."""
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


@dataclass(frozen=True, slots=True)
class Placed:
    """What a platform is told to run."""

    image: str
    definition: str
    """The platform's own name for everything that it is told beside the image: an ARN, a file."""
    made: bool = False
    """By this rollout; what was there before is never discarded."""


class Platform(Protocol):
    """Runs servers from an image. Nothing of it but the image is changed here.

    Methods raise Refused for what would be no again, OutsideFailed where another try may help.
    """

    @property
    def kind(self) -> str:
        """`ecs` or `vm`."""
        ...

    @property
    def target(self) -> str:
        """What is deployed to, in one line, the same from run to run."""
        ...

    def placed(self) -> Placed:
        """What it is told to run now. Raises Refused where it cannot be deployed to as it is."""
        ...

    def need_idle(self) -> None:
        """Raises Busy where somebody else's deployment is under way."""
        ...

    def difference(self, image: str) -> Sequence[Mapping[str, str]]:
        """What another image would change: each {where, was, becomes}. Nothing is changed."""
        ...

    def prepare(self, image: str) -> Placed:
        """Everything that can be done before anything runs it. Raises Refused for an image that is not there."""
        ...

    def place(self, what: Placed, *, instead_of: Placed) -> None:
        """Tell it to run this. Raises Superseded where something else is in place than `instead_of`."""
        ...

    def settle(self, what: Placed, tell: Callable[[str], None]) -> None:
        """Wait until it runs this and nothing else.

        tell: called with how far it is.  Raises Refused, or Superseded, when that cannot be any more, or not in time.
        """
        ...

    def discard(self, what: Placed) -> None:
        """Take back what was prepared and will not run."""
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """What a server's trial decision said of itself."""

    version: str | None
    bundle: str
    decision_id: str


class ServedApi(Protocol):
    """A running server, as a caller sees it."""

    @property
    def where(self) -> str: ...

    def need_ready(self) -> None:
        """Alive, with a model and a store that takes records. Raises OutsideFailed where it is not."""
        ...

    def decide_example(self, request_id: str) -> Answered:
        """Decide the server's own example. Raises Refused for a strange answer, OutsideFailed where none comes."""
        ...

    def close(self) -> None: ...


type PassportKind = Literal["decision", "shadow", "override", "correction", "batch"]

DECIDED: tuple[PassportKind, ...] = ("decision", "correction", "batch")
"""Kinds of records that a person may overrule or ask about."""


OUTLINE = (
    "decision_id", "kind", "about", "time", "pd", "grade", "decision", "bundle_sha256", "model_version", "entity_id",
)  # fmt: skip
"""What can be told of a decision without reading its payload."""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """What a caller sent with its request, so that sending it twice decides once."""

    key: str
    body_sha256: str


@dataclass(frozen=True, slots=True)
class Passport:
    """One decision, or one act upon it, as it is kept for ever.

    Personal data stand in `entity_id` and `payload` only: these two are what retention deletes.
    """

    decision_id: str
    """Of this record; an override or correction has one of its own."""
    request_id: str
    caller: str
    time: datetime
    """With its time zone; kept in UTC to the microsecond."""
    book: str
    bundle_sha256: str
    model_version: str | None
    entity_id: int | str | None
    pd: float | None
    score: int | None
    grade: str | None
    decision: str | None
    payload: Mapping[str, Any]
    """What canonical JSON can spell: the application as sent, features, reasons, warnings, policy."""
    kind: PassportKind = "decision"
    about: str | None = None
    """The decision_id that an override, a correction or a shadow is about."""
    idempotency: Idempotency | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A passport as the store has it. Without its payload, `passport.payload` is empty and one of the two says why."""

    passport: Passport
    chain_id: str
    sequence: int
    link: str
    """sha256 that the next record of the chain names."""
    deleted: bool = False
    """Payload and entity were deleted; a record of the store says by whom and under which rule."""
    locked_by: str | None = None
    """Id of the key that the payload is encrypted with, where this process does not have it."""
    held: bool = False
    """Under legal hold: nothing of it is deleted."""


@dataclass(frozen=True, slots=True)
class ActUpon:
    """What somebody did with a record: its payload was deleted, or it was put under legal hold or released."""

    kind: Literal["deletion", "hold", "release"]
    time: str
    by: str
    note: str
    rule: str | None
    """Under which a deletion was made."""


@dataclass(frozen=True, slots=True)
class ChainState:
    """One writer's chain."""

    chain_id: str
    records: int
    closed: bool
    """False: its writer is at work, was killed, or the end was cut off; `last_written` is the time to ask about."""
    opened: str
    last_written: str
    head: str
    """Link of its last record: whoever keeps it somewhere else can show later that the end was not cut off."""
    public_key: str


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """One thing that is not as it was written."""

    what: str
    chain_id: str
    sequence: int | None = None
    decision_id: str | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What `DecisionStore.verify` found. breaks: the first hundred; `broken` counts them all."""

    records: int
    payloads: int
    """Payloads whose commitment was computed again."""
    deleted: int
    """Records whose payload is gone and has a record of its deletion."""
    chains: Sequence[ChainState]
    breaks: Sequence[ChainBreak]
    broken: int

    @property
    def unbroken(self) -> bool:
        return self.broken == 0


class DecisionStore(Protocol):
    """Keeps decisions: durable before they are answered, chained so that tampering shows.

    Each open store that writes has a chain of its own, from its first record to `close`. Methods may be called from
    several threads. Raises OutsideFailed when the store is away, full or read-only; it recovers without being reopened.
    """

    def check(self) -> None:
        """Can it be written to at this moment? Raises OutsideFailed."""
        ...

    def append(self, passports: Sequence[Passport]) -> None:
        """All of them are on disk when it returns, or none is kept.

        Passports of one request share request_id, caller and idempotency. Raises DuplicateKey naming each (caller, key)
        that was answered before or comes twice here; whoever groups requests leaves those out and appends the rest.
        Raises BadUsage for a passport that cannot be written down (text with NUL, NaN, a time without zone).
        After OutsideFailed it is not known whether they were kept; `find` or `answered` tells once the store is back.
        """
        ...

    def find(self, decision_id: str) -> Kept | None: ...

    def about(self, decision_id: str) -> Sequence[Kept]:
        """Overrides, corrections and shadows of it, oldest first."""
        ...

    def acts(self, decision_id: str) -> Sequence[ActUpon]:
        """What was done with it, oldest first."""
        ...

    def answered(self, caller: str, key: str) -> Sequence[Kept]:
        """What the request with this idempotency key was answered with, in the order of the request."""
        ...

    def kept(
        self,
        book: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        kind: PassportKind | None = None,
    ) -> Iterator[Kept]:
        """Every passport of the book with since <= time < until, oldest first, streaming. kind: only such ones."""
        ...

    def counted(
        self, book: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Mapping[tuple[str, str | None], int]:
        """{(kind, decision): how many passports of the book with since <= time < until}; no payload is read."""
        ...

    def batches(
        self, book: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The same for monitoring: one row each, as docs/decision-store.md lists the columns."""
        ...

    def outlines(
        self, book: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The same without opening a payload, fifteen times as fast: `OUTLINE` of those columns only."""
        ...

    def due(self, book: str, before: Mapping[str, datetime]) -> Iterator[str]:
        """Ids of records with a payload, not held, whose decision is a key of `before` and whose time is before it."""
        ...

    def delete(self, decision_ids: Sequence[str], *, by: str, note: str, rule: str) -> None:
        """Delete payload and entity of all of them, or of none, and write into the chain who did, and under which rule.

        Raises BadUsage for an unknown id, Refused where one is held or was deleted before.
        """
        ...

    def hold(self, decision_id: str, *, by: str, note: str) -> None:
        """Put it and all records about it under legal hold. Raises BadUsage for an unknown id, Refused if held."""
        ...

    def release(self, decision_id: str, *, by: str, note: str) -> None:
        """End the legal hold. Raises BadUsage for an unknown id, Refused if not held."""
        ...

    def verify(self, progress: Callable[[int, int], None] = lambda _done, _all: None) -> Verification:
        """Read all chains and name what was altered, removed, moved, added or signed by somebody else.

        progress: called with records read so far, and in all.
        """
        ...

    def close(self) -> None:
        """Write the signed closing record, where anything was written; nothing can be appended afterwards."""
        ...
