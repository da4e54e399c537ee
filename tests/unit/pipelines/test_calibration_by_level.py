"""A run whose PDs are calibrated by the levels of a directed feature: reports, reasons, changes and comparison."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.config import Book, load_book
from creditrisk.files import read_json
from creditrisk.modelling import Bundle, levels, load_bundle
from creditrisk.pipelines import batch_predict
from creditrisk.pipelines.compare_models import _Comparison
from creditrisk.pipelines.context import Context
from creditrisk.pipelines.stages import run_stages
from creditrisk.scoring import score
from tests.support.proving import features_from_raw, mean_margins_without, people, read_tables
from tests.support.schemas import faults
from tests.support.tiny_run import tiny_context

LATE = "payment_days_late_max"
RATE = 0.2


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """After the evaluation; the 600 loans have too few bads for the usual least of a level."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "LEAST_OF_EACH", 15)
        context = tiny_context(
            tmp_path_factory.mktemp("by_level"),
            training__calibration_by=LATE,
            training__estimator="logistic",
            training__calibration=["platt"],
            training__long_run_default_rate={"value": RATE, "because": "a test", "owner": "tests"},
            policy__monotone={LATE: "pd_rises"},
        )
        run_stages(context, last="evaluate")
        yield context


@pytest.fixture(scope="module")
def bundle(context: Context) -> Bundle:
    return load_bundle(next(context.folder.models.glob("*/bundle")))


@pytest.fixture(scope="module")
def book(context: Context) -> Book:
    return load_book(next(context.folder.models.glob("*/bundle")))


def _report(context: Context, name: str) -> dict[str, Any]:
    told: dict[str, Any] = read_json(context.folder.report(name))
    return told


def test_the_reports_keep_their_schemas_and_tell_the_levels(context: Context, bundle: Bundle) -> None:
    for name in ("metrics.json", "calibration_report.json", "policy_checks.json"):
        assert faults(context.folder.report(name)) == []
    told = _report(context, "metrics.json")["calibration"]
    assert told["by_level"]["feature"] == LATE
    assert bundle.levels is not None
    own = [one["level"] for one in told["by_level"]["levels"] if one["own_line"]]
    assert own == [f"{level:g}" for level in bundle.levels.lines]
    assert 1 < len(own) < len(told["by_level"]["levels"])


def test_the_declared_rate_is_the_mean_pd_of_the_development_rows(context: Context) -> None:
    told = _report(context, "calibration_report.json")
    assert told["long_run_default_rate"]["mean_pd_of_development"]["served"] == pytest.approx(RATE, abs=1e-9)
    assert [row["method"] for row in told["methods"] if row["served"]] == ["platt"]


def test_a_directed_feature_is_tried_at_every_level_since_lines_may_cross(context: Context, bundle: Bundle) -> None:
    told = _report(context, "policy_checks.json")["directions"]
    rows = pq.read_table(context.folder.part("test"))
    place = rows.column_names.index(LATE)
    kind = rows.schema.field(LATE).type
    seen = sorted({value for value in rows[LATE].to_pylist() if value is not None} | set(bundle.levels.lines))  # type: ignore[union-attr]
    assert told["by_level"]["levels"] == seen
    pds = np.array([
        score(bundle, rows.set_column(place, LATE, pa.array([level] * len(rows)).cast(kind)), with_reasons=False)["pd"]
        for level in seen
    ])  # fmt: skip
    broken = int(np.sum(np.any(np.diff(pds, axis=0) < -1e-9, axis=0)))
    assert (told["by_level"]["compared"], told["by_level"]["broken"]) == (len(rows), broken)
    assert (told["verdict"] == "fail") == (broken > 0)
    assert told["reason"].endswith("tested rows, each scored at every level")


def test_reasons_and_changes_are_proved_with_the_level_that_goes_with_them(
    context: Context, bundle: Bundle, book: Book, tmp_path: Path
) -> None:
    out = tmp_path / "decisions.parquet"
    reference = str(next(context.folder.models.glob("*/bundle")))
    batch_predict.run(context, context.raw, out, reference=reference, with_counterfactuals=True)
    raw, rows = read_tables(context.folder.bronze, book), pq.read_table(out).to_pylist()
    told = [(row, reason) for row in rows if row["decision"] == "decline" for reason in row["reasons"]]
    assert any(reason["feature"] == LATE for _, reason in told)
    for row, reason in told[:12]:
        (mean,) = mean_margins_without(bundle, book, raw, [(row["loan_id"], reason["code"])])
        assert reason["pd_without"] == pytest.approx(bundle.calibrator(np.array([mean]))[0], abs=1e-12)
        assert reason["pd_without"] < row["pd"]
    helped = [row for row in rows if row["counterfactual"] and row["counterfactual"]["changes"]]
    assert helped
    for row in helped[:5]:
        own = people(book, raw, [row["loan_id"]])
        for change in row["counterfactual"]["changes"]:
            place = own["application"].column_names.index(change["column"])
            new = pa.array([change["new"]]).cast(own["application"].schema.field(change["column"]).type)
            own = {**own, "application": own["application"].set_column(place, change["column"], new)}
        again = score(bundle, features_from_raw(book, own), with_reasons=False).to_pylist()[0]
        assert (again["decision"], again["pd"]) == (row["counterfactual"]["decision"], row["counterfactual"]["pd"])


def test_compare_judges_the_pds_that_training_served_and_sets_one_curve_beside_them(
    context: Context, tmp_path: Path
) -> None:
    asked = _Comparison(context, tmp_path)
    own = asked.judge("own", asked.own_way)
    assert not isinstance(own, str)
    assert np.array_equal(own.pd, pq.read_table(context.folder.out_of_fold)["pd"].to_numpy())
    rows = {row["name"]: row for row in asked.calibrations(own)}
    assert rows["platt"]["own"]
    assert rows["platt_without_levels"]["figures"]["log_loss"] != rows["platt"]["figures"]["log_loss"]
