"""The seven invented Home Credit tables fit together, look like the real ones and hold the planted signal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from creditrisk.demo import DemoFiles
from creditrisk.stats import roc_auc

Tables = Mapping[str, pl.DataFrame]

REAL_ROWS_PER_APPLICATION = {
    "application_test": 48_744 / 307_511,
    "bureau": 1_716_428 / 307_511,
    "bureau_balance": 27_299_925 / 307_511,
    "previous_application": 1_670_214 / 307_511,
    "POS_CASH_balance": 10_001_358 / 307_511,
    "credit_card_balance": 3_840_312 / 307_511,
    "installments_payments": 13_605_401 / 307_511,
}
SENTINEL = 365_243
ABOUT_THE_PERSON = (
    "DAYS_BIRTH", "DAYS_EMPLOYED", "DAYS_REGISTRATION", "DAYS_ID_PUBLISH", "DAYS_LAST_PHONE_CHANGE",
)  # fmt: skip
EVENTS = {
    "application_train": ABOUT_THE_PERSON,
    "application_test": ABOUT_THE_PERSON,
    "bureau": ("DAYS_CREDIT", "DAYS_ENDDATE_FACT", "DAYS_CREDIT_UPDATE"),
    "bureau_balance": ("MONTHS_BALANCE",),
    "previous_application": (
        "DAYS_DECISION", "DAYS_FIRST_DRAWING", "DAYS_FIRST_DUE", "DAYS_LAST_DUE", "DAYS_TERMINATION",
    ),
    "POS_CASH_balance": ("MONTHS_BALANCE",),
    "credit_card_balance": ("MONTHS_BALANCE",),
    "installments_payments": ("DAYS_INSTALMENT", "DAYS_ENTRY_PAYMENT"),
}  # fmt: skip


@pytest.mark.parametrize("table", REAL_ROWS_PER_APPLICATION)
def test_tables_have_the_real_proportions(home_credit: Tables, table: str) -> None:
    per_application = home_credit[table].height / home_credit["application_train"].height
    assert per_application == pytest.approx(REAL_ROWS_PER_APPLICATION[table], rel=0.06)


def test_keys_are_unique(home_credit: Tables) -> None:
    everyone = pl.concat(
        [home_credit["application_train"]["SK_ID_CURR"], home_credit["application_test"]["SK_ID_CURR"]]
    )
    assert everyone.is_unique().all()
    assert home_credit["bureau"]["SK_ID_BUREAU"].is_unique().all()
    assert home_credit["previous_application"]["SK_ID_PREV"].is_unique().all()
    for table in ("POS_CASH_balance", "credit_card_balance"):
        assert home_credit[table].select("SK_ID_PREV", "MONTHS_BALANCE").is_unique().all()
    assert home_credit["bureau_balance"].select("SK_ID_BUREAU", "MONTHS_BALANCE").is_unique().all()


def test_every_child_row_has_its_parent(home_credit: Tables) -> None:
    applicants = pl.concat(
        [home_credit["application_train"].select("SK_ID_CURR"), home_credit["application_test"].select("SK_ID_CURR")]
    )
    for table in ("bureau", "previous_application"):
        assert home_credit[table].join(applicants, on="SK_ID_CURR", how="anti").is_empty()
    for table in ("POS_CASH_balance", "credit_card_balance", "installments_payments"):
        owners = home_credit["previous_application"].select("SK_ID_PREV", "SK_ID_CURR")
        assert home_credit[table].join(owners, on=["SK_ID_PREV", "SK_ID_CURR"], how="anti").is_empty()
    assert home_credit["bureau_balance"].join(home_credit["bureau"], on="SK_ID_BUREAU", how="anti").is_empty()


def test_only_approved_applications_became_contracts(home_credit: Tables) -> None:
    approved = home_credit["previous_application"].filter(pl.col("NAME_CONTRACT_STATUS") == "Approved")
    for table in ("POS_CASH_balance", "credit_card_balance", "installments_payments"):
        assert home_credit[table].join(approved, on="SK_ID_PREV", how="anti").is_empty()


@pytest.mark.parametrize("table", EVENTS)
def test_no_event_lies_after_the_application(home_credit: Tables, table: str) -> None:
    for column in EVENTS[table]:
        days = home_credit[table][column].drop_nulls()
        assert days.filter(days != SENTINEL).max() <= 0, column


def test_nobody_pays_before_the_contract_and_nothing_ends_before_it_began(home_credit: Tables) -> None:
    decided = home_credit["previous_application"].select("SK_ID_PREV", "DAYS_DECISION")
    payments = home_credit["installments_payments"].join(decided, on="SK_ID_PREV")
    assert (payments["DAYS_INSTALMENT"] >= payments["DAYS_DECISION"]).all()
    ended = home_credit["bureau"].drop_nulls("DAYS_ENDDATE_FACT")
    assert (ended["DAYS_ENDDATE_FACT"] >= ended["DAYS_CREDIT"]).all()
    assert (home_credit["bureau"]["DAYS_CREDIT_UPDATE"] >= home_credit["bureau"]["DAYS_CREDIT"]).all()


def test_days_past_due_tell_nothing_that_is_not_yet_known(home_credit: Tables) -> None:
    """A loan cannot be further behind than the days since its first instalment."""
    started = home_credit["previous_application"].select("SK_ID_PREV", "DAYS_FIRST_DUE").drop_nulls()
    late = home_credit["POS_CASH_balance"].filter(pl.col("SK_DPD") > 0).join(started, on="SK_ID_PREV")
    month_end = late["MONTHS_BALANCE"] * 30 + 29
    assert late.height > 1000
    assert (late["SK_DPD"] <= month_end - late["DAYS_FIRST_DUE"]).all()


def test_planned_ends_lie_ahead_in_a_third_of_bureau_rows(home_credit: Tables) -> None:
    ahead = (home_credit["bureau"]["DAYS_CREDIT_ENDDATE"] > 0).mean()
    assert ahead == pytest.approx(0.37, abs=0.05)


def test_the_retired_carry_the_sentinel_and_no_employer(home_credit: Tables) -> None:
    train = home_credit["application_train"]
    retired = train.filter(pl.col("DAYS_EMPLOYED") == SENTINEL)
    assert retired.height / train.height == pytest.approx(0.18, abs=0.02)
    assert set(retired["ORGANIZATION_TYPE"]) == {"XNA"}
    assert retired["OCCUPATION_TYPE"].null_count() == retired.height
    assert (train.filter(pl.col("DAYS_EMPLOYED") != SENTINEL)["DAYS_EMPLOYED"] < 0).all()


def test_missing_shares_are_those_of_the_real_file(home_credit: Tables) -> None:
    train = home_credit["application_train"]
    expected = {
        "EXT_SOURCE_1": 0.564, "EXT_SOURCE_3": 0.198, "OWN_CAR_AGE": 0.66, "COMMONAREA_AVG": 0.699,
        "OCCUPATION_TYPE": 0.313, "AMT_REQ_CREDIT_BUREAU_YEAR": 0.135, "EMERGENCYSTATE_MODE": 0.474,
    }  # fmt: skip
    for column, share in expected.items():
        assert train[column].null_count() / train.height == pytest.approx(share, abs=0.03), column


def test_some_applicants_have_no_history_at_all(home_credit: Tables) -> None:
    ids = set(home_credit["application_train"]["SK_ID_CURR"])
    shares = {"bureau": 0.143, "previous_application": 0.049}
    for table, share in shares.items():
        assert len(ids - set(home_credit[table]["SK_ID_CURR"])) / len(ids) == pytest.approx(share, abs=0.02)


def test_child_counts_are_skewed(home_credit: Tables) -> None:
    counts = home_credit["bureau"].group_by("SK_ID_CURR").len()["len"]
    assert counts.quantile(0.99) > 3 * counts.mean()


def test_default_rate_is_that_of_the_real_file(home_credit: Tables, home_credit_files: DemoFiles) -> None:
    assert home_credit["application_train"]["TARGET"].mean() == pytest.approx(0.081, abs=0.012)
    assert pl.read_parquet(home_credit_files.truth)["true_pd"].mean() == pytest.approx(0.0807, abs=0.004)


def test_truth_names_every_applicant_once_and_ranks_the_defaults(
    home_credit: Tables, home_credit_files: DemoFiles
) -> None:
    truth = pl.read_parquet(home_credit_files.truth)
    train, test = home_credit["application_train"], home_credit["application_test"]
    assert truth["SK_ID_CURR"].is_unique().all()
    assert set(truth["SK_ID_CURR"]) == set(train["SK_ID_CURR"]) | set(test["SK_ID_CURR"])
    joined = train.join(truth, on="SK_ID_CURR")
    assert 0.79 < roc_auc(joined["TARGET"].to_numpy(), joined["true_pd"].to_numpy()) < 0.87


def aggregates(home_credit: Tables) -> dict[str, pl.DataFrame]:
    late = pl.col("DAYS_ENTRY_PAYMENT") > pl.col("DAYS_INSTALMENT")
    return {
        "late instalments": home_credit["installments_payments"].group_by("SK_ID_CURR").agg(x=late.mean()),
        "days past due": home_credit["POS_CASH_balance"].group_by("SK_ID_CURR").agg(x=(pl.col("SK_DPD") > 0).mean()),
        "refusals": home_credit["previous_application"]
        .group_by("SK_ID_CURR")
        .agg(x=(pl.col("NAME_CONTRACT_STATUS") == "Refused").mean()),
        "bureau debt": home_credit["bureau"].group_by("SK_ID_CURR").agg(x=(pl.col("CREDIT_ACTIVE") == "Active").sum()),
        "bureau arrears": home_credit["bureau_balance"]
        .join(home_credit["bureau"].select("SK_ID_BUREAU", "SK_ID_CURR"), on="SK_ID_BUREAU")
        .group_by("SK_ID_CURR")
        .agg(x=pl.col("STATUS").cast(pl.String).is_in(["1", "2", "3", "4", "5"]).mean()),
        "external scores": pl.concat(
            [home_credit["application_train"], home_credit["application_test"]], how="diagonal"
        )
        .with_columns(x=-pl.mean_horizontal("EXT_SOURCE_1", "EXT_SOURCE_2", "EXT_SOURCE_3"))
        .select("SK_ID_CURR", "x"),
    }


@pytest.mark.parametrize(
    ("what", "least"),
    [("external scores", 0.50), ("late instalments", 0.18), ("days past due", 0.10), ("refusals", 0.20),
     ("bureau debt", 0.15), ("bureau arrears", 0.18)],
)  # fmt: skip
def test_signal_sits_in_every_kind_of_table(
    home_credit: Tables, home_credit_files: DemoFiles, what: str, least: float
) -> None:
    truth = pl.read_parquet(home_credit_files.truth)
    joined = truth.join(aggregates(home_credit)[what].drop_nulls(), on="SK_ID_CURR")
    ranks = joined.select(pl.col("true_pd").rank(), pl.col("x").rank())
    assert ranks.select(pl.corr("true_pd", "x")).item() > least


def test_people_do_not_get_riskier_along_the_file(home_credit: Tables) -> None:
    train = home_credit["application_train"]
    assert roc_auc(train["TARGET"].to_numpy(), np.arange(train.height, dtype=np.float64)) == pytest.approx(
        0.5, abs=0.04
    )
