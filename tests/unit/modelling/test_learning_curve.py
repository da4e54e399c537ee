"""More rows, better model: on nested shares, and where a share cannot be learnt from."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from creditrisk.config import Book
from creditrisk.modelling import Learning, estimator_named
from creditrisk.modelling.learning_curve import learning_curve
from creditrisk.modelling.train import learning_of
from creditrisk.stats import log_loss
from tests.support.learning import FEATURES, development_rows, tiny_book

LOGISTIC = estimator_named("logistic")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return tiny_book(tmp_path_factory.mktemp("book"), training__parameters__xgboost__min_child_weight=1)


@pytest.fixture(scope="module")
def learning(book: Book) -> Learning:
    return learning_of(LOGISTIC, FEATURES, book.portfolio)


def test_shares_are_nested_and_measured_on_rows_that_nothing_was_learnt_from(learning: Learning) -> None:
    rows = development_rows(1500)
    curve = learning_curve(rows, FEATURES, "loan_id", LOGISTIC, learning, rounds=None)
    train = rows["part"].to_pylist().count("train")
    assert [point["rows"] for point in curve] == [round(share * train) for share in (0.1, 0.2, 0.4, 0.7, 1.0)]
    assert curve[-1]["roc_auc"]["value"] > 0.65
    held = np.array(rows["part"].to_pylist()) == "calibration"
    target = rows["target"].to_numpy()[held]
    assert curve[-1]["log_loss"] < log_loss(target, np.full(len(target), np.mean(target)))


def test_the_order_of_rows_changes_nothing(learning: Learning) -> None:
    rows = development_rows(600)
    backwards = rows.take(pa.array(np.arange(rows.num_rows)[::-1]))
    first, second = (
        learning_curve(table, FEATURES, "loan_id", LOGISTIC, learning, rounds=None, shares=(0.5,))
        for table in (rows, backwards)
    )
    assert first == second


def test_trees_are_grown_as_many_as_told(book: Book) -> None:
    kind = estimator_named("xgboost")
    rows = development_rows(600)
    own = learning_of(kind, FEATURES, book.portfolio)
    one, many = (
        learning_curve(rows, FEATURES, "loan_id", kind, own, rounds=rounds, shares=(1.0,))[0] for rounds in (1, 15)
    )
    assert many["log_loss"] != one["log_loss"]
    assert many["roc_auc"]["value"] > 0.6


def test_a_share_of_one_class_is_a_reason_in_place_of_figures(learning: Learning) -> None:
    rows = development_rows(300)
    good = rows.filter(
        pa.array((rows["target"].to_numpy() == 0) | (np.array(rows["part"].to_pylist()) == "calibration"))
    )
    (point,) = learning_curve(good, FEATURES, "loan_id", LOGISTIC, learning, rounds=None, shares=(1.0,))
    assert (point["roc_auc"], point["log_loss"]) == (None, None)
    assert "one class only" in point["reason"]
