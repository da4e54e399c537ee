"""The deployment ledger: which version decided when, by whose word. Lines are added, never changed.

Two times stand in each line: `effective_at`, when it was so, and `time`, when it was written down. They differ where a
move was found out later, and both can be asked for: what was live then, and what was known of it then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from creditrisk.errors import BrokenFile
from creditrisk.files import read_json
from creditrisk.governance.audit import Act
from creditrisk.governance.chain_file import append_line, hash_of_line, lines_of
from creditrisk.ports import PREVIOUS, PRODUCTION, Clock

RESTORE = "`creditrisk doctor` names what is wrong; restore the file from a copy"

ROLLOUT = "rollout"
"""Marks a line that tells of servers, not of aliases: `rollouts` reads it."""


@dataclass(frozen=True)
class Move:
    """What was moved, and everything that it rested on at that moment."""

    id: str
    act: Act
    by: str
    note: str
    effective_at: str
    """ISO 8601 in UTC."""
    version: int
    """That the move is about."""
    bundle: str
    before: Mapping[str, int]
    """{alias: version}"""
    aliases: Mapping[str, int]
    """Every alias, after the move."""
    evidence: str | None = None
    """sha256 of the pack that was approved; None where no approval was asked for."""
    cut_offs: Mapping[str, float] = field(default_factory=dict)
    approvals: Sequence[Mapping[str, Any]] = ()
    """Those that counted."""
    waivers: Sequence[Mapping[str, Any]] = ()
    """Those that stood for a gate."""
    canary: str | None = None
    """sha256 of the report."""


@dataclass(frozen=True)
class Entry:
    """A move as the ledger has it."""

    move: Move
    recorded_at: datetime
    seq: int
    line: str
    """sha256 of its bytes."""

    @property
    def effective_at(self) -> datetime:
        return datetime.fromisoformat(self.move.effective_at)

    def moves(self, alias: str) -> bool:
        return self.move.before.get(alias) != self.move.aliases.get(alias)


def record(path: Path, move: Move, *, clock: Clock) -> Entry:
    """Add the move, and return it once it is on disk. Raises as `append_line`."""
    return _entry(append_line(path, asdict(move), torn=lambda kept: {"torn": dict(kept)}, clock=clock))


def entries(path: Path) -> list[Entry]:
    """Every move, in the order of writing; [] before the first. Raises BrokenFile for a line that was altered."""
    try:
        return [_entry(line) for line in lines_of(path, remedy=RESTORE) if line.keys().isdisjoint({"torn", ROLLOUT})]
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenFile("this is no deployment ledger", where=str(path), hint=RESTORE) from error


def keeps_moves(path: Path) -> bool:
    """Is this the place where moves are recorded? Not where nothing was, or nothing but rollouts of servers."""
    if not path.is_file():
        return False
    lines = list(lines_of(path, remedy=RESTORE))
    return not lines or any(ROLLOUT not in line for line in lines)


def _entry(line: Mapping[str, Any]) -> Entry:
    told = {name: line[name] for name in Move.__dataclass_fields__}
    recorded = datetime.fromisoformat(line["time"])
    return Entry(Move(**{**told, "act": Act(told["act"])}), recorded, line["seq"], hash_of_line(line))


def announced(path: Path) -> Move | None:
    """The move that was announced and is not recorded everywhere yet. Raises BrokenFile for what is no announcement."""
    if not path.is_file():
        return None
    told = read_json(path)
    try:
        return Move(**{**told, "act": Act(told["act"])})
    except (TypeError, KeyError, ValueError) as error:
        hint = "creditrisk repair BOOK --by NAME --note TEXT sets it aside"
        raise BrokenFile("this is no announced move", where=str(path), hint=hint) from error


@dataclass(frozen=True)
class Standing:
    """What the ledger says of one moment. production: the move that put that version there; None = none was there."""

    aliases: Mapping[str, int]
    production: Entry | None


def standing(moves: Iterable[Entry], *, at: datetime | None = None, known: datetime | None = None) -> Standing:
    """at: the moment that is asked about; None = now.  known: only what had been written down by then; None = all."""
    seen = [
        entry
        for entry in moves
        if (known is None or entry.recorded_at <= known) and (at is None or entry.effective_at <= at)
    ]
    seen.sort(key=lambda entry: (entry.effective_at, entry.seq))
    put_there = [entry for entry in seen if entry.moves(PRODUCTION)]
    production = put_there[-1] if put_there and PRODUCTION in put_there[-1].move.aliases else None
    return Standing(seen[-1].move.aliases if seen else {}, production)


def by_the_rules(moves: Iterable[Entry]) -> list[Entry]:
    """Without what was only found: what aliases ought to mean follows from these."""
    return [entry for entry in moves if entry.move.act is not Act.FOUND_MOVED]


def one_further_back(moves: Sequence[Entry], version: int) -> int | None:
    """What `previous` means once this version is in production again: what it meant when it was promoted."""
    for entry in reversed(moves):
        if entry.move.act is Act.PROMOTED and entry.move.version == version:
            return entry.move.aliases.get(PREVIOUS)
    return None


def in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
