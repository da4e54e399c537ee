"""Rollouts stand in the ledger beside the moves, and say what ran where at a moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from creditrisk.adapters.in_memory import SteppingClock
from creditrisk.errors import BrokenFile
from creditrisk.governance import ledger
from creditrisk.governance.rollouts import Outcome, Rollout, record, rollouts, running
from creditrisk.ports import Placed

START = datetime(2026, 5, 1, tzinfo=UTC)
OLD, NEW = Placed("api@sha256:" + "a" * 64, "api:1"), Placed("api@sha256:" + "b" * 64, "api:2")
ROLLOUT = Rollout(
    id="1" * 32, platform="ecs", target="c/s/api", by="ann", note="", begun_at=START.isoformat(), image=NEW.image,
    before=OLD, version=3, bundle="cd" * 32, manifest=None, prepared=NEW, after=NEW, outcome=Outcome.DEPLOYED,
    effective_at=START.isoformat(), steps=({"at": START.isoformat(), "does": "place api:2"},),
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deployments.jsonl"


def test_a_rollout_is_read_as_it_was_written_and_is_no_move(path: Path) -> None:
    written = record(path, ROLLOUT, clock=SteppingClock())
    assert rollouts(path) == [written]
    assert written.rollout == ROLLOUT
    assert ledger.entries(path) == []
    assert ledger.standing(ledger.entries(path)).production is None


def test_a_ledger_of_rollouts_alone_is_not_where_moves_are_kept(path: Path) -> None:
    assert not ledger.keeps_moves(path)
    path.touch()
    assert ledger.keeps_moves(path)
    path.unlink()
    record(path, ROLLOUT, clock=SteppingClock())
    assert not ledger.keeps_moves(path)


def test_one_byte_altered_is_found(path: Path) -> None:
    record(path, ROLLOUT, clock=SteppingClock())
    path.write_bytes(path.read_bytes().replace(b"api:2", b"api:9"))
    for read in (rollouts, ledger.entries):
        with pytest.raises(BrokenFile, match="line 1 was altered"):
            read(path)


def test_the_last_rollout_of_each_place_is_what_runs_there(path: Path) -> None:
    clock = SteppingClock(START + timedelta(hours=5))
    later = (START + timedelta(hours=1)).isoformat()
    record(path, replace(ROLLOUT, target="other"), clock=clock)
    record(path, replace(ROLLOUT, id="2" * 32, after=OLD, outcome=Outcome.ROLLED_BACK, effective_at=later), clock=clock)
    record(path, ROLLOUT, clock=clock)  # written down late
    told = rollouts(path)
    assert [one.rollout.after for one in running(told)] == [OLD, NEW]
    assert [one.rollout.after for one in running(told, at=START)] == [NEW, NEW]
    assert running(told, known=START) == []
