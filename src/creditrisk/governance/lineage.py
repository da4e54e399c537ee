"""Which bytes stand behind which: a graph of what a run read and made, each node with its hash and its makings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from creditrisk.errors import BrokenFile
from creditrisk.kinds import SCHEMA_VERSION


class NodeKind(StrEnum):
    """What a node is. Only `raw` and what the book says come from outside; the others can be made again from those."""

    RAW = "raw"
    BOOK = "book"
    CONTRACT = "contract"
    SQL = "sql"
    TABLE = "table"
    PLOTS = "plots"
    BUNDLE = "bundle"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Node:
    """One file or folder.

    sha256: of the bytes; of a folder over its files, of a report without its `meta`, of the book over what it says.
    step: the stage that read or made it.  made_from: names of nodes.  file: its place, from the book's folder in the
    workspace; of a raw file its name, of SQL and contracts their place in the book.
    uri, version: of a raw file that was fetched, at its source.
    """

    kind: NodeKind
    sha256: str
    step: str = ""
    made_from: tuple[str, ...] = ()
    file: str = ""
    rows: int | None = None
    bytes: int | None = None
    uri: str | None = None
    version: str | None = None

    def as_json(self) -> dict[str, Any]:
        told = {"kind": self.kind.value, "sha256": self.sha256, "step": self.step, "file": self.file}
        numbers = {"rows": self.rows, "bytes": self.bytes, "uri": self.uri, "version": self.version}
        return {
            **told,
            "made_from": sorted(self.made_from),
            **{name: value for name, value in numbers.items() if value is not None},
        }


_SHA256 = re.compile(r"[0-9a-f]{64}")

FROM_OUTSIDE = frozenset({NodeKind.RAW, NodeKind.BOOK, NodeKind.CONTRACT, NodeKind.SQL})
"""What nothing here was made from, and what no model may be without."""

type Nodes = Mapping[str, Node]


def nodes_of(report: Mapping[str, Any], where: str) -> dict[str, Node]:
    """The graph in a data_lineage.json. Raises BrokenFile for anything else."""
    try:
        if report["schema_version"] > SCHEMA_VERSION:
            raise BrokenFile("a newer version of creditrisk wrote it", where=where, hint="use that version")
        return {name: _node(told) for name, told in report["nodes"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenFile("this is no lineage", where=where, hint="restore it, or train again") from error


def _node(told: Mapping[str, Any]) -> Node:
    known = {**told, "kind": NodeKind(told["kind"]), "made_from": tuple(told["made_from"])}
    return Node(**known)


def behind(nodes: Nodes, names: Iterable[str]) -> dict[str, Node]:
    """These nodes and everything that they were made from, however far back. A name that is not there is left out."""
    found: dict[str, Node] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in nodes and name not in found:
            found[name] = nodes[name]
            waiting.extend(nodes[name].made_from)
    return {name: nodes[name] for name in nodes if name in found}


def raw_behind(nodes: Nodes, name: str) -> dict[str, Node]:
    """The raw files that a node was made from in the end."""
    return {at: node for at, node in behind(nodes, [name]).items() if node.kind is NodeKind.RAW}


def gaps(nodes: Nodes, bundle_sha256: str) -> list[str]:
    """Why the graph does not tell everything that stands behind this bundle, each in a sentence; [] when it does."""
    told = []
    for name, node in nodes.items():
        if not _SHA256.fullmatch(node.sha256):
            told.append(f"{name} has no sha256")
        told += [f"{name} was made from {other}, which is not there" for other in node.made_from if other not in nodes]
        if not node.made_from and node.kind not in FROM_OUTSIDE:
            told.append(f"what {name} was made from is not told")
    bundle = nodes.get("bundle")
    if bundle is None:
        return [*told, "no bundle is named"]
    if bundle.sha256 != bundle_sha256:
        told.append(f"it is about the model {bundle.sha256[:16]}, not {bundle_sha256[:16]}")
    kinds = {node.kind for node in behind(nodes, ["bundle"]).values()}
    return told + [f"no {kind.value} stands behind the bundle" for kind in sorted(FROM_OUTSIDE - kinds)]
