"""What is deployed, in one file for whoever rolls it out: model, evidence, approvals, images, steps, secrets' names."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from creditrisk.config.variables import secret_variables, settings_given
from creditrisk.errors import CreditRiskError, Refused
from creditrisk.files import read_json
from creditrisk.governance import Act, acts_about, find_version, ledger
from creditrisk.governance.agreement import Records, need_recorded
from creditrisk.governance.deploy_manifest import (
    HEALTH,
    READY,
    endpoints_of,
    images_of,
    rollback,
    rollout,
    schema_faults,
)
from creditrisk.governance.evidence import load_pack
from creditrisk.governance.ledger import Entry
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines.context import Context
from creditrisk.ports import DEPLOYED_TAG, PREVIOUS, PRODUCTION, ModelVersion

MANIFEST = "deploy_manifest.json"


def run(
    context: Context, alias: str = PRODUCTION, images: Sequence[str] = (), endpoints: Sequence[str] = ()
) -> dict[str, Any]:
    """deploy_manifest.json of the version that the alias means.

    images: each `name=REFERENCE@sha256:...`.  endpoints: addresses of servers that decide by the alias.
    Raises Refused without such a version, for an alias that no recorded move put there, and for an image without
    digest; BrokenFile naming the file of the evidence that was altered.
    """
    containers, servers = images_of(images), endpoints_of(endpoints)
    version, versions = find_version(context.registry, context.book.name, alias), _versions(context)
    records = Records(context.folder.ledger, context.folder.unfinished_move)
    need_recorded(alias, versions, records)
    entry = _moved_there(context, alias, version)
    pack = load_pack(context.folder.bundle(version.bundle_sha256).parent, str(entry.move.evidence))
    before = _previous(versions) if alias == PRODUCTION else None
    report = context.report(
        MANIFEST,
        {
            "model": {
                "name": version.name,
                "version": version.version,
                "uri": version.uri,
                "alias_uri": f"models:/{version.name}@{alias}",
                "bundle_sha256": version.bundle_sha256,
                "run_id": version.run_id,
                "estimator": version.tags.get("estimator"),
            },
            "alias": alias,
            "previous": before,
            "move": _move_told(entry),
            "evidence": {"sha256": pack.sha256, "number": pack.body["number"], "verdict": pack.body["verdict"]},
            "approvals": [dict(approval) for approval in entry.move.approvals],
            "waivers": [dict(waiver) for waiver in entry.move.waivers],
            "canary": entry.move.canary,
            "cut_offs": _cut_offs(entry),
            "images": containers,
            "endpoints": servers,
            "health_path": HEALTH,
            "ready_path": READY,
            "rollout": rollout(context.book.name, alias, version.bundle_sha256, containers, servers),
            "rollback": rollback(context.book.name, before, containers, servers),
            "secrets": sorted({*secret_variables(), *context.book.portfolio.notifications.secret_variables()}),
            "settings": {**settings_given(), "MODEL_NAME": version.name, "MODEL_ALIAS": alias},
        },
        inputs={"bundle": version.bundle_sha256, "evidence_pack": pack.sha256, "ledger_line": entry.line},
    )
    written = sha256_of_file(context.folder.report(MANIFEST))
    context.act(Act.MANIFESTED, {"bundle": version.bundle_sha256, "evidence": pack.sha256, "manifest": written})
    return report


def check(context: Context, path: Path) -> dict[str, Any]:
    """Is the file a manifest, as it was written, of what the registry means today? {faults: [...]}; none = yes.

    What is not at hand (audit chain, ledger, evidence) is not asked: continuous delivery may know the registry alone.
    Raises MissingInput and BrokenFile for what is no JSON, and what the registry raises.
    """
    manifest = read_json(path)
    faults = schema_faults(manifest)
    if not faults:
        faults = [*_of_today(context, manifest), *_as_written(context, path)]
    return {"book": context.book.name, "manifest": str(path), "faults": faults}


def need_no_faults(told: Mapping[str, Any]) -> None:
    """Raises Refused with every fault."""
    if told["faults"]:
        raise Refused(
            "; ".join(told["faults"]),
            where=str(told["manifest"]),
            hint=f"creditrisk manifest {told['book']} writes it anew from what is deployed",
        )


def _versions(context: Context) -> Sequence[ModelVersion]:
    return context.registry.versions(context.book.name)


def _moved_there(context: Context, alias: str, version: ModelVersion) -> Entry:
    """The recorded move by which the alias came to mean this version. Raises Refused where there is none here."""
    moves = ledger.by_the_rules(ledger.entries(context.folder.ledger))
    found = [one for one in moves if one.moves(alias) and one.move.aliases.get(alias) == version.version]
    if not found or found[-1].move.bundle != version.bundle_sha256 or not found[-1].move.evidence:
        raise Refused(
            f"no recorded move with evidence made {alias} mean version {version.version}",
            where=str(context.folder.ledger),
            hint=f"creditrisk promote {context.book.name} --version {version.version} --to {alias}, in this workspace",
        )
    return found[-1]


def _previous(versions: Sequence[ModelVersion]) -> dict[str, Any] | None:
    found = next((one for one in versions if PREVIOUS in one.aliases), None)
    return None if found is None else {"version": found.version, "bundle_sha256": found.bundle_sha256}


def _move_told(entry: Entry) -> dict[str, Any]:
    move = entry.move
    return {
        "id": move.id,
        "act": move.act.value,
        "by": move.by,
        "note": move.note,
        "effective_at": move.effective_at,
        "ledger_line": entry.line,
    }


def _cut_offs(entry: Entry) -> dict[str, float]:
    return {name: entry.move.cut_offs[name] for name in ("decline_from_pd", "refer_from_pd")}


def _of_today(context: Context, manifest: Mapping[str, Any]) -> list[str]:
    """Where the registry means something else than the manifest says."""
    model, alias = manifest["model"], manifest["alias"]
    if manifest["book"] != context.book.name:
        return [f"it is about the book {manifest['book']}, not {context.book.name}"]
    try:
        live, versions = find_version(context.registry, context.book.name, alias), _versions(context)
        need_recorded(alias, versions, Records(context.folder.ledger, context.folder.unfinished_move))
    except Refused as error:
        return [error.what]
    faults = []
    if live.version != model["version"]:
        faults.append(f"{alias} means version {live.version} today, the manifest says {model['version']}")
    elif live.bundle_sha256 != model["bundle_sha256"]:
        faults.append(
            f"version {live.version} is the bundle {live.bundle_sha256[:16]}, not {model['bundle_sha256'][:16]}"
        )
    elif alias == PRODUCTION and live.tags.get(DEPLOYED_TAG) != manifest["move"]["id"]:
        faults.append(f"version {live.version} was put into {alias} by another move since")
    folder = context.folder.bundle(model["bundle_sha256"]).parent
    if not faults and folder.is_dir():
        try:
            load_pack(folder, manifest["evidence"]["sha256"])
        except CreditRiskError as error:
            faults.append(f"its evidence cannot be believed: {error}")
    return faults


def _as_written(context: Context, path: Path) -> list[str]:
    if not acts_about(context.workspace.audit, Act.MANIFESTED, Act.PROMOTED, Act.STAGED, book=context.book.name):
        return []  # a chain that was begun elsewhere than where versions are moved has nothing to say
    mark = {"book": context.book.name, "manifest": sha256_of_file(path)}
    if acts_about(context.workspace.audit, Act.MANIFESTED, **mark):
        return []
    return ["it is not, to the byte, a manifest that the audit chain tells of: it was altered, or made elsewhere"]


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("manifest"))
