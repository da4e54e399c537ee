"""calibration_report.json: whether the PDs are right, over all rows, by grade and by segment, and what moved them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from creditrisk.errors import BadData, BrokenFile
from creditrisk.evaluation import calibration_tests
from creditrisk.modelling import COMPARED, Shifted, on_plateaus
from creditrisk.modelling.choose_calibration import cross_fitted_pds
from creditrisk.pipelines.assessments.segments import segments_of
from creditrisk.pipelines.assessments.tested import Tested
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.lineage import need_unchanged
from creditrisk.stats import brier, ece, log_loss, logit, losses, paired_difference, sigmoid

type Floats = NDArray[np.float64]

REPORT = "calibration_report.json"
LEVEL = 0.95


def assess(context: Context, tested: Tested) -> dict[str, Any]:
    """Tests of the best estimate: the served PD, without the shift to a declared long-run rate where there is one."""
    portfolio, calibrator = context.book.portfolio, tested.bundle.calibrator
    y, served = (tested.decisions[name].to_numpy().astype(np.float64) for name in ("target", "pd"))
    best = _unshifted(served, calibrator.shift) if isinstance(calibrator, Shifted) else served
    margin = portfolio.decision.margin_of_conservatism
    segments = segments_of(portfolio.assessment.segments, tested.rows, context.duck)
    path = tested.folder.out_of_fold
    need_unchanged(context, "train", {"out_of_fold": path})
    out_of_fold = pq.read_table(path)
    body = {
        "bundle_sha256": tested.bundle.sha256,
        "rows_are": "the test part; PDs are tested as the best estimate, before any shift to a long-run rate",
        "level": LEVEL,
        "significance": calibration_tests.SIGNIFICANCE,
        "least_expected": calibration_tests.LEAST_EXPECTED,
        "overall": calibration_tests.overall(y, best, level=LEVEL),
        "by_grade": calibration_tests.by_grade(
            y, best, np.array(tested.decisions["grade"].to_pylist()), tested.bundle.policy.grade_names,
            served=served, margin=margin.value if margin else None, level=LEVEL,
        ),
        "by_segment": calibration_tests.by_segment(y, best, segments, level=LEVEL),
        "segments": dict(sorted(portfolio.assessment.segments.items())),
        "shift": _shift(tested, out_of_fold, best, y),
        "methods": _methods(out_of_fold, tested.bundle.calibration, portfolio.training.seed),
        "long_run_default_rate": _long_run(context, tested, out_of_fold, served, best),
        "margin_of_conservatism": margin.model_dump(mode="json") if margin else None,
    }  # fmt: skip
    return context.report(
        REPORT,
        body,
        inputs={"bundle": tested.bundle.sha256, "test": tested.folder.part("test"), "out_of_fold": path},
    )


def _unshifted(pds: Floats, shift: float) -> Floats:
    return sigmoid(logit(pds) - shift)


def _shift(tested: Tested, out_of_fold: pa.Table, best: Floats, y: Floats) -> dict[str, Any]:
    """Mean PD against default rate in each year of granting: development rows out of fold, and the test part."""
    development = _sorted_development(tested)
    if not development[tested.bundle.key].equals(out_of_fold[tested.bundle.key]):
        raise BrokenFile(
            "the out-of-fold rows are not those of the development parts",
            where=str(tested.folder.out_of_fold),
            hint="train again",
        )
    pds = out_of_fold["pd"].to_numpy()
    if isinstance(tested.bundle.calibrator, Shifted):
        pds = _unshifted(pds, tested.bundle.calibrator.shift)
    target = out_of_fold["target"].to_numpy().astype(np.float64)
    return {
        "windows_are": "years of granting; one window where the book has no dates",
        "development_out_of_fold": calibration_tests.shift(target, pds, _years(development["date"]), level=LEVEL),
        "test": calibration_tests.shift(y, best, _years(tested.rows["date"]), level=LEVEL),
    }


def _sorted_development(tested: Tested) -> pa.Table:
    """In the order of the out-of-fold rows."""
    return tested.development.take(pc.sort_indices(tested.development[tested.bundle.key]))


def _years(dates: pa.ChunkedArray[Any]) -> NDArray[np.str_]:
    if dates.null_count == len(dates):
        return np.full(len(dates), "all")
    years = pc.fill_null(pc.cast(pc.year(dates), pa.string()), "unknown")
    return np.array(years.to_pylist(), dtype=np.str_)


def _methods(out_of_fold: pa.Table, served: str, seed: int) -> list[dict[str, Any]]:
    """Every method on the calibration part, one curve for all rows, each row's PD by one that never saw its fold.

    `loss_over_served` is the mean log loss less that of the served method, with a paired bootstrap's interval.
    """
    margins = out_of_fold["margin"].to_numpy()
    target, fold = (out_of_fold[name].to_numpy() for name in ("target", "fold"))
    target, fold = target.astype(np.float64), fold.astype(np.int64)
    part = pc.equal(out_of_fold["part"], "calibration").to_numpy(zero_copy_only=False)
    pds: dict[str, Floats] = {}
    failed: dict[str, str] = {}
    for method in COMPARED:
        try:
            pds[method] = cross_fitted_pds(method, margins, target, fold)[part]
        except BadData as error:
            failed[method] = error.what
    y, told = target[part], []
    for method in COMPARED:
        row: dict[str, Any] = {"method": method, "served": method == served, "notes": {}}
        if method in failed:
            row["notes"]["method"] = failed[method]
            told.append({**row, **dict.fromkeys(_OF_METHODS)})
            continue
        pd = pds[method]
        refuted = int(np.count_nonzero(((pd == 0.0) & (y == 1)) | ((pd == 1.0) & (y == 0))))
        figures = calibration_tests.figures(y, pd, level=LEVEL)
        row["notes"] |= figures["notes"]
        row |= {name: figures[name] for name in ("n", "bads", "mean_pd", "slope", "in_the_large")}
        row |= {"brier": brier(y, pd), "ece": ece(y, pd), "on_plateaus": on_plateaus(margins[part], pd)}
        row |= {"refuted_rows": refuted, "log_loss": None, "loss_over_served": None}
        if refuted:
            row["notes"]["log_loss"] = f"infinite: {refuted} rows had a PD of 0 or 1 and did the other"
        else:
            row["log_loss"] = log_loss(y, pd)
            if method != served and served in pds and len(y) > 1:
                gap = paired_difference(losses(y, pd), losses(y, pds[served]), seed=seed, rounds=400, level=LEVEL)
                row["loss_over_served"] = gap.as_json()
        told.append(row)
    return told


_OF_METHODS = (
    "n", "bads", "mean_pd", "slope", "in_the_large", "brier", "ece", "on_plateaus", "refuted_rows", "log_loss",
    "loss_over_served",
)  # fmt: skip


def _long_run(
    context: Context, tested: Tested, out_of_fold: pa.Table, served: Floats, best: Floats
) -> dict[str, Any] | None:
    """The declared rate, the step to it, and mean PDs with and without; None where the book declares none."""
    declared, calibrator = context.book.portfolio.training.long_run_default_rate, tested.bundle.calibrator
    if declared is None or not isinstance(calibrator, Shifted):
        return None
    values = tested.bundle.preprocess.matrix(_sorted_development(tested)).values
    margins = tested.bundle.levelled(out_of_fold["margin"].to_numpy(), values)
    return {
        "declared": declared.model_dump(mode="json"),
        "shift": calibrator.shift,
        "default_rate_of_development": float(np.mean(out_of_fold["target"].to_numpy())),
        "mean_pd_of_development": {
            "served": float(np.mean(calibrator(margins))),
            "without_shift": float(np.mean(calibrator.base(margins))),
        },
        "mean_pd_of_test": {"served": float(np.mean(served)), "without_shift": float(np.mean(best))},
    }
