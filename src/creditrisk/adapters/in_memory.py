"""Every port from memory: what tests hand to the core, and the shortest description of what a port must do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from creditrisk import decision_chain as chain
from creditrisk.adapters.decision_columns import batch_of
from creditrisk.decision_chain import Entry, Found, Head, Record
from creditrisk.errors import (
    BadUsage,
    Busy,
    CreditRiskError,
    DuplicateKey,
    OutsideFailed,
    Refused,
    Superseded,
    did_you_mean,
)
from creditrisk.kinds import new_decision_id
from creditrisk.ports import (
    OUTLINE,
    ActUpon,
    Answered,
    Clock,
    Figure,
    InferenceWindow,
    Kept,
    LoggedRun,
    Message,
    ModelVersion,
    ParameterSearch,
    Passport,
    PassportKind,
    Placed,
    TrainingRun,
    TriedParameters,
    Verification,
)
from creditrisk.sealing import PayloadKeys, Sealed
from creditrisk.signatures import Signer, new_signer

if TYPE_CHECKING:
    import pyarrow as pa


class SteppingClock:
    """Starts where told and moves on by a second each time somebody looks."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._next = start

    def now(self) -> datetime:
        now, self._next = self._next, self._next + timedelta(seconds=1)
        return now


class InMemoryTracker:
    def __init__(self) -> None:
        self.runs: list[TrainingRun] = []
        self.attached: dict[str, dict[str, str]] = {}
        """Tags that were added to a run later, by its id."""
        self.trials: dict[str, dict[int, TriedParameters]] = {}
        """By the name of their search, by number."""

    def log_search(self, search: ParameterSearch) -> int:
        kept = self.trials.setdefault(search.name, {})
        new = [trial for trial in search.trials if trial.number not in kept]
        kept.update({trial.number: trial for trial in new})
        return len(new)

    def log_run(self, run: TrainingRun) -> LoggedRun:
        marks = [kept.mark for kept in self.runs]
        if run.mark not in marks:
            self.runs.append(run)
            marks.append(run.mark)
        first = next(kept for kept in self.runs if kept.bundle_sha256 == run.bundle_sha256)
        return LoggedRun(f"run-{marks.index(run.mark) + 1}", str(first.bundle.resolve()), run.bundle_sha256)

    def attach(self, run_id: str, files: Mapping[str, Path], tags: Mapping[str, str]) -> None:  # noqa: ARG002
        self.figures(run_id)
        self.attached.setdefault(run_id, {}).update(tags)

    def figures(self, run_id: str) -> Mapping[str, float]:
        kept = {f"run-{number}": run.metrics for number, run in enumerate(self.runs, 1)}
        if run_id not in kept:
            raise BadUsage(f"there is no run {run_id}", hint=did_you_mean(run_id, kept))
        return dict(kept[run_id])


class InMemoryInferenceLog:
    """Set `away` to a sentence and every call fails with it, until it is set to None again."""

    def __init__(self) -> None:
        self.away: str | None = None
        self.windows: dict[tuple[str, datetime, str], InferenceWindow] = {}
        """By server, start and bundle."""

    def log_window(self, window: InferenceWindow) -> None:
        if self.away is not None:
            raise OutsideFailed(self.away, where="MLflow")
        self.windows[window.server, window.since, window.bundle_sha256] = window


class InMemoryNotifier:
    """Set `away` to a sentence and every message fails with it, until it is set to None again."""

    def __init__(self) -> None:
        self.away: str | None = None
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        if self.away is not None:
            raise OutsideFailed(self.away, where="notifier")
        self.sent.append(message)


class InMemorySink:
    """Set `away` to a sentence and every writing fails with it, until it is set to None again."""

    name = "memory"

    def __init__(self) -> None:
        self.away: str | None = None
        self.figures: list[Figure] = []

    def write(self, figures: Sequence[Figure]) -> None:
        if self.away is not None:
            raise OutsideFailed(self.away, where="sink")
        self.figures = list(figures)


class InMemoryPlatform:
    """Runs whatever it is told, at once.

    unhealthy: images that never become stable.  failing: {method: errors that its next calls raise}; a None lets one
    call pass.  effective: do calls that fail take effect all the same?
    """

    kind = "memory"
    target = "here/api"

    def __init__(self, image: str) -> None:
        self.now = Placed(image, "api:1")
        self.made = 1
        self.unhealthy: set[str] = set()
        self.failing: dict[str, list[BaseException | None]] = {}
        self.effective = False
        self.discarded: list[str] = []
        self.busy = False
        self.calls: list[str] = []

    def placed(self) -> Placed:
        self._may("placed")
        return self.now

    def need_idle(self) -> None:
        if self.busy:
            raise Busy("a deployment is under way", where=self.target, hint="wait")

    def difference(self, image: str) -> Sequence[Mapping[str, str]]:
        return [{"where": "image", "was": self.now.image, "becomes": image}]

    def prepare(self, image: str) -> Placed:
        self._may("prepare")
        self.made += 1
        return Placed(image, f"api:{self.made}", made=True)

    def place(self, what: Placed, *, instead_of: Placed) -> None:
        if self.now.definition not in (what.definition, instead_of.definition):
            raise Superseded(f"{self.now.definition} was put in place meanwhile", where=self.target)
        if self.effective:
            self.now = what
        self._may("place")
        self.now = what

    def settle(self, what: Placed, tell: Callable[[str], None]) -> None:
        tell("1 of 1 runs")
        self._may("settle")
        if self.now.definition != what.definition:
            raise Superseded(f"{self.now.definition} was put in place meanwhile", where=self.target)
        if what.image in self.unhealthy:
            raise Refused(f"{what.definition} failed", where=self.target, hint="see its log")

    def discard(self, what: Placed) -> None:
        self._may("discard")
        self.discarded.append(what.definition)

    def _may(self, call: str) -> None:
        self.calls.append(call)
        planned = self.failing.get(call)
        if planned and (error := planned.pop(0)) is not None:
            raise error


class InMemoryApi:
    """answers: what each trial decision says, the last one again and again; an error is raised."""

    where = "memory"

    def __init__(self, *answers: Answered | CreditRiskError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.closed = False

    def need_ready(self) -> None: ...

    def decide_example(self, request_id: str) -> Answered:
        self.asked.append(request_id)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, CreditRiskError):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


class InMemoryRegistry:
    """Its models' addresses are folders, as InMemoryTracker gives them."""

    def __init__(self) -> None:
        self._versions: dict[str, list[ModelVersion]] = {}
        self._aliases: dict[str, dict[str, int]] = {}
        self._folders: dict[str, Path] = {}

    def register(self, name: str, run: LoggedRun, *, alias: str, tags: Mapping[str, str]) -> ModelVersion:
        kept = self._versions.setdefault(name, [])
        version = next((old for old in kept if old.bundle_sha256 == run.bundle_sha256), None)
        if version is None:
            version = ModelVersion(name, len(kept) + 1, run.bundle_sha256, run.run_id, tags=dict(tags))
            kept.append(version)
            self._folders[run.bundle_sha256] = Path(run.model_uri)
        self.set_alias(name, alias, version.version)
        return self.versions(name)[version.version - 1]

    def set_alias(self, name: str, alias: str, version: int) -> None:
        self._need(name, version)
        self._aliases.setdefault(name, {})[alias] = version

    def remove_alias(self, name: str, alias: str) -> None:
        self._aliases.get(name, {}).pop(alias, None)

    def _need(self, name: str, version: int) -> None:
        known = [kept.version for kept in self._versions.get(name, [])]
        if version not in known:
            raise BadUsage(f"{name} has no version {version}", hint=did_you_mean(str(version), map(str, known)))

    def tag(self, name: str, version: int, tags: Mapping[str, str]) -> None:
        self._need(name, version)
        kept = self._versions[name]
        kept[version - 1] = replace(kept[version - 1], tags={**kept[version - 1].tags, **tags})

    def versions(self, name: str) -> Sequence[ModelVersion]:
        aliases = self._aliases.get(name, {})
        return [
            replace(kept, aliases=tuple(sorted(alias for alias, number in aliases.items() if number == kept.version)))
            for kept in self._versions.get(name, [])
        ]

    def fetch(self, version: ModelVersion) -> Path:
        return self._folders[version.bundle_sha256]


class InMemoryDecisionStore:
    """One chain. Set `away` to a sentence and every call fails with it, until it is set to None again."""

    def __init__(
        self, clock: Clock | None = None, signer: Signer | None = None, keys: PayloadKeys | None = None
    ) -> None:
        self.away: str | None = None
        self.records: list[Record] = []
        self.sealed: dict[int, Sealed] = {}
        """By sequence; what is not there was deleted or never was."""
        self._clock = clock or SteppingClock()
        self._signer = signer or new_signer()
        self._keys = keys or PayloadKeys()
        self._head = chain.before_first(new_decision_id())
        self._lock = RLock()

    def check(self) -> None:
        if self.away is not None:
            raise OutsideFailed(self.away, where="decision store")

    def append(self, passports: Sequence[Passport]) -> None:
        entries = chain.entries_of(passports, self._keys)
        with self._lock:
            self.check()
            used = {(each.caller, each.idempotency_key) for each in self.records if each.idempotency_key is not None}
            asked = {(each.caller, each.idempotency.key) for each in passports if each.idempotency is not None}
            if repeated := used & asked:
                raise DuplicateKey((str(caller), str(key)) for caller, key in repeated)
            if not {each.decision_id for each in self.records}.isdisjoint(each.decision_id for each in passports):
                raise BadUsage("a decision of this id is kept already", where="decision store")
            self._write(entries)

    def _write(self, entries: Sequence[Entry]) -> None:
        if self.records and self.records[-1].kind == chain.CLOSED:
            raise BadUsage("the decision store is closed", where="decision store", hint="open it again")
        if not entries:
            return
        if not self.records:
            first = chain.opened(
                self._head.chain_id, self._signer, at=self._clock.now(), software="in memory", witnessed=()
            )
            entries = [first, *entries]
        self._head, placed = chain.extended(self._head, entries, self._signer)
        self.records += [entry.record for entry in placed]
        self.sealed |= {entry.record.sequence: entry.sealed for entry in placed if entry.sealed is not None}

    def find(self, decision_id: str) -> Kept | None:
        return next((self._kept(each) for each in self._passports() if each.decision_id == decision_id), None)

    def about(self, decision_id: str) -> Sequence[Kept]:
        return [self._kept(each) for each in self._passports() if each.about == decision_id]

    def acts(self, decision_id: str) -> Sequence[ActUpon]:
        self.check()
        return [chain.told_act(each) for each in self.records if each.kind in chain.ACTS and each.about == decision_id]

    def answered(self, caller: str, key: str) -> Sequence[Kept]:
        found = [each for each in self._passports() if (each.caller, each.idempotency_key) == (caller, key)]
        return [self._kept(each) for each in found]

    def kept(
        self,
        book: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        kind: PassportKind | None = None,
    ) -> Iterator[Kept]:
        low, high = (None if time is None else chain.utc_text(time) for time in (since, until))
        of_book = [each for each in self._passports() if each.book == book and kind in (None, each.kind)]
        for record in sorted(of_book, key=lambda each: (each.time, each.decision_id)):
            if (low is None or record.time >= low) and (high is None or record.time < high):
                yield self._kept(record)

    def counted(
        self, book: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Mapping[tuple[str, str | None], int]:
        return Counter(
            (each.passport.kind, each.passport.decision) for each in self.kept(book, since=since, until=until)
        )

    def batches(
        self, book: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[pa.RecordBatch]:
        if rows := list(self.kept(book, since=since, until=until)):
            yield batch_of(rows)

    def outlines(
        self, book: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[pa.RecordBatch]:
        return (batch.select(OUTLINE) for batch in self.batches(book, since=since, until=until))

    def due(self, book: str, before: Mapping[str, datetime]) -> Iterator[str]:
        limits = {decision: chain.utc_text(time) for decision, time in before.items()}
        for record in self._passports():
            there = record.sequence in self.sealed and record.book == book and not self._is_held(record)
            if there and record.decision in limits and record.time < limits[record.decision]:
                yield str(record.decision_id)

    def delete(self, decision_ids: Sequence[str], *, by: str, note: str, rule: str) -> None:
        with self._lock:
            self.check()
            ids = list(dict.fromkeys(decision_ids))
            records = [self._need(each) for each in ids]
            for record in records:
                if self._is_held(record):
                    raise Refused("it is under legal hold", where=f"decision {record.decision_id}")
                if record.sequence not in self.sealed:
                    raise Refused("its payload was deleted before", where=f"decision {record.decision_id}")
            now = self._clock.now()
            self._write([chain.act_upon(chain.DELETION, each, at=now, by=by, note=note, rule=rule) for each in ids])
            for record in records:
                del self.sealed[record.sequence]

    def hold(self, decision_id: str, *, by: str, note: str) -> None:
        self._act_upon(chain.HOLD, decision_id, by=by, note=note)

    def release(self, decision_id: str, *, by: str, note: str) -> None:
        self._act_upon(chain.RELEASE, decision_id, by=by, note=note)

    def _act_upon(self, kind: str, decision_id: str, *, by: str, note: str) -> None:
        with self._lock:
            self.check()
            self._need(decision_id)
            if (decision_id in self._held()) == (kind == chain.HOLD):
                what = "it is under legal hold already" if kind == chain.HOLD else "it is not under legal hold"
                raise Refused(what, where=f"decision {decision_id}")
            self._write([chain.act_upon(kind, decision_id, at=self._clock.now(), by=by, note=note)])

    def verify(self, progress: Callable[[int, int], None] = lambda _done, _all: None) -> Verification:
        verifying = chain.Verifying(frozenset({self._signer.public}))
        with self._lock:
            if self.records:
                deleted = {each.about for each in self.records if each.kind == chain.DELETION}
                found = [
                    Found(each, self.sealed.get(each.sequence), each.decision_id in deleted) for each in self.records
                ]
                verifying.read(Head(self._head.chain_id, self._head.sequence, self._head.link), found)
        progress(verifying.records, verifying.records)
        return verifying.finish()

    def close(self) -> None:
        with self._lock:
            if self.records and self.records[-1].kind != chain.CLOSED:
                self._write([chain.closed(self._head, at=self._clock.now())])

    def _passports(self) -> Iterator[Record]:
        self.check()
        return (each for each in list(self.records) if each.kind not in chain.ACTS)

    def _need(self, decision_id: str) -> Record:
        record = next((each for each in self._passports() if each.decision_id == decision_id), None)
        if record is None:
            raise BadUsage("there is no such decision", where=f"decision {decision_id}")
        return record

    def _held(self) -> set[str | None]:
        held: set[str | None] = set()
        for record in self.records:
            if record.kind == chain.HOLD:
                held.add(record.about)
            elif record.kind == chain.RELEASE:
                held.discard(record.about)
        return held

    def _is_held(self, record: Record) -> bool:
        return not self._held().isdisjoint({record.decision_id, record.about} - {None})

    def _kept(self, record: Record) -> Kept:
        return chain.kept(record, self.sealed.get(record.sequence), self._keys, held=self._is_held(record))
