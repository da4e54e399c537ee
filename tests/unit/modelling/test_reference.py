"""What a bundle remembers of the rows it learnt from."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from creditrisk.modelling import Preprocess
from creditrisk.modelling.reference import (
    LEAST_ROWS_OF_A_WORD,
    MOST_WORDS,
    REFERENCE_SCHEMA,
    calibration_by_grade,
    raw_histogram,
    reference_of,
    with_answers,
)


def test_a_feature_is_remembered_with_its_bins_its_range_and_what_the_model_makes_of_it() -> None:
    rng = np.random.default_rng(2)
    amount = np.where(rng.random(500) < 0.1, np.nan, rng.gamma(2.0, 50.0, 500))
    rows = pa.table({"amount": pa.array(amount, from_pandas=True), "town": ["big", "small"] * 250})
    preprocess = Preprocess.fit(rows, ["amount", "town"])
    told = reference_of(rows, preprocess, np.full(500, 0.1), np.full(500, 600, np.int32), {"amount": 0.75})
    assert told["schema_version"] == REFERENCE_SCHEMA
    feature, stated = told["features"]["amount"], amount[~np.isnan(amount)]
    assert (feature["low"], feature["high"]) == (stated.min(), stated.max())
    assert feature["spread"] == pytest.approx(np.std(stated), rel=1e-9)
    assert (feature["importance"], told["features"]["town"]["importance"]) == (0.75, 0.0)
    weights = np.array(feature["counts"][:-1])
    assert feature["centres"] == sorted(feature["centres"])
    assert np.average(feature["centres"], weights=weights) == pytest.approx(stated.mean(), rel=1e-9)


def test_a_feature_without_any_value_has_no_range_and_no_number_in_its_place() -> None:
    rows = pa.table({"gone": pa.nulls(20, pa.float64())})
    told = reference_of(rows, Preprocess.fit(rows, ["gone"]), np.full(20, 0.1), np.full(20, 600, np.int32), {})
    feature = told["features"]["gone"]
    assert [feature[key] for key in ("low", "high", "spread", "centres")] == [None, None, None, [None]]


def test_raw_words_are_the_frequent_ones_and_none_that_could_name_somebody() -> None:
    words = ["often"] * 30 + ["enough"] * LEAST_ROWS_OF_A_WORD + ["Jane Q Public"] * (LEAST_ROWS_OF_A_WORD - 1) + [None]
    told = raw_histogram(pa.chunked_array([pa.array(words)]))
    assert told is not None
    assert told["categories"] == ["enough", "often"]
    assert told["counts"] == [LEAST_ROWS_OF_A_WORD, 30, LEAST_ROWS_OF_A_WORD - 1, 1]
    many = [f"word {number:03}" for number in range(MOST_WORDS + 20) for _ in range(LEAST_ROWS_OF_A_WORD)]
    assert len((raw_histogram(pa.chunked_array([many])) or {})["categories"]) == MOST_WORDS


def test_a_raw_date_has_no_histogram_since_it_moves_by_itself() -> None:
    assert raw_histogram(pa.chunked_array([pa.array([1, 2], pa.date32())])) is None


def test_grades_and_decisions_are_counted_in_their_order() -> None:
    told = with_answers({"rows": 10}, {"A": 7, "B": 3}, {"approve": 9, "refer": 1, "decline": 0})
    assert told["grades"]["categories"] == ["A", "B"]
    assert told["grades"]["counts"] == [7, 3, 0, 0]
    assert told["decisions"]["counts"] == [9, 1, 0, 0, 0]


def test_calibration_is_told_by_grade_and_a_grade_without_rows_has_no_mean() -> None:
    pd, target = np.array([0.1, 0.2, 0.6]), np.array([0.0, 1.0, 1.0])
    told = calibration_by_grade(target, pd, np.array([0, 0, 1]), ["A", "B", "C"], "some rows")
    assert (told["rows"], told["bads"], told["mean_pd"]) == (3, 2, 0.3)
    assert told["grades"][0] == {
        "grade": "A", "rows": 2, "bads": 1, "mean_pd": pytest.approx(0.15), "variance": pytest.approx(0.25),
    }  # fmt: skip
    assert told["grades"][2]["mean_pd"] is None
