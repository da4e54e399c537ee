"""A ready feature table to decisions, Parquet to Parquet, against pandas and XGBoost's wrapper with the same trees.

python -m benchmarks.batch [--quick] [--workspace FOLDER] [--rows 1000000] [--json FILE]
The workspace holds a trained home_credit; otherwise one is made from invented loans. Its feature table is repeated to
the number of rows. Whole processes are counted, start-up and imports included; reasons are left out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.costs import Cost, cost_of
from creditrisk.demo import write_demo
from creditrisk.modelling import load_bundle
from creditrisk.scoring import score, score_schema

FULL_ROWS, QUICK_ROWS = 1_000_000, 50_000
LEARNT_FROM = 20_000
PER_SECOND_MIN, PEAK_MB_MAX = 150_000, 1536
ROWS_AT_ONCE = 50_000


class Compared(TypedDict):
    """rows: scored by each."""

    rows: int
    ours: Cost
    pandas: Cost


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows by a model of 4,000 loans")
    options.add_argument("--workspace", type=Path, help="one that holds a trained home_credit already")
    options.add_argument("--rows", type=int, default=FULL_ROWS)
    options.add_argument("--json", type=Path, help="write the figures here too")
    options.add_argument("--score", nargs=3, type=Path, metavar=("BUNDLE", "FEATURES", "OUT"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.score:
        stream(*chosen.score)
        return 0
    with tempfile.TemporaryDirectory(prefix="creditrisk-batch-") as folder:
        workspace = chosen.workspace or trained(Path(folder), 4_000 if chosen.quick else LEARNT_FROM)
        told = measure(workspace, Path(folder), QUICK_ROWS if chosen.quick else chosen.rows)
    print(json.dumps(told, indent=2))
    per_second = told["rows"] / told["ours"]["wall_s"]
    print(f"{per_second:,.0f} decisions/s (promised: {PER_SECOND_MIN:,}), "
          f"{told['pandas']['wall_s'] / told['ours']['wall_s']:.2f} times as fast as pandas")  # fmt: skip
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    enough = per_second >= PER_SECOND_MIN and told["ours"]["peak_mb"] <= PEAK_MB_MAX
    return 0 if enough or chosen.quick else 1


def trained(folder: Path, rows: int) -> Path:
    """A workspace with a model of invented loans."""
    raw = write_demo("home_credit", folder / "raw", rows=rows).folder
    command = [sys.executable, "-m", "creditrisk.cli", "run", "home_credit", "--raw", str(raw), "--until", "train"]
    subprocess.run([*command, "--workspace", str(folder / "made"), "--json"], check=True, stdout=subprocess.DEVNULL)
    return folder / "made"


def measure(workspace: Path, folder: Path, rows: int) -> Compared:
    """Both ways over the same table and the same trees."""
    book = workspace / "home_credit"
    bundle = max(book.glob("models/*/bundle"), key=lambda path: path.stat().st_mtime)
    features = folder / "features.parquet"
    _repeated(book / "data" / "processed" / "feature_store.parquet", features, rows)
    model = folder / "model.ubj"
    shutil.copy(bundle / "model.ubj", model)
    names = load_bundle(bundle).preprocess.names
    model.with_suffix(".names.json").write_text(json.dumps(names), encoding="utf-8")
    ours = cost_of(
        [sys.executable, "-m", "benchmarks.batch", "--score", *map(str, (bundle, features, folder / "ours.parquet"))]
    )
    theirs = cost_of(
        [
            sys.executable,
            "-m",
            "benchmarks.references",
            "pandas_scores",
            *map(str, (model, features, folder / "theirs.parquet")),
        ]
    )
    if pq.read_metadata(folder / "ours.parquet").num_rows != pq.read_metadata(folder / "theirs.parquet").num_rows:
        raise SystemExit("not the same rows")
    return Compared(rows=rows, ours=ours, pandas=theirs)


def _repeated(source: Path, out: Path, rows: int) -> None:
    table = pq.read_table(source)
    with pq.ParquetWriter(out, table.schema, compression="zstd", compression_level=1) as writer:
        written = 0
        while written < rows:
            part = table.slice(0, min(table.num_rows, rows - written))
            writer.write_table(part, row_group_size=ROWS_AT_ONCE)
            written += part.num_rows


def stream(bundle_folder: Path, features: Path, out: Path) -> None:
    """What `creditrisk score --no-reasons` does once the features are there."""
    bundle = load_bundle(bundle_folder, threads=2)
    with pq.ParquetFile(features) as file, _writer(file, bundle.key, out) as writer:
        for batch in file.iter_batches(ROWS_AT_ONCE):
            writer.write_table(score(bundle, pa.Table.from_batches([batch]), with_reasons=False))


@contextmanager
def _writer(file: pq.ParquetFile, key: str, out: Path) -> Iterator[pq.ParquetWriter]:
    with pq.ParquetWriter(out, score_schema(key, file.schema_arrow.field(key).type), compression="zstd") as writer:
        yield writer


if __name__ == "__main__":
    raise SystemExit(main())
