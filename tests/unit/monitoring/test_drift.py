"""Drift from counts: figures of the right rows, verdicts that know chance, and what cannot be told said so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats as scipy_stats
from scipy.spatial.distance import jensenshannon

from creditrisk.errors import NewerSchema
from creditrisk.modelling import Preprocess
from creditrisk.modelling.reference import raw_histogram, reference_of, with_answers
from creditrisk.monitoring.counts import By, Counted, Counting, bins_of
from creditrisk.monitoring.drift import Limits, drift, metrics

LIMITS = Limits(psi=0.1)
IMPORTANCE = {"income": 0.7, "town": 0.3, "idle": 0.0}


def rows_like(rng: np.random.Generator, rows: int, *, shift: float = 0.0) -> pa.Table:
    income = np.where(rng.random(rows) < 0.1, np.nan, rng.normal(100 + shift, 20, rows))
    return pa.table(
        {
            "income": pa.array(income, from_pandas=True),
            "town": rng.choice(["big", "small"], rows),
            "idle": rng.random(rows),
        }
    )


@pytest.fixture(scope="module")
def development() -> pa.Table:
    return rows_like(np.random.default_rng(1), 4000)


@pytest.fixture(scope="module")
def reference(development: pa.Table) -> dict[str, Any]:
    rng = np.random.default_rng(2)
    preprocess = Preprocess.fit(development, ["idle", "income", "town"])
    pd = rng.beta(1, 9, 4000)
    told = reference_of(development, preprocess, pd, (600 - 100 * pd).astype(np.int32), IMPORTANCE)
    told = with_answers(told, {"A": 3000, "B": 1000}, {"approve": 3600, "refer": 0, "decline": 400})
    return {**told, "raw": {"application.income": raw_histogram(development["income"])}, "calibration": {}}


def counted(reference: dict[str, Any], rows: pa.Table, **more: Any) -> Counted:
    counting = Counting(bins_of(reference))
    places = counting.rows(None, rows.num_rows)
    columns = {f"feature:{name}": rows[name] for name in rows.column_names} | {
        "raw:application.income": rows["income"],
        "pd": pa.array(np.random.default_rng(3).beta(1, 9, rows.num_rows)),
        "score": pa.array(600 - 100 * np.random.default_rng(3).beta(1, 9, rows.num_rows)).cast(pa.int64(), safe=False),
        "grade": pa.array(np.random.default_rng(4).choice(["A", "B"], rows.num_rows, p=[0.75, 0.25])),
        "decision": pa.array(np.random.default_rng(5).choice(["approve", "decline"], rows.num_rows, p=[0.9, 0.1])),
        **more,
    }
    for name, column in columns.items():
        if column is not None and name in bins_of(reference):
            counting.add(name, column, places)
    return counting.counted()


def told_of(report: dict[str, Any], column: str) -> dict[str, Any]:
    return next(row for row in report["columns"] if row["column"] == column)


def drift_of(reference: dict[str, Any], current: Counted, **more: Any) -> dict[str, Any]:
    return drift(reference, current, LIMITS, importance=IMPORTANCE, place="some rows", **more)


def test_rows_from_the_same_place_have_not_moved(reference: dict[str, Any]) -> None:
    report = drift_of(reference, counted(reference, rows_like(np.random.default_rng(7), 3000)))
    assert report["verdict"] == "pass"
    assert report["findings"] == []
    assert all(row["verdict"] == "pass" for row in report["columns"])


def test_a_shift_in_what_the_model_leans_on_fails_and_is_named(reference: dict[str, Any]) -> None:
    report = drift_of(reference, counted(reference, rows_like(np.random.default_rng(7), 3000, shift=15.0)))
    assert report["verdict"] == "fail"
    assert report["reason"] == "1 of 6 columns that count moved: income"
    assert report["periods"][0]["moved"] == ["feature:income"]


def test_columns_are_ranked_by_the_models_importance(reference: dict[str, Any]) -> None:
    report = drift_of(reference, counted(reference, rows_like(np.random.default_rng(7), 300)))
    assert [row["column"] for row in report["columns"]] == [
        "score", "pd", "grade", "decision", "feature:income", "feature:town", "feature:idle", "raw:application.income",
    ]  # fmt: skip
    assert told_of(report, "feature:income")["importance"] == 0.7
    assert told_of(report, "score")["importance"] is None


def test_what_the_model_does_not_use_is_told_and_decides_nothing(reference: dict[str, Any]) -> None:
    rows = rows_like(np.random.default_rng(7), 3000).set_column(2, "idle", pa.array(np.full(3000, 9.0)))
    report = drift_of(reference, counted(reference, rows))
    assert told_of(report, "feature:idle")["verdict"] == "fail"
    assert report["verdict"] == "pass"


def test_figures_equal_those_of_scipy_on_the_same_bins(reference: dict[str, Any]) -> None:
    rows = rows_like(np.random.default_rng(8), 2000, shift=5.0)
    told = told_of(drift_of(reference, counted(reference, rows)), "feature:income")
    frozen = reference["features"]["income"]
    before = np.array(frozen["counts"])
    values = rows["income"].to_numpy()
    now = np.append(
        np.histogram(values[~np.isnan(values)], [-np.inf, *frozen["edges"], np.inf])[0], np.isnan(values).sum()
    )
    assert told["bins"]["now"] == now.tolist()
    places = np.arange(len(before) - 1)
    assert told["ks"] == pytest.approx(
        scipy_stats.ks_2samp(np.repeat(places, before[:-1]), np.repeat(places, now[:-1])).statistic, abs=1e-9
    )
    assert told["jensen_shannon"] == pytest.approx(jensenshannon(before / before.sum(), now / now.sum(), 2), abs=1e-9)
    carried = scipy_stats.wasserstein_distance(frozen["centres"], frozen["centres"], before[:-1], now[:-1])
    assert told["wasserstein"] == pytest.approx(carried, abs=1e-9)
    assert told["wasserstein_in_spreads"] == pytest.approx(carried / frozen["spread"], abs=1e-9)
    tested = scipy_stats.chi2_contingency([before, now], correction=False)
    assert told["chi_square"]["statistic"] == pytest.approx(tested.statistic, abs=1e-9)
    assert told["chi_square"]["p"] == pytest.approx(tested.pvalue, abs=1e-9)
    assert told["rows_below"] == np.sum(values < frozen["low"])
    assert told["rows_above"] == np.sum(values > frozen["high"])
    assert told["missing_now"] == np.isnan(values).mean()


def test_a_word_that_the_model_never_saw_is_told_with_its_share(reference: dict[str, Any]) -> None:
    words = pa.array(["big"] * 600 + ["new"] * 300 + [None] * 100)
    rows = rows_like(np.random.default_rng(7), 1000).set_column(1, "town", words)
    told = told_of(drift_of(reference, counted(reference, rows)), "feature:town")
    assert (told["new_words_before"], told["new_words_now"], told["missing_now"]) == (0.0, 0.3, 0.1)
    assert (told["ks"], told["untold"]["ks"]) == (None, "words have no order")


def test_few_rows_that_lie_apart_by_chance_are_no_drift(reference: dict[str, Any]) -> None:
    report = drift_of(reference, counted(reference, rows_like(np.random.default_rng(9), 25)))
    told = told_of(report, "feature:income")
    assert told["psi"] > LIMITS.psi
    assert told["verdict"] == report["verdict"] == "not_enough_evidence"
    assert "chance alone" in told["reason"]


def test_a_column_that_is_gone_or_of_another_type_is_a_finding_and_no_zero(reference: dict[str, Any]) -> None:
    current = counted(
        reference, rows_like(np.random.default_rng(7), 3000), **{"feature:income": pa.array(["high"] * 3000)}
    )
    report = drift_of(reference, current)
    told = told_of(report, "feature:income")
    assert (told["psi"], told["ks"], told["missing_now"], told["verdict"]) == (None, None, None, "not_enough_evidence")
    (found,) = report["findings"]
    assert (found["table"], found["column"], found["rule"]) == ("some rows", "feature:income", "not counted")
    assert "numbers, here the column is string" in found["what"]
    assert report["verdict"] == "not_enough_evidence"


def test_rows_whose_payload_is_gone_are_told_and_not_counted_as_missing(reference: dict[str, Any]) -> None:
    rows = rows_like(np.random.default_rng(7), 3000)
    whole = counted(reference, rows)
    fewer = Counted(whole.periods, whole.rows + 50, whole.counts, whole.beyond)
    (found,) = drift_of(reference, fewer)["findings"]
    assert (found["rule"], found["rows"]) == ("not readable", 50)


def test_an_empty_period_has_no_figure_and_is_a_finding(reference: dict[str, Any]) -> None:
    counting = Counting(bins_of(reference), by=By.MONTH)
    times = pa.array([np.datetime64("2026-01-05", "us")] * 500 + [np.datetime64("2026-03-05", "us")] * 500)
    rows = rows_like(np.random.default_rng(7), 1000)
    places = counting.rows(times)
    for name in rows.column_names:
        counting.add(f"feature:{name}", rows[name], places)
    report = drift_of(reference, counting.counted())
    assert [period["rows"] for period in report["periods"]] == [500, 0, 500]
    assert (report["periods"][1]["verdict"], report["periods"][1]["reason"]) == (None, "no rows")
    assert told_of(report, "feature:income")["by_period"]["psi"][1] is None
    assert any("1 of 3 periods have no rows: 2026-02" in found["what"] for found in report["findings"])


def test_no_rows_at_all_is_not_enough_evidence(reference: dict[str, Any]) -> None:
    report = drift_of(reference, Counting(bins_of(reference), by=By.MONTH).counted())
    assert (report["verdict"], report["reason"]) == ("not_enough_evidence", "some rows: there are no rows")
    assert any("no rows at all" in found["what"] for found in report["findings"])


def test_the_reference_of_an_older_bundle_tells_what_it_can_and_names_the_rest(reference: dict[str, Any]) -> None:
    grown = ("low", "high", "spread", "centres", "importance")
    older = {
        "rows": reference["rows"],
        "features": {
            name: {key: value for key, value in of.items() if key not in grown}
            for name, of in reference["features"].items()
        },
        **{name: {k: v for k, v in reference[name].items() if k not in grown} for name in ("pd", "score")},
    }
    report = drift_of(older, counted(older, rows_like(np.random.default_rng(7), 3000)))
    told = told_of(report, "feature:income")
    assert told["psi"] is not None
    assert told["wasserstein"] is told["rows_above"] is None
    assert "older" in told["untold"]["wasserstein"]
    (found,) = report["findings"]
    assert found["rule"] == "older reference"
    assert all(word in found["what"] for word in ("range", "raw columns", "grades", "decisions", "at development"))


def test_a_reference_of_a_newer_version_is_refused(reference: dict[str, Any]) -> None:
    with pytest.raises(NewerSchema, match="schema 99"):
        drift_of({**reference, "schema_version": 99}, counted(reference, rows_like(np.random.default_rng(7), 10)))


def test_machines_get_flat_numbers_and_null_where_there_is_none(reference: dict[str, Any]) -> None:
    flat = metrics(drift_of(reference, counted(reference, rows_like(np.random.default_rng(7), 3000, shift=15.0))))
    assert (flat["verdict"], flat["rows"], flat["columns_fail"]) == (2, 3000, 1)
    assert flat["feature:income.psi"] > 0.1
    assert flat["feature:town.ks"] is None
    assert all(value is None or isinstance(value, int | float) for value in flat.values())
