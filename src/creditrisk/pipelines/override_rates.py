"""How often people decide otherwise than the model, who does, why, and in which direction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from creditrisk.errors import BadUsage
from creditrisk.ports import DECIDED, DecisionStore, Kept


@dataclass(frozen=True, slots=True)
class _Override:
    """What is counted of one. None: its payload was deleted, or is encrypted with a key that is not here."""

    by: str | None
    code: str | None
    overruled: str | None
    decision: str | None


def rates(
    store: DecisionStore, book: str, *, since: datetime | None = None, until: datetime | None = None
) -> dict[str, Any]:
    """Overrides of a book made with since <= time < until, beside the decisions made in the same time.

    A decision that is overruled twice has two overrides. share: overrides for each decision made, None where there was
    none. Raises BadUsage when the time ends before it begins, and as the store does.
    """
    if since is not None and until is not None and until <= since:
        raise BadUsage("the time ends before it begins", where="--until", hint="give a later one")
    decided: Counter[str | None] = Counter()
    for (kind, decision), count in store.counted(book, since=since, until=until).items():
        if kind in DECIDED:
            decided[decision] += count
    cells: Counter[_Override] = Counter()
    overruled, unreadable = set(), Counter({"deleted": 0, "encrypted": 0})
    for kept in store.kept(book, since=since, until=until, kind="override"):
        cells[_counted(kept)] += 1
        overruled.add(kept.passport.about)
        unreadable += Counter({"deleted": kept.deleted, "encrypted": kept.locked_by is not None})
    total = decided.total()
    return {
        "book": book,
        "since": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "decisions": total,
        "decisions_by_answer": {str(answer): count for answer, count in sorted(decided.items(), key=str)},
        "overrides": cells.total(),
        "decisions_overruled": len(overruled),
        "share": _share(cells.total(), total),
        "by_direction": [
            {**row, "share_of_from": _share(row["overrides"], decided[row["from"]])}
            for row in _grouped(cells, {"from": "overruled", "to": "decision"}, total)
        ],
        "by_user": _grouped(cells, {"by": "by"}, total),
        "by_code": _grouped(cells, {"code": "code"}, total),
        "by_all": _grouped(cells, {"by": "by", "code": "code", "from": "overruled", "to": "decision"}, total),
        "unreadable": {"deleted": unreadable["deleted"], "encrypted": unreadable["encrypted"]},
    }


def _counted(kept: Kept) -> _Override:
    told: Mapping[str, Any] = kept.passport.payload.get("override", {})
    return _Override(told.get("by"), told.get("code"), told.get("overruled"), kept.passport.decision)


def _grouped(cells: Mapping[_Override, int], by: Mapping[str, str], decisions: int) -> list[dict[str, Any]]:
    """Rows with the most overrides first. by: {name in the row: of the override}."""
    counts: Counter[tuple[str | None, ...]] = Counter()
    for one, count in cells.items():
        counts[tuple(getattr(one, name) for name in by.values())] += count
    rows = sorted(counts.items(), key=lambda row: (-row[1], tuple(map(str, row[0]))))
    return [
        {**dict(zip(by, names, strict=True)), "overrides": count, "share": _share(count, decisions)}
        for names, count in rows
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
