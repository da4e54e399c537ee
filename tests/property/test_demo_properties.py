"""Invented data of any size and seed hang together."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from creditrisk.demo import write_demo
from creditrisk.demo.draws import pick_index, within


@given(arrays(np.int64, st.integers(0, 30), elements=st.integers(0, 9)))
def test_within_restores_the_group_sizes(counts: np.ndarray) -> None:
    group, place = within(counts)
    assert np.bincount(group, minlength=counts.size).tolist() == counts.tolist()
    assert all(place[group == one].tolist() == list(range(counts[one])) for one in range(counts.size))


@given(
    st.lists(st.floats(0.001, 1.0), min_size=1, max_size=12),
    arrays(np.float64, 20, elements=st.floats(0.0, 1.0)),
)
def test_picked_positions_exist_and_rise_with_the_uniform(shares: list[float], uniform: np.ndarray) -> None:
    picked = pick_index(shares, np.sort(uniform))
    assert picked.min() >= 0
    assert picked.max() < len(shares)
    assert (np.diff(picked) >= 0).all()


@settings(max_examples=12)
@given(rows=st.integers(1, 60), seed=st.integers(0, 2**40))
def test_home_credit_of_any_size_joins_and_never_looks_ahead(rows: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = write_demo("home_credit", Path(folder), rows=rows, seed=seed)
        tables = {name: pl.read_csv(path, infer_schema_length=None) for name, path in files.tables.items()}
        truth = pl.read_parquet(files.truth)
    assert tables["application_train"].height == rows
    assert set(tables["bureau"]["SK_ID_CURR"]) <= set(truth["SK_ID_CURR"])
    assert set(tables["bureau_balance"]["SK_ID_BUREAU"]) <= set(tables["bureau"]["SK_ID_BUREAU"])
    for child in ("POS_CASH_balance", "credit_card_balance", "installments_payments"):
        assert set(tables[child]["SK_ID_PREV"]) <= set(tables["previous_application"]["SK_ID_PREV"])
    assert all(day is None or day < 0 for day in tables["installments_payments"]["DAYS_ENTRY_PAYMENT"])
    assert all(month < 0 for month in tables["POS_CASH_balance"]["MONTHS_BALANCE"])


@settings(max_examples=12)
@given(rows=st.integers(1, 60), seed=st.integers(0, 2**40))
def test_lending_club_of_any_size_has_its_truth_beside_each_row(rows: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = write_demo("lending_club", Path(folder), rows=rows, seed=seed)
        loans = pl.read_csv(files.tables["accepted"], infer_schema_length=None)
        truth = pl.read_parquet(files.truth)
    assert loans.height == rows
    assert truth["loan_amnt"].to_list() == loans["loan_amnt"].to_list()
    assert set(loans["issue_d"].str.tail(4)) <= {str(year) for year in range(2007, 2018)}
