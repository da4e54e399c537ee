"""Stage 8: a version number and the alias `candidate` for the bundle that was validated, in the registry."""

from __future__ import annotations

import sys
from typing import Any

from creditrisk.errors import Refused
from creditrisk.files import held, read_json
from creditrisk.governance import Act
from creditrisk.governance.evidence import Pack
from creditrisk.kinds import sha256_of
from creditrisk.pipelines import tracked_run
from creditrisk.pipelines.approve_model import counted
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import VALIDATION, current_pack, tag_version
from creditrisk.pipelines.lineage import add_step
from creditrisk.pipelines.moves import record_registration
from creditrisk.pipelines.tracked_run import FIGURES
from creditrisk.pipelines.train_model import newest_bundle
from creditrisk.ports import BUNDLE_TAG, CANDIDATE, EVIDENCE_TAG, VALIDATION_TAG


def run(context: Context) -> dict[str, Any]:
    """registry_promotion.json; the same bundle registered again keeps its version.

    The run and its figures are those that `validate` looked at. Raises Refused unless the reports still are.
    """
    folder, bundle = context.folder, newest_bundle(context)
    trained, tested, validated = _validated(context, bundle.sha256)
    pack = current_pack(context, bundle.sha256)
    _need_frozen(context, pack)
    context.progress("register", "finding the run", 0.0)
    logged = tracked_run.log(context, bundle, trained, tested)
    context.progress("register", "giving it a version", 0.8)
    tags = {**tracked_run.tags_of(context, bundle), VALIDATION_TAG: validated["verdict"]}
    with held(context.folder.governance_lock):
        version = context.registry.register(context.book.name, logged, alias=CANDIDATE, tags=tags)
        record_registration(context, version)
    tag_version(context, version, pack, counted(context, version, pack))
    report = context.report(
        "registry_promotion.json",
        {
            "model": version.name,
            "version": version.version,
            "alias": CANDIDATE,
            "uri": version.uri,
            BUNDLE_TAG: bundle.sha256,
            # The evidence holds reports with their times, so it is another one in each run, as the run is.
            "meta": {"run_id": logged.run_id, EVIDENCE_TAG: pack.sha256},
        },
        inputs={"bundle": bundle.sha256, **{name: folder.report(name) for name in (*FIGURES, VALIDATION)}},
    )
    add_step(context, "register", {})
    context.act(Act.REGISTERED, {"bundle": bundle.sha256, "version": str(version.version), "evidence": pack.sha256})
    return report


def _validated(context: Context, bundle_sha256: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """metrics.json, test_metrics.json and the validation; Refused where one is about another bundle."""
    trained, tested, validated = (read_json(context.folder.report(name)) for name in (*FIGURES, VALIDATION))
    for what, name, report, stage in (
        ("the test figures are", "test_metrics.json", tested, "evaluate"),
        ("the validation is", VALIDATION, validated, "validate"),
    ):
        if report["bundle_sha256"] != bundle_sha256:
            raise Refused(
                f"{what} that of another bundle" if stage == "validate" else f"{what} those of another bundle",
                where=str(context.folder.report(name)),
                hint=f"creditrisk {stage} {context.book.name}",
            )
    return trained, tested, validated


def _need_frozen(context: Context, pack: Pack) -> None:
    """Raises Refused unless figures and validation are, but for times, what was frozen as evidence."""
    for name in (*FIGURES, VALIDATION):
        if sha256_of(read_json(context.folder.report(name))) != sha256_of(read_json(pack.folder / name)):
            raise Refused(
                f"{name} is not what was validated",
                where=str(context.folder.report(name)),
                hint=f"creditrisk validate {context.book.name}",
            )


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("register"))
