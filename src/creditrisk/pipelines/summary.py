"""What a run has to say, gathered from its reports for the page and the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from creditrisk import __version__
from creditrisk.config import Decision
from creditrisk.errors import CreditRiskError
from creditrisk.files import read_json, write_text
from creditrisk.governance.lineage import NodeKind
from creditrisk.governance.standing import open_waivers
from creditrisk.pages.context import FileLineage, RunContext, SplitFacts, Step
from creditrisk.pages.run_summary import read_plots, render_run_summary
from creditrisk.pipelines.check_data import FINDINGS_PAGE
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.evidence import current_pack
from creditrisk.pipelines.lineage import STEPS
from creditrisk.pipelines.validate_model import DOCUMENT, VALIDATION
from creditrisk.ports import CANDIDATE, PRODUCTION, STAGING
from creditrisk.split import LABEL_STATES, PARTS

SUMMARY = "run_summary.html"


def write_summary(context: Context, seconds: Mapping[str, float]) -> RunContext:
    """run_summary.html from the reports that are there; `seconds` by stage of this run."""
    told = gather(context, seconds)
    plots = context.folder.reports / "test_evaluation"
    page = render_run_summary(told, read_plots(plots) if plots.is_dir() else None)
    write_text(context.folder.report(SUMMARY), page)
    return told


def gather(context: Context, seconds: Mapping[str, float]) -> RunContext:
    """A stage that has not run leaves its part out."""
    portfolio = context.book.portfolio
    reports = {name: _report(context, name) for name in (
        "ingestion_summary", "data_freshness", "contract_findings", "data_lineage", "split", "metrics", "test_metrics",
        "registry_promotion", "registry_transition",
    )}  # fmt: skip
    nodes = reports["data_lineage"].get("nodes", {})
    trained, promoted = reports["metrics"], reports["registry_promotion"]
    move = reports["registry_transition"].get("move", {})
    name = context.book.name
    told: RunContext = {
        "invented": context.invented,
        "checks_off": context.checks_off,
        "leaks_released": context.leaks_released,
        "book": {
            "name": name,
            "title": portfolio.title,
            "currency": portfolio.currency,
            "preset": portfolio.features.preset,
            "bad": portfolio.target.bad,
            "horizon": portfolio.target.horizon,
            "population": portfolio.target.population,
            "is_not": portfolio.target.is_not,
        },
        "findings": reports["contract_findings"].get("findings", []),
        "lineage": {"files": _files(reports["ingestion_summary"]), "steps": _steps(nodes), "nodes": nodes},
        "freshness": reports["data_freshness"],
        "stages": [{"stage": stage, "seconds": spent} for stage, spent in seconds.items()],
        "decision": _decision(portfolio.decision, trained.get("cut_off", {})),
        "policy": portfolio.policy.model_dump(mode="json"),
        "meta": {
            "created_at": context.clock.now().isoformat(timespec="seconds"),
            "actor": context.actor,
            "code_version": __version__,
            "run_id": promoted.get("meta", {}).get("run_id", ""),
        },
    }
    told["suspects"] = [
        column for column in _report(context, "leak_report").get("columns", ()) if column["verdict"] == "suspect"
    ]
    if trained:
        told["model"] = {
            "name": name,
            "version": str(promoted.get("version", "not registered")),
            "alias": _alias(promoted, move),
            "bundle_sha256": trained["bundle_sha256"],
            "estimator": trained["estimator"],
            "trained_by": str(trained["meta"]["actor"]),
            "calibration": trained["calibration"]["served"],
            "features": len(trained["importance"]),
        }
        told["importance"] = trained["importance"]
        there, alias = _elsewhere(context), told["model"]["alias"]
        which = "" if alias == PRODUCTION else f" --alias {alias or CANDIDATE}"
        told["next_commands"] = [
            {
                "command": f"creditrisk score {name} --input DIR --output decisions.parquet{which}{there}",
                "does": "Score a batch of raw tables with this model.",
            },
            {
                "command": f"creditrisk serve {name}{which}{there}",
                "does": "Let it decide over HTTP.",
            },
            {"command": f"creditrisk doctor{there}", "does": "See what is installed, reachable and missing."},
        ]
        validated = _report(context, VALIDATION.removesuffix(".json"))
        if validated.get("bundle_sha256") == trained["bundle_sha256"]:
            told["validation"] = validated
            told["waivers"] = _waivers(context, trained["bundle_sha256"])
            told["approvals"] = move.get("approvals", []) if move.get("bundle") == trained["bundle_sha256"] else []
            if context.folder.report(DOCUMENT).is_file():
                told["document_page"] = DOCUMENT
    if context.folder.report(FINDINGS_PAGE).is_file():
        told["findings_page"] = FINDINGS_PAGE
    if reports["test_metrics"]:
        told["metrics"] = reports["test_metrics"]
    if reports["split"]:
        told["split"] = _split(reports["split"])
        if reports["split"]["observed_until"]:
            told["book"]["observed_until"] = reports["split"]["observed_until"]
    return told


def _alias(promoted: Mapping[str, Any], move: Mapping[str, Any]) -> str:
    """Of the aliases that this version had after the last move, the one that decides most."""
    had = [alias for alias, version in move.get("aliases", {}).items() if version == promoted.get("version")]
    return next((alias for alias in (PRODUCTION, STAGING) if alias in had), str(promoted.get("alias", "")))


def _waivers(context: Context, bundle_sha256: str) -> list[dict[str, Any]]:
    """None where the evidence cannot be believed: what it says was waived was not."""
    try:
        return open_waivers(current_pack(context, bundle_sha256), context.clock.now().date())
    except CreditRiskError:
        return []


def _elsewhere(context: Context) -> str:
    """What a command needs besides its name where the workspace is not the one it would take by itself."""
    root = context.workspace.root
    return "" if root == Path("workspace") else f" --workspace {shlex.quote(str(root))}"


def _report(context: Context, name: str) -> dict[str, Any]:
    path = context.folder.report(f"{name}.json")
    return read_json(path) if path.is_file() else {}


def _split(report: Mapping[str, Any]) -> SplitFacts:
    if report["method"] == "out_of_time":
        until = f" and before {report['test_before']}" if report["test_before"] else ""
        rule = f"Out of time: tested on everything from {report['test_from']}{until}; "
        rule += "within the rest by a stable hash of the key."
        if report["after_test_window"]:
            rule += f" {report['after_test_window']:,} younger loans are left out."
    else:
        rule = "By a stable hash of the key: the data carry no date."
    if sampled_from := report.get("sampled_from"):
        rule += f" Of {sampled_from:,} loans a sample by the key's hash was dealt (split.rows_max)."
    balance = report["balance"]
    rule += f" Default rate {balance['development_default_rate']:.1%} in development, "
    rule += f"{balance['test_default_rate']:.1%} in the test part."
    return {
        "rule": rule,
        "parts": [
            {
                "part": part,
                "rows": f["n"],
                "bads": f["bads"],
                "first": f["first_date"] or "",
                "last": f["last_date"] or "",
            }
            for part, f in ((part, report["parts"][part]) for part in PARTS)
        ],
        "label_states": {state: report["label_states"][state] for state in LABEL_STATES},
    }


def _files(summary: Mapping[str, Any]) -> list[FileLineage]:
    return [
        {
            "table": name,
            "file": table["file"],
            "sha256": table["sha256"],
            "bytes": table["bytes"],
            "rows": table["rows"],
            "rejected": table["rejected"],
            "bronze_sha256": table["bronze_sha256"],
        }
        for name, table in summary.get("tables", {}).items()
    ]


def _steps(nodes: Mapping[str, Any]) -> list[Step]:
    """In the order of making; reports are written with sorted keys."""
    kinds = list(NodeKind)
    steps: list[Step] = []
    for name in sorted(
        (name for name, node in nodes.items() if node["kind"] != NodeKind.RAW and not name.startswith("bronze/")),
        key=lambda name: (
            STEPS.index(nodes[name]["step"]),
            kinds.index(nodes[name]["kind"]),
            PARTS.index(name) if name in PARTS else len(PARTS),
            name,
        ),
    ):
        step: Step = {"name": name, "sha256": nodes[name]["sha256"], "what": nodes[name]["kind"]}
        if "rows" in nodes[name]:
            step["rows"] = nodes[name]["rows"]
        steps.append(step)
    return steps


def _decision(decision: Decision, chosen: Mapping[str, float]) -> dict[str, Any]:
    """The book's numbers with their reasons, and the cut-offs that training found from them."""
    told = decision.model_dump(mode="json", exclude_none=True)
    if not chosen:
        return told
    owner = decision.refer_from_share_of_cut_off.owner
    told["refer_from_pd"] = {
        "value": chosen["refer_from_pd"],
        "because": "its share of the decline cut-off, below",
        "owner": owner,
    }
    told.setdefault(
        "decline_from_pd",
        {
            "value": chosen["decline_from_pd"],
            "because": "the cheapest cut-off for the costs below, on the train part's out-of-fold PDs",
            "owner": owner,
        },
    )
    return told
