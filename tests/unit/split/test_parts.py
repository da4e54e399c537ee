"""A loan's part and fold depend on its key, date and term, never on where its row stands."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from creditrisk.config import Split
from creditrisk.errors import BadData
from creditrisk.split import Labels, assign

BY_HASH = Split(test_share=0.2, calibration_share=0.25, folds=5, seed=1)
BY_TIME = Split(method="out_of_time", date="issue_d", term="term", calibration_share=0.25, folds=5, seed=1)


def labels(rows: list[dict[str, Any]]) -> Labels:
    schema = pa.schema(
        [("key", pa.int64()), ("target", pa.int32()), ("label_state", pa.string()), ("date", pa.date32()),
         ("term", pa.int64())]
    )  # fmt: skip
    full = [
        {"label_state": "observed", "date": None, "term": None, **row, "target": int(row["target"])} for row in rows
    ]
    return Labels(pa.Table.from_pylist(full, schema=schema), dt.date(2019, 3, 1))


def loans(year: int, first_key: int, *, term: int = 36, state: str = "observed", n: int = 60) -> list[dict[str, Any]]:
    return [
        {"key": first_key + i, "target": i % 3 == 0, "label_state": state, "date": dt.date(year, 1 + i % 12, 1),
         "term": term}
        for i in range(n)
    ]  # fmt: skip


def by_key(rows: pa.Table) -> dict[int, tuple[str, int]]:
    return {row["key"]: (row["part"], row["fold"]) for row in rows.to_pylist()}


def test_shares_are_kept_and_reported() -> None:
    parts = assign(labels([{"key": i, "target": i % 10 == 0} for i in range(4000)]), BY_HASH)
    figures = parts.report["parts"]
    assert figures["test"]["n"] == pytest.approx(800, abs=80)
    assert figures["calibration"]["n"] == pytest.approx(800, abs=80)
    assert sum(part["n"] for part in figures.values()) == 4000
    assert sum(part["bads"] for part in figures.values()) == 400
    assert parts.report["balance"]["differs"] is False
    folds = parts.rows.filter(pc.not_equal(parts.rows["part"], "test"))["fold"].to_pylist()
    assert set(folds) == {0, 1, 2, 3, 4}


def test_more_rows_move_nobody() -> None:
    few = [{"key": i, "target": i % 4 == 0} for i in range(300)]
    more = few + [{"key": i, "target": i % 4 == 0} for i in range(300, 900)]
    small, large = (by_key(assign(labels(rows), BY_HASH).rows) for rows in (few, more))
    assert all(large[key] == place for key, place in small.items())


def test_of_too_many_loans_the_same_ones_are_dealt_and_told_wherever_they_stand() -> None:
    rows = [{"key": i, "target": i % 4 == 0} for i in range(3000)]
    split = BY_HASH.model_copy(update={"rows_max": 1000})
    one, other = assign(labels(rows), split), assign(labels(rows[::-1]), split)
    assert one.report["sampled_from"] == 3000
    assert one.rows.num_rows == 1000
    assert by_key(one.rows) == by_key(other.rows)
    everybody = assign(labels(rows), BY_HASH)
    assert everybody.report["sampled_from"] is None
    assert by_key(one.rows).items() <= by_key(everybody.rows).items()
    assert pc.sum(one.rows["target"]).as_py() == pytest.approx(250, abs=45)


def test_a_larger_sample_holds_the_smaller_one() -> None:
    rows = [{"key": i, "target": i % 4 == 0} for i in range(4000)]
    small, large = (
        by_key(assign(labels(rows), BY_HASH.model_copy(update={"rows_max": most})).rows) for most in (1000, 2000)
    )
    assert small.items() <= large.items()


def test_a_sample_is_drawn_from_the_loans_of_the_window_alone() -> None:
    rows = [*loans(2010, 0, n=900), *loans(2011, 2000, n=600), *loans(2012, 4000, n=500)]
    rows += loans(2012, 9000, state="immature")
    parts = assign(labels(rows), BY_TIME.model_copy(update={"rows_max": 1000}))
    assert parts.report["after_test_window"] == 500
    assert parts.report["sampled_from"] == 1500
    assert parts.rows.num_rows == 1000


def test_the_last_year_that_has_matured_with_every_term_is_the_test() -> None:
    rows = [
        *loans(2010, 0), *loans(2010, 100, term=60),
        *loans(2011, 200), *loans(2011, 300, term=60),
        *loans(2012, 400),
        *loans(2013, 500), *loans(2013, 600, term=60, state="immature"),
    ]  # fmt: skip
    parts = assign(labels(rows), BY_TIME)
    assert parts.test_from == dt.date(2011, 1, 1)
    place = by_key(parts.rows)
    assert {place[key][0] for key in range(200, 360) if key in place} == {"test"}
    assert "test" not in {place[key][0] for key in range(160) if key in place}
    assert parts.report["after_test_window"] == 120
    assert parts.report["label_states"] == {"observed": 360, "indeterminate": 0, "immature": 60}


def test_a_stated_month_tests_on_everything_from_it() -> None:
    rows = [*loans(2010, 0), *loans(2011, 200), *loans(2012, 400)]
    parts = assign(labels(rows), BY_TIME.model_copy(update={"test_from": "2011-07"}))
    in_test = parts.rows.filter(pc.equal(parts.rows["part"], "test"))
    assert min(in_test["date"].to_pylist()) == dt.date(2011, 7, 1)
    assert max(in_test["date"].to_pylist()) == dt.date(2012, 12, 1)


def test_indeterminate_loans_are_left_out_and_counted() -> None:
    rows = [*loans(2010, 0), *loans(2011, 200), *loans(2011, 300, state="indeterminate", n=7)]
    parts = assign(labels(rows), BY_TIME)
    assert parts.report["label_states"]["indeterminate"] == 7
    assert not set(range(300, 307)) & set(by_key(parts.rows))


def test_no_matured_year_is_refused_with_the_remedy() -> None:
    rows = [*loans(2010, 0, state="immature"), *loans(2011, 200, state="immature")]
    with pytest.raises(BadData, match="no year has matured") as caught:
        assign(labels(rows), BY_TIME)
    assert "split.test_from" in caught.value.hint


def test_a_part_with_one_class_is_refused() -> None:
    with pytest.raises(BadData, match="one class only"):
        assign(labels([{"key": i, "target": 0} for i in range(100)]), BY_HASH)


def test_an_empty_part_is_refused() -> None:
    with pytest.raises(BadData, match="part is empty"):
        assign(labels([{"key": 1, "target": 0}, {"key": 2, "target": 1}]), BY_HASH)
