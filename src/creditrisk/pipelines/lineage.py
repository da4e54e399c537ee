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
    context: Context, step: str, *, made: Mapping[str, Path], by: Mapping[str, str], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Note that `step` made these files; what later steps once made from older ones is forgotten.

    by: {name: sha256} of what is not a data file: SQL texts, the book, the raw files.
    facts: rows, columns and other figures that do not change from run to run.
    """
    steps = {} if step == STEPS[0] else _known(context, before=step)
    steps[step] = {
        "made": {name: sha256_of_file(path) for name, path in made.items()},
        "by": dict(by),
        "facts": dict(facts),
    }
    return context.report(LINEAGE, {"steps": steps}, inputs={})


def need_unchanged(context: Context, step: str, files: Mapping[str, Path]) -> None:
    """Raises Refused unless these files are, to the byte, what `step` made last."""
    made = _known(context, before=None).get(step, {}).get("made", {})
    for name, path in files.items():
        if not path.is_file() or name not in made or sha256_of_file(path) != made[name]:
            raise Refused(
                f"{path.name} is not what the stage {step} made last",
                where=str(path),
                hint=f"run the stage again: creditrisk {step} {context.book.name}",
            )


def _known(context: Context, *, before: str | None) -> dict[str, Any]:
    path = context.folder.report(LINEAGE)
    steps: dict[str, Any] = read_json(path)["steps"] if path.is_file() else {}
    kept = STEPS if before is None else STEPS[: STEPS.index(before)]
    return {name: value for name, value in steps.items() if name in kept}
