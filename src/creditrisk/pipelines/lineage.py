"""data_lineage.json: which bytes stand behind which, from source to report. Each stage adds what it read and made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from creditrisk.config import Book
from creditrisk.errors import CreditRiskError, MissingInput, Refused
from creditrisk.files import read_json, write_json
from creditrisk.governance.lineage import Node, NodeKind, behind, nodes_of
from creditrisk.kinds import sha256_of, sha256_of_file, sha256_of_folder
from creditrisk.pipelines.context import Context

LINEAGE = "data_lineage.json"
STEPS = ("ingest", "check", "features", "split", "compare", "tune", "train", "evaluate", "validate", "register")
"""In the order of making; comparing and tuning stand beside the stages, and read what the split made."""


def add_step(context: Context, step: str, nodes: Mapping[str, Node]) -> dict[str, Any]:
    """Note what `step` read and made, with every report that it wrote.

    A step that made files forgets what later ones made from the older files.
    """
    forgets = any(node.file and node.kind is not NodeKind.REPORT for node in nodes.values())
    gone = STEPS[STEPS.index(step) :] if forgets else (step,)
    known = {name: node for name, node in current(context).items() if node.step not in gone}
    known |= {name: replace(node, step=step) for name, node in nodes.items()}
    for name, report in context.written.items():
        known[f"reports/{name}"] = Node(
            NodeKind.REPORT,
            sha256_of(report),
            step,
            tuple(_named(report["inputs"], known)),
            f"reports/{name}",
        )
    report = context.report(
        LINEAGE,
        {
            "nodes": {name: node.as_json() for name, node in known.items()},
            "meta": {"raw": str(context.raw.resolve())},
        },
        inputs={},
    )
    context.written.clear()
    return report


def current(context: Context) -> dict[str, Node]:
    """The graph of the latest run; {} before the first, and where a version before graphs wrote it."""
    path = context.folder.report(LINEAGE)
    told = read_json(path) if path.is_file() else {}
    return nodes_of(told, str(path)) if "nodes" in told else {}


def keep_with_bundle(context: Context, sha256: str) -> str:
    """The lineage up to this bundle, beside it, for good; returns its hash.

    The same model may come from other bytes, of which it sees nothing: those get a file of their own.
    """
    told = read_json(context.folder.report(LINEAGE))
    nodes = current(context)
    reports = [name for name, node in nodes.items() if node.kind is NodeKind.REPORT]
    told["nodes"] = {name: node.as_json() for name, node in behind(nodes, ["bundle", *reports]).items()}
    mark, folder = sha256_of(told), context.folder.bundle(sha256).parent
    if all(sha256_of(read_json(path)) != mark for path in kept_with(folder)):
        name = f"data_lineage-{mark[:16]}.json" if (folder / LINEAGE).exists() else LINEAGE
        write_json(folder / name, told)
    return mark


def kept_with(model: Path) -> list[Path]:
    """The lineages of one model, models/<hash>, the first one first."""
    return sorted(model.glob("data_lineage*.json"), key=lambda path: (path.name != LINEAGE, path.name))


def need_unchanged(context: Context, step: str, files: Mapping[str, Path]) -> dict[str, str]:
    """The files' sha256. Raises Refused unless they are, to the byte, what `step` made last."""
    made = {name: node.sha256 for name, node in current(context).items() if node.step == step}
    hashes: dict[str, str] = {}
    for name, path in files.items():
        hashes[name] = sha256_of_file(path) if path.is_file() else ""
        if not hashes[name] or hashes[name] != made.get(name):
            raise Refused(
                f"{path.name} is not what the stage {step} made last"
                if path.is_file()
                else f"there is no {path.name}: the stage {step} makes it",
                where=str(path),
                hint=f"run the stage{' again' if path.is_file() else ''}: creditrisk {step} {context.book.name}",
            )
    return hashes


def sha256_now(context: Context, node: Node) -> str | None:
    """Of a table, a report, plots or the bundle as they lie there; None when it is gone, another hash when damaged."""
    from creditrisk.modelling import load_bundle

    path = context.folder.root / node.file
    try:
        match node.kind:
            case NodeKind.BUNDLE:
                return load_bundle(path).sha256
            case NodeKind.REPORT:
                return sha256_of(read_json(path))
            case NodeKind.PLOTS:
                return sha256_of_folder({file.name: sha256_of_file(file) for file in path.iterdir()})
            case _:
                return sha256_of_file(path)
    except (OSError, MissingInput):
        return None
    except CreditRiskError:
        return "damaged"


def table_node(context: Context, path: Path, *made_from: str, rows: int | None = None, sha256: str = "") -> Node:
    """A Parquet file in the workspace. sha256: where it is known already."""
    place = path.relative_to(context.folder.root).as_posix()
    return Node(NodeKind.TABLE, sha256 or sha256_of_file(path), "", made_from, place, rows)


def plots_node(context: Context, folder: Path, *made_from: str) -> Node:
    files = {path.name: sha256_of_file(path) for path in sorted(folder.iterdir()) if path.is_file()}
    place = folder.relative_to(context.folder.root).as_posix()
    return Node(NodeKind.PLOTS, sha256_of_folder(files), "", made_from, place)


def book_nodes(book: Book) -> dict[str, Node]:
    """The book as a whole, and the SQL that makes features and target."""
    target = [book.sql_file(book.portfolio.target.sql)] if book.portfolio.target.sql else []
    files = {f"sql/{file.name}": file for file in (*book.sql, *target)}
    return {
        "book": Node(NodeKind.BOOK, book.sha256),
        **{name: Node(NodeKind.SQL, file.sha256, file=f"{name}.sql") for name, file in files.items()},
    }


def book_as_read(context: Context, step: str) -> tuple[str, dict[str, Node]]:
    """The name of the node of the book as it is now, and the node where the graph does not have it yet.

    A cut-off may change after the features were made: what is learnt then is made from another book than they were.
    """
    known, node = current(context).get("book"), Node(NodeKind.BOOK, context.book.sha256)
    if known is not None and known.sha256 == node.sha256:
        return "book", {}
    name = "book" if known is None else f"book/{step}"
    return name, {name: node}


def _named(inputs: Mapping[str, str], nodes: Mapping[str, Node]) -> list[str]:
    """The nodes that a report's inputs are: by name, else by bytes."""
    by_hash = {node.sha256: name for name, node in nodes.items()}
    return sorted(
        {
            f"reports/{name}" if f"reports/{name}" in nodes else by_hash[sha256]
            for name, sha256 in inputs.items()
            if f"reports/{name}" in nodes or sha256 in by_hash
        }
    )
