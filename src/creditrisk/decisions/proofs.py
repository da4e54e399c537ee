"""What proves a bundle's reasons, and tells which features a changed fact moves."""

from __future__ import annotations

from creditrisk.config import Book
from creditrisk.duck import DuckSettings
from creditrisk.errors import Refused
from creditrisk.features import Factor, Substitution
from creditrisk.modelling import Bundle


def substitution_of(bundle: Bundle, book: Book, settings: DuckSettings) -> Substitution | None:
    """What proves this bundle's reasons; None when `bundle.policy.unproved` says why it cannot.

    book: the one in the bundle's folder.
    """
    if bundle.policy.unproved is not None:
        return None
    factors = [Factor(one.code, one.features, one.factors) for one in bundle.policy.reasons]
    return Substitution(book, reads=bundle.lineage, factors=factors, peers=bundle.peers, settings=settings)


def substitution_for_changes(bundle: Bundle, book: Book, settings: DuckSettings) -> Substitution:
    """What tells which features a changed fact moves. Raises Refused when the bundle does not say it."""
    if not bundle.lineage:
        raise Refused(
            "the bundle does not say which features a raw column moves",
            where="lineage.json",
            hint="train the model again with this version",
        )
    return Substitution(book, reads=bundle.lineage, factors=(), peers={}, settings=settings)
