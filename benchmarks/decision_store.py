"""What a durable, chained, signed record costs beside a bare INSERT of the same bytes that is synced too, in turn.

python -m benchmarks.decision_store [--quick] [--appends 200] [--json FILE]
One process appends groups of 1, 10 and 100 passports to our store and, in turn, inserts their payloads into a table of
one column in a SQLite file of the same settings (WAL, synchronous=FULL). Payloads: of one table (about 3 KB), and of
seven tables with 60 child rows (about 30 KB). Each way's median append counts; `verify` is timed at the end.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from creditrisk.adapters.decision_store import SqlDecisionStore
from creditrisk.adapters.system_clock import SystemClock
from creditrisk.kinds import canonical_json, new_decision_id
from creditrisk.ports import Passport
from creditrisk.signatures import new_signer

FULL_APPENDS, QUICK_APPENDS = 200, 20
GROUPS = (1, 10, 100)
COLUMNS = {"one table": (120, 0), "seven tables": (120, 60)}
"""Payload -> columns of the application, child rows of 20 columns each."""
SEED = 20260101


class Cost(TypedDict):
    """Milliseconds of one append at the median and the 99th percentile, records a second at the median, per way."""

    payload: str
    payload_bytes: int
    group: int
    ours_ms: float
    ours_p99_ms: float
    bare_ms: float
    ours_records_per_s: float
    ratio: float
    ours_cpu_ms_per_record: float


class Figures(TypedDict):
    costs: list[Cost]
    verified_records: int
    verify_records_per_s: float


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_APPENDS} appends of each kind")
    options.add_argument("--appends", type=int, default=FULL_APPENDS)
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    figures = measure(QUICK_APPENDS if chosen.quick else chosen.appends)
    show(figures)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(appends: int) -> Figures:
    """Both ways in turn for every payload and group; groups of 100 take a tenth of the appends."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqlDecisionStore.open(f"sqlite:///{folder}/decisions.db", signer=new_signer(), clock=SystemClock())
        with closing(store), closing(bare_table(Path(folder) / "bare.db")) as bare:
            store.append([passport({})])
            costs = [
                cost(store, bare, name, group, max(3, appends // (10 if group == 100 else 1)))
                for name in COLUMNS
                for group in GROUPS
            ]
            begun = time.perf_counter()
            told = store.verify()
            seconds = time.perf_counter() - begun
    if not told.unbroken:
        raise SystemExit(f"broken: {told.breaks[0]}")
    return {"costs": costs, "verified_records": told.records, "verify_records_per_s": told.records / seconds}


def cost(store: SqlDecisionStore, bare: sqlite3.Connection, name: str, group: int, appends: int) -> Cost:
    payload = payload_of(*COLUMNS[name])
    content = canonical_json(payload)
    ours, theirs, cpu = list[float](), list[float](), 0.0
    for _ in range(appends):
        passports = [passport(payload) for _ in range(group)]
        begun = time.process_time()
        ours.append(milliseconds(lambda: store.append(passports)))  # noqa: B023 - called at once
        cpu += time.process_time() - begun
        theirs.append(milliseconds(lambda: insert(bare, [content] * group)))
    median = statistics.median(ours)
    return {
        "payload": name,
        "payload_bytes": len(content),
        "group": group,
        "ours_ms": median,
        "ours_p99_ms": statistics.quantiles(ours, n=100, method="inclusive")[98],
        "bare_ms": statistics.median(theirs),
        "ours_records_per_s": 1000 * group / median,
        "ratio": median / statistics.median(theirs),
        "ours_cpu_ms_per_record": 1000 * cpu / (appends * group),
    }


def bare_table(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("pragma journal_mode=wal", "pragma synchronous=full", "create table kept (payload blob)"):
        connection.execute(statement)
    return connection


def insert(connection: sqlite3.Connection, contents: Sequence[bytes]) -> None:
    connection.execute("begin immediate")
    connection.executemany("insert into kept values (?)", [(each,) for each in contents])
    connection.execute("commit")


def milliseconds(act: Callable[[], None]) -> float:
    begun = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - begun)


def payload_of(columns: int, children: int) -> Mapping[str, Any]:
    """Raw records and as many features, of invented amounts and words."""
    chance = random.Random(SEED)

    def row(count: int) -> dict[str, Any]:
        amounts = {f"AMOUNT_{place}": round(chance.lognormvariate(10, 1), 2) for place in range(count * 3 // 4)}
        return amounts | {f"WORD_{place}": chance.choice(["yes", "no", "unknown"]) for place in range(count // 4)}

    raw: dict[str, Any] = {"application": row(columns)}
    if children:
        raw["bureau"] = [row(20) for _ in range(children)]
    return {"raw": raw, "features": {f"feature_{place}": chance.random() for place in range(60)}, "warnings": []}


TEMPLATE = Passport(
    decision_id="", request_id="request", caller="benchmark", time=datetime(2026, 1, 1, tzinfo=UTC), book="bench",
    bundle_sha256="ab" * 32, model_version="1", entity_id=1, pd=0.1, score=600, grade="B", decision="approve",
    payload={},
)  # fmt: skip


def passport(payload: Mapping[str, Any]) -> Passport:
    return replace(TEMPLATE, decision_id=new_decision_id(), payload=payload)


def show(figures: Figures) -> None:
    print("payload        bytes  group   ours ms (p99)      bare ms  ratio   records/s  CPU ms/record")
    for one in figures["costs"]:
        print(f"{one['payload']:<12} {one['payload_bytes']:7,} {one['group']:6} {one['ours_ms']:9.2f} "
              f"({one['ours_p99_ms']:7.2f}) {one['bare_ms']:9.2f} {one['ratio']:6.2f} "
              f"{one['ours_records_per_s']:11,.0f} {one['ours_cpu_ms_per_record']:10.2f}")  # fmt: skip
    print(f"verify: {figures['verified_records']:,} records, {figures['verify_records_per_s']:,.0f} a second")


if __name__ == "__main__":
    raise SystemExit(main())
