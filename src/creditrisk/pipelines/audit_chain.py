"""The audit chain asked: is it as it was written; and made whole: overrides that it was not told, a checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from creditrisk.config import Workspace
from creditrisk.errors import BrokenFile
from creditrisk.governance import verify_audit
from creditrisk.governance.overrides import append_override, overrides_told
from creditrisk.ports import Clock, DecisionStore

UNDER_WAY = timedelta(minutes=10)
"""An override that is younger may still be told by the server that recorded it."""


def verify(workspace: Path, *, copy: Path | None = None, keys: Path | None = None) -> dict[str, Any]:
    """What `verify_audit` found, as JSON. Raises MissingInput without a chain."""
    found = verify_audit(Workspace(workspace).audit, copy=copy, keys=keys)
    return {**asdict(found), "keys": list(found.keys), "file": found.file or None, "unbroken": found.unbroken}


def need_unbroken(report: Mapping[str, Any]) -> None:
    """Raises BrokenFile naming the first line that is not as it was written."""
    if not report["unbroken"]:
        raise BrokenFile(
            report["problem"],
            where=f"{report['file']}, line {report['line']}",
            hint="keep the file as it is for whoever looks into it, and restore one from a copy; docs/audit.md",
        )


def tell_overrides(store: DecisionStore, chain: Path, books: Iterable[str], *, clock: Clock) -> int:
    """An act for each override of the decision store that has none; how many.

    A server records the override first: where the chain could not be written then, this makes up for it.
    """
    until, told = clock.now() - UNDER_WAY, 0
    for book in books:
        known = overrides_told(chain, book)
        for kept in store.kept(book, until=until, kind="override"):
            if kept.passport.decision_id not in known:
                append_override(chain, kept.passport, clock=clock)
                told += 1
    return told
