"""From a feature table to numbers: order, types, vocabulary, missing values, surprises."""

from __future__ import annotations

import decimal
import json

import numpy as np
import pyarrow as pa
import pytest

from creditrisk.errors import BadData, BrokenFile
from creditrisk.modelling import Preprocess
from tests.support.learning import FEATURES, feature_rows

TABLE = pa.table(
    {
        "key": [1, 2, 3],
        "town": ["rome", None, "oslo"],
        "count": pa.array([2**53 + 1, None, 3], pa.int64()),
        "ratio": [0.5, None, -1.25],
        "member": [True, False, None],
        "amount": pa.array([decimal.Decimal("1.500"), None, decimal.Decimal("2.250")], pa.decimal128(18, 3)),
        "nothing": pa.nulls(3),
        "no_words": pa.nulls(3, pa.string()),
    }
)
NAMES = ["town", "count", "ratio", "member", "amount", "nothing", "no_words"]


def test_matrix_follows_the_order_of_the_features_with_sorted_codes_and_nan_for_missing() -> None:
    matrix = Preprocess.fit(TABLE, NAMES).matrix(TABLE)
    assert matrix.values.dtype == np.float32
    expected = [
        [1, 2**53 + 1, 0.5, 1, 1.5, np.nan, np.nan],
        [np.nan, np.nan, np.nan, 0, np.nan, np.nan, np.nan],
        [0, 3, -1.25, np.nan, 2.25, np.nan, np.nan],
    ]
    np.testing.assert_array_equal(matrix.values, np.array(expected, dtype=np.float32))
    assert not matrix.warnings


def test_text_is_a_category_and_everything_else_a_number() -> None:
    preprocess = Preprocess.fit(TABLE, NAMES)
    assert [feature.name for feature in preprocess.features if feature.kind == "category"] == ["town", "no_words"]
    assert preprocess.features[0].categories == ("oslo", "rome")


def test_unseen_word_becomes_missing_with_a_warning_for_its_row_only() -> None:
    preprocess = Preprocess.fit(TABLE, NAMES)
    matrix = preprocess.matrix(TABLE.set_column(1, "town", pa.array(["rome", "paris", None])))
    assert np.isnan(matrix.values[:, 0]).tolist() == [False, True, True]
    assert {code: rows.tolist() for code, rows in matrix.warnings.items()} == {
        "unseen_category:town": [False, True, False]
    }


def test_infinite_number_becomes_missing_with_a_warning() -> None:
    preprocess = Preprocess.fit(TABLE, ["ratio"])
    matrix = preprocess.matrix(pa.table({"ratio": [float("inf"), 1e300, 1.0]}))
    assert np.isnan(matrix.values[:, 0]).tolist() == [True, True, False]
    assert matrix.warnings["not_finite:ratio"].tolist() == [True, True, False]


def test_integer_has_the_same_bits_whether_or_not_its_neighbour_is_null() -> None:
    preprocess = Preprocess.fit(TABLE, ["count"])
    odd = 2**40 + 12345677
    alone = preprocess.matrix(pa.table({"count": [odd]})).values[0, 0]
    beside_null = preprocess.matrix(pa.table({"count": [odd, None]})).values[0, 0]
    assert alone.tobytes() == beside_null.tobytes()


def test_dictionary_and_chunked_text_is_read_like_plain_text() -> None:
    words = pa.chunked_array([["rome", "oslo"], [None]])
    preprocess = Preprocess.fit(pa.table({"town": words}), ["town"])
    encoded = preprocess.matrix(pa.table({"town": words.dictionary_encode()})).values
    np.testing.assert_array_equal(encoded, preprocess.matrix(pa.table({"town": words})).values)


def test_rows_beyond_one_block_are_read_like_the_first_ones() -> None:
    table = feature_rows(20_000)
    preprocess = Preprocess.fit(table, FEATURES)
    whole = preprocess.matrix(table).values
    tail = preprocess.matrix(table.slice(16_000)).values
    np.testing.assert_array_equal(whole[16_000:], tail)


def test_a_blank_is_read_as_the_worst_value_of_the_training_rows() -> None:
    preprocess = Preprocess.fit(TABLE, NAMES, np.array([True, True, False]), blanks={"ratio": 1, "count": -1})
    told = {feature.name: feature.blank for feature in preprocess.features if feature.blank is not None}
    assert told == {"ratio": 0.5, "count": float(np.float32(2**53 + 1))}
    values = preprocess.matrix(TABLE).values
    np.testing.assert_array_equal(values[:, 2], np.array([0.5, 0.5, -1.25], dtype=np.float32))
    assert np.isnan(values[:, 4]).tolist() == [False, True, False]


def test_an_infinite_number_is_a_blank_too() -> None:
    preprocess = Preprocess.fit(pa.table({"ratio": [1.0, float("inf"), 3.0]}), ["ratio"], blanks={"ratio": 1})
    matrix = preprocess.matrix(pa.table({"ratio": [float("-inf"), 2.0]}))
    assert matrix.values[:, 0].tolist() == [3.0, 2.0]
    assert list(matrix.warnings) == ["not_finite:ratio"]


def test_a_feature_that_training_never_saw_stays_missing_when_blank() -> None:
    preprocess = Preprocess.fit(TABLE, ["nothing"], blanks={"nothing": 1})
    assert preprocess.features[0].blank is None
    assert np.isnan(preprocess.matrix(TABLE).values).all()


def test_json_gives_the_same_preprocess_back() -> None:
    preprocess = Preprocess.fit(TABLE, NAMES, blanks={"ratio": 1, "amount": -1})
    assert Preprocess.from_json(json.loads(json.dumps(preprocess.to_json()))) == preprocess


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"features": [{"name": "x"}]},
        {"features": [{"name": "x", "kind": "date"}]},
        {"features": [{"name": "x", "kind": "number", "blank": "inf"}]},
        {"features": 3},
    ],
)
def test_damaged_json_is_named(value: dict[str, object]) -> None:
    with pytest.raises(BrokenFile, match=r"preprocess\.json"):
        Preprocess.from_json(value)


def test_absent_column_is_refused_with_the_nearest_name() -> None:
    preprocess = Preprocess.fit(TABLE, NAMES)
    with pytest.raises(BadData, match='did you mean "ration"'):
        preprocess.matrix(TABLE.rename_columns({"ratio": "ration"}))


def test_text_where_a_number_was_learnt_is_refused() -> None:
    preprocess = Preprocess.fit(TABLE, NAMES)
    with pytest.raises(BadData, match="feature ratio: the model learnt a number, this table holds string"):
        preprocess.matrix(TABLE.set_column(3, "ratio", pa.array(["a", "b", "c"])))


def test_all_null_column_of_any_kind_scores_as_missing() -> None:
    preprocess = Preprocess.fit(TABLE, NAMES)
    empty = pa.table({name: pa.nulls(2) for name in NAMES})
    assert np.isnan(preprocess.matrix(empty).values).all()


def test_date_and_identifier_like_text_cannot_be_learnt() -> None:
    with pytest.raises(BadData, match="feature day: a feature of type date32"):
        Preprocess.fit(pa.table({"day": pa.nulls(1, pa.date32())}), ["day"])
    with pytest.raises(BadData, match="1001 different words"):
        Preprocess.fit(pa.table({"id": [f"u{i}" for i in range(1001)]}), ["id"])
