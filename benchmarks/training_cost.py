"""What training XGBoost costs through this project, against the bare library on the same matrix, in turn.

python -m benchmarks.training_cost [--quick] [--rows 200000] [--json FILE]
One process fits both ways in turn, with the same parameters, rows and stopping rows; CPU seconds of all its threads,
the least of each way counts. Limit: 1.1x.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from creditrisk.modelling import Feature, Learning, Rows
from creditrisk.modelling.estimators import XGBoostTrees

LIMIT = 1.1
FULL_ROWS, QUICK_ROWS = 200_000, 10_000
NUMBERS, CATEGORIES = 280, 20
PARAMETERS: dict[str, Any] = {"rounds": 200, "early_stopping_rounds": 50, "learning_rate": 0.05}
TURNS = 3
SEED, THREADS = 20260101, 2


class Costs(TypedDict):
    """CPU seconds of each turn, and the ratio of the least ones."""

    rows: int
    features: int
    rounds: int
    ours_cpu_s: list[float]
    bare_cpu_s: list[float]
    ratio: float
    limit: float
    same_model: bool


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows")
    options.add_argument("--rows", type=int, default=FULL_ROWS)
    options.add_argument("--json", type=Path, help="write the figures here too")
    chosen = options.parse_args()
    costs = measure(QUICK_ROWS if chosen.quick else chosen.rows)
    show(costs)
    if chosen.json:
        chosen.json.write_text(json.dumps(costs, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(count: int, *, turns: int = TURNS, parameters: dict[str, Any] = PARAMETERS) -> Costs:
    """Both ways in turn on rows drawn by a seed; a small fit before them loads the library."""
    rows, features = drawn(count, SEED)
    stopping, _ = drawn(count // 10, SEED + 1)
    learning = Learning(features, parameters, seed=SEED, threads=THREADS)
    small = Rows(rows.values[:500], rows.target[:500])
    XGBoostTrees.fit(small, learning, rounds=1)
    ours, bare, models = [], [], []
    for _ in range(turns):
        seconds, model = cpu_of(lambda: XGBoostTrees.fit(rows, learning, evaluation=stopping))
        ours.append(seconds)
        seconds, booster = cpu_of(lambda: bare_fit(rows, stopping, features, parameters))
        bare.append(seconds)
        models.append((model, booster))
    model, booster = models[-1]
    margins = booster[: booster.best_iteration + 1].inplace_predict(stopping.values, predict_type="margin")
    return {
        "rows": count,
        "features": len(features),
        "rounds": booster.num_boosted_rounds(),
        "ours_cpu_s": ours,
        "bare_cpu_s": bare,
        "ratio": min(ours) / min(bare),
        "limit": LIMIT,
        "same_model": bool(np.array_equal(model.margin(stopping.values), margins.astype(np.float64))),
    }


def drawn(count: int, seed: int) -> tuple[Rows, tuple[Feature, ...]]:
    """Rows like a feature table's: skewed numbers, one in five missing, small categories; one in twelve is bad."""
    random = np.random.default_rng(seed)
    numbers = random.lognormal(size=(count, NUMBERS)).astype(np.float32)
    words = random.integers(0, 12, size=(count, CATEGORIES)).astype(np.float32)
    log_odds = -3.2 + np.log(numbers[:, :8]) @ np.linspace(0.6, 0.1, 8) + 0.3 * (words[:, 0] == 3)
    numbers[random.random(numbers.shape) < 0.2] = np.nan
    target = (random.random(count) < 1.0 / (1.0 + np.exp(-log_odds))).astype(np.float64)
    features = [Feature(f"number_{place}", "number") for place in range(NUMBERS)]
    features += [Feature(f"word_{place}", "category", tuple("abcdefghijkl")) for place in range(CATEGORIES)]
    return Rows(np.hstack([numbers, words]), target), tuple(features)


def bare_fit(rows: Rows, stopping: Rows, features: tuple[Feature, ...], parameters: dict[str, Any]) -> Any:
    """What a modeller would write with XGBoost alone."""
    import xgboost

    settings = XGBoostTrees.settings(parameters)
    rounds, patience = settings.pop("rounds"), settings.pop("early_stopping_rounds")
    kinds = ["c" if feature.kind == "category" else "float" for feature in features]
    train = xgboost.DMatrix(rows.values, rows.target, feature_types=kinds, enable_categorical=True, nthread=THREADS)
    held_out = xgboost.DMatrix(
        stopping.values, stopping.target, feature_types=kinds, enable_categorical=True, nthread=THREADS
    )
    return xgboost.train(
        {
            **settings,
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "seed": SEED,
            "nthread": THREADS,
        },
        train,
        num_boost_round=rounds,
        evals=[(held_out, "stop")],
        early_stopping_rounds=patience,
        verbose_eval=False,
    )


def cpu_of(act: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    result = act()
    return time.process_time() - begun, result


def show(costs: Costs) -> None:
    print(f"{costs['rows']:,} rows x {costs['features']} features, {costs['rounds']} rounds, the same model both ways: "
          f"{costs['same_model']}")  # fmt: skip
    for way, seconds in (("ours", costs["ours_cpu_s"]), ("bare", costs["bare_cpu_s"])):
        print(f"{way}: {min(seconds):8.2f} CPU s   ({', '.join(f'{one:.2f}' for one in seconds)})")
    print(f"ratio: {costs['ratio']:.3f} (at most {costs['limit']})")


if __name__ == "__main__":
    raise SystemExit(main())
