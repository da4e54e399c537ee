"""What a category means survives saving, order, and words nobody has seen."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.kinds import canonical_json
from creditrisk.modelling import Preprocess

words = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=8))
columns = st.lists(words, min_size=1, max_size=40)


def _table(values: list[str | None]) -> pa.Table:
    return pa.table({"town": pa.array(values, pa.string())})


@given(columns)
def test_codes_lead_back_to_the_words(values: list[str | None]) -> None:
    preprocess = Preprocess.fit(_table(values), ["town"])
    categories = preprocess.features[0].categories
    matrix = preprocess.matrix(_table(values))
    back = [None if np.isnan(code) else categories[int(code)] for code in matrix.values[:, 0]]
    assert back == values
    assert list(categories) == sorted({value for value in values if value is not None})
    assert not matrix.warnings


@given(columns, columns)
def test_saved_vocabulary_gives_the_same_codes_and_warnings(training: list[str | None], new: list[str | None]) -> None:
    preprocess = Preprocess.fit(_table(training), ["town"])
    again = Preprocess.from_json(json.loads(canonical_json(preprocess.to_json())))
    assert again == preprocess
    one, other = preprocess.matrix(_table(new)), again.matrix(_table(new))
    np.testing.assert_array_equal(one.values, other.values)
    unseen = [value is not None and value not in training for value in new]
    assert np.isnan(one.values[:, 0]).tolist() == [value is None or odd for value, odd in zip(new, unseen, strict=True)]
    told = other.warnings.get("unseen_category:town", np.zeros(len(new), dtype=bool))
    assert told.tolist() == unseen


@given(columns, st.randoms(use_true_random=False))
def test_vocabulary_does_not_depend_on_the_order_of_rows(values: list[str | None], random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert Preprocess.fit(_table(values), ["town"]) == Preprocess.fit(_table(shuffled), ["town"])


@given(st.lists(st.one_of(st.none(), st.integers(-(2**62), 2**62)), min_size=1, max_size=30))
def test_numbers_have_the_same_bits_alone_and_in_company(values: list[int | None]) -> None:
    table = pa.table({"count": pa.array(values, pa.int64())})
    preprocess = Preprocess.fit(table, ["count"])
    together = preprocess.matrix(table).values
    alone = np.concatenate([preprocess.matrix(table.slice(place, 1)).values for place in range(len(values))])
    assert together.tobytes() == alone.tobytes()


@given(
    st.lists(
        st.tuples(
            words,
            st.none() | st.floats(width=64),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.booleans(),
        ),
        min_size=1,
        max_size=20,
    ),
    st.integers(0, 20),
)
def test_a_few_rows_in_memory_have_the_bits_and_warnings_of_their_table(
    rows: list[tuple[str | None, float | None, int | None, bool | None]], learnt: int
) -> None:
    kinds = {"town": pa.string(), "share": pa.float64(), "count": pa.int64(), "flag": pa.bool_()}
    columns = [pa.array([row[place] for row in rows], kind) for place, kind in enumerate(kinds.values())]
    table = pa.table(columns, names=list(kinds))
    training = np.arange(len(rows)) < learnt
    preprocess = Preprocess.fit(table, list(kinds), training, blanks={"count": 1})
    one, other = preprocess.matrix(table), preprocess.matrix_of(rows)
    assert one.values.tobytes() == other.values.tobytes()
    assert list(one.warnings) == list(other.warnings)
    assert all(one.warnings[code].tolist() == other.warnings[code].tolist() for code in one.warnings)
