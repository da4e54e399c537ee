"""What two people would do before a model decides, done by two invented ones, for invented data alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from creditrisk.errors import Refused
from creditrisk.governance.approvals import same_person
from creditrisk.governance.canary import waiver_name
from creditrisk.governance.model_reference import find_version
from creditrisk.governance.standing import open_waivers
from creditrisk.kinds import Judgement
from creditrisk.pipelines import approve_model, canary_validation, deploy_manifest, promote_model, waive_gate
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from creditrisk.ports import CANDIDATE, PRODUCTION, ModelVersion
from creditrisk.signatures import Signer

VALIDATOR, APPROVER = "invented.validator", "invented.approver"
BECAUSE = "invented: it shows how a waiver looks, and nobody answers for this gate"
DAYS = 30


def run(context: Context, signer_of: Callable[[str], Signer]) -> list[str]:
    """The candidate to production as the rules ask; what stood against it, [] when nothing did.

    One waives what does not pass, both sign, the other promotes and writes the manifest. What a killed command did is
    not done again.  signer_of: a person's private key.  Raises Refused for a model of data that do not say of
    themselves that they are invented.
    """
    if not context.invented:
        raise Refused(
            "invented people approve nothing that may be real",
            where=str(context.raw),
            hint=f"creditrisk approve {context.book.name} --version N --by NAME --note TEXT",
        )
    version = find_version(context.registry, context.book.name, CANDIDATE)
    validator, approver = (replace(context, actor=name, written={}) for name in (VALIDATOR, APPROVER))
    if PRODUCTION not in version.aliases:
        canary = canary_validation.run(validator)
        _waive(validator, version, canary)
        for person in (validator, approver):
            _sign(person, version, signer_of)
        told = promote_model.run(approver, version.version, PRODUCTION, "the demo")
        if told["objections"]:
            return list(told["objections"])
    deploy_manifest.run(approver)
    return []


def _waive(context: Context, version: ModelVersion, canary: dict[str, Any]) -> None:
    pack, today = current_pack(context, version.bundle_sha256), context.clock.now().date()
    of_canary = [{**gate, "name": waiver_name(gate["name"])} for gate in canary["gates"]]
    answered = {waiver["gate"] for waiver in open_waivers(pack, today)}
    open_ = [
        gate["name"]
        for gate in [*pack.body["gates"], *of_canary]
        if gate["verdict"] != Judgement.PASS and gate.get("can_be_waived", True) and gate["name"] not in answered
    ]
    if open_:
        waive_gate.run(context, open_, BECAUSE, today + timedelta(days=DAYS), version.version)


def _sign(context: Context, version: ModelVersion, signer_of: Callable[[str], Signer]) -> None:
    """Not twice, and not where a gate that cannot be waived is in the way: promotion tells that."""
    given = approve_model.counted(context, version, current_pack(context, version.bundle_sha256))
    if any(same_person(one["by"], context.actor) for one in given):
        return
    note = "invented: the demo shows how an approval looks"
    sign = lambda: signer_of(context.actor)  # noqa: E731
    if not approve_model.run(context, version.version, note, sign, dry_run=True)["in_the_way"]:
        approve_model.run(context, version.version, note, sign)
