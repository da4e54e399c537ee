"""The radar over tables nobody knows: what it reads, whom it looks at, what it makes of child tables and dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditrisk.config.portfolio import LeakRadar
from creditrisk.contracts.leak_radar import Figures, People, figures, people
from creditrisk.contracts.leak_tables import Child
from creditrisk.contracts.leak_verdicts import is_suspect, signals_of
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadData

ROWS = 2_400
START = dt.date(2020, 1, 15)


def outcomes(rows: int = ROWS, seed: int = 4) -> tuple[np.ndarray, list[dt.date]]:
    """One in five is bad; twelve months."""
    random = np.random.default_rng(seed)
    bad = (random.random(rows) < 0.2).astype(np.int64)
    return bad, [START + dt.timedelta(days=30 * int(month)) for month in random.integers(0, 12, rows)]


def labels(bad: np.ndarray, dates: list[dt.date] | None) -> dict[str, pa.ChunkedArray]:
    day = pa.array(dates if dates is not None else [None] * len(bad), pa.date32())
    columns = {"keys": np.arange(len(bad)), "target": bad, "date": day}
    return {name: pa.chunked_array([column]) for name, column in columns.items()}


def look(
    folder: Path, who: People, main: dict[str, Any], children: Sequence[Child] = (), **tables: dict[str, Any]
) -> dict[str, list[Figures]]:
    """{table.column: its figures}."""
    files = {}
    for name, columns in {"application": {"key": np.arange(ROWS), **main}, **tables}.items():
        files[name] = folder / f"{name}.parquet"
        pq.write_table(pa.table(columns), files[name])
    found: dict[str, list[Figures]] = {}
    for each in figures(
        files, who, main="application", key="key", children=children, rows_min=30, bad_rate_high=0.9,
        settings=DuckSettings("300MB", 1),
    ):  # fmt: skip
        found.setdefault(f"{each.table}.{each.column}", []).append(each)
    return found


def suspects(found: dict[str, list[Figures]], who: People) -> set[str]:
    return {
        name
        for name, of_column in found.items()
        if is_suspect(signals_of(of_column, LeakRadar(), main=name.startswith("application."), who=who))
    }


def test_texts_that_are_numbers_or_dates_throughout_are_read_as_such(tmp_path: Path) -> None:
    bad, dates = outcomes()
    who = people(**labels(bad, dates), most=ROWS)
    days = [100 + 60 * int(one) for one in bad]
    later = [(day + dt.timedelta(days=late)).strftime("%b-%Y") for day, late in zip(dates, days, strict=True)]
    (percent,), (month,), (town,), (place,) = look(tmp_path, who, {
        "rate": [f" {10 + one + row % 7}.5% " for row, one in enumerate(bad)],
        "settled": later,
        "town": ["big" if row % 3 else "" for row in range(ROWS)],
        "place": [1.0 if row % 2 else None for row in range(ROWS)],
    }).values()  # fmt: skip
    assert (percent.reads_as, percent.distinct) == ("number", 8)
    assert (month.reads_as, month.dates_after) == ("date", 1.0)
    assert month.auc_out_of_fold == 1.0
    assert (town.reads_as, town.distinct, round(town.null_share, 3)) == ("text", 1, 0.333)
    assert place.null_share == 0.5


def test_child_tables_are_looked_at_by_entity_down_to_the_last_generation(tmp_path: Path) -> None:
    bad, _ = outcomes()
    who = people(**labels(bad, None), most=ROWS)
    loans = {"loan": np.arange(2 * ROWS), "key": np.arange(2 * ROWS) // 2, "amount": np.ones(2 * ROWS)}
    months = {"loan": np.arange(2 * ROWS), "late": bad[np.arange(2 * ROWS) // 2] * np.arange(2 * ROWS) % 5}
    links = [Child("loans", "application", "key", "key"), Child("months", "loans", "loan", "loan")]
    found = look(tmp_path, who, {}, links, loans=loans, months=months)
    assert [figures_.aggregate for figures_ in found["months.late"]] == ["max", "null", "mean"]
    assert found["loans.(rows)"][0].distinct == 1
    assert max(figures_.auc for figures_ in found["months.late"]) > 0.9
    assert suspects(found, who) == {"months.late"}
    without_parent = look(tmp_path, who, {}, links, months=months)
    assert not any(name.startswith("months") for name in without_parent)


def test_a_child_table_that_only_bad_loans_have_is_suspected_as_a_whole(tmp_path: Path) -> None:
    bad, dates = outcomes()
    who = people(**labels(bad, dates), most=ROWS)
    visits = {"key": np.flatnonzero(bad)[:200], "day": np.arange(200)}
    found = look(tmp_path, who, {}, [Child("visits", "application", "key", "key")], visits=visits)
    assert suspects(found, who) == {"visits.(rows)", "visits.day"}


def test_an_id_that_grows_is_told_by_time_or_by_its_place_in_the_file(tmp_path: Path) -> None:
    bad, dates = outcomes()
    order = np.argsort(np.array(dates), kind="stable")
    by_time = np.empty(ROWS, dtype=np.int64)
    by_time[order] = np.arange(ROWS) * 7
    dated, undated = (people(**labels(bad, when), most=ROWS) for when in (dates, None))
    columns = {"listing": by_time, "row": np.arange(ROWS), "income": np.random.default_rng(1).permutation(ROWS)}
    assert suspects(look(tmp_path, dated, columns), dated) == {"application.listing"}
    assert suspects(look(tmp_path, undated, columns), undated) == {"application.row"}


def test_above_the_limit_those_with_the_lowest_hashes_are_looked_at_in_any_order() -> None:
    bad, dates = outcomes()
    told = labels(bad, dates)
    order = np.random.default_rng(2).permutation(ROWS)
    shuffled = {name: column.take(pa.array(order)) for name, column in told.items()}
    one, other = people(**told, most=1_000), people(**shuffled, most=1_000)
    assert one.keys.to_pylist() == other.keys.to_pylist()
    assert one.outcomes.fold.tolist() == other.outcomes.fold.tolist()
    assert (one.labelled, len(one.outcomes.y), one.period) == (ROWS, 1_000, "month")


def test_thin_months_are_put_together_to_quarters_and_years() -> None:
    bad, dates = outcomes()
    few = {name: column.slice(0, 60) for name, column in labels(bad, dates).items()}
    assert people(**few, most=60).period == "quarter"
    assert people(**{name: column.slice(0, 20) for name, column in few.items()}, most=60).period == "year"


def test_without_a_known_outcome_there_is_nothing_to_look_at() -> None:
    unknown = {"keys": pa.chunked_array([[1, 2]]), "target": pa.chunked_array([pa.array([None, None], pa.int32())])}
    with pytest.raises(BadData, match="no entity has a known outcome"):
        people(**unknown, date=None, most=10)


@settings(max_examples=12)
@given(begins=st.integers(0, 12), rate=st.sampled_from([0.02, 0.3]), last=st.sampled_from([0.5, 1.0]))
def test_a_column_that_is_null_in_some_eras_is_never_flagged(
    tmp_path_factory: pytest.TempPathFactory, begins: int, rate: float, last: float
) -> None:
    """Even where the last months hold hardly anything but bads, as unfinished vintages do."""
    random = np.random.default_rng(begins)
    month = random.integers(0, 12, ROWS)
    bad = (random.random(ROWS) < np.where(month >= 10, last, rate)).astype(np.int64)
    who = people(**labels(bad, [START + dt.timedelta(days=31 * int(each)) for each in month]), most=ROWS)
    value = random.integers(0, 5, ROWS)
    columns = {
        "added": pa.array(value, mask=month < begins),
        "dropped": pa.array(value.astype(str), mask=month >= begins),
    }
    assert suspects(look(tmp_path_factory.mktemp("era"), who, columns), who) == set()
