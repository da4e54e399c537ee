"""What a person may be told about a decision on them, in words and without anybody else's data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from creditrisk.config import Book
from creditrisk.kinds import Available
from creditrisk.ports import Kept
from creditrisk.serving.model import Model

SOURCES = {
    Available.APPLICATION: "what the applicant stated, and what the lender knew when the application came in",
    Available.BUREAU: "credit bureau",
    Available.LENDER_DECISION: "what the lender set before this decision",
    Available.IDENTIFIER: "numbers that tell records apart; they join tables and decide nothing",
}


def disclosure_of(kept: Kept, about: Sequence[Kept], model: Model, today: Book) -> dict[str, Any]:
    """model: the one that decided.  today: the book as it is now; it says whom to ask."""
    passport, overrides = kept.passport, [one.passport for one in about if one.passport.kind == "override"]
    contact = today.portfolio.review.contact or "the lender"
    return {
        "decision_id": passport.decision_id,
        "time": passport.time.isoformat(),
        "decision": overrides[-1].decision if overrides else passport.decision,
        "decided_by": "a person, who overruled the model" if overrides else "a statistical model, by fixed cut-offs",
        "role_of_the_model": (
            f"The model estimates how likely it is that this happens: {_sentence(model.book.portfolio.target.bad)} "
            f"Horizon: {_sentence(model.book.portfolio.target.horizon)} The lender's cut-offs turn the estimate into "
            "approve, refer or decline; `refer` means that a person looks at it."
        ),
        "model": {
            "book": model.book.portfolio.title,
            "version": passport.model_version,
            "bundle": passport.bundle_sha256,
        },
        "data": _data(model),
        "reasons": [{"code": one["code"], "text": one["text"]} for one in passport.payload.get("reasons", [])],
        "not_used": sorted(model.book.portfolio.policy.kept_apart),
        "your_rights": {
            "correct_data": f"Ask {contact} to correct what is wrong; the application is then decided again.",
            "ask_for_a_person": f"Ask {contact} for a review by a person, and say what the model could not know.",
            "earlier_corrections": sum(one.passport.kind == "correction" for one in about),
        },
    }


def _data(model: Model) -> list[dict[str, Any]]:
    """Every table that a feature of the model reads: what a row is, where it comes from, which facts are read."""
    read: dict[str, set[str]] = {}
    for tables in (model.bundle.lineage.get(name, {}) for name in model.bundle.preprocess.names):
        for table, columns in tables.items():
            read.setdefault(table, set()).update(columns)
    told = []
    for table in sorted(read):
        contract = model.book.contracts[table]
        of = [column for column in contract.columns if column.name in read[table]]
        sources = sorted({SOURCES[column.available] for column in of if column.available in SOURCES})
        told.append(
            {
                "category": table,
                "one_row_is": contract.grain,
                "sources": sources,
                "facts": [{"name": one.name, **({"meaning": one.meaning} if one.meaning else {})} for one in of],
            }
        )
    return told


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith(".") else f"{text}."
