"""The act that a person's override is in the audit chain. The override itself is a record of the decision store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from creditrisk.governance.audit import Act, acts_about, append_act
from creditrisk.ports import Clock, Passport


def append_override(chain: Path, record: Passport, *, clock: Clock) -> dict[str, Any]:
    """Tell the chain who overruled which decision, by which record. Raises as `append_act`.

    record: of the kind `override`. Where its payload is gone, who did is told as the caller of that day.
    """
    told = record.payload.get("override", {})
    hashes = {
        "book": record.book,
        "bundle": record.bundle_sha256,
        "decision": str(record.about),
        "override": record.decision_id,
        "to": str(record.decision),
        "at": record.time.isoformat(timespec="seconds"),
    }
    return append_act(chain, str(told.get("by") or record.caller), Act.OVERRIDDEN, hashes, clock=clock)


def overrides_told(chain: Path, book: str) -> frozenset[str]:
    """Ids of the book's overrides that the chain tells."""
    return frozenset(act["hashes"]["override"] for act in acts_about(chain, Act.OVERRIDDEN, book=book))
