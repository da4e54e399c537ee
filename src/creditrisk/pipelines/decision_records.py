"""What may be asked of recorded decisions, and done with them: show, verify, hold, release, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import batched
from typing import Any

from creditrisk.config import Book
from creditrisk.errors import BadUsage, BrokenFile, Refused
from creditrisk.ports import DecisionStore, Kept, Verification

TOGETHER = 500
"""Payloads that are deleted in one transaction."""

MOST_IDS = 100
"""Ids that a report of a deletion lists; it counts them all."""


def show(store: DecisionStore, decision_id: str) -> dict[str, Any]:
    """One decision, what is about it, and what was done with its record. Raises BadUsage for an unknown id."""
    kept = store.find(decision_id)
    if kept is None:
        raise BadUsage(
            "there is no such decision", where=f"decision {decision_id}", hint="decision_id stands in the answer"
        )
    return {
        **told(kept),
        "about_it": [told(each) for each in store.about(decision_id)],
        "acts": [asdict(act) for act in store.acts(decision_id)],
    }


def told(kept: Kept) -> dict[str, Any]:
    """A passport and its place as JSON."""
    passport = kept.passport
    used = passport.idempotency
    return {
        "decision_id": passport.decision_id,
        "kind": passport.kind,
        "about": passport.about,
        "time": passport.time.isoformat(timespec="microseconds"),
        "book": passport.book,
        "bundle_sha256": passport.bundle_sha256,
        "model_version": passport.model_version,
        "request_id": passport.request_id,
        "caller": passport.caller,
        "idempotency_key": None if used is None else used.key,
        "entity_id": passport.entity_id,
        "pd": passport.pd,
        "score": passport.score,
        "grade": passport.grade,
        "decision": passport.decision,
        "payload": dict(passport.payload) or None,
        "deleted": kept.deleted,
        "held": kept.held,
        "key_wanted": kept.locked_by,
        "chain": {"chain_id": kept.chain_id, "sequence": kept.sequence, "link": kept.link},
    }


def verify(store: DecisionStore, progress: Callable[[str, float], None]) -> dict[str, Any]:
    """Every chain read and checked, as JSON; `need_unbroken` says whether that is good."""

    def tell(done: int, total: int) -> None:
        progress(f"{done:,} of {total:,} records", done / total if total else 1.0)

    found: Verification = store.verify(tell)
    return {"unbroken": found.unbroken, **asdict(found)}


def need_unbroken(report: dict[str, Any]) -> None:
    """Raises BrokenFile naming the first place, when something is not as it was written."""
    if report["unbroken"]:
        return
    first = report["breaks"][0]
    more = f"; {report['broken'] - 1} more places" if report["broken"] > 1 else ""
    raise BrokenFile(
        f"recorded decisions are not as they were written: {first['what']}{more}",
        where=place(first),
        hint="leave the store as it is and compare it with a copy; docs/decision-store.md says what it may mean",
    )


def place(chain_break: dict[str, Any]) -> str:
    parts = [f"chain {chain_break['chain_id']}"]
    if chain_break["sequence"] is not None:
        parts.append(f"record {chain_break['sequence']}")
    if chain_break["decision_id"] is not None:
        parts.append(f"decision {chain_break['decision_id']}")
    return ", ".join(parts)


def delete_named(
    store: DecisionStore, decision_ids: Sequence[str], *, by: str, note: str, dry_run: bool
) -> dict[str, Any]:
    """The payloads of these, all or none. Raises BadUsage for an unknown id, Refused where one is held or gone."""
    ids = list(dict.fromkeys(decision_ids))
    for each in ids:
        kept = store.find(each)
        if kept is None:
            raise BadUsage("there is no such decision", where=f"decision {each}")
        if kept.held or kept.deleted:
            what = "it is under legal hold" if kept.held else "its payload was deleted before"
            raise Refused(what, where=f"decision {each}")
    rule = "named one by one"
    if not dry_run:
        store.delete(ids, by=by, note=note, rule=rule)
    return _deletion(rule, ids, [], dry_run=dry_run)


def delete_due(
    store: DecisionStore,
    book: Book,
    *,
    by: str,
    note: str,
    now: datetime,
    dry_run: bool,
    progress: Callable[[str, float], None] = lambda _what, _share: None,
) -> dict[str, Any]:
    """The payloads that the book's `retention:` no longer keeps, what is held left out.

    Raises Refused where the book states no retention.
    """
    retention = book.portfolio.retention
    before = retention.before(now)
    if not before:
        raise Refused(
            "the book does not say how long decisions are kept",
            where=f"{book.name}, portfolio.yaml",
            hint="state it under `retention:`; docs/decision-store.md names laws that ask for a time",
        )
    keeps = retention.model_dump(exclude_none=True)
    rule = f"retention of {book.name}: " + ", ".join(f"{name} {keep['months']} months" for name, keep in keeps.items())
    due = list(store.due(book.name, before))
    held: list[str] = []
    for done, some in enumerate(batched(due, TOGETHER), start=1):
        if not dry_run:
            held += _delete_some(store, some, by=by, note=note, rule=rule)
        progress(f"{min(done * TOGETHER, len(due)):,} of {len(due):,}", min(1.0, done * TOGETHER / len(due)))
    return _deletion(rule, [each for each in due if each not in set(held)], held, dry_run=dry_run)


def _delete_some(store: DecisionStore, ids: Sequence[str], *, by: str, note: str, rule: str) -> list[str]:
    """Those that were put under hold, or deleted by somebody else, since they were found due."""
    try:
        store.delete(ids, by=by, note=note, rule=rule)
    except Refused:
        if len(ids) == 1:
            return list(ids)
        half = len(ids) // 2
        return [
            left for part in (ids[:half], ids[half:]) for left in _delete_some(store, part, by=by, note=note, rule=rule)
        ]
    return []


def _deletion(rule: str, ids: Sequence[str], left: Sequence[str], *, dry_run: bool) -> dict[str, Any]:
    return {
        "rule": rule,
        "dry_run": dry_run,
        "deleted": 0 if dry_run else len(ids),
        "due": len(ids),
        "left": list(left[:MOST_IDS]),
        "ids": list(ids[:MOST_IDS]),
    }
