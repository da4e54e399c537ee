"""Approval by another person: a signature over the evidence of one version, and whether those given suffice."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from creditrisk.errors import BadUsage, CreditRiskError, Refused
from creditrisk.governance import Act, acts_about, approvals, standing
from creditrisk.governance.approvals import Known, same_person, weigh
from creditrisk.governance.evidence import Pack
from creditrisk.governance.model_reference import numbered as among
from creditrisk.governance.people import known_keys
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack, tag_version
from creditrisk.ports import ModelVersion
from creditrisk.signatures import Signer


def objections(context: Context, version: ModelVersion, pack: Pack) -> list[str]:
    """Why the approvals of this version's evidence do not suffice for production; [] when they do."""
    return approvals.objections(pack, known_of(context, version))


def counted(context: Context, version: ModelVersion, pack: Pack) -> list[dict[str, str]]:
    """{by, at, expires, sha256} of each approval that counts at this moment."""
    return weigh(pack, known_of(context, version)).counted


def run(
    context: Context, number: int, note: str, signer: Callable[[], Signer], *, dry_run: bool = False
) -> dict[str, Any]:
    """Sign the version's evidence in the context actor's name; what was approved.

    signer: gives the actor's private key, asked for last.   dry_run: only tell what would be approved, and what is in
    the way. Raises Refused with every reason for which the approval would not count.
    """
    if not note.strip():
        raise BadUsage("an approval needs a note: why it may be used", hint="--note TEXT")
    version = numbered(context, number)
    pack, reasons = _pack_or_reason(context, version)
    reasons += _in_the_way(context, version, pack)
    told = _told(context, version, pack, note, reasons)
    if dry_run:
        return told
    need_nothing_in_the_way(told)
    pack = current_pack(context, version.bundle_sha256)  # what is signed is what lies there now
    path, sha256 = _write(context, pack, note, _own(signer(), context, version))
    hashes = {"bundle": version.bundle_sha256, "evidence": pack.sha256, "approval": sha256, "file": path.name}
    context.act(Act.APPROVED, {**hashes, "version": str(version.version)})
    given = counted(context, version, pack)
    tag_version(context, version, pack, given)
    return {**told, "approved": True, "approval_sha256": sha256, "approvals": given,
            "still_needed": max(0, context.book.portfolio.approval.needed - len(given))}  # fmt: skip


def need_nothing_in_the_way(told: Mapping[str, Any]) -> None:
    """Raises Refused with every reason for which the approval would not count."""
    if told["in_the_way"]:
        name, number = told["book"], told["version"]
        raise Refused(
            "; ".join(told["in_the_way"]),
            where=f"{name} version {number}",
            hint="somebody else approves (creditrisk keys new NAME); a gate is mended, or waived: creditrisk waive "
            f"{name} --gate NAME --version {number}; --dry-run shows what would be approved",
        )


def numbered(context: Context, number: int) -> ModelVersion:
    """The book's version of that number. Raises BadUsage where there is none."""
    name = context.book.name
    return among(context.registry.versions(name), name, number)


def known_of(context: Context, version: ModelVersion) -> Known:
    """Who trained this version, whose keys count, and what the audit chain says of approvals and rollbacks."""
    audit, book, bundle = context.workspace.audit, context.book.name, version.bundle_sha256
    rules = context.book.portfolio.approval
    trained = acts_about(audit, Act.TRAINED, book=book, bundle=bundle)
    own = known_keys(context.workspace.people, acts_about(audit, Act.KEY_MADE))
    return Known(
        rules=rules,
        keys=rules.approvers or own,
        trainers=frozenset({*(act["actor"] for act in trained), str(version.tags.get("actor", ""))} if trained else ()),
        acts=acts_about(audit, Act.APPROVED, book=book, bundle=bundle),
        rolled_back=acts_about(audit, Act.ROLLED_BACK, book=book, from_bundle=bundle),
        now=context.clock.now(),
    )


def _pack_or_reason(context: Context, version: ModelVersion) -> tuple[Pack | None, list[str]]:
    try:
        return current_pack(context, version.bundle_sha256), []
    except CreditRiskError as error:
        return None, [f"{error.what} ({error.where}): {error.hint}"]


def _in_the_way(context: Context, version: ModelVersion, pack: Pack | None) -> list[str]:
    """Every reason for which an approval by the context's actor would not count, or would be of no use."""
    known, by = known_of(context, version), context.actor
    reasons = []
    if any(same_person(by, trainer) for trainer in known.trainers):
        reasons.append(f"{by} trained this model, and nobody approves their own")
    if by not in known.keys:
        names = ", ".join(sorted(known.keys)) or "none"
        reasons.append(f"the key of {by} is not known here; known: {names}")
    if pack is None:
        return reasons
    if pack.body["bundle_sha256"] != version.bundle_sha256:
        reasons.append("the evidence is about another model than this version")
    reasons += standing.objections(pack, known.now.date(), "production")
    weighed = weigh(pack, known)
    reasons += weighed.broken
    reasons += [
        f"{one['by']} approved this evidence on {one['at'][:16]} already"
        for one in weighed.counted
        if same_person(one["by"], by)
    ]
    return reasons


def _own(signer: Signer, context: Context, version: ModelVersion) -> Signer:
    if known_of(context, version).keys.get(context.actor) != signer.public:
        raise Refused(
            f"the private key at hand is not the one that is known for {context.actor}",
            where=str(context.workspace.people),
            hint="restore the key, or have a new one made: creditrisk keys new NAME",
        )
    return signer


def _told(context: Context, version: ModelVersion, pack: Pack | None, note: str, reasons: list[str]) -> dict[str, Any]:
    """What is being approved, for people and machines."""
    today = context.clock.now().date()
    body: Mapping[str, Any] = pack.body if pack is not None else {}
    return {
        "book": context.book.name,
        "version": version.version,
        "bundle_sha256": version.bundle_sha256,
        "aliases": list(version.aliases),
        "evidence_sha256": pack.sha256 if pack is not None else None,
        "data_sha256": body.get("data_sha256"),
        "invented_data": body.get("invented_data"),
        "verdict": body.get("verdict"),
        "gates": list(body.get("gates", ())),
        "waivers": standing.open_waivers(pack, today) if pack is not None else [],
        "figures": _figures(pack) if pack is not None else {},
        "by": context.actor,
        "note": note,
        "approved": False,
        "in_the_way": reasons,
    }


def _figures(pack: Pack) -> dict[str, Any]:
    """The figures that people look at first, from the frozen report."""
    from creditrisk.files import read_json

    path = pack.folder / "test_metrics.json"
    report = read_json(path) if path.is_file() else {}
    return {name: report.get(name) for name in ("n", "default_rate", "mean_pd", "roc_auc", "brier", "approval_rate")}


def _write(context: Context, pack: Pack, note: str, signer: Signer) -> tuple[Any, str]:
    """The next file in the pack's folder. One of the same person that no act names was left by a killed command."""
    rules = context.book.portfolio.approval
    given = acts_about(context.workspace.audit, Act.APPROVED, book=context.book.name, evidence=pack.sha256)
    named = {act["hashes"]["file"] for act in given}
    for path in approvals.files_in(pack):
        if path.name not in named and path.stem.partition("-")[2] == context.actor:
            path.unlink()
    numbers = [int(name.partition("-")[0]) for name in named] or [0]
    told = approvals.message(pack, context.actor, note, at=context.clock.now(), rules=rules)
    return approvals.write(pack, told, signer, max(numbers) + 1)


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("approve"))
