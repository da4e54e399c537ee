"""A version moves to staging or production, when everything that must be shown has been shown."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from creditrisk.errors import BadUsage, CreditRiskError, Refused, did_you_mean
from creditrisk.files import read_json
from creditrisk.governance.audit import Act, acts_about
from creditrisk.governance.evidence import Pack
from creditrisk.governance.model_reference import alias_meant, find_version, numbered
from creditrisk.governance.standing import Target, open_waivers
from creditrisk.governance.standing import objections as objections_of_gates
from creditrisk.pipelines import approve_model, canary_validation
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from creditrisk.pipelines.moves import make, need_agreed, new_move
from creditrisk.ports import CANDIDATE, PREVIOUS, PRODUCTION, STAGING, ModelVersion

TARGETS: tuple[Target, ...] = ("staging", "production")


@dataclass(frozen=True)
class Case:
    """What speaks for a version, and what against its move. pack: None where its evidence cannot be believed."""

    version: ModelVersion
    to: Target
    pack: Pack | None
    objections: Sequence[str]


def run(context: Context, number: int | None, word: str, note: str = "", *, dry_run: bool = False) -> dict[str, Any]:
    """Move version `number` (None = the candidate) to what `word` means; dry_run: only say what stands against it.

    Returns {version, to, there, moved, objections, transition}: with objections nothing is moved, nor is a version that
    is there already. Raises what the registry raises, and Refused where it was changed by hand.
    """
    to = target(word)
    need_agreed(context)
    name, versions = context.book.name, context.registry.versions(context.book.name)
    version = find_version(context.registry, name, CANDIDATE) if number is None else numbered(versions, name, number)
    told: dict[str, Any] = {"book": name, "version": version.version, "bundle_sha256": version.bundle_sha256, "to": to}
    told |= {"there": to in version.aliases, "moved": False, "objections": [], "transition": None}
    if told["there"]:
        return told
    case = examined(context, version, to)
    if case.objections or dry_run:
        return {**told, "objections": list(case.objections)}
    return {**told, "moved": True, "transition": _move(context, case, versions, note)}


def target(word: str) -> Target:
    """The alias that the word means; Staging and Production of older setups are words for it too."""
    alias = alias_meant(word.strip())
    for known in TARGETS:
        if alias == known:
            return known
    raise BadUsage(f'no version is promoted to "{word}"', hint=did_you_mean(alias, TARGETS))


def examined(context: Context, version: ModelVersion, to: Target) -> Case:
    """Everything that must be shown before the move, looked at again from the files. Writes nothing."""
    try:
        pack = current_pack(context, version.bundle_sha256)
    except CreditRiskError as error:
        return Case(version, to, None, [f"its evidence cannot be believed: {error}"])
    told = objections_of_gates(pack, context.clock.now().date(), to)
    if to == PRODUCTION:
        told = [
            *told,
            *approve_model.objections(context, version, pack),
            *canary_validation.objections(context, version),
        ]
    return Case(version, to, pack, told)


def need_nothing_against(told: Mapping[str, Any]) -> None:
    """Raises Refused when `run` met objections; they are told already, one by one."""
    if count := len(told["objections"]):
        raise Refused(
            f"version {told['version']} may not go to {told['to']}: {count} objection{'s' if count > 1 else ''}",
            where=f"{told['book']}, model {told['bundle_sha256'][:16]}",
            hint="mend what is named, in the order validate, waive, canary, approve; then promote again",
        )


def _move(context: Context, case: Case, versions: Sequence[ModelVersion], note: str) -> dict[str, Any]:
    version, pack = case.version, case.pack
    assert pack is not None  # without evidence there is an objection
    resting = {
        "evidence": pack.sha256,
        "cut_offs": cut_offs(context, version.bundle_sha256),
        "waivers": open_waivers(pack, context.clock.now().date()),
    }
    if case.to == STAGING:
        return make(context, new_move(context, Act.STAGED, version, note, {STAGING: version.version}, **resting))
    live = next((one.version for one in versions if PRODUCTION in one.aliases), None)
    aliases = {PRODUCTION: version.version, PREVIOUS: live}
    if STAGING in version.aliases:
        aliases[STAGING] = None
    resting |= {
        "approvals": approve_model.counted(context, version, pack),
        "canary": acts_about(context.workspace.audit, Act.CANARIED, bundle=version.bundle_sha256)[-1]["hashes"][
            "report"
        ],
    }
    return make(context, new_move(context, Act.PROMOTED, version, note, aliases, **resting))


def cut_offs(context: Context, bundle_sha256: str) -> dict[str, float]:
    """{name: PD} that the bundle decides by."""
    told = read_json(context.folder.bundle(bundle_sha256) / "policy.json")["cut_off"]
    return {name: float(told[name]) for name in ("refer_from_pd", "decline_from_pd")}


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("promote"))
