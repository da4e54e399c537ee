"""Balanced rows to fit: what is kept is untouched, what is invented is whole, and no other row is ever changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from creditrisk.config import Balance
from creditrisk.errors import BadData
from creditrisk.evaluation import calibration_tests
from creditrisk.modelling import Estimator, Feature, Learning, Preprocess, Rows
from creditrisk.modelling import out_of_fold as out_of_fold_module
from creditrisk.modelling.balance import balanced, stopping_rows
from creditrisk.modelling.estimators import Logistic
from creditrisk.stats import sigmoid
from tests.support.learning import FEATURES, development_rows, tiny_book, trained

RESAMPLING = ("smote", "down_sample", "smote_and_down_sample")


@pytest.fixture(scope="module")
def rows() -> tuple[Rows, tuple[Feature, ...]]:
    """1,500 rows of which one in ten is bad, with missing numbers and words."""
    table = development_rows(2200)
    bads = np.flatnonzero(table["target"].to_numpy() == 1)
    keep = np.sort(np.concatenate([bads[:130], np.flatnonzero(table["target"].to_numpy() == 0)[:1170]]))
    table = table.take(keep)
    preprocess = Preprocess.fit(table, FEATURES)
    return Rows(preprocess.matrix(table).values, table["target"].to_numpy().astype(float)), preprocess.features


def _learning(features: tuple[Feature, ...], **balance: Any) -> Learning:
    return Learning(features, seed=11, balance=Balance(**balance))


def _bads_per_good(rows: Rows) -> float:
    return float(np.sum(rows.target == 1) / np.sum(rows.target == 0))


def test_none_and_nothing_said_leave_the_rows_as_they_are(rows: tuple[Rows, tuple[Feature, ...]]) -> None:
    given, features = rows
    assert balanced(given, _learning(features)) is given
    assert balanced(given, Learning(features)) is given


def test_class_weight_lets_bads_weigh_as_much_as_goods(rows: tuple[Rows, tuple[Feature, ...]]) -> None:
    given, features = rows
    weighted = balanced(given, _learning(features, method="class_weight"))
    assert weighted.values is given.values
    assert weighted.default_rate == pytest.approx(0.5)


def test_smote_adds_bads_behind_the_untouched_rows(rows: tuple[Rows, tuple[Feature, ...]]) -> None:
    given, features = rows
    more = balanced(given, _learning(features, method="smote", smote_to=0.4))
    assert np.array_equal(more.values[: len(given.values)], given.values, equal_nan=True)
    assert (more.target[len(given.target) :] == 1).all()
    assert _bads_per_good(more) == pytest.approx(0.4, abs=0.001)


def test_invented_rows_lack_nothing_lie_among_the_bads_and_have_known_words(
    rows: tuple[Rows, tuple[Feature, ...]],
) -> None:
    given, features = rows
    more = balanced(given, _learning(features, method="smote", smote_to=1.0))
    invented, bads = more.values[len(given.values) :], given.values[given.target == 1]
    assert not np.isnan(invented).any()
    for place, feature in enumerate(features):
        if feature.kind == "category":
            assert set(invented[:, place].tolist()) <= set(map(float, range(len(feature.categories))))
        else:
            known = bads[:, place][~np.isnan(bads[:, place])]
            slack = 1e-5 * float(np.abs(known).max())
            assert known.min() - slack <= invented[:, place].min() <= invented[:, place].max() <= known.max() + slack


def test_down_sampling_keeps_every_bad_and_the_order(rows: tuple[Rows, tuple[Feature, ...]]) -> None:
    given, features = rows
    fewer = balanced(given, _learning(features, method="down_sample", down_sample_to=0.5))
    assert np.sum(fewer.target) == np.sum(given.target)
    assert _bads_per_good(fewer) == pytest.approx(0.5, abs=0.01)
    place = {row.tobytes(): number for number, row in enumerate(given.values)}
    order = [place[row.tobytes()] for row in fewer.values]
    assert order == sorted(order)


def test_both_do_one_after_the_other(rows: tuple[Rows, tuple[Feature, ...]]) -> None:
    given, features = rows
    both = balanced(given, _learning(features, method="smote_and_down_sample", smote_to=0.3, down_sample_to=0.6))
    assert np.sum(both.target) == pytest.approx(0.3 * np.sum(given.target == 0), abs=1)
    assert _bads_per_good(both) == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("method", RESAMPLING)
def test_the_seed_alone_decides(rows: tuple[Rows, tuple[Feature, ...]], method: str) -> None:
    given, features = rows
    learning = _learning(features, method=method)
    one, again = balanced(given, learning), balanced(given, learning)
    other = balanced(given, replace(learning, seed=12))
    assert one.values.tobytes() == again.values.tobytes()
    assert one.values.tobytes() != other.values.tobytes()


@pytest.mark.parametrize("method", RESAMPLING)
def test_a_share_that_is_reached_already_changes_nothing(rows: tuple[Rows, tuple[Feature, ...]], method: str) -> None:
    given, features = rows
    assert balanced(given, _learning(features, method=method, smote_to=0.05, down_sample_to=0.05)) is given


@pytest.mark.parametrize("kept", [("number",), ("category",)])
def test_smote_takes_numbers_alone_and_words_alone(
    rows: tuple[Rows, tuple[Feature, ...]], kept: tuple[str, ...]
) -> None:
    given, features = rows
    places = [place for place, feature in enumerate(features) if feature.kind in kept]
    narrow = Rows(given.values[:, places], given.target)
    more = balanced(narrow, _learning(tuple(features[place] for place in places), method="smote"))
    assert len(more.target) > len(narrow.target)
    assert not np.isnan(more.values[len(narrow.target) :]).any()


def test_smote_takes_several_columns_of_words(rows: tuple[Rows, tuple[Feature, ...]]) -> None:
    given, features = rows
    town = next(place for place, feature in enumerate(features) if feature.kind == "category")
    values = np.hstack([given.values, given.values[::-1, [town]]])
    both = (*features, replace(features[town], name="town_of_work"))
    invented = balanced(Rows(values, given.target), _learning(both, method="smote")).values[len(given.target) :]
    assert set(invented[:, -1].tolist()) <= {0.0, 1.0, 2.0}


def test_a_column_that_all_rows_lack_and_a_constant_do_no_harm(rows: tuple[Rows, tuple[Feature, ...]]) -> None:
    given, features = rows
    lacking = np.full((len(given.target), 1), np.nan, dtype=np.float32)
    values = np.hstack([given.values, lacking, np.ones_like(lacking), lacking])
    wider = (*features, Feature("lacking", "number"), Feature("constant", "number"), Feature("no_word", "category"))
    more = balanced(Rows(values, given.target), _learning(wider, method="smote"))
    invented = more.values[len(given.target) :]
    assert np.isnan(invented[:, [-3, -1]]).all()
    assert (invented[:, -2] == 1.0).all()


def test_too_few_bads_for_the_neighbours_are_refused_with_counts_and_a_way_out(
    rows: tuple[Rows, tuple[Feature, ...]],
) -> None:
    given, features = rows
    few = np.concatenate([np.flatnonzero(given.target == 1)[:5], np.flatnonzero(given.target == 0)])
    with pytest.raises(BadData, match=r"5 bads among the rows to fit; SMOTE with 5 neighbours needs 6") as refused:
        balanced(Rows(given.values[few], given.target[few]), _learning(features, method="smote"))
    assert "fewer neighbours" in refused.value.hint


def test_stopping_rows_are_told_the_rate_before_balancing(rows: tuple[Rows, tuple[Feature, ...]]) -> None:
    given, features = rows
    fewer = balanced(given, _learning(features, method="down_sample"))
    told = stopping_rows(given, fewer, given)
    assert told.values is given.values
    assert 1.0 / (1.0 + np.exp(-(told.start or 0.0))) == pytest.approx(given.default_rate)
    assert stopping_rows(given, given, given) is given


def test_only_fitted_rows_are_balanced_in_each_fold_and_at_the_refit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: list[Rows] = []
    fitted: list[Rows] = []

    def spy(given: Rows, learning: Learning) -> Rows:
        before.append(given)
        return balanced(given, learning)

    def fit(cls: type[Estimator], rows: Rows, *args: Any, **more: Any) -> Estimator:
        fitted.append(rows)
        return real_fit(cls, rows, *args, **more)

    real_fit = Logistic.fit.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(out_of_fold_module, "balanced", spy)
    monkeypatch.setattr(Logistic, "fit", classmethod(fit))
    book = tiny_book(tmp_path, training__estimator="logistic", training__balance__method="smote_and_down_sample",
                     training__balance__smote_to=1.0, training__balance__down_sample_to=1.0)  # fmt: skip
    rows = development_rows(600)
    model = trained(book, rows)
    folds = rows["fold"].to_numpy()
    assert [len(given.target) for given in before] == [int(np.sum(folds != fold)) for fold in (0, 1, 2)]
    assert all(np.mean(one.target) == pytest.approx(0.5, abs=0.01) for one in fitted)
    assert len(fitted) == 4
    assert model.balance == "smote_and_down_sample"
    assert model.out_of_fold.num_rows == 600


def _rarely_bad(count: int, seed: int) -> pa.Table:
    """Every good and one bad in six: about one row in ten is bad."""
    table = development_rows(count, seed)
    bads = np.cumsum(table["target"].to_numpy()) % 6 == 0
    return table.filter(pa.array(bads | (table["target"].to_numpy() == 0)))


def test_with_smote_and_down_sampling_the_trees_alone_fail_the_calibration_tests_and_the_served_pd_passes(
    tmp_path: Path,
) -> None:
    book = tiny_book(
        tmp_path,
        training__balance__method="smote_and_down_sample",
        training__parameters__xgboost={"rounds": 40, "learning_rate": 0.1},
        training__calibration=["platt"],
    )
    model = trained(book, _rarely_bad(4000, seed=7))
    new = _rarely_bad(3000, seed=90)
    target = new["target"].to_numpy()
    margin = model.estimator.margin(model.preprocess.matrix(new).values)
    alone, served = (
        calibration_tests.overall(target, sigmoid(margin)),
        calibration_tests.overall(target, model.calibrator(margin)),
    )
    assert np.mean(sigmoid(margin)) > 1.8 * np.mean(target)
    for name in ("spiegelhalter", "slope_and_intercept", "in_the_large"):
        verdicts = [next(test["verdict"] for test in told["tests"] if test["test"] == name) for told in (alone, served)]
        assert verdicts == ["fail", "pass"], name
