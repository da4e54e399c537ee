"""The model that is watched: its bundle, and the book as it was when it was made."""

from __future__ import annotations

from dataclasses import dataclass

from creditrisk.config import Book, load_book
from creditrisk.governance import find_bundle
from creditrisk.governance.agreement import Records
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.monitoring.drift import need_known
from creditrisk.pipelines.context import Context


@dataclass(frozen=True)
class Watched:
    """book: of the bundle's own folder.  version: in the registry."""

    bundle: Bundle
    book: Book
    version: int | None

    @property
    def importance(self) -> dict[str, float]:
        return self.bundle.estimator.importance()


def watched_model(context: Context, alias: str = "production") -> Watched:
    """Raises Refused for `production` before the first promotion, BadUsage for an unknown alias, NewerSchema."""
    records = Records(context.folder.ledger, context.folder.unfinished_move)
    found = find_bundle(
        f"models:/{context.book.name}@{alias}", context.registry, own_copy=context.folder.bundle, records=records
    )
    named = found.version.bundle_sha256 if found.version else None
    bundle = load_bundle(found.folder, expected=named, threads=context.duck.threads)
    need_known(bundle.reference)
    return Watched(bundle, load_book(found.folder), found.version.version if found.version else None)
