"""A ready feature table to decisions, Parquet to Parquet, against pandas and XGBoost's wrapper with the same trees.

python -m benchmarks.batch [--quick] [--workspace FOLDER] [--rows 1000000] [--json FILE]
The workspace holds a trained home_credit; otherwise one is made from invented loans. Its feature table is repeated to
the number of rows, each under a key of its own. Whole processes are counted, start-up and imports included; reasons are
left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.bundles import copy_trees, newest_bundle
from benchmarks.costs import Cost, cost_of
from creditrisk.config import load_book
from creditrisk.features import write_features
from creditrisk.modelling import load_bundle
from creditrisk.pipelines.batch_parts import Parts
from creditrisk.pipelines.batch_predict import Asked, Batch, put_together, writer_of
from creditrisk.wiring import left_out, watching_for

FULL_ROWS, QUICK_ROWS = 1_000_000, 50_000
LEARNT_FROM = 20_000
PER_SECOND_MIN, PEAK_MB_MAX = 150_000, 1536
OF_TREES_MIN = 150 / 490
"""Of what the trees alone do on the same cores: the promise was made beside 490,000 rows a second of theirs."""


class Compared(TypedDict):
    """rows: scored by each.  trees_per_second: rows a second that the trees alone score, on every core."""

    rows: int
    ours: Cost
    pandas: Cost
    trees_per_second: float


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
          f"{told['pandas']['wall_s'] / told['ours']['wall_s']:.2f} times as fast as pandas, "
          f"{per_second / told['trees_per_second']:.2f} of the trees alone (promised: {OF_TREES_MIN:.2f})")  # fmt: skip
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    enough = per_second >= PER_SECOND_MIN and told["ours"]["peak_mb"] <= PEAK_MB_MAX
    return 0 if enough or chosen.quick else 1


def trained(folder: Path, rows: int) -> Path:
    """A workspace with a model of invented loans."""
    from creditrisk.demo import write_demo  # not for those who score

    raw = write_demo("home_credit", folder / "raw", rows=rows).folder
    command = [sys.executable, "-m", "creditrisk.cli", "run", "home_credit", "--raw", str(raw), "--until", "train"]
    subprocess.run([*command, "--workspace", str(folder / "made"), "--json"], check=True, stdout=subprocess.DEVNULL)
    return folder / "made"


def measure(workspace: Path, folder: Path, rows: int) -> Compared:
    """Both ways over the same table and the same trees."""
    book = workspace / "home_credit"
    bundle = newest_bundle(workspace, "home_credit")
    features, model = folder / "features.parquet", folder / "model.ubj"
    key = copy_trees(bundle, model).key
    _repeated(book / "data" / "processed" / "feature_store.parquet", features, rows, key)
    ours = cost_of(
        [sys.executable, "-m", "benchmarks.batch", "--score", *map(str, (bundle, features, folder / "ours.parquet"))]
    )
    reference = [sys.executable, "-m", "benchmarks.references"]
    theirs = cost_of([*reference, "pandas_scores", *map(str, (model, features, folder / "theirs.parquet"))])
    alone = folder / "alone.json"
    subprocess.run([*reference, "trees_alone", *map(str, (model, features, alone))], check=True)
    if pq.read_metadata(folder / "ours.parquet").num_rows != pq.read_metadata(folder / "theirs.parquet").num_rows:
        raise SystemExit("not the same rows")
    trees = float(json.loads(alone.read_text(encoding="utf-8"))["rows_per_second"])
    return Compared(rows=rows, ours=ours, pandas=theirs, trees_per_second=trees)


def _repeated(source: Path, out: Path, rows: int, key: str) -> None:
    """The table again and again, each row under a key of its own, written as the product writes it."""
    table = pq.read_table(source)
    place = table.column_names.index(key)

    def copies() -> Iterator[pa.Table]:
        for written in range(0, rows, table.num_rows):
            part = table.slice(0, min(table.num_rows, rows - written))
            keys = pa.array(range(written, written + part.num_rows)).cast(table.schema.field(key).type)
            yield part.set_column(place, table.schema.field(key), keys)

    write_features(copies(), key, out)


def stream(bundle_folder: Path, features: Path, out: Path) -> None:
    """What `creditrisk score --no-reasons` does once the features are there."""
    asked = Asked(reasons=False, counterfactuals=False, store=None)
    book = load_book(bundle_folder)
    context = watching_for(book, out.parent / "scoring", progress=lambda *_: None)
    with left_out("sklearn"):
        bundle = load_bundle(bundle_folder, threads=asked.threads_of_trees(context.duck.threads))
    batch = Batch(context, book, bundle, {}, asked, "", None)
    parts = Parts(out.parent / "parts")
    parts.folder.mkdir()
    done = batch.score(features, parts)
    with writer_of(out)(out, batch.schema(features)) as put:
        put_together(parts.read(done.chunks), put)


if __name__ == "__main__":
    raise SystemExit(main())
