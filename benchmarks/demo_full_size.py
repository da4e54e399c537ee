"""Writes the invented Home Credit tables at the real files' size and prints rows, seconds, memory and megabytes.

python -m benchmarks.demo_full_size [--quick] [--rows 307511] [--seed 7] [--keep FOLDER]
Limits to stay within: 10 minutes and 6 GB on two busy cores.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from creditrisk.demo import DemoFiles, write_demo

REAL_ROWS = {
    "application_train": 307_511,
    "application_test": 48_744,
    "bureau": 1_716_428,
    "bureau_balance": 27_299_925,
    "previous_application": 1_670_214,
    "POS_CASH_balance": 10_001_358,
    "credit_card_balance": 3_840_312,
    "installments_payments": 13_605_401,
}
SECONDS_MAX = 600
PEAK_MB_MAX = 6000


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=REAL_ROWS["application_train"])
    options.add_argument("--quick", action="store_true", help="20,000 applications")
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--keep", type=Path, help="write here and leave it; otherwise a temporary folder")
    chosen = options.parse_args()
    if chosen.quick:
        chosen.rows = 20_000
    if chosen.keep is not None:
        return _measure(chosen.keep, chosen.rows, chosen.seed)
    with tempfile.TemporaryDirectory(prefix="creditrisk-demo-") as folder:
        return _measure(Path(folder), chosen.rows, chosen.seed)


def _measure(folder: Path, rows: int, seed: int) -> int:
    wall, cpu = time.perf_counter(), time.process_time()
    files = write_demo("home_credit", folder, rows=rows, seed=seed, progress=_show)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _print_tables(files, rows)
    print(f"\n{wall:.1f} s, {cpu:.1f} CPU s, peak {peak_mb:,.0f} MB")
    return 0 if wall <= SECONDS_MAX and peak_mb <= PEAK_MB_MAX else 1


def _show(what: str, share: float) -> None:
    print(f"\r{share:6.1%}  {what}", end="", file=sys.stderr, flush=True)


def _print_tables(files: DemoFiles, rows: int) -> None:
    print(f"\n{'table':<24}{'rows':>12}{'of real':>9}{'MB':>9}")
    for name, count in files.rows.items():
        expected = REAL_ROWS[name] * rows / REAL_ROWS["application_train"]
        print(f"{name:<24}{count:>12,}{count / expected:>9.1%}{files.tables[name].stat().st_size / 1e6:>9.1f}")
    total = sum(path.stat().st_size for path in files.tables.values())
    print(f"{'total':<24}{sum(files.rows.values()):>12,}{'':>9}{total / 1e6:>9.1f}")


if __name__ == "__main__":
    sys.exit(main())
