"""Train, calibration and test parts, and the folds of the development rows; the same for a key in any file order."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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
    keys = dealt["key"].to_pylist()
    in_test = _in_test(keys, dealt["date"], split, window)
    calibrates = shares(keys, "calibration", split.seed) < split.calibration_share
    folds = np.where(in_test, -1, (shares(keys, "fold", split.seed) * split.folds).astype(np.int8))
    part_of = np.where(in_test, PARTS.index("test"), np.where(calibrates, PARTS.index("calibration"), 0))
    assigned = pa.table(
        {
            "key": dealt["key"],
            "target": dealt["target"].cast(pa.int8()),
            "date": dealt["date"],
            "part": pa.array(PARTS, pa.string()).take(pa.array(part_of)),
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


def shares(keys: Iterable[object], purpose: str, seed: int) -> NDArray[np.float64]:
    """For each key a number in [0, 1) that depends on the key alone (and the purpose and seed), not on its place.

    The first 52 bits of an md5, which a double holds exactly.
    """
    before = f"{seed}:{purpose}:"
    digests = b"".join(hashlib.md5(f"{before}{key}".encode(), usedforsecurity=False).digest() for key in keys)
    return np.asarray((np.frombuffer(digests, ">u8")[::2] >> np.uint64(12)) / 2.0**52)


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
    drawn = [shares(batch.column(0).to_pylist(), "sample", split.seed)
             for batch in loans.select(["key"]).to_batches(max_chunksize=100_000)]  # fmt: skip
    smallest = np.argsort(np.concatenate(drawn), kind="stable")[: split.rows_max]
    return loans.take(pa.array(np.sort(smallest)))


def _in_test(keys: Sequence[object], dates: pa.ChunkedArray, split: Split, window: Window | None) -> NDArray[np.bool_]:
    if window is None:
        return shares(keys, "test", split.seed) < split.test_share
    return np.asarray(pc.greater_equal(dates, pa.scalar(window[0], pa.date32())).fill_null(False))


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
