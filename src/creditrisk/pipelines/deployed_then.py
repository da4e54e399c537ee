"""Which version was live at a moment, on which evidence, by whose word; and what was known of it then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from creditrisk.governance import ledger, rollouts
from creditrisk.governance.ledger import Entry, Standing
from creditrisk.governance.rollouts import Recorded
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.moves import disagreeing


def run(context: Context, at: datetime, known: datetime | None = None) -> dict[str, Any]:
    """What was so at that moment, by all that is known now and by what had been written down by `known`.

    known: None = by the moment itself. Neither registry nor reports are asked: the ledger alone tells.
    Raises BrokenFile for a ledger that was altered.
    """
    moves, rolled = ledger.entries(context.folder.ledger), rollouts.rollouts(context.folder.ledger)
    then = known or at
    return {
        "book": context.book.name,
        "at": at.isoformat(),
        "known_at": then.isoformat(),
        **_told(ledger.standing(moves, at=at), moves),
        "servers": _servers(rollouts.running(rolled, at=at)),
        "as_known_then": {
            **_told(ledger.standing(moves, at=at, known=then), moves),
            "servers": _servers(rollouts.running(rolled, at=at, known=then)),
        },
    }


def disagreements_today(context: Context) -> list[str]:
    """Where the registry of today does not mean what the ledger says. Raises OutsideFailed when it is away."""
    return disagreeing(context)


def _servers(running: Sequence[Recorded]) -> list[dict[str, Any]]:
    """What ran where, by the last rollout to each place; without a rollout that was recorded, nothing is known."""
    return [
        {
            "platform": one.rollout.platform,
            "target": one.rollout.target,
            "image": None if one.rollout.after is None else one.rollout.after.image,
            "definition": None if one.rollout.after is None else one.rollout.after.definition,
            "outcome": str(one.rollout.outcome),
            "since": one.rollout.effective_at,
            "by": one.rollout.by,
            "rollout": one.rollout.id,
        }
        for one in running
    ]


def _told(then: Standing, moves: Sequence[Entry]) -> dict[str, Any]:
    aliases = dict(sorted(then.aliases.items()))
    entry = then.production
    if entry is None:
        return {"version": None, "aliases": aliases}
    move = entry.move
    return {
        "version": move.aliases["production"],
        "bundle_sha256": move.bundle,
        "evidence_sha256": move.evidence,
        "cut_offs": dict(move.cut_offs),
        "aliases": aliases,
        "since": move.effective_at,
        "recorded_at": entry.recorded_at.isoformat(),
        "act": move.act.value,
        "by": move.by,
        "note": move.note,
        "approvals": list(move.approvals),
        "waivers": list(move.waivers),
        "canary_sha256": move.canary,
        "ledger": {"line": entry.seq, "sha256": entry.line, "of": len(moves)},
    }
