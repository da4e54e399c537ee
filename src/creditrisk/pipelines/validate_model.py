"""Stage 7: the gates on what the earlier stages reported, the model document, and the evidence that people approve.

Nothing is measured here.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from creditrisk.errors import CreditRiskError, Refused
from creditrisk.files import read_json
from creditrisk.governance import Act
from creditrisk.governance.evidence import PACK
from creditrisk.governance.gates import GATES, Evidence, judged, overall
from creditrisk.governance.lineage import NodeKind
from creditrisk.kinds import SCHEMA_VERSION, Judgement, sha256_of
from creditrisk.pipelines.approve_model import counted
from creditrisk.pipelines.assessments import ASSESSMENTS
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import (
    VALIDATION,
    carried_waivers,
    copy_to_reports,
    freeze_pack,
    tag_version,
    version_of,
)
from creditrisk.pipelines.evidence_checks import looked_at
from creditrisk.pipelines.lineage import add_step, current
from creditrisk.pipelines.model_document import DOCUMENT, write_document
from creditrisk.pipelines.tracked_run import attach_verdict
from creditrisk.pipelines.train_model import newest_bundle

BEFORE_THE_MODEL = ("ingestion_summary.json", "contract_findings.json", "leak_report.json", "split.json")
OF_THE_MODEL = ("metrics.json", "test_metrics.json", *ASSESSMENTS)
"""These must name the bundle that is judged."""


def run(context: Context) -> dict[str, Any]:
    """post_training_validation.json, model_document.html, the run in the tracker, and the evidence, frozen.

    A fail is told, not raised: the model is a candidate. Raises OutsideFailed, before anything is written, when the
    tracker is away.
    """
    bundle = newest_bundle(context)
    context.progress("validate", "are the reports what they were", 0.1)
    evidence = gathered(context, bundle.sha256)
    context.progress("validate", "telling the tracker", 0.2)
    looked, run_id = looked_at(context, bundle, evidence)
    version = version_of(context, bundle.sha256)
    context.progress("validate", "gates", 0.5)
    results = judged(GATES, replace(evidence, looked=looked), context.book.portfolio.gates)
    believed = {name: context.folder.report(name) for name in evidence.reports}
    report = context.report(
        VALIDATION,
        {
            "bundle_sha256": bundle.sha256,
            "verdict": overall(results).value,
            "counts": {verdict.value: sum(one["verdict"] == verdict for one in results) for verdict in Judgement},
            "gates": results,
            "problems": dict(evidence.problems),
            "meta": {"run_id": run_id},
        },
        inputs={"bundle": bundle.sha256, **believed},
    )
    add_step(context, "validate", {})
    context.progress("validate", "the model document", 0.6)
    waivers = carried_waivers(context, bundle.sha256, report)
    write_document(context, bundle, evidence, report, waivers)
    context.progress("validate", "freezing the evidence", 0.8)
    hashes = {"bundle": bundle.sha256, "validation": sha256_of(report), "verdict": report["verdict"]}
    context.act(Act.VALIDATED, hashes)
    pack = freeze_pack(context, bundle, report, waivers)
    copy_to_reports(context, pack, PACK)
    if run_id is not None:
        attach_verdict(context, run_id, report["verdict"])
    if version is not None:
        tag_version(context, version, pack, counted(context, version, pack))
    return report


__all__ = ["BEFORE_THE_MODEL", "DOCUMENT", "OF_THE_MODEL", "VALIDATION", "gathered", "need_passed", "run"]


def need_passed(report: Mapping[str, Any], waivers: Sequence[Mapping[str, Any]] = ()) -> None:
    """Raises Refused, with every gate that failed and that nobody waived, when the model did not pass.

    waivers: those that count today.
    """
    if report["verdict"] != Judgement.FAIL:
        return
    waived = {waiver["gate"] for waiver in waivers}
    failed = [gate for gate in report["gates"] if gate["verdict"] == Judgement.FAIL]
    if failed and all(gate["can_be_waived"] and gate["name"] in waived for gate in failed):
        return
    failed = [gate for gate in failed if gate["name"] not in waived]
    raise Refused(
        "the model fails " + "; ".join(f"{gate['name']}: {gate['reason']}" for gate in failed),
        where=f"{report['book']}, model {report['bundle_sha256'][:16]}",
        hint=f"{VALIDATION} tells each gate and its limit; mend what fails and train again",
    )


def gathered(context: Context, bundle_sha256: str) -> Evidence:
    """Every report that the gates rest on: as it stands, or why it cannot be believed."""
    known = {name: node.sha256 for name, node in current(context).items() if node.kind is NodeKind.REPORT}
    reports: dict[str, Mapping[str, Any]] = {}
    problems: dict[str, str] = {}
    for name in (*BEFORE_THE_MODEL, *OF_THE_MODEL):
        try:
            report = read_json(context.folder.report(name))
            problem = _problem(name, report, context.book.name, bundle_sha256, known)
        except CreditRiskError as error:
            report, problem = {}, error.what
        if problem:
            problems[name] = problem
        else:
            reports[name] = report
    return Evidence(reports, problems)


def _problem(name: str, report: Mapping[str, Any], book: str, bundle_sha256: str, known: Mapping[str, str]) -> str:
    """Why a report that can be read may not be believed; "" when it may."""
    if report.get("schema_version") != SCHEMA_VERSION:
        return f"its schema is {report.get('schema_version')}, not {SCHEMA_VERSION}"
    if report.get("book") != book:
        return f"it is about the book {report.get('book')}"
    if not _finite(report.values()):
        return "it holds a number that is none (NaN or infinite)"
    if name in OF_THE_MODEL:
        named = report.get("bundle_sha256") or report.get("inputs", {}).get("bundle")
        if named != bundle_sha256:
            return (
                f"it is about the model {str(named)[:16]}, not {bundle_sha256[:16]}" if named else "it names no model"
            )
    if known.get(f"reports/{name}") != sha256_of(report):
        return "it is not what its stage wrote: altered since, or of another run"
    return ""


def _finite(values: Iterable[Any]) -> bool:
    for value in values:
        if isinstance(value, float) and not math.isfinite(value):
            return False
        if isinstance(value, Mapping) and not _finite(value.values()):
            return False
        if isinstance(value, list) and not _finite(value):
            return False
    return True


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("validate"))
