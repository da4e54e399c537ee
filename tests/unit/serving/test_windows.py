"""Windows of time as counts: of all workers, told once, never in the way of an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from creditrisk.adapters.in_memory import InMemoryInferenceLog
from creditrisk.pipelines.context import Context
from creditrisk.serving.metrics import Metrics
from creditrisk.serving.windows import Windows
from tests.support.passports import passport
from tests.unit.serving.conftest import serving

NOON = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
QUARTER = 900


class SetClock:
    """Says what it was told last."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


class Server:
    """Workers over one folder, and what they tell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock, self.log, self.metrics = SetClock(), InMemoryInferenceLog(), Metrics()

    def worker(self) -> Windows:
        return Windows(self.log, self.clock, self.metrics, self.folder, book="tiny", seconds=QUARTER)

    def told(self) -> list[tuple[str, dict[str, int], dict[str, int]]]:
        return [
            (f"{one.since:%H:%M} {one.model_version}", dict(one.decisions), dict(one.grades))
            for one in self.log.windows.values()
        ]


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "windows")


def model(version: str = "1") -> Any:
    bundle = SimpleNamespace(sha256=version * 64, policy=SimpleNamespace(grade_names=("A", "B", "Z")))
    return SimpleNamespace(name="tiny", version=version, bundle=bundle)


def answers(*decisions: str, at: datetime = NOON) -> list[Any]:
    grades = {"approve": "A", "refer": "B", "decline": "Z"}
    return [passport(0, time=at, decision=decision, grade=grades[decision]) for decision in decisions]


def counts(approve: int = 0, refer: int = 0, decline: int = 0) -> tuple[dict[str, int], dict[str, int]]:
    return {"approve": approve, "refer": refer, "decline": decline}, {"A": approve, "B": refer, "Z": decline}


def test_the_workers_counts_of_a_window_become_one_run(server: Server) -> None:
    one, other = server.worker(), server.worker()
    one.count(model(), answers("approve", "decline"))
    one.count(model(), answers("approve"))
    other.count(model(), answers("approve"))
    assert one.tell() == 0
    assert server.told() == []
    server.clock.time += timedelta(minutes=15)
    assert (one.tell(), other.tell(), one.tell()) == (1, 1, 0)
    assert server.told() == [("12:00 1", *counts(approve=3, decline=1))]
    (window,) = server.log.windows.values()
    assert (window.book, window.model_name, window.bundle_sha256) == ("tiny", "tiny", "1" * 64)
    assert window.until - window.since == timedelta(minutes=15)


def test_each_window_and_each_model_has_a_run_of_its_own_and_an_empty_window_has_none(server: Server) -> None:
    worker = server.worker()
    worker.count(model("1"), answers("approve"))
    worker.count(model("2"), answers("refer"))
    worker.count(model("2"), answers("decline", at=NOON + timedelta(minutes=40)))
    server.clock.time += timedelta(hours=1)
    assert worker.tell() == 3
    assert server.told() == [
        ("12:00 1", *counts(approve=1)),
        ("12:00 2", *counts(refer=1)),
        ("12:30 2", *counts(decline=1)),
    ]


def test_what_is_answered_after_its_window_was_told_is_added_to_it(server: Server) -> None:
    worker = server.worker()
    worker.count(model(), answers("approve"))
    server.clock.time += timedelta(minutes=15)
    worker.tell()
    worker.count(model(), answers("refer"))
    worker.tell()
    assert server.told() == [("12:00 1", *counts(approve=1, refer=1))]


def test_a_server_that_stops_tells_the_window_under_way_and_the_next_one_adds_to_it(server: Server) -> None:
    first = server.worker()
    first.start()
    first.count(model(), answers("approve"))
    first.close()
    assert server.told() == [("12:00 1", *counts(approve=1))]
    second = server.worker()
    second.start()
    second.count(model(), answers("decline"))
    second.close()
    assert server.told() == [("12:00 1", *counts(approve=1, decline=1))]


def test_an_mlflow_that_is_away_is_a_warning_and_what_it_missed_is_told_by_the_next_server(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.log.away = "MLflow is away"
    worker = server.worker()
    worker.start()
    worker.count(model(), answers("approve"))
    worker.close()
    assert server.told() == []
    assert "window_not_told" in capsys.readouterr().out
    assert 'creditrisk_inference_windows_total{result="failed"}' in server.metrics.text().decode()
    server.log.away = None
    server.worker().tell()
    assert server.told() == [("12:00 1", *counts(approve=1))]


def test_a_folder_that_takes_nothing_loses_no_count(server: Server) -> None:
    worker = server.worker()
    worker.count(model(), answers("approve"))
    server.clock.time += timedelta(minutes=15)
    server.folder.write_text("in the way")
    with pytest.raises(OSError, match="windows"):
        worker.tell()
    server.folder.unlink()
    worker.tell()
    assert server.told() == [("12:00 1", *counts(approve=1))]


def test_what_was_told_is_cleared_away_an_hour_later(server: Server) -> None:
    worker = server.worker()
    worker.count(model(), answers("approve"))
    server.clock.time += timedelta(minutes=15)
    worker.tell()
    assert len(list(server.folder.glob("*-900"))) == 1
    server.clock.time += timedelta(hours=1)
    assert worker.tell() == 0
    assert list(server.folder.glob("*-900")) == []
    assert len(server.told()) == 1


def test_a_server_tells_what_it_decided_and_a_repeated_request_counts_once(
    trained: Context, tmp_path: Path, record: Any
) -> None:
    with serving(trained, tmp_path, mlflow_window_minutes=1440) as served:
        for path, key in (("/predict", "one"), ("/predict", "one"), ("/explain", "two")):
            answer = served.calls.post(path, json={"applications": [record]}, headers={"Idempotency-Key": key})
            assert answer.status_code == 200
    (window,) = served.inference.windows.values()
    assert sum(window.decisions.values()) == sum(window.grades.values()) == 2
    assert window.model_version == "1"


def test_a_server_that_was_not_asked_to_tells_nothing(trained: Context, tmp_path: Path, record: Any) -> None:
    with serving(trained, tmp_path) as served:
        assert served.calls.post("/predict", json={"applications": [record]}).status_code == 200
    assert served.inference.windows == {}
