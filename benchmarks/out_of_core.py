"""Every stage of Home Credit on one machine, from CSVs to a model and decisions, at ten times the real files' size.

python -m benchmarks.out_of_core [--quick] [--raw FOLDER] [--rows 3075110] [--limit 1500MB] [--work FOLDER]
DuckDB has --limit and spills; training and evaluation take `split.rows_max` of the loans. 27 GB of CSV at full size and
as much again for what is written and spilled. Each stage runs in a process of its own; CPU seconds and peak memory are
what the operating system counted for it. Limits: 2 GB peak where DuckDB works; 6 GB where a model is made or judged,
which is what a machine of 8 GB has left.
Exit code 1 when one is missed at full size.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.costs import Cost, cost_of

FULL_ROWS, QUICK_ROWS = 3_075_110, 20_000
PEAK_MB_MAX: Mapping[str, int] = {
    "ingest": 2048, "check": 2048, "features": 2048, "split": 2048, "train": 6144, "evaluate": 6144, "score": 2048,
}  # fmt: skip


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} applications, judged by nobody")
    options.add_argument("--rows", type=int, default=FULL_ROWS)
    options.add_argument("--raw", type=Path, help="a folder that holds the seven tables already")
    options.add_argument("--limit", default="1500MB", help="of each DuckDB connection")
    options.add_argument("--work", type=Path, help="work here and leave it; otherwise a temporary folder")
    options.add_argument("--only", choices=PEAK_MB_MAX, action="append", help="this stage; repeatable")
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    rows = QUICK_ROWS if chosen.quick else chosen.rows
    with ExitStack() as stack:
        work = chosen.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="creditrisk-bench-")))
        raw = chosen.raw or work / "raw"
        if not (raw / "truth").is_dir():
            show("invent", invent(raw, rows))
        told = {stage: measured(stage, raw, work, chosen.limit) for stage in chosen.only or PEAK_MB_MAX}
        told["read"] = read(raw, work)
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    missed = [stage for stage, most in PEAK_MB_MAX.items() if stage in told and told[stage]["peak_mb"] > most]
    if missed and not chosen.quick:
        print(f"above their limit: {', '.join(missed)}")
    return 1 if missed and not chosen.quick else 0


def invent(raw: Path, rows: int) -> Cost:
    """The seven tables of so many applications."""
    script = (
        "import sys; from pathlib import Path; from creditrisk.demo import write_demo; "
        "write_demo('home_credit', Path(sys.argv[1]), rows=int(sys.argv[2]))"
    )
    return cost_of([sys.executable, "-c", script, str(raw), str(rows)])


def measured(stage: str, raw: Path, work: Path, limit: str) -> dict[str, float]:
    """The stage's cost, and the most that stood in the spill folder."""
    spill = work / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    workspace = work / "workspace"
    command = [sys.executable, "-m", "creditrisk.cli", stage, "home_credit", "--workspace", str(workspace), "--json"]
    if stage == "score":
        bundle = workspace / "home_credit" / "newest_bundle"
        decisions = work / "decisions.parquet"
        decisions.unlink(missing_ok=True)
        command += ["--input", str(raw), "--bundle", str(bundle), "--output", str(decisions)]
    elif stage == "ingest":
        command += ["--raw", str(raw)]
    with Watched(spill) as most:
        cost = cost_of(command, {"CREDITRISK_MEMORY_LIMIT": limit, "CREDITRISK_SPILL_FOLDER": str(spill)})
    show(stage, cost, most.mb)
    return {"cpu_s": cost["cpu_s"], "wall_s": cost["wall_s"], "peak_mb": cost["peak_mb"], "spilled_mb": most.mb}


class Watched:
    """The most megabytes that a folder held, looked at twice a second."""

    def __init__(self, folder: Path) -> None:
        self.mb = 0.0
        self._folder, self._over = folder, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.5):
            self.mb = max(self.mb, sum(_size(path) for path in self._folder.rglob("*")) / 2**20)


def _size(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:
        return 0  # taken away while we looked


def read(raw: Path, work: Path) -> dict[str, float]:
    """What was worked on: rows of all tables, gigabytes of CSV and of what was written."""
    bronze = sorted((work / "workspace" / "home_credit" / "data" / "bronze").glob("*.parquet"))
    rows = {path.stem: pq.read_metadata(path).num_rows for path in bronze}
    told = {
        "applications": float(rows.get("application", 0)),
        "child_rows": float(sum(number for name, number in rows.items() if name != "application")),
        "csv_gb": sum(path.stat().st_size for path in raw.glob("*.csv")) / 1e9,
        "bronze_gb": sum(path.stat().st_size for path in bronze) / 1e9,
    }
    print(", ".join(f"{name} {value:,.1f}" for name, value in told.items()))
    return told


def show(stage: str, cost: Cost, spilled_mb: float = 0.0) -> None:
    print(
        f"{stage:<10}{cost['cpu_s']:>9.1f} CPU s{cost['wall_s']:>9.1f} s{cost['peak_mb']:>8.0f} MB peak"
        f"{spilled_mb:>9.0f} MB spilled, at most {PEAK_MB_MAX.get(stage, '-')}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
