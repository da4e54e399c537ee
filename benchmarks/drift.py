"""What drift costs: ours against Evidently on the same rows, and ours alone on a table ten times as wide.

python -m benchmarks.drift [--quick] [--only ours|evidently|wide] [--json FILE]
Invented rows, nine numbers in ten columns and one category, 5 % missing: 50 features x 300,000 rows against a reference
of 50,000, and 500 features x 1,000,000 rows. Each runs in a process of its own; its CPU time (all threads, imports
included and told apart) and its peak memory are read from the system. Ours makes the reference beforehand, as a bundle
holds it, and reads the rows from Parquet; Evidently is given both tables in memory, and its reading is not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

OURS_CPU_S_MAX, OURS_PEAK_MB_MAX = 3.0, 1024
WIDE_S_MAX, WIDE_PEAK_MB_MAX = 60.0, 2048
REFERENCE_ROWS = 50_000


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="a twentieth of the rows, a fifth of the columns")
    options.add_argument("--only", choices=("ours", "evidently", "wide"), action="append")
    options.add_argument("--json", type=Path, help="write the figures here too")
    options.add_argument("--child", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        print(json.dumps(CHILDREN[chosen.child[0]](Path(chosen.child[1]))))
        return 0
    with tempfile.TemporaryDirectory(prefix="creditrisk-drift-") as folder:
        told = measure(Path(folder), quick=chosen.quick, only=chosen.only or ["ours", "evidently", "wide"])
    print(json.dumps(told, indent=2))
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0 if all(told["reached"].values()) else 1


def measure(folder: Path, *, quick: bool, only: list[str]) -> dict[str, Any]:
    """Figures of each case and whether ours stayed within its limits; limits hold at any size."""
    narrow, wide = ((10, 15_000), (100, 50_000)) if quick else ((50, 300_000), (500, 1_000_000))
    told: dict[str, Any] = {"quick": quick}
    for name, (columns, rows) in (("narrow", narrow), ("wide", wide)):
        if {"ours", "evidently"} & set(only) if name == "narrow" else "wide" in only:
            (folder / name).mkdir()
            write_rows(folder / name, columns, rows)
    for case, name in (("ours", "narrow"), ("evidently", "narrow"), ("wide", "wide")):
        if case in only:
            shape = narrow if name == "narrow" else wide
            told[case] = {"columns": shape[0], "rows": shape[1], **_alone(case, folder / name)}
    if "ours" in told and "evidently" in told:
        for figure in ("cpu_s", "peak_mb"):
            told[f"evidently_to_ours_{figure}"] = told["evidently"][figure] / told["ours"][figure]
    told["reached"] = _reached(told)
    return told


def _reached(told: dict[str, Any]) -> dict[str, bool]:
    reached = {}
    if "ours" in told:
        reached["ours: at most 3 CPU s"] = told["ours"]["cpu_s"] <= OURS_CPU_S_MAX
        reached["ours: at most 1 GB"] = told["ours"]["peak_mb"] <= OURS_PEAK_MB_MAX
    if "wide" in told:
        reached["wide: at most 60 s on the clock, of two cores with nothing else to do"] = (
            told["wide"]["seconds"] <= WIDE_S_MAX
        )
        reached["wide: at most 2 GB"] = told["wide"]["peak_mb"] <= WIDE_PEAK_MB_MAX
    return reached


def write_rows(folder: Path, columns: int, rows: int) -> None:
    """then.parquet (the reference's rows) and now.parquet, written a slice at a time."""
    for name, seed, count in (("then", 1, min(REFERENCE_ROWS, rows)), ("now", 2, rows)):
        rng = np.random.default_rng(seed)
        writer = None
        for start in range(0, count, 50_000):
            table = _some_rows(rng, columns, min(50_000, count - start))
            writer = writer or pq.ParquetWriter(folder / f"{name}.parquet", table.schema, compression="zstd")
            writer.write_table(table)
        if writer is not None:
            writer.close()


def _some_rows(rng: np.random.Generator, columns: int, rows: int) -> pa.Table:
    made = {}
    for number in range(columns):
        missing = rng.random(rows, dtype=np.float32) < 0.05
        if number % 10 == 9:
            made[f"f{number}"] = pa.array(rng.choice(["a", "b", "c", "d"], rows), mask=missing)
        else:
            made[f"f{number}"] = pa.array(rng.standard_normal(rows), mask=missing)
    return pa.table(made)


def _alone(case: str, folder: Path) -> dict[str, Any]:
    """In a process of its own, so that its memory is its own."""
    if case != "evidently":
        _run("reference", folder)
    return _run(case, folder)


def _run(case: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", case, str(folder)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


def _reference(folder: Path) -> dict[str, Any]:
    """What a bundle holds of the rows of then."""
    from creditrisk.modelling import Preprocess
    from creditrisk.modelling.reference import reference_of

    then = pq.read_table(folder / "then.parquet")
    names = then.column_names
    pd = np.full(then.num_rows, 0.1)
    importance = dict.fromkeys(names, 1.0 / len(names))
    told = reference_of(then, Preprocess.fit(then, names), pd, np.full(len(pd), 600, np.int32), importance)
    (folder / "reference.json").write_text(json.dumps(told), encoding="utf-8")
    return {}


def _ours(folder: Path) -> dict[str, Any]:
    begun = time.process_time()
    from creditrisk.monitoring.counts import FEATURE, Counting, bins_of, count_parquet
    from creditrisk.monitoring.drift import Limits, drift

    imported = time.process_time() - begun

    def work() -> None:
        reference = json.loads((folder / "reference.json").read_text(encoding="utf-8"))
        counting = Counting(bins_of(reference))
        columns = {f"{FEATURE}{name}": name for name in reference["features"]}
        count_parquet(folder / "now.parquet", columns, counting)
        report = drift(reference, counting.counted(), Limits(0.25), importance={}, place="now.parquet")
        assert report["counts"]["fail"] == 0
        assert all(row["psi"] is not None for row in report["columns"] if row["what"] == "feature")

    return _measured(work, imported)


def _evidently(folder: Path) -> dict[str, Any]:
    import os
    import warnings

    os.environ["DO_NOT_TRACK"] = "1"
    warnings.simplefilter("ignore")
    begun = time.process_time()
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    imported = time.process_time() - begun
    then, now = (pq.read_table(folder / f"{name}.parquet").to_pandas() for name in ("then", "now"))
    words = [name for name in then.columns if then[name].dtype.kind not in "fiu"]
    definition = DataDefinition(
        numerical_columns=[name for name in then.columns if name not in words], categorical_columns=words
    )

    def work() -> None:
        snapshot = Report([DataDriftPreset(num_method="psi", cat_method="psi")]).run(
            current_data=Dataset.from_pandas(now, definition), reference_data=Dataset.from_pandas(then, definition)
        )
        assert len(snapshot.dict()["metrics"]) > len(then.columns)

    return _measured(work, imported)


def _measured(work: Callable[[], None], imported: float) -> dict[str, Any]:
    begun, cpu = time.perf_counter(), time.process_time()
    work()
    return {
        "cpu_s": time.process_time() - cpu,
        "seconds": time.perf_counter() - begun,
        "import_cpu_s": imported,
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> float:
    """Most memory held at once; getrusage's figure begins, after fork and exec, at what the parent held."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


CHILDREN: dict[str, Callable[[Path], dict[str, Any]]] = {
    "reference": _reference,
    "ours": _ours,
    "wide": _ours,
    "evidently": _evidently,
}


if __name__ == "__main__":
    sys.exit(main())
