"""What `validate` looks at by itself: the lineage, the files, and the run that the tracker keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from creditrisk.errors import CreditRiskError
from creditrisk.files import read_json
from creditrisk.governance import Act, acts_about
from creditrisk.governance.gates import ARTEFACTS, LINEAGE, TRACKED, Evidence
from creditrisk.governance.lineage import NodeKind, behind, gaps, nodes_of
from creditrisk.kinds import sha256_of
from creditrisk.pipelines import tracked_run
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import current, kept_with, sha256_now
from creditrisk.ports import LoggedRun

if TYPE_CHECKING:
    from creditrisk.modelling import Bundle

MADE_FOR_THE_MODEL = frozenset({"split", "train", "evaluate"})
"""Steps whose tables and plots the reports rest on."""
AFTERWARDS = frozenset({"validate", "register"})
"""Steps that do not count: judged again after it was registered, a model has the same evidence."""


def looked_at(context: Context, bundle: Bundle, evidence: Evidence) -> tuple[dict[str, Mapping[str, Any]], str | None]:
    """What gates ask for under `Evidence.looked`, and the id of the tracker's run.

    A report that cannot be believed is not told to the tracker: then there is no run, and the gate says why.
    Raises OutsideFailed when the tracker is away.
    """
    looked: dict[str, Mapping[str, Any]] = {
        LINEAGE: _lineage(context, bundle.sha256),
        ARTEFACTS: _artefacts(context, bundle),
    }
    problems = [f"{name}: {why}" for name in tracked_run.FIGURES if (why := evidence.problem(name))]
    if problems:
        return {**looked, TRACKED: tracked_run.not_told(f"not told to the tracker: {'; '.join(problems)}")}, None
    trained, tested = (evidence.reports[name] for name in tracked_run.FIGURES)
    logged: LoggedRun = tracked_run.log(context, bundle, trained, tested)
    local = tracked_run.figures_of(trained, tested)
    return {**looked, TRACKED: tracked_run.compared(local, context.tracker.figures(logged.run_id))}, logged.run_id


def _lineage(context: Context, bundle_sha256: str) -> dict[str, Any]:
    """{gaps, nodes}: also whether the graph is the one that training noted in the audit chain."""
    try:
        nodes = {name: node for name, node in current(context).items() if node.step not in AFTERWARDS}
    except CreditRiskError as error:
        return {"gaps": [error.what], "nodes": 0}
    if not nodes:
        return {"gaps": ["there is none"], "nodes": 0}
    found = gaps(nodes, bundle_sha256)
    acts = acts_about(context.workspace.audit, Act.TRAINED, book=context.book.name, bundle=bundle_sha256)
    if not acts:
        return {"gaps": [*found, "the audit chain tells of no training of this model"], "nodes": len(nodes)}
    kept = [told for path in kept_with(context.folder.bundle(bundle_sha256).parent) if (told := _read(path))]
    noted = next((told for told in kept if sha256_of(told) == acts[-1]["hashes"]["lineage"]), None)
    if noted is None:
        found.append("the lineage that training kept beside the bundle was altered or removed")
    elif behind(nodes_of(noted, LINEAGE), ["bundle"]) != behind(nodes, ["bundle"]):
        found.append("what stands behind the bundle is not what training noted")
    return {"gaps": found, "nodes": len(nodes)}


def _read(path: Any) -> dict[str, Any] | None:
    try:
        return read_json(path)
    except CreditRiskError:
        return None


def _artefacts(context: Context, bundle: Bundle) -> dict[str, Any]:
    """{files, wrong}. The bundle's own were checked against its manifest when it was loaded."""
    try:
        nodes = current(context)
    except CreditRiskError:
        nodes = {}
    looked_at = {
        name: node
        for name, node in nodes.items()
        if (node.kind is NodeKind.REPORT and node.step not in AFTERWARDS)
        or (node.kind in (NodeKind.TABLE, NodeKind.PLOTS) and node.step in MADE_FOR_THE_MODEL)
    }
    wrong = []
    for name, node in looked_at.items():
        found = sha256_now(context, node)
        if found != node.sha256:
            wrong.append(f"{node.file or name} {'was altered' if found else 'is missing'}")
    return {"files": len(bundle.files) + len(looked_at), "wrong": wrong}
