"""Alarms and the retrain decision on a terminal: the cause and where to look come first, nothing is hidden."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console, RenderableType

from creditrisk.pages.alarms import alarms_table, retrain_table

ALARM = {
    "id": "ab" * 8, "kind": "score", "of": "score", "what": "the scores moved: PSI 0.07", "severity": "critical",
    "owner": None, "since": "2026-05", "part_of": None, "portfolio": ["approvals fall"],
    "look_at": ["what moved with it: income"],
}  # fmt: skip
REPORT: dict[str, Any] = {
    "alarms": [ALARM],
    "watched": [{}, {}],
    "unwatched": [{"what": "approval", "why": "train again"}],
    "decisions": {"first": "2026-01", "last": "2026-06", "periods": 6, "rows": 30_000, "why_not": None},
    "outcomes": {"first": None, "last": None, "periods": 0, "rows": 0, "why_not": "no window has passed"},
    "false_alarms": {"most": 0.05, "life_months": 60, "looks": 60},
    "meta": {"stages": [{"stage": "ingest", "verdict": "overdue"}], "freshness": {"verdict": "stale"}},
}
RETRAIN: dict[str, Any] = {
    "action": "wait",
    "mode": "run",
    "waiting_for": "trigger ab is open",
    "candidate": None,
    "considered": [
        {"cause": "drift", "holds": True, "why": "the scores moved"},
        {"cause": "performance", "holds": None, "why": "no outcomes"},
    ],
}


def seen(table: RenderableType) -> str:
    stream = StringIO()
    Console(file=stream, width=200).print(table)
    return stream.getvalue()


def test_an_alarm_is_told_with_its_cause_its_effect_and_where_to_look() -> None:
    told = seen(alarms_table(REPORT))
    assert "CRITICAL  the scores moved: PSI 0.07" in told
    assert "since 2026-05, owner nobody" in told
    assert "portfolio: approvals fall" in told
    assert "look at: what moved with it: income" in told


def test_the_worst_comes_first_and_a_part_of_another_alarm_is_one_line() -> None:
    part = {**ALARM, "what": "income moved", "severity": "info", "part_of": ALARM["id"]}
    told = seen(alarms_table({**REPORT, "alarms": [part, ALARM]}))
    assert f"INFO  income moved: a part of {ALARM['id']}\n" in told
    assert told.index("CRITICAL") < told.index("INFO")


def test_what_could_not_be_watched_and_what_is_late_is_told() -> None:
    told = seen(alarms_table(REPORT))
    assert "2 things on 30,000 decisions, 2026-01 to 2026-06, no known outcomes" in told
    assert "outcomes: no window has passed" in told
    assert "not watched: approval: train again" in told
    assert "stages overdue: ingest; data: stale" in told


def test_no_alarm_is_said_in_words() -> None:
    nothing = {"first": None, "last": None, "periods": 0, "rows": 0, "why_not": "nothing was ever recorded"}
    told = seen(alarms_table({**REPORT, "alarms": [], "decisions": nothing}))
    assert "no alarm is open" in told
    assert "on no decisions" in told


def test_each_cause_is_told_with_what_is_done() -> None:
    told = seen(retrain_table(RETRAIN))
    assert "there are reasons, and nothing is started (auto_retrain: run)" in told
    assert "trigger ab is open" in told
    assert "cannot tell" in told


def test_a_candidate_that_is_the_same_model_is_told_as_such() -> None:
    candidate = {"version": 7, "same_as_production": True}
    told = seen(retrain_table({**RETRAIN, "action": "run", "waiting_for": None, "candidate": candidate}))
    assert "candidate: version 7: the same model as in production" in told
