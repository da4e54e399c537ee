"""The radar on real files, with everything that the contracts know taken away."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from creditrisk.contracts.leak_verdicts import Signal, is_suspect
from tests.support.bare_tables import bare_home_credit, bare_lending_club, found_alone

SETTLEMENT = {
    "debt_settlement_flag", "debt_settlement_flag_date", "settlement_status", "settlement_date", "settlement_amount",
    "settlement_percentage", "settlement_term",
}  # fmt: skip
PRICE = {"int_rate", "installment", "grade", "sub_grade"}
FILES = {"auc_alone_2007_2011": "accepted_2007_2011_full", "auc_alone_sample": "accepted_2007_2018_sample"}


@cache
def signals(folder: Path, file: str) -> dict[str, list[Signal]]:
    with TemporaryDirectory() as scratch:
        table, labels = bare_lending_club(folder / f"{file}.csv.gz", Path(scratch))
        return found_alone(table, labels, "row_key")


def told(folder: Path) -> list[dict[str, str]]:
    """What is known of each column: when it comes to exist, whether a score may use it, its AUC alone."""
    with (folder / "columns_151_leakage.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("auc", FILES)
def test_every_later_column_that_ranks_is_found_and_honest_ones_are_not(auc: str, real_data: Path) -> None:
    folder = real_data / "lending_club"
    found = signals(folder, FILES[auc])
    suspects = {column for column, signals_ in found.items() if is_suspect(signals_)}
    known = told(folder)
    later = {row["column"] for row in known if row["stage"] == "post_origination"} & set(found)
    ranking = {row["column"] for row in known if row["column"] in later and float(row[auc] or 0) >= 0.6}
    assert len(ranking) >= 8
    assert ranking - suspects == set()
    assert SETTLEMENT - suspects == set()
    assert {column for column in later if column.startswith("hardship_")} - suspects == set()
    usable = {row["column"] for row in known if row["use_for_application_score"] == "yes"}
    # Three are allowed; none is needed.
    assert suspects & usable == set()
    assert suspects & PRICE == set()


def test_a_payment_that_never_came_is_seen_where_enough_rows_lack_it(real_data: Path) -> None:
    found = signals(real_data / "lending_club", "accepted_2007_2011_full")["last_pymnt_d"]
    (missing,) = (signal for signal in found if signal.kind == "extreme_rate")
    assert missing.alone
    assert missing.says.startswith("where it is missing, 83 of 83 rows are bad")


def test_settling_dates_are_told(real_data: Path) -> None:
    found = signals(real_data / "lending_club", "accepted_2007_2018_sample")
    dated = {column for column, told_ in found.items() if any(signal.kind == "settling_date" for signal in told_)}
    assert {"last_pymnt_d", "last_credit_pull_d", "settlement_date", "debt_settlement_flag_date"} <= dated
    assert not {"earliest_cr_line", "issue_d", "sec_app_earliest_cr_line"} & dated


def test_a_listing_number_that_grows_is_told_from_a_number_that_does_not(real_data: Path) -> None:
    found = signals(real_data / "lending_club", "accepted_2007_2018_sample")
    assert "grows" in {signal.kind for signal in found["id"]}
    assert "grows" not in {signal.kind for signal in found["revol_bal"]}


def test_external_scores_rank_well_and_are_no_leak(real_data: Path, tmp_path: Path) -> None:
    table, labels = bare_home_credit(real_data / "home_credit_large" / "application_train.csv.gz", tmp_path)
    found = found_alone(table, labels, "SK_ID_CURR")
    assert [kind.kind for kind in found["EXT_SOURCE_3"]] == ["auc"]
    assert {column for column, signals_ in found.items() if is_suspect(signals_)} == set()
