"""Figures go to every sink; one that fails is a warning and holds up no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk.adapters.in_memory import InMemorySink, SteppingClock
from creditrisk.config import BookFolder
from creditrisk.errors import BadConfig, BrokenFile, OutsideFailed
from creditrisk.files import write_json
from creditrisk.pipelines.export_metrics import REPORTS, need_written, run
from creditrisk.ports import MetricsSink
from tests.support.monitoring_reports import write_reports


@pytest.fixture
def folder(tmp_path: Path) -> BookFolder:
    return BookFolder(tmp_path / "tiny")


def test_every_sink_gets_the_same_figures(folder: BookFolder) -> None:
    write_reports(folder)
    first, second = InMemorySink(), InMemorySink()
    told = run("tiny", folder, {"one": lambda: first, "two": lambda: second}, clock=SteppingClock())
    assert first.figures == second.figures
    assert len(first.figures) == told["figures"] > 30
    assert (told["missing"], told["warnings"]) == ({}, [])
    need_written(told)


def test_a_sink_that_fails_is_a_warning_and_no_other_waits(folder: BookFolder) -> None:
    def not_set_up() -> MetricsSink:
        raise BadConfig("no push gateway is set up", hint="set CREDITRISK_PUSHGATEWAY_URL")

    away, there = InMemorySink(), InMemorySink()
    away.away = "it does not answer"
    told = run("tiny", folder, {"a": lambda: away, "b": not_set_up, "c": lambda: there}, clock=SteppingClock())
    assert there.figures
    assert told["warnings"] == [
        "a: it does not answer", "b: no push gateway is set up; set CREDITRISK_PUSHGATEWAY_URL"
    ]  # fmt: skip
    with pytest.raises(OutsideFailed, match="did not reach a, b"):
        need_written(told)


def test_a_report_that_is_not_there_is_named_with_the_command_that_writes_it(folder: BookFolder) -> None:
    write_reports(folder, "alarms.json")
    told = run("tiny", folder, {}, clock=SteppingClock())
    assert set(told["missing"]) == set(REPORTS) - {"alarms.json"}
    assert told["missing"]["outcomes_report.json"] == "creditrisk monitor outcomes tiny"


@pytest.mark.parametrize("broken", [{}, {"alarms": [{"severity": "loud"}]}, {"alarms": 1}])
def test_a_report_that_is_none_is_refused_and_nothing_is_written(broken: object, folder: BookFolder) -> None:
    write_json(folder.report("alarms.json"), broken)  # type: ignore[arg-type]
    sink = InMemorySink()
    with pytest.raises(BrokenFile, match="creditrisk monitor alarms tiny"):
        run("tiny", folder, {"memory": lambda: sink}, clock=SteppingClock())
    assert sink.figures == []
