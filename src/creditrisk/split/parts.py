"""Train, calibration and test parts, and the folds of the development rows; the same for a key in any file order."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from creditrisk.config import Split
from creditrisk.errors import BadData
from creditrisk.split.labels import Labels

PARTS = ("train", "calibration", "test")

type Window = tuple[dt.date, dt.date | None]
"""First day of the test part, and the first day after it (None = everything)."""


@dataclass(frozen=True)
class Parts:
    """rows: key, target (int8), date, part, fold (int8; -1 in test), sorted by key.

    test_from: first day of the test part for out_of_time, else None. report: what split.json tells.
    """

    rows: pa.Table
    test_from: dt.date | None
    report: dict[str, Any]


def assign(labels: Labels, split: Split) -> Parts:
    """Every observed loan to a part and a fold.

    hash: the test part is a share of all keys. out_of_time: the test part is everything from `test_from`, or the last
    calendar year whose loans have all matured and which holds every term of the file; younger loans are left out.
    Of more than `split.rows_max` loans those with the smallest hashes are dealt: the same ones wherever they stand.
    Raises BadData when a part is empty or holds one class only.
    """
    observed = labels.rows.filter(pc.equal(labels.rows["label_state"], "observed"))
    window = _test_window(labels, split) if split.method == "out_of_time" else None
    inside = _not_younger(observed, window)
    dealt = _sample(inside, split)
    keys, dates = dealt["key"].to_pylist(), dealt["date"].to_pylist()
    part_of = [_part(key, date, split, window) for key, date in zip(keys, dates, strict=True)]
    folds = [-1 if part == "test" else int(share(key, "fold", split.seed) * split.folds)
             for key, part in zip(keys, part_of, strict=True)]  # fmt: skip
    assigned = pa.table(
        {
            "key": dealt["key"],
            "target": dealt["target"].cast(pa.int8()),
            "date": dealt["date"],
            "part": pa.array(part_of, pa.string()),
            "fold": pa.array(folds, pa.int8()),
        }
    )
    parts = {part: _figures(assigned.filter(pc.equal(assigned["part"], part))) for part in PARTS}
    _refuse_unusable(parts)
    report = {
        "method": split.method,
        "seed": split.seed,
        "folds": split.folds,
        "test_from": str(window[0]) if window else None,
        "test_before": str(window[1]) if window and window[1] else None,
        "label_states": labels.states,
        "observed_until": str(labels.observed_until) if labels.observed_until else None,
        "after_test_window": observed.num_rows - inside.num_rows,
        "sampled_from": inside.num_rows if dealt.num_rows < inside.num_rows else None,
        "parts": parts,
        "balance": _balance(parts),
    }
    return Parts(assigned, window[0] if window else None, report)


def share(key: object, purpose: str, seed: int) -> float:
    """A number in [0, 1) that depends on the key alone (and the purpose and seed), not on where its row stands."""
    digest = hashlib.md5(f"{seed}:{purpose}:{key}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:13], 16) / 16**13


def _not_younger(observed: pa.Table, window: Window | None) -> pa.Table:
    """Without loans of no date, and those after the test part's window."""
    if window is None:
        return observed
    end = window[1]
    dated = observed.filter(pc.is_valid(observed["date"]))
    return dated if end is None else dated.filter(pc.less(dated["date"], pa.scalar(end, pa.date32())))


def _sample(loans: pa.Table, split: Split) -> pa.Table:
    if split.rows_max is None or loans.num_rows <= split.rows_max:
        return loans
    shares = np.concatenate(
        [
            np.fromiter((share(key, "sample", split.seed) for key in batch.column(0).to_pylist()), np.float64)
            for batch in loans.select(["key"]).to_batches(max_chunksize=100_000)
        ]
    )
    smallest = np.argsort(shares, kind="stable")[: split.rows_max]
    return loans.take(pa.array(np.sort(smallest)))


def _part(key: object, date: dt.date | None, split: Split, window: Window | None) -> str:
    if window is not None:
        if date is not None and date >= window[0]:
            return "test"
    elif share(key, "test", split.seed) < split.test_share:
        return "test"
    return "calibration" if share(key, "calibration", split.seed) < split.calibration_share else "train"


def _test_window(labels: Labels, split: Split) -> Window:
    if split.test_from is not None:
        return dt.date.fromisoformat(f"{split.test_from}-01"), None
    terms: dict[int, set[int | None]] = defaultdict(set)
    immature: set[int] = set()
    dated = labels.rows.filter(pc.is_valid(labels.rows["date"]))
    kinds = pa.table({"year": pc.year(dated["date"]), "term": dated["term"], "state": dated["label_state"]})
    for row in kinds.group_by(["year", "term", "state"]).aggregate([]).to_pylist():
        terms[row["year"]].add(row["term"])
        if row["state"] == "immature":
            immature.add(row["year"])
    every = set().union(*terms.values()) if terms else set()
    matured = [year for year in terms if year not in immature and terms[year] == every]
    if not matured:
        raise BadData(
            "no year has matured and holds every term, so there is nothing to test on",
            where="split",
            hint="name the first test month: split.test_from: 2011-01",
        )
    return dt.date(max(matured), 1, 1), dt.date(max(matured) + 1, 1, 1)


def _figures(rows: pa.Table) -> dict[str, Any]:
    bads = pc.sum(rows["target"]).as_py() or 0
    dates = pc.min_max(rows["date"]).as_py()
    return {
        "n": rows.num_rows,
        "bads": bads,
        "default_rate": bads / rows.num_rows if rows.num_rows else None,
        "first_date": str(dates["min"]) if dates["min"] else None,
        "last_date": str(dates["max"]) if dates["max"] else None,
    }


def _refuse_unusable(parts: dict[str, dict[str, Any]]) -> None:
    empty = [part for part, figures in parts.items() if figures["n"] == 0]
    if empty:
        raise BadData(
            f"the {empty[0]} part is empty",
            where="split",
            hint="check split.test_from and the shares in portfolio.yaml",
        )
    for part, figures in parts.items():
        if figures["bads"] in (0, figures["n"]):
            raise BadData(
                f"the {part} part holds one class only ({figures['bads']} bad of {figures['n']})",
                where="split",
                hint="more rows, or another split",
            )


def _balance(parts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Does the default rate of the test part differ from the development rows by more than chance explains?"""
    test, n_dev = parts["test"], parts["train"]["n"] + parts["calibration"]["n"]
    bads_dev = parts["train"]["bads"] + parts["calibration"]["bads"]
    pooled = (bads_dev + test["bads"]) / (n_dev + test["n"])
    error = math.sqrt(pooled * (1 - pooled) * (1 / n_dev + 1 / test["n"]))
    z = (test["default_rate"] - bads_dev / n_dev) / error
    return {"development_default_rate": bads_dev / n_dev, "test_default_rate": test["default_rate"], "z": z,
            "differs": abs(z) > 3}  # fmt: skip
