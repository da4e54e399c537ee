"""An error says what, where and what next; its kind decides the exit code."""

from __future__ import annotations

import pickle

import pytest

from creditrisk import errors
from creditrisk.errors import CreditRiskError, ExitCode, did_you_mean


def test_an_error_reads_as_place_sentence_and_remedy() -> None:
    error = CreditRiskError("the column is missing", where="loans.csv", hint="add it")
    assert str(error) == "loans.csv: the column is missing\nhint: add it"
    assert str(CreditRiskError("only this")) == "only this"


def test_an_error_of_another_process_still_says_what_where_and_what_next() -> None:
    error = pickle.loads(pickle.dumps(errors.Refused("no", where="loans.csv", hint="add it")))  # noqa: S301
    assert isinstance(error, errors.Refused)
    assert (error.what, error.where, error.hint) == ("no", "loans.csv", "add it")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.BadData, ExitCode.REFUSED),
        (errors.BrokenFile, ExitCode.REFUSED),
        (errors.Refused, ExitCode.REFUSED),
        (errors.NewerSchema, ExitCode.REFUSED),
        (errors.DuplicateKey, ExitCode.REFUSED),
        (errors.BadUsage, ExitCode.BAD_USAGE),
        (errors.BadConfig, ExitCode.BAD_USAGE),
        (errors.MissingInput, ExitCode.BAD_USAGE),
        (errors.MissingObject, ExitCode.REFUSED),
        (errors.OutsideFailed, ExitCode.OUTSIDE_FAILED),
    ],
)
def test_each_kind_has_the_exit_code_that_a_scheduler_reads(kind: type[CreditRiskError], code: ExitCode) -> None:
    assert kind("x").exit_code is code
    assert kind("x").retry_may_help is (code is ExitCode.OUTSIDE_FAILED)


def test_a_close_name_is_suggested_and_a_far_one_is_not() -> None:
    assert did_you_mean("burau", ["bureau", "application"]) == 'did you mean "bureau"? known: application, bureau'
    assert did_you_mean("xyz", ["bureau"]) == "known: bureau"
    assert did_you_mean("xyz", []) == "known: none"


def test_of_many_names_twelve_are_told() -> None:
    assert did_you_mean("xyz", [f"name{number:02}" for number in range(30)]).endswith("name11, … (30 in all)")
