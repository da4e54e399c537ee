"""One table: our figures, what users would pick instead, the ratio, and what is promised.

python -m benchmarks [--quick] [--only LINE]... [--real FOLDER] [--results FOLDER] [--keep FOLDER]
python -m benchmarks --history [--results FOLDER]

Invented Home Credit at the real files' size (58 million child rows; --quick: a fiftieth of it, judged by nobody) and,
where CREDITRISK_REAL_DATA or --real names them, the real LendingClub loans. References are public tools in the same run
on the same rows. Writes benchmarks/results/<day>-<time>-<mode>.json with machine, versions and commit, and a page of
the same; --history prints each figure over all of them. Ratios hold from machine to machine, seconds do not.
Exit code 1 when something promised is missed at full size, and the line says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow.parquet as pq

from benchmarks import figures
from benchmarks.costs import REPOSITORY
from benchmarks.figures import Figure
from creditrisk.stats import calibration_line, roc_auc

RESULTS = REPOSITORY / "benchmarks" / "results"
FULL_ROWS, QUICK_ROWS = 307_511, 6_000
PACKAGES = ("creditrisk", "duckdb", "pyarrow", "numpy", "xgboost-cpu", "pandas", "pandera", "imbalanced-learn",
            "scikit-learn", "evidently", "mlflow", "fastapi", "uvicorn", "sqlalchemy")  # fmt: skip


@dataclass(frozen=True)
class Run:
    """Where this run works, and how large it is."""

    work: Path
    quick: bool
    real: Path | None

    @property
    def rows(self) -> int:
        return QUICK_ROWS if self.quick else FULL_ROWS

    def benchmark(self, module: str, *options: str) -> Any:
        """What one of them writes as JSON."""
        out = self.work / f"{module}.json"
        out.unlink(missing_ok=True)
        size = ["--quick"] if self.quick and "--rows" not in options else []
        command = [sys.executable, "-m", f"benchmarks.{module}", *size, *options, "--json", str(out)]
        print(f"== {module} {' '.join(options)}", file=sys.stderr)
        subprocess.run(command, cwd=REPOSITORY, check=False, stdout=sys.stderr)
        if not out.is_file():
            raise SystemExit(f"benchmarks.{module} wrote nothing; its last words are above")
        return json.loads(out.read_text(encoding="utf-8"))

    def reference(self, way: str, *paths: Path) -> Path:
        """The file that one of benchmarks/references.py wrote."""
        out = self.work / f"{way}.parquet"
        command = [sys.executable, "-m", "benchmarks.references", way, *map(str, paths), str(out)]
        print(f"== reference {way}", file=sys.stderr)
        subprocess.run(command, cwd=REPOSITORY, check=True)
        return out

    def raw(self, rows: int) -> Path:
        """Invented Home Credit of that many applications, made once."""
        folder = self.work / f"raw-{rows}"
        if not (folder / "truth").is_dir():
            from creditrisk.demo import write_demo

            print(f"== inventing {rows:,} applications", file=sys.stderr)
            write_demo("home_credit", folder, rows=rows)
        return folder


def feature_table(run: Run) -> Iterable[Figure]:
    told = {
        name: run.benchmark("feature_table", "--pandas", "--raw", str(run.raw(rows)), "--rows", str(rows))
        for name, rows in (("tenth", run.rows // 10), ("full", run.rows))
    }
    return figures.feature_table(told)


def quality(run: Run) -> Iterable[Figure]:
    work = run.work / "quality"
    rows = max(run.rows, 20_000)  # fewer have too few bads to tell anything
    options = ["--only", "invented", "--raw", str(run.raw(rows)), "--rows", str(rows)]
    if run.real is not None:
        options += ["--only", "lending_club"]
    told = run.benchmark("model_quality", "--work", str(work), *options)
    processed = work / "invented" / "home_credit" / "data" / "processed"
    y, pd = _pds(run.reference("smote", processed))
    true = told["invented"]["true"]["mean_pd"]
    told["smote"] = float(np.mean(pd)) / true
    if run.real is not None:
        y, pd = _pds(run.reference("boosting", run.real / "lending_club" / "accepted_2007_2011_full.csv.gz"))
        told["boosting"] = {
            "roc_auc": roc_auc(y, pd),
            "mean_pd_to_rate": float(np.mean(pd) / np.mean(y)),
            "slope": calibration_line(y, pd).slope,
        }
    return figures.quality(told)


def _pds(path: Path) -> tuple[Any, Any]:
    table = pq.read_table(path)
    return table["target"].to_numpy().astype(np.float64), table["pd"].to_numpy().astype(np.float64)


LINES: Mapping[str, Callable[[Run], Iterable[Figure]]] = {
    "features": feature_table,
    "quality": quality,
    "http": lambda run: figures.over_http(run.benchmark("serving")),
    "one-row": lambda run: figures.in_process(run.benchmark("one_row")),
    "batch": lambda run: figures.in_batch(run.benchmark("batch")),
    "drift": lambda run: figures.drifted(run.benchmark("drift", "--only", "ours", "--only", "evidently")),
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="minutes instead of an hour; nothing is judged")
    options.add_argument("--only", choices=LINES, action="append", help="this line; repeatable")
    options.add_argument("--real", type=Path, default=os.environ.get("CREDITRISK_REAL_DATA"), metavar="FOLDER",
                         help="real loans; CREDITRISK_REAL_DATA where not given")  # fmt: skip
    options.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER", help="where results are kept")
    options.add_argument("--keep", type=Path, metavar="FOLDER", help="work here and leave it, to use it again")
    options.add_argument("--history", action="store_true", help="measure nothing; print what was measured before")
    chosen = options.parse_args(arguments)
    if chosen.history:
        return show_history(chosen.results)
    real = Path(chosen.real).resolve() if chosen.real else None
    if real is not None and not (real / "lending_club").is_dir():
        print(f"no lending_club in {chosen.real}: name the folder of the real loans, or unset CREDITRISK_REAL_DATA",
              file=sys.stderr)  # fmt: skip
        return 2
    with ExitStack() as stack:
        if chosen.keep:
            chosen.keep.mkdir(parents=True, exist_ok=True)
        work = chosen.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="creditrisk-table-")))
        told = measure(Run(work.resolve(), chosen.quick, real), chosen.only or list(LINES))
    path = keep(told, chosen.results)
    print(page(told))
    print(f"kept as {path} and beside it as a page")
    return 1 if any(one["reached"] is False for one in told["figures"]) and not chosen.quick else 0


def measure(run: Run, lines: Sequence[str]) -> dict[str, Any]:
    """Everything that is kept of one run."""
    begun = time.monotonic()
    told: dict[str, Any] = {
        "schema_version": 1,
        "mode": "quick" if run.quick else "full",
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": environment(),
        "left_out": [] if run.real else ["real LendingClub: neither --real nor CREDITRISK_REAL_DATA names the loans"],
        "figures": [],
    }
    for line in lines:
        for figure in LINES[line](run):
            reached = None if run.quick else figure.reached
            told["figures"].append({"line": line, **asdict(figure), "ratio": figure.ratio, "reached": reached})
    told["seconds"] = round(time.monotonic() - begun)
    return told


def environment() -> dict[str, Any]:
    """Machine and versions: what a reader needs to measure the same, and nothing that names whose machine it is."""
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True,
                            check=False).stdout.strip()  # fmt: skip
    changed = subprocess.run(["git", "status", "--porcelain", "--", "src", "benchmarks/*.py"], cwd=REPOSITORY,
                             capture_output=True, text=True, check=False).stdout.strip()  # fmt: skip
    return {
        "commit": f"{commit} and changes" if changed else commit,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def keep(told: Mapping[str, Any], results: Path) -> Path:
    """As JSON and as a page; never over another run's."""
    results.mkdir(parents=True, exist_ok=True)
    moment = datetime.fromisoformat(told["measured_at"])
    path = results / f"{moment:%Y-%m-%d-%H%M%S}-{told['mode']}.json"
    with path.open("x", encoding="utf-8") as stream:
        stream.write(json.dumps(told, indent=2) + "\n")
    path.with_suffix(".md").write_text(page(told), encoding="utf-8")
    return path


def page(told: Mapping[str, Any]) -> str:
    """The table as Markdown."""
    machine, words = told["environment"], {True: "reached", False: "**missed**", None: ""}
    lines = [
        f"# {told['mode'].capitalize()} benchmarks, {told['measured_at'][:10]}",
        "",
        f"Commit {machine['commit']}, Python {machine['python']}, {machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory_gb']} GB, load {machine['load_before']} before. {told['seconds']} s in all.",
        *(["", "Small sizes: start-up counts for much, and nothing is judged."] if told["mode"] == "quick" else []),
        *[f"\nLeft out: {one}." for one in told["left_out"]],
        "",
        "| what | unit | ours | reference | theirs | ratio | promised | |",
        "|---|---|---:|---|---:|---:|---|---|",
        *[
            f"| {one['name']} | {one['unit']} | {_number(one['ours'])} | {one['reference']} | {_number(one['theirs'])} "
            f"| {_number(one['ratio'])} | {one['wanted'].replace('x ', 'ratio ')} | {words[one['reached']]} |"
            for one in told["figures"]
        ],
        "",
        "Packages: " + ", ".join(f"{name} {number}" for name, number in machine["packages"].items()) + ".",
    ]
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def show_history(results: Path) -> int:
    """Each figure over all kept runs of its mode, oldest first."""
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("*.json"))]
    if not runs:
        print(f"nothing was measured yet: {results} is empty; python -m benchmarks --quick makes the first")
        return 0
    for mode in ("quick", "full"):
        of_mode = [run for run in runs if run["mode"] == mode]
        names = dict.fromkeys(_title(one) for run in of_mode for one in run["figures"])
        if of_mode:
            print(
                f"{mode}: {', '.join(run['measured_at'][:10] + ' ' + run['environment']['commit'] for run in of_mode)}"
            )
        for name in names:
            told = [{_title(one): one for one in run["figures"]}.get(name) for run in of_mode]
            shown = [_number(one["ratio"] or one["ours"]) if one else "-" for one in told]
            print(f"  {name:<90}{'  '.join(f'{one:>9}' for one in shown)}")
    return 0


def _title(one: Mapping[str, Any]) -> str:
    by = f", beside {one['reference']}" if one["reference"] else ""
    return f"{one['line']}: {one['name']}{by} ({'ratio' if one['ratio'] else one['unit']})"


if __name__ == "__main__":
    sys.exit(main())
