"""What was decided in each window of time, as counts, for whoever keeps them beside the trainings.

Each worker counts in memory. When a window is over, a thread of the worker writes its counts into a folder that all
workers of the book share; whoever comes first sums them up and tells them. What could not be told waits in the folder,
also for the next server: an answer never does.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from creditrisk.errors import CreditRiskError
from creditrisk.files import PARTIAL, held, read_json, write_json, write_text
from creditrisk.kinds import Verdict
from creditrisk.ports import Clock, InferenceLog, InferenceWindow, Passport
from creditrisk.serving.logs import log, places_of
from creditrisk.serving.metrics import Metrics
from creditrisk.serving.model import Model

SETTLE_S = 2.0
"""After the end of a window, so that its last requests are answered and the other workers have written."""
AGAIN_S = 60.0
"""After a failure."""
KEPT_S = 3600.0
"""What was told of a window stays in the folder so long after its end: somebody may still add to it."""
CLOSE_S = 10.0
"""The longest that a server waits for the last window before it stops."""
TOLD = "told.json"


@dataclass(slots=True)
class _Counts:
    """Of one window and model."""

    name: str
    version: str | None
    bundle_sha256: str
    decisions: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(map(str, Verdict), 0)))
    grades: Counter[str] = field(default_factory=Counter)

    @classmethod
    def none_yet(cls, model: Model) -> _Counts:
        grades = Counter(dict.fromkeys(model.bundle.policy.grade_names, 0))
        return cls(model.name, model.version, model.bundle.sha256, grades=grades)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "bundle_sha256": self.bundle_sha256,
            "decisions": dict(self.decisions),
            "grades": list(self.grades.items()),
        }


class Windows:
    """One worker's counts, and the thread that tells them. `count` costs a few dictionary look-ups."""

    def __init__(
        self, inference: InferenceLog, clock: Clock, metrics: Metrics, folder: Path, *, book: str, seconds: int
    ) -> None:
        """folder: shared by the workers and servers of the book.  seconds: of a window; the first began in 1970."""
        self._inference, self._clock, self._metrics, self._folder = inference, clock, metrics, folder
        self._book, self._seconds = book, seconds
        self._worker = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._counts: dict[int, dict[tuple[str, str | None], _Counts]] = {}
        self._changed: set[int] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="windows", daemon=True)

    def start(self) -> None:
        """Tell from now on, whenever a window is over."""
        self._thread.start()

    def count(self, model: Model, decided: Sequence[Passport]) -> None:
        """decided: the answers to one request; they belong to the window in which it came."""
        start = int(decided[0].time.timestamp()) // self._seconds * self._seconds
        key = (model.bundle.sha256, model.version)
        with self._lock:
            window = self._counts.setdefault(start, {})
            if key not in window:
                window[key] = _Counts.none_yet(model)
            counts = window[key]
            for one in decided:
                counts.decisions[str(one.decision)] += 1
                counts.grades[str(one.grade)] += 1
            self._changed.add(start)

    def close(self) -> None:
        """Tell what was counted in the window under way too. Where that takes too long, it waits in the folder."""
        self._stopping.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.warning("window_not_told", what="MLflow took too long; the counts wait in the workspace")

    def _run(self) -> None:
        fine = self._attempt()  # what an earlier server could not tell
        while not self._stopping.wait(self._until_next(again=not fine)):
            fine = self._attempt()
        self._attempt(under_way=True)

    def _until_next(self, *, again: bool) -> float:
        """Seconds."""
        end = self._seconds - self._clock.now().timestamp() % self._seconds + SETTLE_S
        return min(end, AGAIN_S) if again else end

    def _attempt(self, *, under_way: bool = False) -> bool:
        """Never raises: a server decides as well without it."""
        try:
            told = self.tell(under_way=under_way)
        except CreditRiskError as error:
            log.warning("window_not_told", what=error.what)
        except Exception as error:  # noqa: BLE001
            log.warning("window_not_told", error=type(error).__name__, at=places_of(error))
        else:
            self._metrics.windows.labels("told").inc(told)
            return True
        self._metrics.windows.labels("failed").inc()
        return False

    def tell(self, *, under_way: bool = False) -> int:
        """Write down what this worker counted in windows that are over, then tell all that is written and was not told.

        under_way: in the window that is not over too. Returns how many runs were told. Raises OutsideFailed, OSError.
        """
        now = self._clock.now().timestamp()
        self._write(now, under_way=under_way)
        if not self._folder.is_dir():
            return 0
        with held(self._folder / "lock"):
            return sum(self._tell(folder, now) for folder in sorted(self._folder.glob("[0-9]*-[0-9]*")))

    def _write(self, now: float, *, under_way: bool) -> None:
        with self._lock:
            over = {start for start in self._counts if start + self._seconds <= now}
            due = sorted(self._changed if under_way else self._changed & over)
            pages = {start: [counts.as_json() for counts in self._counts[start].values()] for start in due}
            self._changed -= set(due)
            for start in over - set(due):
                if start + self._seconds + KEPT_S < now:
                    del self._counts[start]
        for start, models in pages.items():
            try:
                write_json(self._folder / f"{start}-{self._seconds}" / f"{self._worker}.json", {"models": models})
            except OSError:
                with self._lock:
                    self._changed |= pages.keys()
                raise

    def _tell(self, folder: Path, now: float) -> int:
        """One window of all workers; returns its runs, 0 where nothing is new."""
        start, seconds = map(int, folder.name.split("-"))
        models = _summed(folder)
        total = sum(counts.decisions.total() for counts in models)
        told = folder / TOLD
        if told.is_file() and read_json(told)["decisions"] == total:
            if start + seconds + KEPT_S < now:
                shutil.rmtree(folder)
            return 0
        for counts in models:
            self._inference.log_window(
                InferenceWindow(
                    book=self._book,
                    server=self._server(),
                    since=datetime.fromtimestamp(start, UTC),
                    until=datetime.fromtimestamp(start + seconds, UTC),
                    model_name=counts.name,
                    model_version=counts.version,
                    bundle_sha256=counts.bundle_sha256,
                    decisions=counts.decisions,
                    grades=counts.grades,
                )
            )
        write_json(told, {"decisions": total})
        return len(models)

    def _server(self) -> str:
        """An id that all workers have, and that stays over restarts."""
        file = self._folder / "server"
        if not file.is_file():
            write_text(file, uuid.uuid4().hex)
        return file.read_text(encoding="utf-8")


def _summed(folder: Path) -> list[_Counts]:
    """All workers' counts of a window, by model."""
    models: dict[tuple[str, str | None], _Counts] = {}
    for one in _written(folder):
        key = (one["bundle_sha256"], one["version"])
        if key not in models:
            models[key] = _Counts(one["name"], one["version"], one["bundle_sha256"])
        models[key].decisions.update(one["decisions"])
        models[key].grades.update(dict(one["grades"]))
    return list(models.values())


def _written(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob("*.json")):
        if file.name != TOLD and not file.name.startswith(PARTIAL):
            yield from read_json(file)["models"]
