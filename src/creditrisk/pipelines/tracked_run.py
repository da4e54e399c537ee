"""The training as the tracker keeps it: logged by `validate`, found again by `register`, compared with the reports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from creditrisk import __version__
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import VALIDATION
from creditrisk.ports import VALIDATION_TAG, LoggedRun, TrainingRun

if TYPE_CHECKING:
    from creditrisk.modelling import Bundle

FIGURES = ("metrics.json", "test_metrics.json")
REPORTS = (
    "ingestion_summary.json", "data_freshness.json", "contract_findings.json", "data_lineage.json", "split.json",
    *FIGURES,
)  # fmt: skip


def log(context: Context, bundle: Bundle, trained: Mapping[str, Any], tested: Mapping[str, Any]) -> LoggedRun:
    """The run of this bundle with these figures: logged now, or the one that was logged before.

    trained, tested: metrics.json and test_metrics.json.
    """
    folder = context.folder
    return context.tracker.log_run(
        TrainingRun(
            book=context.book.name,
            bundle=folder.bundle(bundle.sha256),
            bundle_sha256=bundle.sha256,
            features={feature.name: feature.kind for feature in bundle.preprocess.features},
            parameters={**trained["parameters"], "rounds": trained["rounds"], "estimator": trained["estimator"]},
            metrics=figures_of(trained, tested),
            tags=tags_of(context, bundle),
            files={
                **{f"reports/{name}": folder.report(name) for name in REPORTS if folder.report(name).is_file()},
                "plots/development": folder.reports / "evaluation",
                "plots/test": folder.reports / "test_evaluation",
            },
        )
    )


def attach_verdict(context: Context, run_id: str, verdict: str) -> None:
    """What `validate` said of it, beside what was logged before it spoke."""
    context.tracker.attach(
        run_id, {f"reports/{VALIDATION}": context.folder.report(VALIDATION)}, {VALIDATION_TAG: verdict}
    )


def tags_of(context: Context, bundle: Bundle) -> dict[str, str]:
    """Of the run and of the version."""
    return {
        "actor": context.actor,
        "estimator": bundle.manifest["estimator"],
        "code_version": __version__,
        "book": context.book.name,
        "preset": context.book.portfolio.features.preset,
        **({"invented_data": "true"} if context.invented else {}),
        **({"checks_off": str(len(context.checks_off))} if context.checks_off else {}),
        **({"leaks_released": str(len(context.leaks_released))} if context.leaks_released else {}),
    }


def figures_of(trained: Mapping[str, Any], tested: Mapping[str, Any]) -> dict[str, float]:
    return {**_flat("oof", trained), **_flat("test", tested)}


def compared(local: Mapping[str, float], tracked: Mapping[str, float]) -> dict[str, Any]:
    """{figures, missing, worst, why}: how many there are, which the tracker lacks, and where the two differ most.

    worst: {name, local, tracked, difference}, the difference relative to the local figure; None for no number.
    """
    missing = sorted(name for name in local if name not in tracked)
    apart = {name: _relative(value, tracked[name]) for name, value in local.items() if name in tracked}
    worst = max(apart, key=lambda name: apart[name]) if apart else None
    found = None if worst is None else tracked[worst]
    return {
        "why": "",
        "figures": len(local),
        "missing": missing,
        "worst": None
        if worst is None or found is None
        else {
            "name": worst,
            "local": local[worst],
            "tracked": found if math.isfinite(found) else None,
            "difference": apart[worst] if math.isfinite(apart[worst]) else None,
        },
    }


def not_told(why: str) -> dict[str, Any]:
    """In place of `compared` where nothing could be logged."""
    return {"why": why, "figures": 0, "missing": [], "worst": None}


def _relative(local: float, tracked: float) -> float:
    """Infinite where one of them is no number."""
    if not (math.isfinite(local) and math.isfinite(tracked)):
        return math.inf
    return abs(local - tracked) / max(abs(local), abs(tracked)) if local != tracked else 0.0


def _flat(prefix: str, report: Mapping[str, Any]) -> dict[str, float]:
    """The report's single figures as MLflow takes them: flat names, intervals as _low and _high."""
    flat: dict[str, float | None] = {}
    for name, value in report.items():
        if isinstance(value, dict) and {"value", "low", "high"} <= value.keys():
            flat |= {f"{prefix}_{name}": value["value"], f"{prefix}_{name}_low": value["low"],
                     f"{prefix}_{name}_high": value["high"]}  # fmt: skip
        elif isinstance(value, int | float) and not isinstance(value, bool) and name != "schema_version":
            flat[f"{prefix}_{name}"] = float(value)
    return {name: value for name, value in flat.items() if value is not None}
