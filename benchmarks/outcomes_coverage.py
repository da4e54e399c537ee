"""Does the AUC on known outcomes tell the truth, and what do people get who do not wait?

python -m benchmarks.outcomes_coverage [--quick] [--runs 1000] [--json FILE]
Invented books whose true AUC is known: loans of 30 months, growing, each with its own risk and a PD that errs; a loan
fails at any time, within a year with its risk; what happens is heard of up to 60 days later. Beside the figure on loans
whose window has passed stand two that people compute: every loan that is not bad yet taken for good, and every outcome
taken as it arrives. Exit code 1 when the interval covers the truth in less than 93 % of the runs.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creditrisk.monitoring.matured import Decided, Heard, Known, Meaning, Seen, known_of
from creditrisk.stats import auc_interval, sigmoid

type Floats = NDArray[np.float64]

RUNS, QUICK_RUNS, SEED = 1_000, 100, 20260101
COVERS_MIN = 0.93
MONTHS, FIRST, GROWTH, LOANS = 30, np.datetime64("2024-01", "M"), 1.03, 300
"""Months of lending, and loans in the first of them; each month has 3 % more than the one before."""
AS_OF = dt.date(2026, 7, 15)
WINDOW, HEARD_AFTER_DAYS = 12, 60
APPROVED_BELOW = 0.3
"""Applications with a higher PD are declined: nobody hears of them again."""
WAYS = ("window has passed", "not bad yet is good", "as outcomes arrive")


@dataclass(frozen=True)
class Applied:
    """Applications: what truly happens within a year, and the PD that the model gives; shape (n,)."""

    risk: Floats
    pd: Floats


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs")
    options.add_argument("--runs", type=int, default=RUNS)
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    told = measure(QUICK_RUNS if chosen.quick else chosen.runs)
    print(f"{told['runs']} books; true AUC {told['true_auc']:.4f}, true default rate {told['true_default_rate']:.4f}")
    for way, row in told["ways"].items():
        print(
            f"{way:<22} covers {row['covers']:6.1%}   AUC {row['mean_auc']:.4f} ({row['auc_bias']:+.4f}, "
            f"{row['auc_bias_in_errors']:+.1f} errors)   default rate {row['default_rate']:.4f}"
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0 if told["ways"][WAYS[0]]["covers"] >= COVERS_MIN else 1


def measure(runs: int) -> dict[str, Any]:
    """What each way of counting comes to over so many books. auc_bias_in_errors: mean bias over the mean error."""
    everybody = granted(applied(2_000_000, np.random.default_rng(SEED)))
    truth = true_auc(everybody)
    rows: dict[str, list[tuple[float, float, float, float]]] = {way: [] for way in WAYS}
    for run in range(runs):
        decided, heard, seen = book(np.random.default_rng([SEED, run]))
        for way, (y, pd) in counted(decided, heard, seen).items():
            auc = auc_interval(y, pd)
            rows[way].append((auc.value, auc.low, auc.high, float(np.mean(y))))
    return {
        "runs": runs,
        "true_auc": truth,
        "true_default_rate": float(np.mean(everybody.risk)),
        "ways": {way: _summary(np.array(told), truth) for way, told in rows.items()},
    }


def _summary(told: Floats, truth: float) -> dict[str, float]:
    value, low, high, rate = told.T
    error = float(np.mean(high - low)) / 2.0 / 1.959964
    return {
        "covers": float(np.mean((low <= truth) & (truth <= high))),
        "mean_auc": float(np.mean(value)),
        "auc_bias": float(np.mean(value)) - truth,
        "auc_bias_in_errors": (float(np.mean(value)) - truth) / error,
        "default_rate": float(np.mean(rate)),
    }


def applied(n: int, random: np.random.Generator) -> Applied:
    """Log-odds of the risk are normal; those of the PD are the part of them that the model knows."""
    seen = random.normal(-2.4, 1.0, n)
    return Applied(sigmoid(seen + random.normal(0.0, 0.5, n)), sigmoid(seen))


def granted(them: Applied) -> Applied:
    approved = them.pd < APPROVED_BELOW
    return Applied(them.risk[approved], them.pd[approved])


def true_auc(them: Applied) -> float:
    """Of pairs of a bad and a good, each row counting with its risk; PDs have no ties."""
    risk = them.risk[np.argsort(them.pd)]
    goods_below = np.cumsum(1.0 - risk) - (1.0 - risk)
    pairs = float(np.sum(risk)) * float(np.sum(1.0 - risk)) - float(np.sum(risk * (1.0 - risk)))
    return float(np.sum(risk * goods_below)) / pairs


def book(random: np.random.Generator) -> tuple[Decided, Heard, Seen]:
    """Decisions of 30 months, and what was heard of the loans by `AS_OF`: their failure, else their last status."""
    sizes = (LOANS * GROWTH ** np.arange(MONTHS)).astype(np.int64)
    them = applied(int(sizes.sum()), random)
    n = len(them.pd)
    month = FIRST + np.repeat(np.arange(MONTHS), sizes).astype("timedelta64[M]")
    day = month.astype("datetime64[D]") + random.integers(0, 28, n).astype("timedelta64[D]")
    approved = them.pd < APPROVED_BELOW
    # A constant rate of failure, so that within 365 days it happens with probability `risk`.
    lives = np.ceil(365.0 * random.exponential(1.0, n) / -np.log1p(-them.risk)).clip(1, 20_000)
    failed = day + lives.astype("timedelta64[D]")
    late = random.integers(0, HEARD_AFTER_DAYS + 1, n).astype("timedelta64[D]")
    today = np.datetime64(AS_OF, "D")
    heard_bad = approved & (failed + late <= today)
    last_status = np.minimum(today - late, failed - np.timedelta64(1, "D"))
    heard_open = approved & ~heard_bad & (last_status > day)
    heard = Heard(
        np.flatnonzero(heard_bad | heard_open),
        np.where(heard_bad, failed, last_status)[heard_bad | heard_open],
        np.where(heard_bad, Meaning.BAD, Meaning.OPEN)[heard_bad | heard_open].astype(np.int8),
        np.where(heard_bad, -1, 0)[heard_bad | heard_open].astype(np.int8),
    )
    window = np.full(n, WINDOW, dtype=np.int64)
    return Decided(day, them.pd, window, approved), heard, Seen(AS_OF, known_after_months=2)


def counted(decided: Decided, heard: Heard, seen: Seen) -> dict[str, tuple[Floats, Floats]]:
    """{way of counting: outcomes and PDs}."""
    known = known_of(decided, heard, seen)
    judged = (known == Known.GOOD) | (known == Known.BAD)
    bad = np.zeros(len(decided), dtype=np.bool_)
    bad[heard.loan[heard.meaning == Meaning.BAD]] = True
    arrived = decided.approved & (bad | judged)
    return {
        way: (outcome[which].astype(np.float64), decided.pd[which])
        for way, outcome, which in zip(
            WAYS, (known == Known.BAD, bad, bad), (judged, decided.approved, arrived), strict=True
        )
    }


if __name__ == "__main__":
    raise SystemExit(main())
