"""Are the reasons proved, and are they the principal ones? Declines of the test part, each factor replaced."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from creditrisk.config import load_book
from creditrisk.kinds import Verdict
from creditrisk.modelling import Bundle
from creditrisk.modelling.out_of_fold import stable_shares
from creditrisk.pipelines.assessments.tested import Tested
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.reason_proofs import finder
from creditrisk.scoring import LEAST_FALL, Falls, falls
from creditrisk.scoring.reasons import candidates, proved

REPORT = "reasons_report.json"
MOST_DECLINES = 50
"""Looked at here; `creditrisk score` proves the reasons of everybody it decides about."""


def assess(context: Context, tested: Tested) -> dict[str, Any]:
    bundle = tested.bundle
    declined = tested.decisions.filter(pc.equal(tested.decisions["decision"], Verdict.DECLINE.value))[bundle.key]
    sample = _sample(declined, context.book.portfolio.training.seed)
    body: dict[str, Any] = {
        "bundle_sha256": bundle.sha256,
        "declines": len(declined),
        "looked_at": len(sample),
        "least_fall": LEAST_FALL,
        "peers": bundle.peers["application"].num_rows if bundle.peers else 0,
        "unproved_because": bundle.policy.unproved or (None if len(sample) else "no application was declined"),
        "proved_share": None,
        "principal_share": None,
        "figures": None,
    }
    folder = context.folder.bundle(bundle.sha256)
    tables = {name: tested.folder.table(name) for name in context.book.portfolio.tables}
    tables = {name: path for name, path in tables.items() if path.is_file()}
    find = finder(bundle, load_book(folder), tables, context.duck)
    if find is not None and len(sample):
        rows = tested.rows.filter(pc.is_in(tested.rows[bundle.key], value_set=sample))
        values = bundle.preprocess.matrix(rows).values
        tried = falls(bundle, values, rows[bundle.key].combine_chunks(), find)
        figures = figures_of(bundle, values, tried)
        body["proved_share"] = 1.0 - figures["declines_without_proved_reason"] / len(sample)
        body["principal_share"] = figures["among_four_largest"]
        body["figures"] = figures
    return context.report(REPORT, body, inputs={"bundle": bundle.sha256, "test": tested.folder.part("test")})


def _sample(keys: pa.ChunkedArray, seed: int) -> pa.Array:
    """The declines with the smallest stable hashes, by key."""
    shares = stable_shares(keys.to_pylist(), seed)
    return keys.combine_chunks().take(pa.array(np.sort(np.argsort(shares, kind="stable")[:MOST_DECLINES])))


def figures_of(bundle: Bundle, values: NDArray[np.float32], tried: Falls) -> dict[str, Any]:
    """What the proofs came to.

    dropped: groups that contributions alone would have named, and whose proof failed.  among_four_largest: of the
    reasons told, the share whose fall is one of the four largest falls of all groups.
    """
    codes = np.array([words.code for words in bundle.policy.reasons])
    told, by_contribution = proved(bundle, values, tried), candidates(bundle, values)
    named = by_contribution.group[by_contribution.told]
    failed = ~np.take_along_axis(tried.proved, by_contribution.group, axis=1) & by_contribution.told
    fall = np.nan_to_num(tried.fall, nan=-np.inf)
    fourth = np.sort(fall, axis=1)[:, ::-1][:, : min(4, fall.shape[1])][:, -1]
    largest = np.take_along_axis(fall, told.group, axis=1) >= fourth[:, None]
    counts = told.told.sum(axis=1)
    return {
        "reasons": int(counts.sum()),
        "reasons_per_decline": {str(number): int((counts == number).sum()) for number in sorted(set(counts.tolist()))},
        "declines_without_proved_reason": int((counts == 0).sum()),
        "told_by_group": _counted(codes[told.group[told.told]]),
        "among_four_largest": float(largest[told.told].mean()) if counts.sum() else None,
        "named_by_contribution": len(named),
        "dropped": int(failed.sum()),
        "dropped_by_group": _counted(codes[by_contribution.group[failed]]),
        "median_largest_fall": float(np.median(fall.max(axis=1))),
        "groups_not_asked_for": codes[np.isnan(tried.fall).all(axis=0)].tolist(),
    }


def _counted(codes: NDArray[Any]) -> dict[str, int]:
    return dict(sorted(Counter(codes.tolist()).items()))
