"""The real LendingClub book as it would have been watched: decided by month, outcomes as they arrive, by vintage.

python -m benchmarks.outcomes_lending_club [--quick] [--every 1] [--work FOLDER] [--json FILE]
A model that learnt loans before 2010 decides the loans of 2010 and 2011 into a decision store, each in its month.
What happened to them is delivered month by month: on `last_pymnt_d` and five months (`issue_d` and five where nothing
was ever paid). That is an approximation: the file has no date of a charge-off, and a loan that was paid back is heard
of five months late as well. Reports are then asked for as of several days. Needs CREDITRISK_REAL_DATA; no row of it is
kept. Exit code 1 when a vintage that is not over has a number, or one that is over has none.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from creditrisk.config import load_book
from creditrisk.modelling import load_bundle
from creditrisk.monitoring.matured import months_after
from creditrisk.pipelines import add_outcomes, monitor_outcomes
from creditrisk.pipelines.context import Context
from creditrisk.ports import DecisionStore, Passport
from creditrisk.scoring import score
from creditrisk.wiring import decision_store_for, watching_for

BOOK, FIRST, LAST = "lending_club", "2010-01", "2011-12"
QUICK_EVERY = 10
ASKED = ("2011-12-31", "2013-12-31", "2014-12-31", "2015-12-31", "2017-12-31")
SETTINGS = {"monitoring.outcomes.granted": "all"}
"""All of these loans were granted, whatever our model would have answered."""
LEARNING = ("split.test_from=2010-01", "training.calibration_by=null")
"""Loans of 60 months came in 2010: before it there is one term, and no line of its own for the other."""
FIGURES = ("bads", "default_rate", "roc_auc", "ks", "brier", "mean_pd")


@dataclass
class Calendar:
    """A clock that somebody turns."""

    day: dt.date

    def now(self) -> dt.datetime:
        return dt.datetime.combine(self.day, dt.time(12), dt.UTC)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help=f"every {QUICK_EVERY}th loan")
    options.add_argument("--every", type=int, default=1, help="every so manieth loan")
    options.add_argument("--work", type=Path, help="work here and leave it; otherwise a temporary folder")
    options.add_argument("--json", type=Path, help="write the reports here too")
    chosen = options.parse_args()
    real = os.environ.get("CREDITRISK_REAL_DATA")
    if real is None:
        print("CREDITRISK_REAL_DATA is not set, left out", file=sys.stderr)
        return 0
    with _work(chosen.work) as work:
        every = QUICK_EVERY if chosen.quick else chosen.every
        told = measure(Path(real), work, every=every)
    for report in told["reports"]:
        show(report)
    print(f"outcomes by the report and by the book's own target: {told['agree']}")
    print(f"seconds: {told['seconds']}")
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    wrong = [fault for report in told["reports"] for fault in faults(report)]
    print("\n".join(wrong) or "no number for an immature vintage, and one for each that is over")
    return 1 if wrong else 0


@contextmanager
def _work(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="creditrisk-outcomes-") as temporary:
        yield Path(temporary)


def measure(
    real: Path,
    work: Path,
    *,
    every: int = 1,
    months_at_once: int = 1,
    asked: Sequence[str] = ASKED,
    learning: Sequence[str] = (),
) -> dict[str, Any]:
    """Reports as of the days that are asked for, the last one when everything is over.

    every: takes every so manieth loan.  months_at_once: of outcomes in one delivery.  learning: settings more.
    """
    # Learning is an act of today, and the chain of the watched workspace begins in 2010: each has a workspace.
    raw, learnt, workspace = sample(real, work / "raw", every), work / "learnt", work / "watched"
    seconds = {"learning": _timed(lambda: learn(raw, learnt, [*LEARNING, *learning]))}
    loans, bundle = decided(learnt)
    clock = Calendar(dt.date(2010, 1, 1))
    context = replace(watching_for(load_book(BOOK, SETTINGS), workspace, actor="bench", progress=_quiet), clock=clock)
    with closing(decision_store_for(workspace)) as store:
        seconds["deciding"] = _timed(lambda: decide(store, loans, bundle))
        seconds["delivering"] = _timed(lambda: deliver(context, clock, store, loans, work, months_at_once))
        begun = time.perf_counter()
        reports = [monitor_outcomes.run(context, store, as_of=dt.date.fromisoformat(day)) for day in asked]
        seconds["reporting"] = round(time.perf_counter() - begun, 1)
    return {"reports": reports, "agree": agreement(reports[-1], loans), "seconds": seconds, "loans": loans.num_rows}


def sample(real: Path, folder: Path, every: int) -> Path:
    """The raw file with every so manieth of its loans."""
    folder.mkdir(parents=True, exist_ok=True)
    source = real / "lending_club" / "accepted_2007_2011_full.csv.gz"
    with (
        gzip.open(source, "rt", encoding="utf-8", newline="") as rows,
        (folder / "accepted.csv").open("w", encoding="utf-8", newline="") as out,
    ):
        reader, writer = csv.reader(rows), csv.writer(out)
        writer.writerow(next(reader))
        writer.writerows(row for number, row in enumerate(reader) if number % every == 0)
    return folder


def learn(raw: Path, workspace: Path, settings: Sequence[str]) -> None:
    words = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "creditrisk.cli", "run", BOOK, "--raw", str(raw), "--workspace", str(workspace)]
    done = subprocess.run([*command, "--until", "train", "--json", *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"creditrisk run ended with {done.returncode}: {done.stderr[-2000:]}")


def decided(workspace: Path) -> tuple[pa.Table, str]:
    """Loans of 2010 and 2011 as the model decides them, with their month and what later happened; and the bundle."""
    folder = workspace / BOOK
    (bundle_folder,) = (folder / "models").glob("*/bundle")
    bundle = load_bundle(bundle_folder)
    told = pq.read_table(
        folder / "data" / "bronze" / "application.parquet",
        columns=[bundle.key, "issue_d", "loan_status", "last_pymnt_d"],
    )
    month = told["issue_d"].cast(pa.timestamp("s")).to_numpy().astype("datetime64[M]")
    told = told.filter(pa.array((month >= np.datetime64(FIRST)) & (month <= np.datetime64(LAST))))
    features = pq.read_table(folder / "data" / "processed" / "feature_store.parquet")
    features = features.filter(pc.is_in(features[bundle.key], value_set=told[bundle.key].combine_chunks()))
    scored = score(bundle, features, with_reasons=False).select([bundle.key, "pd", "score", "grade", "decision"])
    scored = scored.append_column("term_months", features["term_months"])
    return scored.join(told, bundle.key).sort_by([("issue_d", "ascending"), (bundle.key, "ascending")]), bundle.sha256


def decide(store: DecisionStore, loans: pa.Table, bundle: str) -> None:
    """Every loan into the store, in the middle of its month."""
    passports: list[Passport] = []
    for number, row in enumerate(loans.to_pylist()):
        at = dt.datetime(row["issue_d"].year, row["issue_d"].month, 15, 12, tzinfo=dt.UTC)
        passports.append(
            Passport(
                decision_id=f"00000000-0000-7000-8000-{number:012}", request_id=f"{at:%Y-%m}", caller="bench", time=at,
                book=BOOK, bundle_sha256=bundle, model_version=None, entity_id=row[loans.column_names[0]], pd=row["pd"],
                score=row["score"], grade=row["grade"], decision=row["decision"],
                payload={"features": {"term_months": float(row["term_months"])}},
            )
        )  # fmt: skip
    for begin in range(0, len(passports), 500):
        store.append(passports[begin : begin + 500])


def deliver(
    context: Context, clock: Calendar, store: DecisionStore, loans: pa.Table, work: Path, months_at_once: int
) -> None:
    """Outcomes in the month in which they arrive, each delivery at the end of its last month."""
    rows = outcomes_of(loans)
    first, last = np.datetime64(FIRST, "M"), max(row[3] for row in rows) + np.timedelta64(1, "M")
    step = np.timedelta64(months_at_once, "M")
    for month in np.arange(first, last + step, step):
        sent = [row for row in rows if month <= row[3] < month + step]
        end = (month + step).astype("datetime64[D]") - np.timedelta64(1, "D")
        if not sent:
            continue
        clock.day = end.astype(dt.date)
        file = work / "sent" / f"{month}.csv"
        file.parent.mkdir(exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([(loans.column_names[0], "date", "status"), *(row[:3] for row in sent)])
        report = add_outcomes.run(context, store, file, complete_until=clock.day)
        add_outcomes.need_taken(report, skip_bad=False)
    clock.day = max(clock.day, dt.date(2018, 1, 1))


def outcomes_of(loans: pa.Table) -> list[tuple[Any, str, str, np.datetime64]]:
    """(key, day, status, month of arrival) of each loan that ended; the day is an approximation, see above."""
    paid, issued = (
        loans[name].cast(pa.timestamp("s")).to_numpy(zero_copy_only=False).astype("datetime64[D]")
        for name in ("last_pymnt_d", "issue_d")
    )
    day = months_after(np.where(np.isnat(paid), issued, np.maximum(paid, issued)), 5)
    keys, states = loans[loans.column_names[0]].to_pylist(), loans["loan_status"].to_pylist()
    told = zip(keys, day.astype(str).tolist(), states, day.astype("datetime64[M]"), strict=True)
    return [row for row in told if row[2] is not None]


def agreement(last: dict[str, Any], loans: pa.Table) -> dict[str, int]:
    """Known outcomes in the end beside the file's last word, which has no dates."""
    counts = last["counts"]
    bad = pc.sum(pc.match_substring_regex(loans["loan_status"], "Charged Off|Default")).as_py()
    return {"loans": loans.num_rows, "judged": counts["judged"], "bads": counts["bads"], "bads_of_file": bad}


def faults(report: dict[str, Any]) -> list[str]:
    """Vintages that have a number before they are over, or none afterwards."""
    found = []
    for row in report["vintages"]:
        immature = row["not_yet"] > 0
        if immature and any(row[name] is not None for name in FIGURES):
            found.append(f"{report['as_of']}: {row['vintage']} has a number, and {row['not_yet']} loans are not over")
        if immature != (row["observable_from"] is not None):
            found.append(f"{report['as_of']}: {row['vintage']} does not say from when it can be told")
        if not immature and row["default_rate"] is None:
            found.append(f"{report['as_of']}: {row['vintage']} is over and has no default rate: {row['why_not']}")
    return found


def show(report: dict[str, Any]) -> None:
    told, counts = report["performance"], report["counts"]
    auc = told["roc_auc"]
    figure = f"AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" if auc else "no AUC"
    rate = told["default_rate"]
    print(
        f"as of {report['as_of']}: {counts['judged']:,} of {counts['decisions']:,} judged, {figure}, "
        + (f"default rate {rate['value']:.4f}, mean PD {told['mean_pd']:.4f}" if rate else told["why_not"])
    )
    for row in report["vintages"]:
        if row["why_not"]:
            print(f"  {row['vintage']}  no number: {row['why_not']}; from {row['observable_from']}")
        else:
            ranked = f"{row['roc_auc']['value']:.3f}" if row["roc_auc"] else row["notes"]["roc_auc"]
            share = row["default_rate"]["value"]
            rates = f"bad {share:.3f}, promised {row['mean_pd']:.3f}"
            print(f"  {row['vintage']}  {row['judged']:>5,} loans, {rates}, AUC {ranked}")


def _timed(work: Any) -> float:
    begun = time.perf_counter()
    work()
    return round(time.perf_counter() - begun, 1)


def _quiet(_stage: str, _what: str, _share: float) -> None:
    """Nobody looks."""


if __name__ == "__main__":
    raise SystemExit(main())
