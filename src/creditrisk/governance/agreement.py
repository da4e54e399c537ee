"""Do the registry's aliases mean what the ledger says they mean? Whoever moves one by hand is found out here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from creditrisk.errors import Refused
from creditrisk.governance import ledger
from creditrisk.governance.ledger import Move, Standing
from creditrisk.ports import DEPLOYED_TAG, PREVIOUS, PRODUCTION, STAGING, ModelVersion

GUARDED = (PRODUCTION, STAGING, PREVIOUS)
"""Aliases that only a recorded move may set. `candidate` is whatever was registered last."""


def aliases_of(versions: Sequence[ModelVersion]) -> dict[str, int]:
    """{alias: version}"""
    return {alias: version.version for version in versions for alias in version.aliases}


def disagreements(
    versions: Sequence[ModelVersion],
    known: Standing,
    under_way: Move | None = None,
    aliases: Sequence[str] = GUARDED,
) -> list[str]:
    """Each of these aliases, and each mark of a deployment, that the ledger does not know, in a sentence.

    under_way: a move that is announced and not yet recorded; what it sets is known too.
    """
    found = aliases_of(versions)
    told = [
        _differs(alias, found.get(alias), known.aliases.get(alias))
        for alias in aliases
        if found.get(alias) != known.aliases.get(alias)
        and not (under_way and found.get(alias) == under_way.aliases.get(alias))
    ]
    if told or under_way or PRODUCTION not in aliases:
        return told
    return _marks(versions, found, None if known.production is None else known.production.move.id)


@dataclass(frozen=True)
class Records:
    """Where a workspace keeps the moves of one book."""

    ledger: Path
    under_way: Path

    def disagreements(self, versions: Sequence[ModelVersion], aliases: Sequence[str] = GUARDED) -> list[str]:
        """As above. Raises BrokenFile for files that were altered."""
        known = ledger.standing(ledger.by_the_rules(ledger.entries(self.ledger)))
        return disagreements(versions, known, ledger.announced(self.under_way), aliases)


def need_recorded(alias: str, versions: Sequence[ModelVersion], records: Records) -> None:
    """Raises Refused when no recorded move made a guarded alias mean what it means.

    Where this workspace never moved a version the moves are recorded elsewhere, and the registry's mark has to do.
    """
    if alias not in GUARDED:
        return
    if ledger.keeps_moves(records.ledger):
        told = records.disagreements(versions, [alias])
    else:
        told = [_unmarked(versions)] if alias == PRODUCTION and _unmarked(versions) else []
    if told:
        name = versions[0].name if versions else "BOOK"
        raise Refused(
            "; ".join(told),
            where=f"models:/{name}@{alias}",
            hint=f"creditrisk repair {name} --by NAME --note TEXT puts it back; creditrisk doctor tells more",
        )


def _unmarked(versions: Sequence[ModelVersion]) -> str:
    """Why `production` cannot be believed where no ledger is at hand; "" when it can."""
    live = next((version for version in versions if PRODUCTION in version.aliases), None)
    if live is None or live.tags.get(DEPLOYED_TAG):
        return ""
    return f"{PRODUCTION} means version {live.version}, which no recorded move put there: it was moved by hand"


def _differs(alias: str, found: int | None, known: int | None) -> str:
    now = f"means version {found} in the registry" if found is not None else "is gone from the registry"
    then = f"says version {known}" if known is not None else "knows of none"
    return f"{alias} {now}, and the ledger {then}: it was moved by hand"


def _marks(versions: Sequence[ModelVersion], found: Mapping[str, int], move: str | None) -> list[str]:
    told = []
    for version in versions:
        mark, wanted = version.tags.get(DEPLOYED_TAG, ""), move if found.get(PRODUCTION) == version.version else None
        if mark != (wanted or ""):
            what = ("another move than the ledger's" if mark else "no move") if wanted else "a move that is over"
            told.append(f"version {version.version} is marked as put into {PRODUCTION} by {what}: a tag was edited")
    return told
