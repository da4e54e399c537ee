"""Writes each `run:` of the workflows into a file of its own, so that shellcheck can read it.

python -m scripts.run_blocks DIR WORKFLOW...
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml


def run_blocks(workflow: Path) -> Iterator[tuple[str, str]]:
    """(name of job and step, script) of each step that has one."""
    for job, told in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].items():
        for number, step in enumerate(told.get("steps", ())):
            if "run" in step:
                yield f"{workflow.stem}.{job}.{number}", step["run"]


def main(folder: Path, workflows: list[Path]) -> None:
    """GitHub runs them by `bash -e -o pipefail` where the workflow says `shell: bash`, as ours do."""
    for workflow in workflows:
        for name, script in run_blocks(workflow):
            (folder / f"{name}.sh").write_text(f"#!/bin/bash\nset -eo pipefail\n{script}", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
