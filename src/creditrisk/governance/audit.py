"""The audit chain: who did what, on which bytes; one line for each act, and `chain_file` says what is in a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from creditrisk.errors import BadUsage
from creditrisk.governance.chain_file import ChainVerdict, append_line, lines_of, verify_chain
from creditrisk.ports import Clock

RESTORE = "`creditrisk audit verify` names what is wrong; restore the file from a copy"


class Act(StrEnum):
    """What may be written to the chain."""

    INGEST_ACCEPTED = "ingest_accepted"
    LEAK_RELEASED = "leak_released"
    """A suspect of the leak radar may be a feature, because somebody answers for it."""
    TRAINED = "trained"
    TESTED = "tested"
    VALIDATED = "validated"
    EVIDENCE_FROZEN = "evidence_frozen"
    REGISTERED = "registered"
    WAIVED = "waived"
    KEY_MADE = "key_made"
    CANARIED = "canaried"
    APPROVED = "approved"
    STAGED = "staged"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    FOUND_MOVED = "found_moved"
    """Aliases did not mean what the ledger says; what follows puts them back."""
    REPAIRED = "repaired"
    """A move that was begun was undone, or an alias moved by hand was put back."""
    MANIFESTED = "manifested"
    PUBLISHED = "published"
    OVERRIDDEN = "overridden"
    """A person decided otherwise than the model."""
    CHECKPOINTED = "checkpointed"
    TORN_LINE_SET_ASIDE = "torn_line_set_aside"


def append_act(path: Path, actor: str, act: Act, hashes: Mapping[str, str], *, clock: Clock) -> dict[str, Any]:
    """Append one act and return its line once it is on disk. Safe with many processes.

    actor: a person or service, by name.   hashes: {what: sha256}, the things the act was about.
    A last line that a killed process left unfinished is kept beside the chain and an act of its own says so.
    Raises BadUsage without an actor, and what `append_line` raises.
    """
    if not actor.strip():
        raise BadUsage("an act needs an actor", where=str(path), hint="give --by NAME or set CREDITRISK_ACTOR")

    def line(act: Act, hashes: Mapping[str, str]) -> dict[str, Any]:
        return {"actor": actor, "act": act.value, "hashes": dict(hashes)}

    return append_line(path, line(act, hashes), torn=lambda kept: line(Act.TORN_LINE_SET_ASIDE, kept), clock=clock)


def acts_about(path: Path, *acts: Act, **hashes: str) -> list[dict[str, Any]]:
    """The acts of these kinds that name all these hashes, oldest first; none where there is no chain yet.

    Raises BrokenFile for a line that was altered: a count that leaves it out would be wrong.
    """
    return list(_matching(lines_of(path, remedy=RESTORE), {act.value for act in acts}, hashes))


def _matching(lines: Iterator[dict[str, Any]], acts: set[str], hashes: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line["act"] in acts and hashes.items() <= line["hashes"].items():
            yield line


__all__ = ["RESTORE", "Act", "ChainVerdict", "acts_about", "append_act", "verify_chain"]
