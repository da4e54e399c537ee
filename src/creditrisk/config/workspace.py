"""Where things lie on disk. Nothing is made until somebody writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from creditrisk.errors import BadUsage, BrokenFile, NewerSchema

WORKSPACE_SCHEMA = 1


@dataclass(frozen=True)
class Workspace:
    """The folder that holds everything this project writes."""

    root: Path

    @property
    def tracking_uri(self) -> str:
        return f"sqlite:///{self.root.resolve() / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path:
        return self.root / "mlartifacts"

    @property
    def audit(self) -> Path:
        return self.root / "audit.jsonl"

    @property
    def decisions_url(self) -> str:
        return f"sqlite:///{self.root.resolve() / 'decisions.db'}"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def people(self) -> Path:
        """Keys of people, who sign approvals; those of the programs lie one above."""
        return self.keys / "people"

    def book(self, name: str) -> BookFolder:
        return BookFolder(self.root / name)

    def open(self) -> Workspace:
        """Make the folder or check that this version may write to it."""
        marker = self.root / ".creditrisk-workspace"
        if self.root.exists() and not self.root.is_dir():
            raise BadUsage("the workspace is a file", where=str(self.root), hint="give a folder: --workspace DIR")
        if marker.exists():
            text = marker.read_text(encoding="utf-8").strip()
            if not text.isdigit():
                raise BrokenFile("the workspace marker is damaged", where=str(marker), hint=f"write {WORKSPACE_SCHEMA}")
            if int(text) > WORKSPACE_SCHEMA:
                raise NewerSchema(
                    f"the workspace has schema {text}, this version knows {WORKSPACE_SCHEMA}",
                    where=str(marker),
                    hint="use the version of creditrisk that made it, or a newer one",
                )
        else:
            self._make(marker)
        return self

    def _make(self, marker: Path) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            marker.write_text(f"{WORKSPACE_SCHEMA}\n", encoding="utf-8")
        except OSError as error:
            raise BadUsage(
                f"no workspace can be made here: {error.strerror}",
                where=str(self.root),
                hint="give another folder: --workspace DIR",
            ) from error


@dataclass(frozen=True)
class BookFolder:
    """One book's part of the workspace."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "data" / "raw"

    @property
    def bronze(self) -> Path:
        return self.root / "data" / "bronze"

    @property
    def processed(self) -> Path:
        return self.root / "data" / "processed"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    def table(self, name: str) -> Path:
        return self.bronze / f"{name}.parquet"

    @property
    def feature_store(self) -> Path:
        return self.processed / "feature_store.parquet"

    def part(self, name: str) -> Path:
        """train, calibration or test."""
        return self.processed / f"{name}.parquet"

    @property
    def out_of_fold(self) -> Path:
        """Development rows with margin and PD by models that never saw them: the last training's."""
        return self.processed / "out_of_fold.parquet"

    @property
    def assigned(self) -> Path:
        """Engine spark: part and fold of every labelled loan, of which the parts here may hold a sample."""
        return self.processed / "assigned.parquet"

    @property
    def cluster(self) -> Path:
        """Engine spark: what the processed tables here are a sample of."""
        return self.processed / "cluster.json"

    @property
    def bronze_state(self) -> Path:
        """Engine spark: what the typed tables here are a sample of, where whole ones were read in place."""
        return self.bronze / "cluster.json"

    @property
    def audit_table(self) -> Path:
        return self.processed / "audit.parquet"

    @property
    def ledger(self) -> Path:
        """Which version was deployed when: a chain of its own."""
        return self.root / "deployments.jsonl"

    @property
    def unfinished_move(self) -> Path:
        """An alias move that was announced and is not recorded everywhere yet."""
        return self.root / "unfinished_move.json"

    @property
    def unfinished_rollout(self) -> Path:
        """A deployment of servers that was begun and is not recorded yet."""
        return self.root / "unfinished_rollout.json"

    @property
    def rollout_lock(self) -> Path:
        """Held by whoever deploys servers."""
        return self.root / ".rollout.lock"

    @property
    def outcomes(self) -> Path:
        """What was delivered about loans: a file of rows for each delivery, never changed."""
        return self.root / "outcomes"

    @property
    def outcome_deliveries(self) -> Path:
        """Who delivered which outcomes when: a chain of its own."""
        return self.root / "outcomes.jsonl"

    @property
    def governance_lock(self) -> Path:
        """Held by whoever approves or moves versions."""
        return self.root / ".governance.lock"

    def report(self, name: str) -> Path:
        return self.reports / name

    @property
    def newest_bundle(self) -> Path:
        """A copy of the last training's bundle, under a path that is the same for every model: to version, to copy."""
        return self.root / "newest_bundle"

    def bundle(self, sha256: str) -> Path:
        return self.models / sha256[:16] / "bundle"
