"""Home Credit's tables, CSV to typed bronze and through every contract, against a typed DuckDB scan of the same CSVs.

python -m benchmarks.bronze_full_size [--quick] [--raw FOLDER] [--rows 307511]
Each step runs in a process of its own; CPU seconds are those of the work, without starting Python.
Limits: bronze 2.5x and checks 1x the scan's CPU time (rows in quarantine count as checks); 2 GB peak. With --quick
they are printed and not judged: planning a query costs the same for few rows as for many.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FULL_ROWS = 307_511
QUICK_ROWS = 10_000
LIMITS = {"bronze": 2.5, "checks": 1.0}
PEAK_MB_MAX = 2048


def scan(raw: Path, work: Path) -> None:
    """Every cell of every table parsed to its type and counted, and nothing kept."""
    import duckdb

    from creditrisk.config import load_book
    from creditrisk.duck import sql_type

    book = load_book("home_credit")
    con = duckdb.connect(config={"memory_limit": "1500MB", "threads": 2, "temp_directory": str(work)})
    for name, table in book.portfolio.tables.items():
        path = raw / f"{table.file}.csv"
        types = {column.name: sql_type(column.type) for column in book.contracts[name].columns}
        with path.open(newline="") as stream:
            columns = {column: types.get(column, "VARCHAR") for column in next(csv.reader(stream))}
        con.execute(
            f"select count(columns(*)) from read_csv('{path}', columns = {columns}, auto_detect = false, "
            "header = true, delim = ',', quote = '\"', escape = '\"')"
        ).fetchall()


def bronze(raw: Path, work: Path) -> None:
    from creditrisk.config import MAIN, load_book
    from creditrisk.contracts import to_bronze
    from creditrisk.duck import DuckSettings
    from creditrisk.sources import fetch

    book = load_book("home_credit")
    for name, table in book.portfolio.tables.items():
        landed = fetch(table, table.file, raw, work / "landing")
        if landed is not None:
            entity = book.portfolio.entity if name == MAIN else None
            made = to_bronze(
                landed, book.contracts[name], work / f"{name}.parquet", settings=DuckSettings(), entity=entity
            )
            print(f"  {name:<24}{made.rows:>12,} rows{made.rejected:>8,} rejected", file=sys.stderr)


def checks(_: Path, work: Path) -> None:
    from creditrisk.config import load_book
    from creditrisk.contracts import check, quarantine
    from creditrisk.duck import DuckSettings

    book = load_book("home_credit")
    tables = {name: work / f"{name}.parquet" for name in book.portfolio.tables}
    found = quarantine(tables, book.contracts, book.portfolio, settings=DuckSettings())
    found += check(tables, book.contracts, book.portfolio, settings=DuckSettings())
    print(f"  {len(found)} findings", file=sys.stderr)


STEPS: dict[str, Callable[[Path, Path], None]] = {"scan": scan, "bronze": bronze, "checks": checks}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} applications")
    options.add_argument("--rows", type=int, default=FULL_ROWS, help="applications to invent")
    options.add_argument("--raw", type=Path, help="folder with the CSVs; otherwise they are invented")
    options.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.step:
        return _one_step(chosen.step, chosen.raw, chosen.work)
    with tempfile.TemporaryDirectory(prefix="creditrisk-bronze-") as folder:
        raw = chosen.raw or _invented(Path(folder) / "raw", QUICK_ROWS if chosen.quick else chosen.rows)
        within = _compare(raw, Path(folder))
    if chosen.quick:
        print("the limits are for the full size and are not judged here")
        return 0
    print("within the limits" if within else "NOT within the limits")
    return 0 if within else 1


def _invented(folder: Path, rows: int) -> Path:
    from creditrisk.demo import write_demo

    write_demo("home_credit", folder, rows=rows)
    return folder


def _one_step(name: str, raw: Path, work: Path) -> int:
    """In the child: the work and what it cost, as JSON on stdout."""
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    STEPS[name](raw, work)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    cost = {"cpu_s": cpu, "wall_s": time.perf_counter() - wall, "peak_mb": after.ru_maxrss / 1024}
    print(json.dumps(cost))
    return 0


def _compare(raw: Path, work: Path) -> bool:
    costs = {name: _in_a_child(name, raw, work) for name in STEPS}
    floor = costs["scan"]["cpu_s"]
    met = True
    print(f"{'step':<10}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'x scan':>8}{'limit':>7}")
    for name, cost in costs.items():
        ratio, limit = cost["cpu_s"] / floor, LIMITS.get(name)
        met = met and cost["peak_mb"] <= PEAK_MB_MAX and (limit is None or ratio <= limit)
        shown = f"{limit:.1f}" if limit else ""
        print(f"{name:<10}{cost['cpu_s']:>8.2f}{cost['wall_s']:>8.2f}{cost['peak_mb']:>9.0f}{ratio:>8.2f}{shown:>7}")
    return met


def _in_a_child(name: str, raw: Path, work: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--step", name, "--raw", str(raw), "--work", str(work)]
    print(name, file=sys.stderr)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    cost: dict[str, float] = json.loads(done.stdout)
    return cost


if __name__ == "__main__":
    raise SystemExit(main())
