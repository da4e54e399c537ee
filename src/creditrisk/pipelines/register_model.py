"""Stage 8: the run and its bundle to the tracker, a version number and the alias `candidate` to the registry."""

from __future__ import annotations

import sys
from typing import Any

from creditrisk import __version__
from creditrisk.errors import Refused
from creditrisk.files import read_json
from creditrisk.governance import Act
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import add_step
from creditrisk.pipelines.train_model import newest_bundle
from creditrisk.pipelines.validate_model import VALIDATION
from creditrisk.ports import BUNDLE_TAG, CANDIDATE, VALIDATION_TAG, TrainingRun

FIGURES = ("metrics.json", "test_metrics.json")
REPORTS = (
    "ingestion_summary.json", "data_freshness.json", "contract_findings.json", "data_lineage.json", "split.json",
    *FIGURES, VALIDATION,
)  # fmt: skip


def run(context: Context) -> dict[str, Any]:
    """registry_promotion.json; the same bundle registered again keeps its version."""
    folder, bundle = context.folder, newest_bundle(context)
    trained, tested = (read_json(folder.report(name)) for name in FIGURES)
    if tested["bundle_sha256"] != bundle.sha256:
        raise Refused(
            "the test figures are those of another bundle",
            where=str(folder.report("test_metrics.json")),
            hint=f"creditrisk evaluate {context.book.name}",
        )
    validated = read_json(folder.report(VALIDATION))
    if validated["bundle_sha256"] != bundle.sha256:
        raise Refused(
            "the validation is that of another bundle",
            where=str(folder.report(VALIDATION)),
            hint=f"creditrisk validate {context.book.name}",
        )
    context.progress("register", "logging the run", 0.0)
    tags = {
        "actor": context.actor,
        "estimator": bundle.manifest["estimator"],
        "code_version": __version__,
        "book": context.book.name,
        "preset": context.book.portfolio.features.preset,
        VALIDATION_TAG: validated["verdict"],
        **({"invented_data": "true"} if context.invented else {}),
        **({"checks_off": str(len(context.checks_off))} if context.checks_off else {}),
        **({"leaks_released": str(len(context.leaks_released))} if context.leaks_released else {}),
    }
    logged = context.tracker.log_run(
        TrainingRun(
            book=context.book.name,
            bundle=folder.bundle(bundle.sha256),
            bundle_sha256=bundle.sha256,
            features={feature.name: feature.kind for feature in bundle.preprocess.features},
            parameters={**trained["parameters"], "rounds": trained["rounds"], "estimator": trained["estimator"]},
            metrics={**_flat("oof", trained), **_flat("test", tested)},
            tags=tags,
            files={
                **{f"reports/{name}": folder.report(name) for name in REPORTS},
                "plots/development": folder.reports / "evaluation",
                "plots/test": folder.reports / "test_evaluation",
            },
        )
    )
    context.progress("register", "giving it a version", 0.8)
    version = context.registry.register(context.book.name, logged, alias=CANDIDATE, tags=tags)
    if version.tags.get(VALIDATION_TAG) != validated["verdict"]:  # a version that was there, judged again
        context.registry.tag(context.book.name, version.version, {VALIDATION_TAG: validated["verdict"]})
    report = context.report(
        "registry_promotion.json",
        {
            "model": version.name,
            "version": version.version,
            "alias": CANDIDATE,
            "uri": version.uri,
            BUNDLE_TAG: bundle.sha256,
            "meta": {"run_id": logged.run_id},
        },
        inputs={"bundle": bundle.sha256, **{name: folder.report(name) for name in (*FIGURES, VALIDATION)}},
    )
    add_step(context, "register", {})
    context.act(Act.REGISTERED, {"bundle": bundle.sha256, "version": str(version.version)})
    return report


def _flat(prefix: str, report: dict[str, Any]) -> dict[str, float]:
    """The report's single figures as MLflow takes them: flat names, intervals as _low and _high."""
    flat: dict[str, float] = {}
    for name, value in report.items():
        if isinstance(value, dict) and {"value", "low", "high"} <= value.keys():
            flat |= {f"{prefix}_{name}": value["value"], f"{prefix}_{name}_low": value["low"],
                     f"{prefix}_{name}_high": value["high"]}  # fmt: skip
        elif isinstance(value, int | float) and not isinstance(value, bool) and name != "schema_version":
            flat[f"{prefix}_{name}"] = float(value)
    return {name: value for name, value in flat.items() if value is not None}


if __name__ == "__main__":
    from creditrisk.cli import stage_main

    sys.exit(stage_main("register"))
