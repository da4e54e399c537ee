"""The invented LendingClub loans look like the real file, hold the planted signal, and leak where the real one does."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from creditrisk.demo import DemoFiles
from creditrisk.demo.lending_club.columns import COLUMNS
from creditrisk.demo.lending_club.credit_file import BEGAN_2012_08, BEGAN_2015_12
from creditrisk.demo.lending_club.shares import STATUS
from creditrisk.stats import roc_auc

FINISHED = pl.col("loan_status").str.contains("Fully Paid|Charged Off|Default")
BAD = pl.col("loan_status").str.contains("Charged Off|Default")


@pytest.fixture(scope="module")
def loans(lending_club: pl.DataFrame, lending_club_files: DemoFiles) -> pl.DataFrame:
    """With the true PD, the issue date, the term in months and whether the loan is matured."""
    issued = ("01-" + pl.col("issue_d")).str.to_date("%d-%b-%Y")
    term = pl.col("term").str.strip_chars().str.head(2).cast(pl.Int64)
    loans = lending_club.with_columns(
        pl.read_parquet(lending_club_files.truth)["true_pd"], issued=issued, months=term, bad=BAD.cast(pl.Int8)
    )
    until = pl.col("issued").dt.offset_by(pl.format("{}mo", pl.col("months") + 6))
    return loans.with_columns(matured=until <= dt.date(2019, 3, 1))


def month(column: str) -> pl.Expr:
    return ("01-" + pl.col(column)).str.to_date("%d-%b-%Y")


def test_columns_are_151_and_each_stands_once(lending_club: pl.DataFrame) -> None:
    assert tuple(lending_club.columns) == COLUMNS
    assert len(set(COLUMNS)) == 151


def test_identifiers_are_blank_and_no_application_stands_twice(lending_club: pl.DataFrame) -> None:
    assert lending_club["id"].null_count() == lending_club["member_id"].null_count() == lending_club.height
    told = lending_club.select("issue_d", "loan_amnt", "term", "annual_inc", "dti", "revol_bal", "zip_code", "purpose")
    assert told.is_unique().all()


def test_values_are_spelled_as_in_the_published_file(lending_club: pl.DataFrame) -> None:
    assert set(lending_club["term"]) == {" 36 months", " 60 months"}
    assert lending_club["int_rate"].is_between(5, 31).all()
    assert lending_club["issue_d"].str.contains(r"^[A-Z][a-z]{2}-20\d\d$").all()
    assert lending_club["zip_code"].str.contains(r"^\d{3}xx$").all()


def test_every_wording_of_the_status_is_known(lending_club: pl.DataFrame) -> None:
    seen = set(lending_club["loan_status"])
    assert seen <= set(STATUS)
    assert {"Fully Paid", "Charged Off", "Current", "Late (31-120 days)"} < seen
    assert "Does not meet the credit policy. Status:Charged Off" in seen


def test_bad_share_of_finished_loans_is_about_fifteen_percent(loans: pl.DataFrame) -> None:
    assert loans.filter(FINISHED)["bad"].mean() == pytest.approx(0.15, abs=0.015)
    assert loans["true_pd"].mean() == pytest.approx(0.15, abs=0.01)


def test_truth_has_the_rows_of_the_file_in_its_order(lending_club: pl.DataFrame, lending_club_files: DemoFiles) -> None:
    truth = pl.read_parquet(lending_club_files.truth)
    assert truth["row"].to_list() == list(range(1, lending_club.height + 1))
    assert truth["loan_amnt"].equals(lending_club["loan_amnt"])
    assert truth["issue_d"].to_list() == lending_club["issue_d"].to_list()


def test_truth_ranks_the_charge_offs(loans: pl.DataFrame) -> None:
    matured = loans.filter("matured", FINISHED)
    assert 0.69 < roc_auc(matured["bad"].to_numpy(), matured["true_pd"].to_numpy()) < 0.76


def test_the_out_of_time_year_is_whole_and_later_loans_are_partly_immature(loans: pl.DataFrame) -> None:
    year = loans.filter(pl.col("issued").dt.year() == 2012)
    assert year["matured"].all()
    assert set(year["months"]) == {36, 60}
    assert year["issued"].n_unique() == 12
    assert 0.05 < 1 - loans["matured"].mean() < 0.25


def test_a_few_matured_loans_are_still_open(loans: pl.DataFrame) -> None:
    assert 0 < loans.filter("matured", ~FINISHED).height < 0.01 * loans.height


def test_columns_of_later_years_are_empty_before(loans: pl.DataFrame) -> None:
    early = loans.filter(pl.col("issued") < dt.date(2012, 8, 1))
    assert all(early[name].null_count() == early.height for name in BEGAN_2012_08)
    before = loans.filter(pl.col("issued") < dt.date(2015, 12, 1))
    assert all(before[name].null_count() == before.height for name in BEGAN_2015_12)
    late = loans.filter(pl.col("issued") >= dt.date(2015, 12, 1))
    assert all(late[name].null_count() < late.height for name in (*BEGAN_2012_08, *BEGAN_2015_12))


def test_payments_fit_the_outcome(loans: pl.DataFrame) -> None:
    paid = loans.filter(pl.col("loan_status") == "Fully Paid")
    assert (paid["total_rec_prncp"] == paid["loan_amnt"]).all()
    assert (paid["out_prncp"] == 0).all()
    assert (paid["recoveries"] == 0).all()
    charged_off = loans.filter(pl.col("loan_status") == "Charged Off")
    assert (charged_off["total_rec_prncp"] < charged_off["loan_amnt"]).all()
    assert (charged_off["recoveries"] > 0).mean() > 0.5
    open_loans = loans.filter(~FINISHED)
    assert (open_loans["out_prncp"] > 0).mean() > 0.9
    parts = loans.select(
        pl.col("total_rec_prncp") + pl.col("total_rec_int") + pl.col("total_rec_late_fee") + pl.col("recoveries")
    ).to_series()
    assert (parts - loans["total_pymnt"]).abs().max() < 0.02


def test_dates_follow_each_other_and_end_in_march_2019(loans: pl.DataFrame) -> None:
    dated = loans.with_columns(
        last=month("last_pymnt_d"), pull=month("last_credit_pull_d"), first=month("earliest_cr_line")
    )
    assert (dated["first"] < dated["issued"]).all()
    assert (dated["last"].drop_nulls() >= dated.filter(pl.col("last").is_not_null())["issued"]).all()
    assert dated["last"].max() == dated["pull"].max() == dt.date(2019, 3, 1)


def test_never_late_and_never_on_record_are_empty_cells(loans: pl.DataFrame) -> None:
    on_record = loans["pub_rec"] > 0
    assert (loans["mths_since_last_record"].is_not_null() == on_record).all()
    assert loans.filter(pl.col("delinq_2yrs") > 0)["mths_since_last_delinq"].max() < 24


def test_the_lenders_price_knows_more_than_the_credit_file(loans: pl.DataFrame) -> None:
    matured = loans.filter("matured", FINISHED)
    bad = matured["bad"].to_numpy()
    by_price = roc_auc(bad, matured["int_rate"].to_numpy())
    assert by_price > 0.62
    assert by_price > roc_auc(bad, -matured["fico_range_low"].to_numpy()) > 0.54


def test_what_is_known_only_afterwards_gives_the_outcome_away(loans: pl.DataFrame) -> None:
    finished = loans.filter(FINISHED)
    assert roc_auc(finished["bad"].to_numpy(), (finished["loan_amnt"] - finished["total_rec_prncp"]).to_numpy()) > 0.99
