"""The audit chain: who did what, on which bytes; one line for each act, and `chain_file` says what is in a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from creditrisk.errors import BadUsage, CreditRiskError, MissingInput
from creditrisk.governance.chain_file import (
    NO_LINE,
    ChainVerdict,
    append_line,
    hash_of_line,
    last_line,
    lines_of,
    verify_chain,
)
from creditrisk.governance.checkpoints import (
    AFTER,
    Audited,
    checkpoints_of,
    is_new_day,
    verify_audit,
    write_checkpoint,
)
from creditrisk.kinds import canonical_json
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
    DEPLOYED = "deployed"
    """Servers run another image."""
    DEPLOYMENT_FAILED = "deployment_failed"
    """They were to, and run what they ran before, or what somebody else put there."""
    PUBLISHED = "published"
    OVERRIDDEN = "overridden"
    """A person decided otherwise than the model."""
    OUTCOMES_ADDED = "outcomes_added"
    """Somebody delivered what later happened to loans."""
    RETRAIN_TRIGGERED = "retrain_triggered"
    """The model in production is to be learnt anew, for the reasons that stand there."""
    RETRAIN_CLOSED = "retrain_closed"
    """A trigger was closed by hand."""
    CHECKPOINTED = "checkpointed"
    TORN_LINE_SET_ASIDE = "torn_line_set_aside"


def append_act(path: Path, actor: str, act: Act, hashes: Mapping[str, str], *, clock: Clock) -> dict[str, Any]:
    """Append one act and return its line once it is on disk. Safe with many processes.

    actor: a person or service, by name.   hashes: {what: sha256}, the things the act was about.
    A last line that a killed process left unfinished is kept beside the chain and an act of its own says so.
    The first act of a new day (UTC) is followed by a signed checkpoint of the chain. One that cannot be written takes
    nothing from the act, which is on disk: the next act writes it, and `verify_audit` tells what no checkpoint covers.
    Raises BadUsage without an actor, and what `append_line` raises.
    """
    if not actor.strip():
        raise BadUsage("an act needs an actor", where=str(path), hint="give --by NAME or set CREDITRISK_ACTOR")

    def line(act: Act, hashes: Mapping[str, str]) -> dict[str, Any]:
        return {"actor": actor, "act": act.value, "hashes": dict(hashes)}

    written = append_line(path, line(act, hashes), torn=lambda kept: line(Act.TORN_LINE_SET_ASIDE, kept), clock=clock)
    with suppress(CreditRiskError, OSError):
        if is_new_day(path, written):
            write_checkpoint(path, written, daily=True)
    return written


def checkpoint(path: Path, actor: str, *, clock: Clock) -> dict[str, Any]:
    """Vouch for the whole chain now; the checkpoint that did. An act of its own tells who asked for it.

    Raises MissingInput without a chain, and what `append_act` and `write_checkpoint` raise.
    """
    if not path.is_file():
        raise MissingInput("there is no audit chain yet", where=str(path), hint="the first act writes it")
    last = last_line(checkpoints_of(path))
    act = append_act(path, actor, Act.CHECKPOINTED, {AFTER: hash_of_line(last) if last else NO_LINE}, clock=clock)
    written = write_checkpoint(path, act) or last_line(checkpoints_of(path))
    assert written is not None  # either it was written now, or somebody's is there
    return written


def acts_about(path: Path, *acts: Act, **hashes: str) -> list[dict[str, Any]]:
    """The acts of these kinds that name all these hashes, oldest first; none where there is no chain yet.

    Raises BrokenFile for a line that was altered: a count that leaves it out would be wrong.
    """
    kinds, wanted = {act.value for act in acts}, _may_match(acts, hashes.values())
    return [
        line
        for line in lines_of(path, remedy=RESTORE, wanted=wanted)
        if line["act"] in kinds and hashes.items() <= line["hashes"].items()
    ]


def _may_match(acts: Iterable[Act], values: Iterable[str]) -> Callable[[bytes], bool]:
    """Could a line, by its bytes, be one of these acts on these things? A long chain is not taken apart to tell."""
    is_one = re.compile(b"|".join(re.escape(b'"act":' + canonical_json(act.value)) for act in acts)).search
    told = [canonical_json(value) for value in values]
    return lambda line: is_one(line) is not None and all(value in line for value in told)


__all__ = [
    "RESTORE", "Act", "Audited", "ChainVerdict", "acts_about", "append_act", "checkpoint", "verify_audit",
    "verify_chain",
]  # fmt: skip
