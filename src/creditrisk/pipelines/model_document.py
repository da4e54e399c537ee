"""model_document.html: gathered from the book, the bundle and the reports that may be believed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from creditrisk.config import BESIDE_THE_MODEL, Book, load_book
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


def write_document(
    context: Context,
    bundle: Bundle,
    evidence: Evidence,
    validation: Mapping[str, Any],
    waivers: Sequence[Mapping[str, Any]],
) -> None:
    """The page, from the same reports to the same bytes."""
    page = document_of(context, bundle, evidence, validation, waivers, context.folder.reports)
    write_text(context.folder.report(DOCUMENT), page)


def document_of(
    context: Context,
    bundle: Bundle,
    evidence: Evidence,
    validation: Mapping[str, Any],
    waivers: Sequence[Mapping[str, Any]],
    reports: Path,
) -> str:
    """reports: the folder with the reports and plots: the latest run's, or the frozen ones of an earlier model."""
    facts = gather(context, bundle, evidence, validation, waivers, reports)
    return render_model_document(facts, read_plots(reports / "test_evaluation"))


def gather(
    context: Context,
    bundle: Bundle,
    evidence: Evidence,
    validation: Mapping[str, Any],
    waivers: Sequence[Mapping[str, Any]],
    folder: Path,
) -> DocumentFacts:
    there = {name: why for name, why in evidence.problems.items() if (folder / name).is_file()}
    reports, problems = dict(evidence.reports), there
    for name in BESIDE:
        path = folder / name
        if path.is_file():
            try:
                reports[name] = read_json(path)
            except CreditRiskError as error:
                problems[name] = error.what
    if "data_lineage.json" in reports:
        reports["data_lineage.json"] = _before_validation(reports["data_lineage.json"])
    made_by = load_book(context.folder.bundle(bundle.sha256))
    today = context.book.portfolio.model_dump(mode="json", include=set(BESIDE_THE_MODEL))
    return DocumentFacts(
        portfolio={**made_by.portfolio.model_dump(mode="json"), **today},
        bundle_sha256=bundle.sha256,
        manifest=bundle.manifest,
        features=_features(made_by, bundle),
        tables={
            name: {
                "grain": contract.grain,
                "columns": dict(Counter(column.available.value for column in contract.columns)),
            }
            for name, contract in made_by.contracts.items()
        },
        environment=_environment(bundle.files.get("environment.lock", b"").decode("utf-8")),
        formula=_formula(bundle),
        calibration=bundle.calibrator.to_json(),
        reports={**reports, "post_training_validation.json": validation},
        problems=problems,
        waivers=waivers,
        invented=validation["invented_data"],
        checks_off=validation["checks_off"],
        leaks_released=validation["leaks_released"],
    )


def _before_validation(lineage: Mapping[str, Any]) -> dict[str, Any]:
    """Without what came later: judged again after it was registered, a model has the same document."""
    nodes = lineage.get("nodes", {})
    return {"nodes": {name: node for name, node in nodes.items() if node["step"] not in ("validate", "register")}}


def _formula(bundle: Bundle) -> dict[str, Any]:
    """The estimator's own file where it is one table in JSON: points, or coefficients."""
    (name, *more) = bundle.estimator.to_files()
    return dict(json.loads(bundle.files[name])) if name.endswith(".json") and not more else {}


def _features(made_by: Book, bundle: Bundle) -> list[dict[str, Any]]:
    directions = made_by.portfolio.policy.monotone
    return [
        {
            "name": feature.name,
            "kind": feature.kind,
            "categories": list(feature.categories),
            "code": ", ".join(made_by.reasons.codes_of(feature.name)),
            "text": made_by.reasons.text_of(feature.name),
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
