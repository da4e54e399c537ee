"""Train, calibration and test parts, and the folds of the development rows; the same for a key in any file order."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from creditrisk.config import Split
from creditrisk.errors import BadData
from creditrisk.split.labels import Labels

PARTS = ("train", "calibration", "test")


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
    Raises BadData when a part is empty or holds one class only.
    """
    rows = [row for row in labels.rows.to_pylist() if row["label_state"] == "observed"]
    window = _test_window(labels, split) if split.method == "out_of_time" else None
    kept = [(row, _part(row, split, window)) for row in rows]
    after = sum(part is None for _, part in kept)
    assigned = [
        {
            "key": row["key"],
            "target": row["target"],
            "date": row["date"],
            "part": part,
            "fold": -1 if part == "test" else int(share(row["key"], "fold", split.seed) * split.folds),
        }
        for row, part in kept
        if part is not None
    ]
    parts = {part: _figures([row for row in assigned if row["part"] == part]) for part in PARTS}
    _refuse_unusable(parts)
    report = {
        "method": split.method,
        "seed": split.seed,
        "folds": split.folds,
        "test_from": str(window[0]) if window else None,
        "test_before": str(window[1]) if window and window[1] else None,
        "label_states": labels.states,
        "observed_until": str(labels.observed_until) if labels.observed_until else None,
        "after_test_window": after,
        "parts": parts,
        "balance": _balance(parts),
    }
    schema = pa.schema(
        [("key", labels.rows.schema.field("key").type), ("target", pa.int8()), ("date", pa.date32()),
         ("part", pa.string()), ("fold", pa.int8())]
    )  # fmt: skip
    return Parts(pa.Table.from_pylist(assigned, schema=schema), window[0] if window else None, report)


def share(key: object, purpose: str, seed: int) -> float:
    """A number in [0, 1) that depends on the key alone (and the purpose and seed), not on where its row stands."""
    digest = hashlib.md5(f"{seed}:{purpose}:{key}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:13], 16) / 16**13


def _part(row: dict[str, Any], split: Split, window: tuple[dt.date, dt.date | None] | None) -> str | None:
    if window is not None:
        start, end = window
        if row["date"] is None or (end is not None and row["date"] >= end):
            return None
        if row["date"] >= start:
            return "test"
    elif share(row["key"], "test", split.seed) < split.test_share:
        return "test"
    return "calibration" if share(row["key"], "calibration", split.seed) < split.calibration_share else "train"


def _test_window(labels: Labels, split: Split) -> tuple[dt.date, dt.date | None]:
    if split.test_from is not None:
        return dt.date.fromisoformat(f"{split.test_from}-01"), None
    terms: dict[int, set[int | None]] = defaultdict(set)
    immature: set[int] = set()
    for row in labels.rows.to_pylist():
        if row["date"] is None:
            continue
        terms[row["date"].year].add(row["term"])
        if row["label_state"] == "immature":
            immature.add(row["date"].year)
    every = set().union(*terms.values()) if terms else set()
    matured = [year for year in terms if year not in immature and terms[year] == every]
    if not matured:
        raise BadData(
            "no year has matured and holds every term, so there is nothing to test on",
            hint="name the first test month: split.test_from: 2011-01",
        )
    return dt.date(max(matured), 1, 1), dt.date(max(matured) + 1, 1, 1)


def _figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    bads = sum(row["target"] for row in rows)
    dates = sorted(row["date"] for row in rows if row["date"] is not None)
    return {
        "n": len(rows),
        "bads": bads,
        "default_rate": bads / len(rows) if rows else None,
        "first_date": str(dates[0]) if dates else None,
        "last_date": str(dates[-1]) if dates else None,
    }


def _refuse_unusable(parts: dict[str, dict[str, Any]]) -> None:
    empty = [part for part, figures in parts.items() if figures["n"] == 0]
    if empty:
        raise BadData(f"the {empty[0]} part is empty", hint="check split.test_from and the shares in portfolio.yaml")
    for part, figures in parts.items():
        if figures["bads"] in (0, figures["n"]):
            raise BadData(
                f"the {part} part holds one class only ({figures['bads']} bad of {figures['n']})",
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
