"""Which names speak of what happens after a loan was granted."""

from __future__ import annotations

import re

import pytest

from creditrisk.contracts.leak_words import WORDS, spoken


@pytest.mark.parametrize(
    "name",
    ["hardship_flag", "HardshipType", "settlement_status", "debt_settlement_flag", "pymnt_plan", "payment_plan_start"],
)
def test_some_names_are_enough_alone_in_any_table(name: str) -> None:
    for main in (True, False):
        word = spoken(name, main=main)
        assert word is not None
        assert word.alone


@pytest.mark.parametrize(
    "name",
    ["recoveries", "collection_recovery_fee", "last_pymnt_d", "lastPymntAmnt", "next_pymnt_d", "total_pymnt_inv",
     "total_rec_prncp", "last_fico_range_high", "out_prncp", "amountOutstanding", "charge_off_amt", "chargeoff_date",
     "loan_status", "WRITTEN_OFF", "days_in_arrears", "closed_date"],
)  # fmt: skip
def test_others_need_a_column_that_ranks(name: str) -> None:
    word = spoken(name, main=True)
    assert word is not None
    assert not word.alone


@pytest.mark.parametrize(
    "name",
    ["EXT_SOURCE_1", "int_rate", "sub_grade", "annual_inc", "inq_last_6mths", "mths_since_last_delinq", "last_name",
     "DAYS_LAST_PHONE_CHANGE", "CODE_GENDER", "purpose", "installment"],
)  # fmt: skip
def test_names_of_what_is_known_before_say_nothing(name: str) -> None:
    assert spoken(name, main=True) is None


def test_payments_of_other_loans_are_at_home_in_child_tables() -> None:
    assert spoken("AMT_PAYMENT", main=True) is not None
    assert spoken("AMT_PAYMENT", main=False) is None
    assert spoken("amount_recovered", main=False) is not None


def test_every_word_has_its_reason() -> None:
    for word in WORDS:
        assert word.because
        assert re.compile(word.pattern)
