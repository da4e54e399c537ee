"""Waivers: somebody answers by name, for a time, for gates that do not pass. They are part of the evidence."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from creditrisk.errors import BadUsage, MissingInput, Refused, did_you_mean
from creditrisk.files import read_json
from creditrisk.governance import Act
from creditrisk.governance.canary import waiver_name
from creditrisk.governance.evidence import PACK, Pack
from creditrisk.governance.gates import Evidence
from creditrisk.governance.standing import open_waivers
from creditrisk.kinds import Judgement, sha256_of
from creditrisk.modelling import load_bundle
from creditrisk.pipelines.approve_model import counted, numbered
from creditrisk.pipelines.canary_validation import kept_report
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import (
    VALIDATION,
    copy_to_reports,
    current_pack,
    freeze_again,
    tag_version,
    version_of,
)
from creditrisk.pipelines.model_document import DOCUMENT, document_of
from creditrisk.pipelines.summary import write_summary
from creditrisk.ports import ModelVersion

OF_CANARY = waiver_name("")


def run(context: Context, gates: Sequence[str], because: str, until: date, number: int | None = None) -> dict[str, Any]:
    """One new evidence pack with a waiver of each gate in it, so that what was approved has to be approved again.

    gates: of the validation, or canary_<gate> of the canary.  number: a version; None = the model trained last.
    Raises BadUsage for an unknown gate or version and a day that is past, Refused for a gate that passes or cannot be
    waived, or for a waiver that would last too long; then none is waived.
    """
    if not because.strip():
        raise BadUsage("a waiver needs a reason", hint="--because TEXT")
    version, bundle_sha256 = _model(context, number)
    pack = current_pack(context, bundle_sha256)
    found = {gate: _finding(context, pack, gate) for gate in gates}
    _need_fit(context, until, f"gate {', '.join(found)}")
    answer = {
        "by": context.actor,
        "because": because.strip(),
        "until": until.isoformat(),
        "at": context.clock.now().isoformat(timespec="seconds"),
    }
    given = [{"gate": gate, **answer, "found": reason} for gate, reason in found.items()]
    frozen = _freeze(context, pack, given)
    if version is not None:
        tag_version(context, version, frozen, counted(context, version, frozen))
    return {
        "book": context.book.name,
        "bundle_sha256": bundle_sha256,
        "version": version.version if version else None,
        "given": given,
        "evidence_sha256": frozen.sha256,
        "before": pack.sha256,
        "waivers": open_waivers(frozen, context.clock.now().date()),
    }


def _model(context: Context, number: int | None) -> tuple[ModelVersion | None, str]:
    if number is not None:
        version = numbered(context, number)
        return version, version.bundle_sha256
    report = context.folder.report("metrics.json")
    if not report.is_file():
        hint = f"creditrisk train {context.book.name}"
        raise MissingInput("no model has been trained here", where=str(report), hint=hint)
    bundle_sha256 = str(read_json(report)["bundle_sha256"])
    return version_of(context, bundle_sha256), bundle_sha256


def _finding(context: Context, pack: Pack, gate: str) -> str:
    """What the gate found. Raises unless it is one that does not pass and may be waived."""
    known = {one["name"]: one for one in pack.body["gates"]} | _canary_gates(context, pack)
    if gate not in known:
        hint = did_you_mean(gate, known)
        if gate.startswith(OF_CANARY) and not any(name.startswith(OF_CANARY) for name in known):
            hint = f"there is no canary report of this model: creditrisk canary {context.book.name}"
        raise BadUsage(f'no gate "{gate}"', hint=hint)
    one = known[gate]
    where = f"{context.book.name}, model {pack.body['bundle_sha256'][:16]}, gate {gate}"
    if not one.get("can_be_waived", True):
        raise Refused(
            "this gate cannot be waived: without it nobody knows what they would answer for",
            where=where,
            hint=f"mend it ({one['reason']}), then creditrisk validate {context.book.name}",
        )
    if one["verdict"] == Judgement.PASS:
        raise Refused("the gate passes: there is nothing to waive", where=where)
    return str(one["reason"])


def _canary_gates(context: Context, pack: Pack) -> dict[str, Mapping[str, Any]]:
    path = kept_report(context, pack.body["bundle_sha256"])
    gates = read_json(path)["gates"] if path.is_file() else []
    return {waiver_name(one["name"]): one for one in gates}


def _need_fit(context: Context, until: date, where: str) -> None:
    today, most = context.clock.now().date(), context.book.portfolio.waiver.max_days
    if until < today:
        raise BadUsage(f"{until.isoformat()} is past", where=where, hint="a waiver ends today or later")
    if until > today + timedelta(days=most):
        raise Refused(
            f"a waiver may last {most} days, and this one {(until - today).days}",
            where=where,
            hint=f"--until {(today + timedelta(days=most)).isoformat()} at the latest (waiver.max_days of the book)",
        )


def _freeze(context: Context, pack: Pack, given: Sequence[Mapping[str, Any]]) -> Pack:
    """The pack's own files once more, with these waivers, and a model document that tells them."""
    new = {waiver["gate"] for waiver in given}
    waivers = [*(dict(one) for one in pack.body["waivers"] if one["gate"] not in new), *(dict(one) for one in given)]
    files = {name: (pack.folder / name).read_bytes() for name in pack.body["files"]}
    validation = read_json(pack.folder / VALIDATION)
    believed = {name: read_json(pack.folder / name) for name in validation["inputs"] if name.endswith(".json")}
    bundle_sha256 = pack.body["bundle_sha256"]
    bundle = load_bundle(context.folder.bundle(bundle_sha256), expected=bundle_sha256)
    evidence = Evidence(believed, validation["problems"])
    page = document_of(context, bundle, evidence, validation, waivers, pack.folder)
    meta = {"actor": context.actor, "created_at": context.clock.now().isoformat()}
    body = {**{key: value for key, value in pack.body.items() if key != "files"}, "waivers": waivers, "meta": meta}
    for waiver in given:
        hashes = {"bundle": bundle_sha256, "gate": waiver["gate"], "waiver": sha256_of(waiver)}
        context.act(Act.WAIVED, {**hashes, "until": waiver["until"]})
    frozen = freeze_again(context, body, {**files, DOCUMENT: page.encode("utf-8")})
    if _is_latest(context, bundle_sha256):
        copy_to_reports(context, frozen, PACK, DOCUMENT)
        write_summary(context, {})  # the seconds of the run that wrote it first are not known any more
    return frozen


def _is_latest(context: Context, bundle_sha256: str) -> bool:
    report = context.folder.report(VALIDATION)
    return report.is_file() and read_json(report).get("bundle_sha256") == bundle_sha256


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("waive"))
