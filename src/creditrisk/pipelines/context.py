"""What every stage is handed: the book, the workspace, the outside world, and somebody to tell how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creditrisk import __version__
from creditrisk.config import Book, BookFolder, Workspace
from creditrisk.duck import DuckSettings
from creditrisk.files import read_json, write_json
from creditrisk.governance import Act, append_act
from creditrisk.kinds import SCHEMA_VERSION, sha256_of, sha256_of_file
from creditrisk.ports import Clock, Registry, Storage, Tracker
from creditrisk.sources import Limits
from creditrisk.spark import SparkSettings

if TYPE_CHECKING:
    from creditrisk.contracts import Checked

INGESTION = "ingestion_summary.json"
INVENTED_NOTE = "README.txt"
"""What the demo lays beside invented tables: whatever is made from them says so."""

type Progress = Callable[[str, str, float], None]
"""Told (stage, what is being done, share done in [0, 1])."""


@dataclass(frozen=True)
class Context:
    """One run of one book."""

    book: Book
    workspace: Workspace
    duck: DuckSettings
    actor: str
    clock: Clock
    tracker: Tracker
    registry: Registry
    progress: Progress
    raw: Path
    limits: Limits = field(default_factory=Limits)
    """Of archives among the raw files."""
    storage: Storage | None = None
    """Buckets, for tables and files that live there."""
    raw_uri: str | None = None
    """Address of a folder in a bucket that was named instead of a raw folder; its tables land in `raw`."""
    from_sources: bool = False
    """No raw folder was named: tables come from the book's `source:` and land in `raw`."""
    spark: SparkSettings = field(default_factory=SparkSettings)
    """Where Spark runs, for `engine: spark`."""
    written: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Reports of this run that the lineage does not know yet, by file name."""
    found: dict[str, Checked] = field(default_factory=dict)
    """What the contracts find in tables of these bytes: ingest asks before it writes, check tells; read once a run."""

    @property
    def folder(self) -> BookFolder:
        return self.workspace.book(self.book.name)

    @property
    def on_spark(self) -> bool:
        return self.book.portfolio.engine == "spark"

    @property
    def reads_bronze(self) -> bool:
        """Are typed tables read where they lie, since nobody names raw ones?"""
        return self.on_spark and self.from_sources and self.book.portfolio.spark.bronze is not None

    @property
    def invented(self) -> bool:
        """Do the raw tables say of themselves that they are invented? Where none are named, those ingested last."""
        if not self.from_sources:
            return is_invented(self.raw)
        ingested = self.folder.report(INGESTION)
        return bool(read_json(ingested).get("invented_data")) if ingested.is_file() else is_invented(self.raw)

    @property
    def checks_off(self) -> list[dict[str, Any]]:
        """The checks that this book has switched off, as every report tells them."""
        return [off.model_dump(mode="json") for off in self.book.portfolio.checks_off]

    @property
    def leaks_released(self) -> list[dict[str, Any]]:
        """The suspects of the leak radar that somebody answers for, as every report tells them."""
        return [release.model_dump(mode="json") for release in self.book.portfolio.leak_radar.released]

    def report(self, name: str, body: Mapping[str, Any], *, inputs: Mapping[str, Path | str]) -> dict[str, Any]:
        """Write <reports>/<name> with what every report has, and return it."""
        report = self.stamped(body, inputs=inputs)
        write_json(self.folder.report(name), report)
        self.written[name] = report
        return report

    def stamped(self, body: Mapping[str, Any], *, inputs: Mapping[str, Path | str]) -> dict[str, Any]:
        """A report that is not written yet.

        inputs: {name: file, hashed here, or a sha256 already known}.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            "book": self.book.name,
            "code_version": __version__,
            "invented_data": self.invented,
            "checks_off": self.checks_off,
            "leaks_released": self.leaks_released,
            "inputs": {key: _mark(value) if isinstance(value, Path) else value for key, value in inputs.items()},
            **body,
            "meta": {**body.get("meta", {}), "created_at": self.clock.now().isoformat(), "actor": self.actor},
        }

    def act(self, act: Act, hashes: Mapping[str, str]) -> None:
        append_act(self.workspace.audit, self.actor, act, {"book": self.book.name, **hashes}, clock=self.clock)

    def stage_progress(self, stage: str) -> Callable[[str, float], None]:
        return lambda what, share: self.progress(stage, what, share)


def is_invented(raw: Path) -> bool:
    """Does a note beside these raw tables (the demo writes it) begin with "Invented data"?"""
    folder = raw if raw.is_dir() else raw.parent
    note = folder / INVENTED_NOTE
    return note.is_file() and note.read_text(encoding="utf-8", errors="replace").startswith("Invented data")


def _mark(path: Path) -> str:
    """The sha256 of a file; of a report without its `meta`, so that the same run has the same inputs."""
    return sha256_of(read_json(path)) if path.suffix == ".json" else sha256_of_file(path)
