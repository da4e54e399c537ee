"""Are the reasons of 1,000 declines of each book proved, principal and stable, and what does proving cost?

python -m benchmarks.reasons [--quick] [--workspace FOLDER] [--declines 1000] [--again 100]
Invented data: trains each book (or takes the newest bundle of a workspace that has one), proves the declines of the
test part and, if they are too few, of the development rows; then again in another order. Reasons told of `--again` of
them is proved the long way round too: raw tables with the peer's facts, the whole SQL over them, no short cut.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.bundles import newest_bundle
from creditrisk.config import Book, BookFolder, Workspace, load_book
from creditrisk.demo import write_demo
from creditrisk.duck import DuckSettings
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.pipelines.assessments.reasons import figures_of
from creditrisk.pipelines.reason_proofs import finder
from creditrisk.pipelines.stages import run_stages
from creditrisk.scoring import LEAST_FALL, Falls, Find, falls, score
from creditrisk.scoring.reasons import Ranked, proved
from creditrisk.wiring import book_with, context_for
from tests.support.proving import mean_margins_without, read_tables

BOOKS = ("home_credit", "lending_club")
FULL_ROWS, QUICK_ROWS = 20_000, 4_000
OVERLAP_MIN = 0.9


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} applications, 50 declines, 5 again")
    options.add_argument("--workspace", type=Path, help="one that holds trained books already")
    options.add_argument("--declines", type=int, default=1000)
    options.add_argument("--again", type=int, default=100, help="declines proved the long way round")
    options.add_argument("--book", choices=BOOKS, action="append")
    chosen = options.parse_args()
    if chosen.quick:
        chosen.declines, chosen.again = 50, 5
    with tempfile.TemporaryDirectory(prefix="creditrisk-reasons-") as folder:
        root = chosen.workspace or Path(folder)
        return max(_tell(name, root, chosen) for name in chosen.book or BOOKS)


def _tell(name: str, root: Path, chosen: argparse.Namespace) -> int:
    folder = Workspace(root).book(name)
    if not list(folder.models.glob("*/bundle")):
        _train(name, root, QUICK_ROWS if chosen.quick else FULL_ROWS)
    newest = newest_bundle(root, name)
    bundle, book = load_bundle(newest), load_book(newest)
    tables = {table: folder.table(table) for table in book.portfolio.tables if folder.table(table).is_file()}
    rows = _declined(bundle, folder, chosen.declines)
    find = finder(bundle, book, tables, DuckSettings())
    if find is None:
        print(f"{name}: unproved: {bundle.policy.unproved}")
        return 1
    values, keys = bundle.preprocess.matrix(rows).values, rows[bundle.key].combine_chunks()
    begun, cpu = time.perf_counter(), time.process_time()
    tried = falls(bundle, values, keys, find)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    begun, one_cpu = time.perf_counter(), time.process_time()
    falls(bundle, values[:1], keys[:1], find)
    one, one_cpu = time.perf_counter() - begun, time.process_time() - one_cpu
    figures = figures_of(bundle, values, tried)
    stable = _same_in_another_order(bundle, values, keys, find, tried)
    again = keys[: chosen.again].to_pylist()
    differs = disagreements(bundle, book, folder.bronze, again, tried, proved(bundle, values, tried))
    good = stable and not differs and (figures["among_four_largest"] or 0.0) >= OVERLAP_MIN
    print(f"{name}: {len(keys)} declines, {len(bundle.peers['application'])} peers")
    print(f"  proved in {seconds:.1f} s ({cpu:.1f} CPU s); one more decline {one:.2f} s ({one_cpu:.2f} CPU s)")
    for what in ("reasons", "reasons_per_decline", "declines_without_proved_reason", "among_four_largest",
                 "named_by_contribution", "dropped", "dropped_by_group"):  # fmt: skip
        print(f"  {what}: {figures[what]}")
    print(f"  the same in another order: {'yes' if stable else 'NO'}")
    print(f"  {min(chosen.again, len(keys))} proved the long way round: {differs} of their reasons differ")
    return 0 if good else 1


def _train(name: str, root: Path, rows: int) -> None:
    write_demo(name, root / "demo" / name, rows=rows)
    book = book_with(name, {})
    raw = str(root / "demo" / name)
    with context_for(book, root, actor="benchmark", raw=raw, progress=lambda *_: None) as context:
        run_stages(context, last="train")


def _declined(bundle: Bundle, folder: BookFolder, wanted: int) -> pa.Table:
    found: list[pa.Table] = []
    for part in ("test", "train", "calibration"):
        rows = pq.read_table(folder.part(part), columns=[bundle.key, *bundle.preprocess.names])
        decision = score(bundle, rows, with_reasons=False)["decision"]
        found.append(rows.filter(pc.equal(decision, "decline")))
        if sum(table.num_rows for table in found) >= wanted:
            break
    return pa.concat_tables(found).slice(0, wanted)


def _same_in_another_order(
    bundle: Bundle, values: NDArray[np.float32], keys: pa.Array, find: Find, tried: Falls
) -> bool:
    order = np.random.default_rng(1).permutation(len(keys))[:200]
    again = falls(bundle, values[order], keys.take(pa.array(order)), find)
    before = Falls(tried.margin[order], tried.fall[order])
    one, other = proved(bundle, values[order], before), proved(bundle, values[order], again)
    return bool(np.array_equal(one.group[one.told], other.group[other.told]))


def disagreements(bundle: Bundle, book: Book, bronze: Path, keys: list[object], tried: Falls, told: Ranked) -> int:
    """Of the reasons told of these declines, how many have another fall the long way round, or are not proved by it."""
    raw = read_tables(bronze, book)
    codes = [words.code for words in bundle.policy.reasons]
    differs = 0
    for start in range(0, len(keys), 5):
        places = range(start, min(start + 5, len(keys)))
        wanted = [(place, int(group)) for place in places for group in told.group[place][told.told[place]]]
        means = mean_margins_without(bundle, book, raw, [(keys[place], codes[group]) for place, group in wanted])
        for (place, group), mean in zip(wanted, means, strict=True):
            fall = tried.margin[place] - mean
            differs += bool(fall <= LEAST_FALL or abs(fall - tried.fall[place, group]) > 1e-9)
    return differs


if __name__ == "__main__":
    sys.exit(main())
