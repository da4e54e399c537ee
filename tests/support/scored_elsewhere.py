"""Loads a bundle, scores rows and prints what came out, in a process that has no use for pickle.

python -m tests.support.scored_elsewhere BUNDLE ROWS.parquet

NumPy, PyArrow and XGBoost import the module `pickle` whether or not they use it, so that its mere import proves
nothing. Here each of its functions raises, from before the first import on; the modules that unpickle or fit
(`BARRED`) cannot be imported at all; and no module of creditrisk may hold `pickle`.
"""

from __future__ import annotations

import pickle
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

BARRED = ("joblib", "cloudpickle", "dill", "skops", "sklearn", "optbinning", "imblearn", "optuna", "duckdb")
PICKLE = ("dump", "dumps", "load", "loads", "Pickler", "Unpickler")


class PickleUsedError(BaseException):
    """Not an Exception, so that nobody who catches everything can pass over it."""


class Barrier(MetaPathFinder):
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        if name.partition(".")[0] in BARRED:
            raise ModuleNotFoundError(f"{name} is barred while scoring", name=name)
        return None


def _no_pickle(*_: Any, **__: Any) -> Any:
    raise PickleUsedError("pickle was used while scoring")


def _no_class_from_a_pickle(event: str, _: tuple[Any, ...]) -> None:
    if event == "pickle.find_class":
        raise PickleUsedError("a class was looked up for a pickle while scoring")


def main() -> None:
    for name in PICKLE:
        setattr(pickle, name, _no_pickle)
    sys.addaudithook(_no_class_from_a_pickle)
    sys.meta_path.insert(0, Barrier())

    import json
    from pathlib import Path

    import pyarrow.parquet as pq

    from creditrisk.modelling import load_bundle
    from creditrisk.scoring import score

    bundle = load_bundle(Path(sys.argv[1]))
    rows = pq.read_table(sys.argv[2])
    scored = score(bundle, rows)
    alone = score(bundle, rows.slice(3, 1))
    contributions = bundle.estimator.contributions(bundle.preprocess.matrix(rows).values)
    holders = [
        name for name, module in sys.modules.items() if name.startswith("creditrisk") and "pickle" in vars(module)
    ]
    sys.stdout.write(
        json.dumps(
            {
                "pd": [value.hex() for value in scored["pd"].to_pylist()],
                "score": scored["score"].to_pylist(),
                "decision": scored["decision"].to_pylist(),
                "alone": alone["pd"][0].as_py().hex(),
                "contributions": [value.hex() for value in contributions.ravel().tolist()],
                "barred_modules": sorted({name.partition(".")[0] for name in sys.modules} & set(BARRED)),
                "holders_of_pickle": holders,
            }
        )
    )


if __name__ == "__main__":
    main()
