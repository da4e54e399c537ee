"""data_lineage.json: which bytes stand behind which, from raw file to bundle. Each stage adds its own step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from creditrisk.errors import Refused
from creditrisk.files import read_json
from creditrisk.kinds import sha256_of_file
from creditrisk.pipelines.context import Context

LINEAGE = "data_lineage.json"
STEPS = ("ingest", "features", "split", "train", "evaluate")


def add_step(
    context: Context, step: str, *, made: Mapping[str, Path | str], by: Mapping[str, str], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Note that `step` made these files; what later steps once made from older ones is forgotten.

    made: {name: file, or its sha256 where it is known already}.
    by: {name: sha256} of what is not a data file: SQL texts, the book, the raw files.
    facts: rows, columns and other figures that do not change from run to run.
    """
    steps = {} if step == STEPS[0] else _known(context, before=step)
    steps[step] = {
        "made": {name: sha256_of_file(file) if isinstance(file, Path) else file for name, file in made.items()},
        "by": dict(by),
        "facts": dict(facts),
    }
    return context.report(LINEAGE, {"steps": steps}, inputs={})


def need_unchanged(context: Context, step: str, files: Mapping[str, Path]) -> dict[str, str]:
    """The files' sha256. Raises Refused unless they are, to the byte, what `step` made last."""
    made = _known(context, before=None).get(step, {}).get("made", {})
    hashes: dict[str, str] = {}
    for name, path in files.items():
        hashes[name] = sha256_of_file(path) if path.is_file() else ""
        if not hashes[name] or hashes[name] != made.get(name):
            raise Refused(
                f"{path.name} is not what the stage {step} made last",
                where=str(path),
                hint=f"run the stage again: creditrisk {step} {context.book.name}",
            )
    return hashes


def _known(context: Context, *, before: str | None) -> dict[str, Any]:
    path = context.folder.report(LINEAGE)
    steps: dict[str, Any] = read_json(path)["steps"] if path.is_file() else {}
    kept = STEPS if before is None else STEPS[: STEPS.index(before)]
    return {name: value for name, value in steps.items() if name in kept}
