"""How long `creditrisk rollback` takes, beside a Python that only imports MLflow's client. Goal: 2 s.

Runs on copies of a workspace in which the book has a version behind `production` and one behind `previous`: the
registry in its own SQLite file, the ledger and the chain as they are. Without one, a tiny book is taken to production
twice first, by the commands that people type. The best of several runs counts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

from creditrisk.cli import main as creditrisk
from creditrisk.config import load_book
from tests.support.tiny_book import write_tiny_book
from tests.support.tiny_run import write_tiny_raw

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
        command = str(Path(sys.executable).with_name("creditrisk"))
        wall = seconds_of([command, "rollback", book, "--note", "a benchmark", "--workspace", str(copy)])
        told = json.loads((copy / name / "reports" / "registry_transition.json").read_text(encoding="utf-8"))
        assert told["move"]["act"] == "rolled_back"
        return wall


def twice_in_production(folder: Path) -> tuple[Path, str]:
    """(workspace, book) with a second version behind `production` and the first behind `previous`."""
    book, raw = write_tiny_book(folder / "book"), write_tiny_raw(folder / "raw", rows=2400)
    workspace, until = folder / "workspace", (datetime.now(UTC) + timedelta(days=30)).date().isoformat()

    def done(*words: str) -> None:
        code = creditrisk([*words, "--workspace", str(workspace), "--json"])
        assert code == 0, words

    few_rows = ["--set", "training.parameters.xgboost.min_child_weight=1"]
    done("keys", "new", "ben")
    for version, rounds in (("1", "30"), ("2", "25")):
        rounds_set = ["--set", f"training.parameters.xgboost.rounds={rounds}"]
        done("run", str(book), "--raw", str(raw), "--by", "ann", *few_rows, *rounds_set)
        done("canary", str(book), "--by", "ann")
        reports = workspace / "tiny" / "reports"
        gates = json.loads((reports / "evidence_pack.json").read_text())["gates"]
        of_canary = json.loads((reports / "canary_report.json").read_text())["gates"]
        named = [gate["name"] for gate in gates if gate["verdict"] != "pass" and gate["can_be_waived"]]
        named += [f"canary_{gate['name']}" for gate in of_canary if gate["verdict"] != "pass"]
        asked = [word for name in named for word in ("--gate", name)]
        done("waive", str(book), *asked, "--because", "a benchmark", "--until", until, "--by", "ann")
        done("approve", str(book), "--version", version, "--by", "ben", "--note", "a benchmark")
        done("promote", str(book), "--version", version, "--to", "production", "--by", "ben")
    return workspace, str(book)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, help="one with a version behind `previous`")
    parser.add_argument("--book", default="lending_club", help="a name, or a book's folder")
    parser.add_argument("--quick", action="store_true", help="3 runs each instead of 10")
    asked = parser.parse_args()
    runs = 3 if asked.quick else 10
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        at = (asked.workspace, asked.book) if asked.workspace else twice_in_production(Path(folder))
        ours = min(rolled_back(*at) for _ in range(runs))
    bare = min(seconds_of([sys.executable, "-c", "import mlflow.client"]) for _ in range(runs))
    print(f"creditrisk rollback   {ours:.2f} s; goal {GOAL_S:g} s: {'met' if ours <= GOAL_S else 'missed'}")
    print(f"import mlflow.client  {bare:.2f} s; ratio {ours / bare:.2f}   (best of {runs})")
    return 0 if ours <= GOAL_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
