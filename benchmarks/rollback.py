"""How long `creditrisk rollback` takes, beside a Python that only imports MLflow's client. Goal: 2 s.

Runs on copies of a workspace in which the book has a version behind `production` and one behind `previous`: the
registry in its own SQLite file, the ledger and the chain as they are. The best of several runs counts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from creditrisk.config import load_book

GOAL_S = 2.0


def seconds_of(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - started


def rolled_back(workspace: Path, book: str) -> float:
    """Of one rollback in a fresh copy, without what a rollback does not read."""
    name = load_book(book).name
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "workspace"
        shutil.copytree(workspace, copy, ignore=shutil.ignore_patterns("data", "mlartifacts", "demo", "decisions.*"))
        creditrisk = str(Path(sys.executable).with_name("creditrisk"))
        wall = seconds_of([creditrisk, "rollback", book, "--note", "a benchmark", "--workspace", str(copy)])
        told = json.loads((copy / name / "reports" / "registry_transition.json").read_text(encoding="utf-8"))
        assert told["move"]["act"] == "rolled_back"
        return wall


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--book", required=True, help="a name, or a book's folder")
    parser.add_argument("--quick", action="store_true", help="3 runs each instead of 10")
    asked = parser.parse_args()
    runs = 3 if asked.quick else 10
    ours = min(rolled_back(asked.workspace, asked.book) for _ in range(runs))
    bare = min(seconds_of([sys.executable, "-c", "import mlflow.client"]) for _ in range(runs))
    print(f"creditrisk rollback   {ours:.2f} s; goal {GOAL_S:g} s: {'met' if ours <= GOAL_S else 'missed'}")
    print(f"import mlflow.client  {bare:.2f} s; ratio {ours / bare:.2f}   (best of {runs})")
    return 0 if ours <= GOAL_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
