"""Back to the model that decided before: no training, no new approval, and its own evidence still as it was."""

from __future__ import annotations

import sys
from typing import Any

from creditrisk.errors import Refused
from creditrisk.governance.audit import Act
from creditrisk.governance.evidence import load_pack
from creditrisk.governance.ledger import Entry, one_further_back
from creditrisk.governance.model_reference import find_version
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.moves import make, need_agreed, new_move
from creditrisk.ports import PREVIOUS, PRODUCTION, ModelVersion


def run(context: Context, note: str, *, dry_run: bool = False) -> dict[str, Any]:
    """`production` means what `previous` means; that one means what it meant when the restored version was promoted.

    Returns {from_version, version, previous, moved, transition}. What was waived or approved for it then still counts.
    Raises Refused when there is nothing to go back to, or its files are not what was approved.
    """
    moves = need_agreed(context)
    live, before = _needed(context, PRODUCTION), _needed(context, PREVIOUS)
    promotion = _promotion(moves, before)
    load_pack(context.folder.bundle(before.bundle_sha256).parent, str(promotion.move.evidence))
    further = one_further_back(moves, before.version)
    told = {
        "book": context.book.name,
        "from_version": live.version,
        "version": before.version,
        "previous": further,
        "bundle_sha256": before.bundle_sha256,
    }
    if dry_run:
        return {**told, "moved": False, "transition": None}
    rests_on = promotion.move
    aliases = {PRODUCTION: before.version, PREVIOUS: further}
    move = new_move(
        context,
        Act.ROLLED_BACK,
        before,
        note,
        aliases,
        evidence=rests_on.evidence,
        cut_offs=rests_on.cut_offs,
        approvals=rests_on.approvals,
        waivers=rests_on.waivers,
        canary=rests_on.canary,
    )
    return {**told, "moved": True, "transition": make(context, move)}


def _needed(context: Context, alias: str) -> ModelVersion:
    versions = context.registry.versions(context.book.name)
    if alias == PREVIOUS and not any(PREVIOUS in version.aliases for version in versions):
        raise Refused(
            "there is no version to go back to",
            where=f"models:/{context.book.name}",
            hint=f"promote another one: creditrisk promote {context.book.name} --version N --to {PRODUCTION}",
        )
    return find_version(context.registry, context.book.name, alias)


def _promotion(moves: list[Entry], version: ModelVersion) -> Entry:
    """The move that brought it to production by all rules."""
    for entry in reversed(moves):
        if entry.move.act is Act.PROMOTED and entry.move.bundle == version.bundle_sha256:
            return entry
    raise Refused(
        f"the ledger knows no promotion of version {version.version}",
        where=f"models:/{version.name}",
        hint=f"creditrisk promote {version.name} --version {version.version} --to {PRODUCTION}",
    )


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("rollback"))
