"""One applicant in process: the trees and the reasons, against scikit-learn's wrapper and a pandas frame.

python -m benchmarks.one_row [--quick] [--json FILE]
XGBoost on 162 invented columns, 300 trees of depth 4. Both have the same trees; milliseconds of wall time, the median
of many, ours and theirs in turn, ten calls at a time: after the other's call the processor's caches hold the other's
work, and one call of ours costs three times as much.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from creditrisk.modelling import Feature, Learning, Rows
from creditrisk.modelling.estimators import XGBoostTrees

COLUMNS, ROWS, QUICK_ROWS = 162, 20_000, 3_000
ROUNDS = 300
IN_A_ROW = 10
PARAMETERS = {"rounds": ROUNDS, "learning_rate": 0.05, "max_depth": 4}
TREES_MS_MAX, REASONS_MS_MAX = 0.2, 5.0


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help=f"learnt from {QUICK_ROWS:,} rows, a tenth of the turns")
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    told = measure(QUICK_ROWS if chosen.quick else ROWS, turns=5 if chosen.quick else 50)
    print(json.dumps(told, indent=2))
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0 if chosen.quick or (told["trees_ms"] <= TREES_MS_MAX and told["reasons_ms"] <= REASONS_MS_MAX) else 1


def measure(rows: int, *, turns: int) -> dict[str, float]:
    """Milliseconds of: our trees, our contributions to the reasons, the wrapper on a frame, a frame from a dict."""
    import pandas as pd
    from xgboost import XGBClassifier

    warnings.simplefilter("ignore")
    rng = np.random.default_rng(7)
    values = rng.standard_normal((rows, COLUMNS)).astype(np.float32)
    y = (rng.random(rows) < 1 / (1 + np.exp(2.4 - values[:, :8].sum(axis=1) / 4))).astype(np.float64)
    names = [f"f{place}" for place in range(COLUMNS)]
    learning = Learning(tuple(Feature(name, "number") for name in names), PARAMETERS, seed=7, threads=1)
    ours = XGBoostTrees.fit(Rows(values, y), learning, rounds=ROUNDS)
    theirs = XGBClassifier(n_estimators=ROUNDS, max_depth=4, learning_rate=0.05, tree_method="hist", n_jobs=1).fit(
        pd.DataFrame(values, columns=names), y
    )
    one, record = values[:1], dict(zip(names, map(float, values[0]), strict=True))
    ways: dict[str, Callable[[], Any]] = {
        "trees_ms": lambda: ours.margin(one),
        "reasons_ms": lambda: ours.contributions(one),
        "wrapper_ms": lambda: theirs.predict_proba(pd.DataFrame([record])),
        "frame_ms": lambda: pd.DataFrame([record]),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for work in ways.values():
        work()
    for _ in range(turns):
        for name, work in ways.items():
            for _ in range(IN_A_ROW):
                begun = time.perf_counter()
                work()
                took[name].append((time.perf_counter() - begun) * 1000)
    return {name: statistics.median(times) for name, times in took.items()}


if __name__ == "__main__":
    raise SystemExit(main())
