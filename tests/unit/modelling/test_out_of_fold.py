"""Scores by models that never saw the row: all folds' models are as far grown as each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from creditrisk.config import Balance, Book
from creditrisk.modelling.estimators import ESTIMATORS, Rows, XGBoostTrees
from creditrisk.modelling.out_of_fold import Development, median_rounds, out_of_fold_margins
from creditrisk.modelling.preprocess import Preprocess
from creditrisk.modelling.train import development_of, learning_of
from creditrisk.stats import calibration_line
from tests.support.learning import FEATURES, development_rows, tiny_book

BOOSTED = sorted(name for name, kind in ESTIMATORS.items() if kind.stops_early)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    patience = {"rounds": 60, "early_stopping_rounds": 3, "learning_rate": 0.3}
    return tiny_book(
        tmp_path_factory.mktemp("book"),
        training__parameters__xgboost=patience,
        training__parameters__lightgbm={**patience, "min_data_in_leaf": 20},
    )


def rows_of(book: Book, rows: int = 1500) -> Development:
    return development_of(development_rows(rows), book.key, tuple(FEATURES), book.portfolio.training)


@pytest.mark.parametrize("estimator", BOOSTED)
def test_every_row_is_scored_by_a_model_of_the_median_rounds(book: Book, estimator: str) -> None:
    """Those that stopped later are cut back, those that stopped too early for it are grown on."""
    kind, rows = ESTIMATORS[estimator], rows_of(book)
    learning = learning_of(kind, tuple(FEATURES), book.portfolio)
    margins, fits = out_of_fold_margins(rows, kind, learning, lambda *_: None)
    own = [fit.rounds for fit in fits]
    rounds = median_rounds(own)
    assert len(set(own)) > 1
    for fit in fits:
        inside = rows.fold == fit.fold
        fitting = ~inside & ~rows.stopping
        preprocess = Preprocess.fit(rows.table, rows.features, ~inside)
        values = preprocess.matrix(rows.table).values
        known = Rows(values[fitting], rows.target[fitting])
        model = kind.fit(known, replace(learning, features=preprocess.features), rounds=rounds)
        assert np.array_equal(model.margin(values[inside]), margins[inside])


@pytest.mark.parametrize("estimator", BOOSTED)
def test_a_model_is_what_it_was_after_so_many_rounds(book: Book, estimator: str) -> None:
    kind, rows = ESTIMATORS[estimator], rows_of(book)
    preprocess = Preprocess.fit(rows.table, rows.features)
    values = preprocess.matrix(rows.table).values
    learning = replace(learning_of(kind, tuple(FEATURES), book.portfolio), features=preprocess.features)
    known = Rows(values[~rows.stopping], rows.target[~rows.stopping])
    stopped = kind.fit(known, learning, evaluation=Rows(values[rows.stopping], rows.target[rows.stopping]))
    for rounds in (1, stopped.rounds, stopped.rounds + 3):
        then = stopped.after(rounds)
        assert then is not None
        assert np.array_equal(then.margin(values), kind.fit(known, learning, rounds=rounds).margin(values))
    assert stopped.after(61) is None
    read = kind.from_files(stopped.to_files(), preprocess.features)
    assert read.after(stopped.rounds) is read
    assert read.after(1) is None


def test_one_line_calibrates_all_folds_where_balancing_makes_them_stop_far_apart(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after 1 round here and after 60 there, the pooled margins would have no slope that fits both."""
    ends = iter([1, 60, 2])
    real_fit = XGBoostTrees.fit.__func__  # type: ignore[attr-defined]

    def ended(cls: type[XGBoostTrees], *given: object, **more: object) -> XGBoostTrees:
        if more.get("evaluation") is not None:
            more |= {"evaluation": None, "rounds": next(ends)}
        return real_fit(cls, *given, **more)  # type: ignore[no-any-return]

    monkeypatch.setattr(XGBoostTrees, "fit", classmethod(ended))
    rows = rows_of(book, 3000)
    balance = Balance(method="down_sample")
    learning = learning_of(XGBoostTrees, tuple(FEATURES), book.portfolio, balance)
    margins, fits = out_of_fold_margins(rows, XGBoostTrees, learning, lambda *_: None)
    assert [fit.rounds for fit in fits] == [1, 60, 2]
    slopes = [
        calibration_line(rows.target[rows.fold == fold], 1 / (1 + np.exp(-margins[rows.fold == fold]))).slope
        for fold in rows.folds
    ]
    assert max(slopes) < 2 * min(slopes)


def test_keys_and_rows_stay_together(book: Book) -> None:
    rows = development_rows(300)
    shuffled = rows.take(pa.array(np.random.default_rng(3).permutation(300)))
    learning = learning_of(XGBoostTrees, tuple(FEATURES), book.portfolio)
    told = [
        out_of_fold_margins(
            development_of(table, book.key, tuple(FEATURES), book.portfolio.training),
            XGBoostTrees,
            learning,
            lambda *_: None,
        )[0]
        for table in (rows, shuffled)
    ]
    assert np.array_equal(*told)
