"""The registry means again what the ledger says: a killed move is finished or undone, aliases moved by hand go back."""

from __future__ import annotations

from typing import Any

from creditrisk.errors import BrokenFile, CreditRiskError, Refused
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.moves import disagreeing, put_back, settle, unfinished


def run(context: Context, note: str, *, dry_run: bool = False) -> dict[str, Any]:
    """Returns {found, settled, put_back}.

    found: what is wrong.  settled: what became of a killed move.  put_back: the transition that mended the rest.
    """
    found = _found(context)
    if dry_run or not found:
        return {"book": context.book.name, "found": found, "settled": None, "put_back": None}
    try:
        settled = settle(context)
    except (Refused, BrokenFile) as error:
        settled = f"{error.what}; the ledger decides"
    return {"book": context.book.name, "found": found, "settled": settled, "put_back": put_back(context, note)}


def _found(context: Context) -> list[str]:
    try:
        move = unfinished(context)
        told = [f"a move that {move.by} began is unfinished ({move.act.value}, version {move.version})"] if move else []
    except CreditRiskError as error:
        return [error.what]
    return [*told, *disagreeing(context)]
