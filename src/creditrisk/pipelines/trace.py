"""Answers from the lineages: which raw bytes stand behind a model, which models came from which bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creditrisk.errors import BadUsage, MissingInput, Refused, did_you_mean
from creditrisk.files import read_json
from creditrisk.governance.lineage import Node, NodeKind, behind, nodes_of, raw_behind
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import LINEAGE, current, kept_with, sha256_now

_HASH = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Kept:
    """One lineage as it was written. raw: the folder in which the raw files lay then."""

    path: Path
    made_at: str
    actor: str
    raw: Path
    nodes: Mapping[str, Node]

    def as_json(self) -> dict[str, Any]:
        return {
            "lineage": str(self.path),
            "made_at": self.made_at,
            "actor": self.actor,
            "nodes": {name: node.as_json() for name, node in self.nodes.items()},
        }


def of_model(context: Context, model: str | None, *, verify: bool = False) -> dict[str, Any]:
    """What stands behind a model: {"bundle_sha256", "lineages"}, each with its raw files.

    model: a version number of the registry, or the first 8 or more letters of a bundle's hash; None = the latest run,
    with its reports.  verify: also what each file is now, under `files`.
    Raises BadUsage for a model that nothing is known of, MissingInput where no lineage was kept.
    """
    if model is None:
        path = context.folder.report(LINEAGE)
        lineages = [_kept(path)]
        bundle = lineages[0].nodes.get("bundle")
        sha256 = bundle.sha256 if bundle else None
    else:
        folder = _model_folder(context, model)
        lineages = [_kept(path) for path in kept_with(folder)]
        if not lineages:
            raise MissingInput("no lineage was kept with this model", where=str(folder), hint="train it again")
        sha256 = lineages[0].nodes["bundle"].sha256
    return {
        "book": context.book.name,
        "bundle_sha256": sha256,
        "lineages": [
            {
                **kept.as_json(),
                "raw": _raw(raw_behind(kept.nodes, "bundle") if sha256 else kept.nodes),
                **({"files": _files(context, kept, whole=model is None)} if verify else {}),
            }
            for kept in lineages
        ],
    }


def of_raw(context: Context, raw: str) -> dict[str, Any]:
    """Which models were made from these bytes: {"sha256", "models", "without_lineage"}.

    raw: a file, or the first 8 or more letters of its sha256. `without_lineage` names models that cannot be asked.
    """
    path = Path(raw)
    sha256 = sha256_of_file(path) if path.is_file() else raw.lower()
    if not _HASH.fullmatch(sha256):
        raise BadUsage(
            f'"{raw}" is neither a file nor a sha256', hint="give the file, or 8 or more letters of its hash"
        )
    versions = {known.bundle_sha256: known for known in context.registry.versions(context.book.name)}
    models, silent = [], []
    for folder in _model_folders(context):
        kept = [_kept(path) for path in kept_with(folder)]
        if not kept:
            silent.append(folder.name)
        for lineage in kept:
            found = {
                name: node for name, node in raw_behind(lineage.nodes, "bundle").items()
                if node.sha256.startswith(sha256)
            }  # fmt: skip
            if found:
                bundle = lineage.nodes["bundle"].sha256
                known = versions.get(bundle)
                models.append(
                    {
                        "bundle_sha256": bundle,
                        "version": known.version if known else None,
                        "aliases": list(known.aliases) if known else [],
                        "made_at": lineage.made_at,
                        "actor": lineage.actor,
                        "raw": _raw(found),
                    }
                )
    models.sort(key=lambda model: str(model["made_at"]))
    return {"book": context.book.name, "sha256": sha256, "models": models, "without_lineage": silent}


def need_all_here(answer: Mapping[str, Any]) -> None:
    """Raises Refused when a file that `of_model` looked at is gone or is another one."""
    wrong = [
        f"{file['name']} {file['state']}"
        for lineage in answer["lineages"]
        for file in lineage["files"]
        if file["state"] in ("differs", "gone")
    ]
    if wrong:
        raise Refused(
            f"{len(wrong)} of the files are no longer what they were: {', '.join(wrong[:5])}"
            + (" ..." if len(wrong) > 5 else ""),
            where=str(answer["lineages"][0]["lineage"]),
            hint="restore them from a copy; what a stage made can be made again from the raw files",
        )


def _raw(nodes: Mapping[str, Node]) -> list[dict[str, Any]]:
    return [
        {"file": node.file, "sha256": node.sha256, "bytes": node.bytes, "uri": node.uri, "version": node.version}
        for node in nodes.values()
        if node.kind is NodeKind.RAW
    ]


def _files(context: Context, kept: Kept, *, whole: bool) -> list[dict[str, str]]:
    """Each node with a file, and its state: `as it was`, `replaced` by a later run, `differs`, `gone`.

    Raw files and the bundle are never replaced: what cannot be made again must be what it was.
    """
    latest = current(context)
    nodes = kept.nodes if whole else behind(kept.nodes, ["bundle"])
    told = []
    for name, node in nodes.items():
        if node.kind is NodeKind.BOOK:
            continue
        found = _sha256_now(context, kept, node)
        state = "as it was" if found == node.sha256 else "differs" if found else "gone"
        again = node.kind not in (NodeKind.RAW, NodeKind.BUNDLE)
        if state == "differs" and again and name in latest and latest[name].sha256 == found:
            state = "replaced"
        told.append({"name": name, "kind": node.kind.value, "sha256": node.sha256, "state": state})
    return told


def _sha256_now(context: Context, kept: Kept, node: Node) -> str | None:
    """None when it is gone. A damaged file has a hash of no meaning, but it has one."""
    try:
        match node.kind:
            case NodeKind.RAW:
                return sha256_of_file(kept.raw / node.file)
            case NodeKind.SQL | NodeKind.CONTRACT:
                return _of_book(context, kept, node)
            case _:
                return sha256_now(context, node)
    except (OSError, StopIteration):
        return None


def _of_book(context: Context, kept: Kept, node: Node) -> str:
    """As the bundle carries it, which is what the model was made with; before there is one, as the book has it."""
    bundle = kept.nodes.get("bundle")
    folders = [context.folder.root / bundle.file] if bundle else []
    path = next(path for folder in (*folders, context.book.folder) if (path := folder / node.file).is_file())
    if node.kind is NodeKind.SQL:
        return hashlib.sha256(path.read_text(encoding="utf-8").encode()).hexdigest()
    return sha256_of_file(path)


def _kept(path: Path) -> Kept:
    told = read_json(path)
    nodes = nodes_of(told, str(path))
    meta = told.get("meta", {})
    return Kept(
        path, str(meta.get("created_at", "")), str(meta.get("actor", "")), Path(str(meta.get("raw", ""))), nodes
    )


def _model_folders(context: Context) -> Iterator[Path]:
    models = context.folder.models
    yield from sorted(path for path in models.glob("*") if _HASH.fullmatch(path.name)) if models.is_dir() else ()


def _model_folder(context: Context, model: str) -> Path:
    sha256 = model.lower()
    if model.isdigit() and len(model) < 8:
        versions: Sequence[Any] = context.registry.versions(context.book.name)
        numbers = {str(known.version): known.bundle_sha256 for known in versions}
        if model not in numbers:
            raise BadUsage(f"{context.book.name} has no version {model}", hint=did_you_mean(model, numbers))
        sha256 = numbers[model]
    found = [folder for folder in _model_folders(context) if folder.name.startswith(sha256[:16])]
    if not _HASH.fullmatch(sha256) or len(found) != 1:
        known = [folder.name for folder in _model_folders(context)]
        raise BadUsage(
            f'no model "{model}" in this workspace' if not found else f'"{model}" could be several models',
            where=str(context.folder.models),
            hint=f"a version number, or 8 or more letters of a hash; {did_you_mean(model, known)}",
        )
    return found[0]
