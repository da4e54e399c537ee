"""Raw records in, decisions out, in process: what a decision costs, and are its bits the batch's and replay's?

python -m benchmarks.decide [--quick] [--workspace FOLDER] [--applications 5000] [--replays 10000] [--book NAME]
Invented data: trains each book (or takes the newest bundle of a workspace that has one and its raw tables under
demo/<book>), then tells milliseconds of processor time of one thread by stage, in groups of 1, 5, 20 and 100 that wait
together, approvals alone and with the book's natural share of declines, whose reasons are proved. The bare reference of
the same run is the trees alone on ready features. After that the batch and the API's own path decide the same
applications in groups of several sizes and orders, and decisions kept in a store are made again by another process
after the workspace was moved.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.bundles import newest_bundle
from creditrisk.config import Workspace, load_book
from creditrisk.decisions.decide import Decided, Decider
from creditrisk.decisions.intake import Application, Intake
from creditrisk.decisions.passport import payload_of
from creditrisk.demo import write_demo
from creditrisk.duck import DuckSettings
from creditrisk.kinds import new_decision_id
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.pipelines import batch_predict
from creditrisk.pipelines.stages import run_stages
from creditrisk.ports import Passport
from creditrisk.scoring import score
from creditrisk.wiring import book_with, context_for, decision_store_for
from tests.support.records import records_of

BOOKS = ("lending_club", "home_credit")
FULL_ROWS, QUICK_ROWS = 20_000, 3_000
GROUPS = (1, 5, 20, 100)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} applications to learn from, 300 decided")
    options.add_argument("--workspace", type=Path, help="one that holds trained books and demo/<book> already")
    options.add_argument("--applications", type=int, help="decided by batch and in process; 5,000")
    options.add_argument("--replays", type=int, help="decisions kept and made again; 10,000")
    options.add_argument("--book", choices=BOOKS, action="append")
    chosen = options.parse_args()
    chosen.applications = chosen.applications or (300 if chosen.quick else 5_000)
    chosen.replays = chosen.replays or (300 if chosen.quick else 10_000)
    with tempfile.TemporaryDirectory(prefix="creditrisk-decide-") as folder:
        root = chosen.workspace or Path(folder) / "workspace"
        return max(_tell(name, root, Path(folder), chosen) for name in chosen.book or BOOKS)


def _tell(name: str, root: Path, folder: Path, chosen: argparse.Namespace) -> int:
    raw = root / "demo" / name
    if not list(Workspace(root).book(name).models.glob("*/bundle")):
        _train(name, root, QUICK_ROWS if chosen.quick else FULL_ROWS)
    newest = newest_bundle(root, name)
    bundle, book = load_bundle(newest), load_book(newest)
    records = records_of(book, raw, most=max(chosen.applications, 300))
    intake = Intake(book)
    with closing(Decider(bundle, book, DuckSettings(threads=1))) as decider:
        read = intake.read(records)
        if read.problems:
            print(f"{name}: {read.problems[0]}")
            return 1
        applications = list(read.applications)
        rows = sum(len(own) for one in applications for own in one.rows.values()) / len(applications)
        print(f"{name}: {len(bundle.preprocess.names)} features, {rows:.0f} rows an application")
        _costs(bundle, intake, decider, records, applications)
        same = _same_as_batch(name, root, folder, newest, decider, applications[: chosen.applications])
        again = _replayed(name, root, folder, bundle, decider, applications, chosen.replays)
    return 0 if same and again else 1


def _train(name: str, root: Path, rows: int) -> None:
    write_demo(name, root / "demo" / name, rows=rows)
    with context_for(
        book_with(name, {}), root, actor="benchmark", raw=str(root / "demo" / name), progress=lambda *_: None
    ) as context:
        run_stages(context, last="train")


def _costs(
    bundle: Bundle, intake: Intake, decider: Decider, records: Sequence[Any], applications: list[Application]
) -> None:
    first = decider.decide(applications[:300], with_reasons=False)
    approved = [one for one, told in zip(applications, first, strict=False) if told.decision == "approve"]
    share = 1 - len(approved) / len(first)
    ready = decider.features_of(decider.tables_of(approved[:1]))
    values = bundle.preprocess.matrix(ready).values
    bare = _milliseconds(lambda: bundle.pd(values), 200)
    print(f"  the trees alone, one row of ready features: {bare:.2f} ms; {share:.0%} are not approved")
    print("  ms a decision     read  features    score  approvals   1/s   x bare   natural mix    1/s   x bare")
    for size in GROUPS:
        some, sent = (approved * size)[:size], list(records[:size])
        tables = decider.tables_of(some)
        features = decider.features_of(tables)
        times = max(3, 60 // size)
        took = [
            _milliseconds(work, times) / size
            for work in (
                lambda sent=sent: intake.read(sent),
                lambda tables=tables: decider.features_of(tables),
                lambda features=features: score(bundle, features),
                lambda some=some: decider.decide(some),
            )
        ]
        alone, mixed = took[0] + took[3], took[0] + _mixed(decider, applications[:300], size)
        stages = f"{took[0]:>8.2f} {took[1]:>9.2f} {took[2]:>8.2f}"
        approvals = f"{alone:>10.2f} {1000 / alone:>5.0f} {alone / bare:>8.1f}"
        natural = f"{mixed:>13.2f} {1000 / mixed:>6.0f} {mixed / bare:>8.1f}"
        print(f"  {size:>3} together  {stages} {approvals} {natural}")


def _mixed(decider: Decider, applications: Sequence[Application], size: int) -> float:
    """Milliseconds a decision, over a stretch of the book as it comes."""
    some = applications if size > 1 else applications[:60]
    groups = [some[start : start + size] for start in range(0, len(some), size)]
    decider.decide(groups[0])
    return _milliseconds(lambda: [decider.decide(group) for group in groups], 1) / len(some)


def _milliseconds(work: Callable[[], object], times: int) -> float:
    """Of this thread's processor time, each."""
    work()
    begun = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - begun) / times * 1000


def _same_as_batch(
    name: str, root: Path, folder: Path, bundle: Path, decider: Decider, applications: list[Application]
) -> bool:
    out = folder / f"{name}.parquet"
    raw = _scored_raw(name, root, folder)
    with context_for(load_book(bundle), root, actor="benchmark", raw=str(raw), progress=lambda *_: None) as context:
        batch_predict.run(context, raw, out, reference=str(bundle))
    key = load_book(bundle).key
    expected = {row.pop(key): row for row in pq.read_table(out).to_pylist()}
    good = True
    for size in (1, 7, 64, len(applications)):
        some = applications if size > 7 else applications[: max(40, len(applications) // 10)]
        order = random.Random(size).sample(range(len(some)), len(some))
        found: dict[int, Decided] = {}
        for start in range(0, len(some), size):
            places = order[start : start + size]
            found.update(zip(places, decider.decide([some[place] for place in places]), strict=True))
        differ = sum(not _like(found[place], expected[one.key]) for place, one in enumerate(some))
        good = good and not differ
        print(f"  batch and {len(some):,} decisions in groups of {size}, in another order: {differ} differ")
    return good


def _like(one: Decided, row: dict[str, Any]) -> bool:
    return all(getattr(one, name) == row[name] for name in ("pd", "score", "grade", "decision", "reasons"))


def _scored_raw(name: str, root: Path, folder: Path) -> Path:
    """The raw tables without the file that batch would take for the one to score."""
    book, raw = load_book(name), folder / "raw" / name
    shutil.copytree(root / "demo" / name, raw, dirs_exist_ok=True)
    stem = book.portfolio.tables["application"].score_file
    for path in raw.glob(f"{stem}.*") if stem else ():
        path.unlink()
    return raw


def _replayed(
    name: str,
    root: Path,
    folder: Path,
    bundle: Bundle,
    decider: Decider,
    applications: list[Application],
    wanted: int,
) -> bool:
    moved = folder / "moved" / name
    shutil.copytree(root / name / "models", moved / name / "models")
    Workspace(moved).open()
    with closing(decision_store_for(moved)) as store:
        kept = 0
        while kept < wanted:
            some = applications[: min(250, wanted - kept)]
            applications = applications[len(some) :] + some
            store.append([_passport(bundle, *pair) for pair in zip(some, decider.decide(some), strict=True)])
            kept += len(some)
    again = folder / "again" / name
    again.parent.mkdir(exist_ok=True)
    moved.rename(again)
    begun = time.perf_counter()
    command = [str(Path(sys.executable).parent / "creditrisk"), "decisions", "replay", "--all", "--json"]
    told = subprocess.run([*command, "--workspace", str(again)], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    report: dict[str, Any] = json.loads(told.stdout) if told.stdout else {"same": 0, "replayed": told.stderr}
    print(f"  made again by another process, workspace moved: {report['same']} of {report['replayed']} the same "
          f"to {report.get('compared_to')}, {seconds:.0f} s")  # fmt: skip
    return bool(report["same"] == wanted)


def _passport(bundle: Bundle, application: Application, one: Decided) -> Passport:
    return Passport(
        decision_id=new_decision_id(), request_id="benchmark", caller="benchmark", time=datetime.now(UTC),
        book=bundle.name, bundle_sha256=bundle.sha256, model_version=None, entity_id=one.key, pd=one.pd,
        score=one.score, grade=one.grade, decision=one.decision, payload=payload_of(application, one, bundle),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
