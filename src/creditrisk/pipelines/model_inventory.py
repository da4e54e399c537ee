"""The model inventory: every version of every book, who answers for it, and whether its validation is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from creditrisk.config import Book, Workspace, load_book, shipped_books
from creditrisk.errors import BrokenFile
from creditrisk.governance import Act, acts_about, standing
from creditrisk.governance.evidence import Pack
from creditrisk.governance.inventory import next_due, review_months, tier_of
from creditrisk.pipelines.approve_model import counted
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from creditrisk.ports import VALIDATION_TAG, ModelVersion


def run(contexts: Sequence[Context], *, now: datetime) -> dict[str, Any]:
    """Every registered version of these books, oldest first. Nothing is told unless every book's registry answers.

    Raises what a registry that is away raises, BrokenFile for an audit chain that was altered.
    """
    found = [(context, context.registry.versions(context.book.name)) for context in contexts]
    models = [_told(context, version, now) for context, versions in found for version in versions]
    return {
        "as_of": now.isoformat(timespec="seconds"),
        "books": [context.book.name for context in contexts],
        "models": models,
        "overdue": sum(model["overdue"] is True for model in models),
    }


def known_book(root: Workspace, name: str) -> Book | None:
    """The shipped book of that name, else as the newest bundle in the workspace has it; None without either.

    A bundle holds nothing of what the lender says beside the model: for that, name the book's folder.
    """
    if name in shipped_books():
        return load_book(name)
    bundles = sorted(root.book(name).models.glob("*/bundle"), key=lambda path: path.stat().st_mtime)
    return load_book(bundles[-1]) if bundles else None


def _told(context: Context, version: ModelVersion, now: datetime) -> dict[str, Any]:
    book, bundle = context.book.portfolio, version.bundle_sha256
    months = review_months(book.inventory)
    validated = _validated_at(context, bundle)
    due = next_due(validated, months) if validated and months else None
    pack, problem = _pack(context, bundle)
    return {
        "book": book.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "bundle_sha256": bundle,
        "estimator": version.tags.get("estimator"),
        "trained_by": version.tags.get("actor"),
        "owner": book.document.owner,
        "purpose": book.document.use,
        "exposure": book.inventory.exposure,
        "use": book.inventory.use,
        "tier": tier_of(book.inventory),
        "verdict": pack.body["verdict"] if pack is not None else version.tags.get(VALIDATION_TAG),
        "validated_at": _iso(validated),
        "review_months": months,
        "next_due": _iso(due),
        "overdue": (due < now if due is not None else None) if version.aliases else False,
        "evidence_sha256": pack.sha256 if pack is not None else None,
        "evidence_problem": problem or None,
        "waivers": [
            {key: waiver[key] for key in ("gate", "by", "because", "until")}
            for waiver in (standing.open_waivers(pack, now.date()) if pack is not None else ())
        ],
        "approvals": [
            {key: one[key] for key in ("by", "at", "expires")}
            for one in (counted(context, version, pack) if pack is not None else ())
        ],
    }


def _validated_at(context: Context, bundle_sha256: str) -> datetime | None:
    acts = acts_about(context.workspace.audit, Act.VALIDATED, book=context.book.name, bundle=bundle_sha256)
    return datetime.fromisoformat(acts[-1]["time"]) if acts else None


def _pack(context: Context, bundle_sha256: str) -> tuple[Pack | None, str]:
    """The evidence of a version, or why it cannot be believed; neither where none was ever frozen."""
    audit = context.workspace.audit
    if not acts_about(audit, Act.EVIDENCE_FROZEN, book=context.book.name, bundle=bundle_sha256):
        return None, ""
    try:
        return current_pack(context, bundle_sha256), ""
    except BrokenFile as error:
        return None, f"{error.what}: {error.where}"


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="seconds")
