"""Rows in frozen bins: as NumPy counts them, by month and week, whatever the batches."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.errors import BadData, BadUsage
from creditrisk.monitoring.counts import Bins, By, Counted, Counting, bins_of, count_parquet, reference_counts

AGE = Bins(np.array([10.0, 20.0]), low=5.0, high=30.0)
GRADE = Bins(words=("A", "B"))
TIMES = pa.timestamp("us", "UTC")


def counted(values: list[Any], bins: Bins, kind: pa.DataType | None = None) -> Counted:
    counting = Counting({"x": bins})
    counting.add("x", pa.array(values, kind), counting.rows(None, len(values)))
    return counting.counted()


def at(*days: tuple[int, int, int]) -> pa.Array[Any]:
    return pa.array([datetime(*day, 12, tzinfo=UTC) for day in days], TIMES)


def test_an_edge_belongs_to_the_bin_above_it_and_missing_comes_last() -> None:
    told = counted([9.9, 10.0, 19.9, 20.0, None, np.nan, np.inf, -np.inf], AGE)
    assert told.counts["x"].tolist() == [[1, 2, 1, 4]]
    assert told.rows.tolist() == [8]


def test_rows_beyond_the_range_are_counted_in_their_bin_and_beside_it() -> None:
    told = counted([4.9, 5.0, 30.0, 30.1, 99.0], AGE)
    assert told.counts["x"].tolist() == [[2, 0, 3, 0]]
    assert told.beyond["x"].tolist() == [[1, 2]]


def test_without_a_range_nothing_is_said_to_be_beyond_it() -> None:
    told = counted([-1e300, 1e300], Bins(np.array([0.0])))
    assert told.counts["x"].tolist() == [[1, 1, 0]]
    assert told.beyond == {}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([4, 15, 40], pa.int64()),
        ([4, 15, 40], pa.uint8()),
        ([4.0, 15.0, 40.0], pa.float32()),
        ([Decimal("4.00"), Decimal("15.00"), Decimal("40.00")], pa.decimal128(10, 2)),
    ],
)
def test_numbers_of_any_type_are_counted_alike(values: list[Any], kind: pa.DataType) -> None:
    assert counted(values, AGE, kind).counts["x"].tolist() == [[1, 1, 1, 0]]


def test_words_are_counted_then_those_not_listed_then_missing() -> None:
    words = ["A", "B", "B", "new", None, ""]
    assert counted(words, GRADE).counts["x"].tolist() == [[1, 2, 2, 1]]
    dictionary = pa.array(words).dictionary_encode()
    counting = Counting({"x": GRADE})
    counting.add("x", dictionary, counting.rows(None, 6))
    assert counting.counted().counts["x"].tolist() == [[1, 2, 2, 1]]


def test_a_column_without_any_value_is_missing_in_every_row() -> None:
    assert counted([None, None], AGE, pa.null()).counts["x"].tolist() == [[0, 0, 0, 2]]
    assert counted([None, None], GRADE, pa.null()).counts["x"].tolist() == [[0, 0, 0, 2]]


def test_a_column_of_another_type_is_a_fault_and_not_a_zero() -> None:
    for values, bins in ((["12"], AGE), ([1.0], GRADE), ([True], GRADE)):
        told = counted(values, bins)
        assert "x" not in told.counts
        assert "the reference has" in told.faults["x"]


def test_months_and_weeks_are_those_of_utc() -> None:
    eve = pa.array([datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)], TIMES)
    for by, names in ((By.MONTH, ("2026-12", "2027-01")), (By.WEEK, ("2026-W53",))):
        counting = Counting({}, by=by)
        counting.rows(eve)
        assert counting.counted().periods == names
    oslo = eve.cast(pa.timestamp("us", "Europe/Oslo"))
    counting = Counting({}, by=By.MONTH)
    counting.rows(oslo)
    assert counting.counted().rows.tolist() == [1, 1]


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_a_week_is_the_one_of_the_calendar(day: date) -> None:
    counting = Counting({}, by=By.WEEK)
    counting.rows(pa.array([day]))
    year, week, _ = day.isocalendar()
    assert counting.counted().periods == (f"{year}-W{week:02d}",)


def test_a_period_without_rows_is_listed_with_none() -> None:
    counting = Counting({"x": AGE}, by=By.MONTH)
    counting.add("x", pa.array([1.0, 15.0]), counting.rows(at((2026, 1, 5), (2026, 4, 5))))
    told = counting.counted()
    assert told.periods == ("2026-01", "2026-02", "2026-03", "2026-04")
    assert told.rows.tolist() == [1, 0, 0, 1]
    assert told.counts["x"][1].tolist() == [0, 0, 0, 0]


def test_the_periods_asked_for_are_listed_and_other_rows_are_outside() -> None:
    since, until = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    counting = Counting({"x": AGE}, by=By.MONTH, since=since, until=until)
    times = pa.concat_arrays([at((2026, 1, 31), (2026, 2, 1), (2026, 4, 1)), pa.array([None], TIMES)])
    counting.add("x", pa.array([1.0, 1.0, 1.0, 1.0]), counting.rows(times))
    told = counting.counted()
    assert (told.periods, told.rows.tolist(), told.outside) == (("2026-02", "2026-03"), [1, 0], 3)
    assert told.counts["x"].sum() == 1


def test_nothing_at_all_has_no_period_of_months_and_one_empty_period_of_all() -> None:
    assert Counting({"x": AGE}, by=By.MONTH).counted().periods == ()
    told = Counting({"x": AGE}, one="test").counted()
    assert (told.periods, told.rows.tolist(), told.counts["x"].tolist()) == (("test",), [0], [[0, 0, 0, 0]])


def test_times_that_cannot_be_right_are_refused_rather_than_listed() -> None:
    counting = Counting({}, by=By.MONTH)
    counting.rows(at((1, 1, 1), (9999, 1, 1)))
    with pytest.raises(BadData, match="0001-01 to 9999-01"):
        counting.counted()


def test_rows_without_times_cannot_be_told_by_month() -> None:
    with pytest.raises(BadUsage, match="no time"):
        Counting({}, by=By.MONTH).rows(None, 3)
    with pytest.raises(BadUsage, match="column of times is string"):
        Counting({}, by=By.MONTH).rows(pa.array(["2026-01-01"]))
    with pytest.raises(BadUsage, match="--since"):
        Counting({}, since=datetime(2026, 2, 1, tzinfo=UTC), until=datetime(2026, 1, 1, tzinfo=UTC))


ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.floats(-10, 50)),
        st.sampled_from(["A", "B", "C", None]),
        st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001
    ),
    max_size=40,
)


def whole(rows: list[Any], cuts: list[int]) -> Counted:
    counting = Counting({"x": AGE, "g": GRADE}, by=By.WEEK)
    for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        numbers, words, times = [list(column) for column in zip(*rows[start:end], strict=True)] or [[], [], []]
        places = counting.rows(pa.array(times, pa.timestamp("us")))
        counting.add("x", pa.array(numbers, pa.float64()), places)
        counting.add("g", pa.array(words, pa.string()), places)
    return counting.counted()


@given(ROWS, st.data())
def test_counts_do_not_depend_on_the_order_of_rows_or_on_where_batches_are_cut(rows: list[Any], data: Any) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    one, other = whole(rows, []), whole(data.draw(st.permutations(rows)), cuts)
    assert one.periods == other.periods
    assert one.rows.tolist() == other.rows.tolist()
    assert int(one.rows.sum()) == len(rows)
    for name in ("x", "g"):
        assert one.counts[name].tolist() == other.counts[name].tolist()
        assert one.counts[name].sum(axis=1).tolist() == one.rows.tolist()
    assert one.beyond["x"].tolist() == other.beyond["x"].tolist()


def test_all_periods_together_are_their_sum() -> None:
    told = whole([(1.0, "A", datetime(2026, 1, 1)), (15.0, "Z", datetime(2026, 5, 1))], [])  # noqa: DTZ001
    together = told.together("all")
    assert together.periods == ("all",)
    assert together.rows.tolist() == [2]
    assert together.counts["x"].tolist() == [[1, 1, 0, 0]]
    assert together.beyond["x"].tolist() == [[1, 0]]


def test_a_file_is_counted_as_its_rows_are_and_says_which_columns_it_lacks(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    rows = 70_001  # more than one batch
    table = pa.table(
        {
            **{f"f{number}": rng.normal(size=rows) for number in range(40)},  # more than one group of columns
            "day": pa.array(rng.integers(20_000, 20_060, rows).astype("int32")).cast(pa.date32()),
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=30_000)
    bins = {f"feature:f{number}": Bins(np.array([-1.0, 0.0, 1.0])) for number in range(41)}
    counting = Counting(bins, by=By.MONTH)
    count_parquet(tmp_path / "rows.parquet", {name: name[8:] for name in bins}, counting, time="day")
    told = counting.counted()
    months = table["day"].to_numpy().astype("datetime64[M]").astype(str)
    assert told.rows.tolist() == [np.count_nonzero(months == period) for period in told.periods]
    for number in (0, 39):
        values = table[f"f{number}"].to_numpy()
        expected = [np.histogram(values[months == p], [-np.inf, -1, 0, 1, np.inf])[0].tolist() for p in told.periods]
        assert told.counts[f"feature:f{number}"][:, :-1].tolist() == expected
    assert told.faults == {"feature:f40": "there is no such column"}


def test_bins_and_counts_come_from_the_reference_of_a_bundle_old_or_new() -> None:
    number = {"kind": "number", "edges": [1.0], "counts": [3, 4, 0], "low": 0.0, "high": 2.0}
    word = {"kind": "category", "categories": ["a"], "counts": [6, 0, 1]}
    old = {"rows": 7, "features": {"x": number, "w": word}, "pd": number, "score": number}
    assert set(bins_of(old)) == {"feature:x", "feature:w", "pd", "score"}
    new = {**old, "raw": {"application.AMT": number}, "grades": word, "decisions": word}
    assert set(bins_of(new)) == {"feature:x", "feature:w", "pd", "score", "raw:application.AMT", "grade", "decision"}
    assert (bins_of(new)["feature:x"].low, bins_of(new)["feature:x"].high) == (0.0, 2.0)
    assert reference_counts(new)["feature:w"].tolist() == [6, 0, 1]
