"""Rollouts in the deployment ledger: which image ran where, from when, by whose word, and how it ended.

They stand in the same chain as the moves of versions, each in a line of its own kind: `ledger.entries` reads the moves,
`rollouts` these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from creditrisk.errors import BrokenFile
from creditrisk.files import read_json
from creditrisk.governance.chain_file import append_line, hash_of_line, lines_of
from creditrisk.governance.ledger import RESTORE, ROLLOUT
from creditrisk.ports import Clock, Placed


class Outcome(StrEnum):
    """How a rollout ended."""

    DEPLOYED = "deployed"
    ROLLED_BACK = "rolled_back"
    NOT_STABLE = "not_stable"
    """Rolled back, and what ran before did not become stable."""
    SUPERSEDED = "superseded"
    """Somebody else put something else in its place meanwhile, which was left there."""


@dataclass(frozen=True)
class Rollout:
    """One attempt to let servers run another image."""

    id: str
    platform: str
    """`ecs` or `vm`."""
    target: str
    """What was deployed to, such as cluster/service/container."""
    by: str
    note: str
    begun_at: str
    """ISO 8601 in UTC; so is `effective_at`, when it ended."""
    image: str
    """Wanted, by digest."""
    before: Placed
    """What ran when it began."""
    version: int
    """Of the model that had to decide behind it."""
    bundle: str
    manifest: str | None
    """sha256 of the deploy manifest that it was done by; None where the ledger alone told."""
    prepared: Placed | None = None
    """What was made to be placed; None until then."""
    effective_at: str | None = None
    outcome: Outcome | None = None
    after: Placed | None = None
    """What was in place when it ended."""
    failure: str | None = None
    steps: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    """Each {at, does}."""


@dataclass(frozen=True)
class Recorded:
    """A rollout as the ledger has it. line: sha256 of its bytes."""

    rollout: Rollout
    recorded_at: datetime
    line: str

    @property
    def effective_at(self) -> datetime:
        return datetime.fromisoformat(str(self.rollout.effective_at))


def record(path: Path, rollout: Rollout, *, clock: Clock) -> Recorded:
    """Add the rollout, and return it once it is on disk. Raises as `append_line`."""
    line = append_line(path, {ROLLOUT: asdict(rollout)}, torn=lambda kept: {"torn": dict(kept)}, clock=clock)
    return _recorded(line)


def rollouts(path: Path) -> list[Recorded]:
    """Every rollout, in the order of writing; [] before the first. Raises BrokenFile for a line that was altered."""
    try:
        return [_recorded(line) for line in lines_of(path, remedy=RESTORE) if ROLLOUT in line]
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenFile("this is no deployment ledger", where=str(path), hint=RESTORE) from error


def announced(path: Path) -> Rollout | None:
    """The rollout that was begun and is not recorded yet. Raises BrokenFile for what is no announcement."""
    if not path.is_file():
        return None
    try:
        return _rollout(read_json(path))
    except (TypeError, KeyError, ValueError) as error:
        hint = "see by hand what runs, then remove the file"
        raise BrokenFile("this is no announced deployment", where=str(path), hint=hint) from error


def running(told: Iterable[Recorded], *, at: datetime | None = None, known: datetime | None = None) -> list[Recorded]:
    """The last rollout of each target: its `after` is what ran there from then on. In the order of targets.

    at: the moment that is asked about; None = now.  known: only what had been written down by then; None = all.
    """
    last: dict[tuple[str, str], Recorded] = {}
    seen = [
        one for one in told if (known is None or one.recorded_at <= known) and (at is None or one.effective_at <= at)
    ]
    for one in sorted(seen, key=lambda each: each.effective_at):
        last[one.rollout.platform, one.rollout.target] = one
    return [last[key] for key in sorted(last)]


def _recorded(line: Mapping[str, Any]) -> Recorded:
    return Recorded(_rollout(line[ROLLOUT]), datetime.fromisoformat(line["time"]), hash_of_line(line))


def _rollout(told: Mapping[str, Any]) -> Rollout:
    places = {name: None if told[name] is None else Placed(**told[name]) for name in ("before", "prepared", "after")}
    outcome = None if told["outcome"] is None else Outcome(told["outcome"])
    return Rollout(**{**told, **places, "outcome": outcome, "steps": tuple(told["steps"])})
