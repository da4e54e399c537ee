"""The evidence pack of a model: frozen by `validate` and `waive`, and found again by the audit chain alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import creditrisk
from creditrisk.errors import BrokenFile, CreditRiskError, Refused
from creditrisk.files import held, read_json, whole_file
from creditrisk.governance import Act, acts_about
from creditrisk.governance.evidence import EVIDENCE, Pack, freeze, load_pack
from creditrisk.governance.lineage import NodeKind, behind, nodes_of
from creditrisk.governance.standing import open_waivers
from creditrisk.kinds import sha256_of, sha256_of_file, sha256_of_folder
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import LINEAGE
from creditrisk.ports import APPROVALS_TAG, DATA_TAG, EVIDENCE_TAG, VALIDATION_TAG, WAIVERS_TAG, ModelVersion

if TYPE_CHECKING:
    from creditrisk.modelling import Bundle

VALIDATION = "post_training_validation.json"
BESIDE_THE_GATES = ("data_freshness.json", "comparison.json", "tuning.json")
"""Reports that no gate rests on."""
PAGES, PLOTS = ("model_document.html", "contract_findings.html"), ("evaluation", "test_evaluation")


def current_pack(context: Context, bundle_sha256: str) -> Pack:
    """The evidence that was frozen last for this bundle, every byte checked.

    Raises Refused where none was frozen, BrokenFile naming the file that is not what it was.
    """
    acts = _frozen(context, bundle_sha256)
    if not acts:
        raise Refused(
            f"no evidence has been frozen for the model {bundle_sha256[:16]}",
            where=str(_model_folder(context, bundle_sha256)),
            hint=f"creditrisk validate {context.book.name}",
        )
    return load_pack(_model_folder(context, bundle_sha256), acts[-1]["hashes"]["evidence"])


def freeze_pack(
    context: Context, bundle: Bundle, validation: Mapping[str, Any], waivers: Sequence[Mapping[str, Any]] = ()
) -> Pack:
    """The pack of the reports as they stand; the one that is there where they say the same."""
    lineage = _lineage(context.folder.report(LINEAGE))
    nodes = nodes_of(lineage, LINEAGE) if "nodes" in lineage else {}
    made_of = {
        name: node.as_json()
        for name, node in behind(nodes, ["bundle"]).items()
        if node.kind not in (NodeKind.REPORT, NodeKind.PLOTS)
    }
    raw = {name: node["sha256"] for name, node in made_of.items() if node["kind"] == NodeKind.RAW}
    body = context.stamped(
        {
            "bundle_sha256": bundle.sha256,
            "bundle": {name: hashlib.sha256(content).hexdigest() for name, content in bundle.files.items()},
            "code_sha256": code_sha256(),
            "environment_sha256": hashlib.sha256(bundle.files.get("environment.lock", b"")).hexdigest(),
            "data_sha256": sha256_of(raw),
            "made_of": made_of,
            "verdict": validation["verdict"],
            "gates": _gates(validation),
            "waivers": [dict(waiver) for waiver in waivers],
        },
        inputs={"bundle": bundle.sha256, "validation": sha256_of(validation)},
    )
    return freeze_again(context, body, _files(context.folder.reports, validation, lineage))


def freeze_again(context: Context, body: Mapping[str, Any], files: Mapping[str, bytes]) -> Pack:
    """A pack with this content as the bundle's latest; `number` and `before` are found here."""
    bundle_sha256 = str(body["bundle_sha256"])
    model = _model_folder(context, bundle_sha256)
    with held(model / EVIDENCE / ".lock"):
        acts = _frozen(context, bundle_sha256)
        pack = _same_as_last(context, acts, body, files)
        if pack is None:
            before = acts[-1]["hashes"]["evidence"] if acts else None
            pack = freeze(model, {**body, "number": len(acts) + 1, "before": before}, files)
            hashes = {"bundle": bundle_sha256, "evidence": pack.sha256, "before": before or "none"}
            context.act(Act.EVIDENCE_FROZEN, hashes)
    return pack


def copy_to_reports(context: Context, pack: Pack, *names: str) -> None:
    """Copies of the pack's files where people look first; nothing reads them again."""
    for name in names:
        with whole_file(context.folder.report(name)) as partial:
            partial.write_bytes((pack.folder / name).read_bytes())


def carried_waivers(context: Context, bundle_sha256: str, validation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Waivers of the last pack that still answer for the same finding; none where that pack cannot be believed.

    A gate that found something else since was not waived for that. A canary's gates are no part of the validation.
    """
    acts = _frozen(context, bundle_sha256)
    try:
        last = current_pack(context, bundle_sha256) if acts else None
    except BrokenFile:
        last = None
    if last is None:
        return []
    before = {gate["name"]: gate for gate in last.body["gates"]}
    now = {gate["name"]: gate for gate in _gates(validation)}
    return [
        dict(waiver)
        for waiver in last.body["waivers"]
        if waiver["gate"] not in before or before[waiver["gate"]] == now.get(waiver["gate"])
    ]


def tag_version(context: Context, version: ModelVersion, pack: Pack, approvals: Sequence[Mapping[str, str]]) -> None:
    """Say with the version on which evidence it stands, in words that a reader of the registry understands."""
    tags = {
        VALIDATION_TAG: str(pack.body["verdict"]),
        EVIDENCE_TAG: pack.sha256,
        DATA_TAG: str(pack.body["data_sha256"]),
        WAIVERS_TAG: waivers_in_words(pack, context.clock.now().date()),
        APPROVALS_TAG: "; ".join(f"{one['by']}, {one['at'][:10]}" for one in approvals),
    }
    changed = {name: value for name, value in tags.items() if version.tags.get(name) != value}
    if changed:
        context.registry.tag(context.book.name, version.version, changed)


def waivers_in_words(pack: Pack, on: date) -> str:
    return "; ".join(f"{one['gate']} by {one['by']} until {one['until']}" for one in open_waivers(pack, on))


def version_of(context: Context, bundle_sha256: str) -> ModelVersion | None:
    known = context.registry.versions(context.book.name)
    return next((version for version in known if version.bundle_sha256 == bundle_sha256), None)


def code_sha256() -> str:
    """Of this package's own source files, whatever its version number says."""
    root = Path(creditrisk.__file__).parent
    paths = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sha256_of_folder({path.relative_to(root).as_posix(): sha256_of_file(path) for path in sorted(paths)})


def _gates(validation: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{key: gate[key] for key in ("name", "verdict", "reason", "can_be_waived")} for gate in validation["gates"]]


def _files(reports: Path, validation: Mapping[str, Any], lineage: Mapping[str, Any]) -> dict[str, bytes]:
    """Every report, page and plot that is there, by its name relative to `reports`.

    Rows of single applicants (test_predictions.parquet) are named in the lineage and not copied: retention applies.
    """
    judged = [name for name in (*validation["inputs"], *validation["problems"]) if name.endswith(".json")]
    plots = [path.relative_to(reports).as_posix() for folder in PLOTS for path in (reports / folder).glob("*")]
    names = (*judged, VALIDATION, *BESIDE_THE_GATES, *PAGES, *plots)
    found = {name: (reports / name).read_bytes() for name in names if (reports / name).is_file()}
    return dict(sorted({**found, LINEAGE: spelled(lineage)}.items()))


def spelled(report: Mapping[str, Any]) -> bytes:
    """As `write_json` writes it."""
    return (json.dumps(report, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def _lineage(path: Path) -> dict[str, Any]:
    """Without what came later: judged again after it was registered, a model has the same evidence. {}: there is none.

    The gate `lineage` has said by now what is wrong with it.
    """
    try:
        told = read_json(path)
        nodes = nodes_of(told, str(path))
    except CreditRiskError:
        return {}
    kept = {name: node.as_json() for name, node in nodes.items() if node.step not in ("validate", "register")}
    return {**told, "nodes": kept}


def _same_as_last(
    context: Context, acts: Sequence[Mapping[str, Any]], body: Mapping[str, Any], files: Mapping[str, bytes]
) -> Pack | None:
    """The last pack, where it says the same but for times and actors; None where it cannot be believed."""
    if not acts:
        return None
    try:
        last = current_pack(context, str(body["bundle_sha256"]))
    except BrokenFile:
        return None
    of_its_own = ("files", "number", "before", "meta")
    told = [{key: value for key, value in one.items() if key not in of_its_own} for one in (last.body, body)]
    kept = {name: (last.folder / name).read_bytes() for name in last.body["files"]}
    return last if told[0] == told[1] and _marks(kept) == _marks(files) else None


def _marks(files: Mapping[str, bytes]) -> dict[str, str]:
    """{name: sha256}, of a report without its `meta`."""
    return {
        name: sha256_of(json.loads(content)) if name.endswith(".json") else hashlib.sha256(content).hexdigest()
        for name, content in files.items()
    }


def _frozen(context: Context, bundle_sha256: str) -> list[dict[str, Any]]:
    return acts_about(context.workspace.audit, Act.EVIDENCE_FROZEN, book=context.book.name, bundle=bundle_sha256)


def _model_folder(context: Context, bundle_sha256: str) -> Path:
    return context.folder.bundle(bundle_sha256).parent
