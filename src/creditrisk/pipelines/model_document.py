"""model_document.html: gathered from the book, the bundle and the reports that may be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from creditrisk.errors import CreditRiskError
from creditrisk.files import read_json, write_text
from creditrisk.governance.gates import Evidence
from creditrisk.modelling import Bundle
from creditrisk.pages.document_sections.facts import DocumentFacts
from creditrisk.pages.model_document import render_model_document
from creditrisk.pages.run_summary import read_plots
from creditrisk.pipelines.context import Context

DOCUMENT = "model_document.html"
BESIDE = ("comparison.json", "tuning.json", "data_lineage.json")
"""Reports that no gate rests on."""


def write_document(context: Context, bundle: Bundle, evidence: Evidence, validation: Mapping[str, Any]) -> None:
    """The page, from the same reports to the same bytes."""
    plots = context.folder.reports / "test_evaluation"
    facts = gather(context, bundle, evidence, validation)
    write_text(context.folder.report(DOCUMENT), render_model_document(facts, read_plots(plots)))


def gather(context: Context, bundle: Bundle, evidence: Evidence, validation: Mapping[str, Any]) -> DocumentFacts:
    there = {name: why for name, why in evidence.problems.items() if context.folder.report(name).is_file()}
    reports, problems = dict(evidence.reports), there
    for name in BESIDE:
        path = context.folder.report(name)
        if path.is_file():
            try:
                reports[name] = read_json(path)
            except CreditRiskError as error:
                problems[name] = error.what
    if "data_lineage.json" in reports:
        reports["data_lineage.json"] = _before_validation(reports["data_lineage.json"])
    return DocumentFacts(
        portfolio=context.book.portfolio.model_dump(mode="json"),
        bundle_sha256=bundle.sha256,
        manifest=bundle.manifest,
        features=_features(context, bundle),
        tables={
            name: {
                "grain": contract.grain,
                "columns": dict(Counter(column.available.value for column in contract.columns)),
            }
            for name, contract in context.book.contracts.items()
        },
        environment=_environment(bundle.files.get("environment.lock", b"").decode("utf-8")),
        reports={**reports, "post_training_validation.json": validation},
        problems=problems,
        invented=context.invented,
        checks_off=context.checks_off,
        leaks_released=context.leaks_released,
    )


def _before_validation(lineage: Mapping[str, Any]) -> dict[str, Any]:
    """Without what came later: judged again after it was registered, a model has the same document."""
    nodes = lineage.get("nodes", {})
    return {"nodes": {name: node for name, node in nodes.items() if node["step"] not in ("validate", "register")}}


def _features(context: Context, bundle: Bundle) -> list[dict[str, Any]]:
    reasons = context.book.reasons
    directions = context.book.portfolio.policy.monotone
    return [
        {
            "name": feature.name,
            "kind": feature.kind,
            "code": ", ".join(reasons.codes_of(feature.name)),
            "text": reasons.text_of(feature.name),
            "direction": directions.get(feature.name),
        }
        for feature in bundle.preprocess.features
    ]


def _environment(lock: str) -> dict[str, str]:
    """{library: version} of environment.lock; its first line is a comment with Python's own."""
    found: dict[str, str] = {}
    for line in lock.splitlines():
        if line.startswith("# python "):
            found["python"] = line.removeprefix("# python ").strip()
        elif "==" in line:
            name, _, version = line.partition("==")
            found[name.strip()] = version.split(";")[0].strip()
    return found
