"""Every port from memory: what tests hand to the core, and the shortest description of what a port must do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from creditrisk.errors import BadUsage, did_you_mean
from creditrisk.ports import LoggedRun, ModelVersion, ParameterSearch, TrainingRun, TriedParameters


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
        self.trials: dict[str, dict[int, TriedParameters]] = {}
        """By the name of their search, by number."""

    def log_search(self, search: ParameterSearch) -> int:
        kept = self.trials.setdefault(search.name, {})
        new = [trial for trial in search.trials if trial.number not in kept]
        kept.update({trial.number: trial for trial in new})
        return len(new)

    def log_run(self, run: TrainingRun) -> LoggedRun:
        self.runs.append(run)
        first = next(kept for kept in self.runs if kept.bundle_sha256 == run.bundle_sha256)
        return LoggedRun(f"run-{len(self.runs)}", str(first.bundle.resolve()), run.bundle_sha256)


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
