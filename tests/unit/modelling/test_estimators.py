"""One list of promises that every estimator keeps."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from creditrisk.errors import BadConfig, BrokenFile
from creditrisk.modelling import ESTIMATORS, Estimator, Feature, Learning, Preprocess, Rows, estimator_named
from creditrisk.modelling.estimators import Logistic
from creditrisk.stats import roc_auc
from tests.support.learning import FEATURES, development_rows

SMALL: dict[str, dict[str, object]] = {
    "lightgbm": {"rounds": 60, "learning_rate": 0.1, "min_data_in_leaf": 20},
    "logistic": {},
    "random_forest": {"trees": 60, "max_depth": 6, "min_child_weight": 5.0},
    "scorecard": {},
    "xgboost": {"rounds": 60, "learning_rate": 0.1},
}

every_estimator = pytest.mark.parametrize("name", sorted(ESTIMATORS))


def _rows(count: int = 1200, seed: int = 7) -> tuple[Rows, tuple[Feature, ...]]:
    table = development_rows(count, seed)
    preprocess = Preprocess.fit(table, FEATURES)
    return Rows(preprocess.matrix(table).values, table["target"].to_numpy().astype(float)), preprocess.features


def _learning(name: str, features: tuple[Feature, ...], **changes: object) -> Learning:
    return replace(Learning(features, SMALL[name], seed=3, threads=2), **changes)  # type: ignore[arg-type]


@cache
def _fitted(name: str) -> tuple[Estimator, Rows, tuple[Feature, ...]]:
    return _fit(name), *_rows()


def _fit(name: str, **changes: object) -> Estimator:
    rows, features = _rows()
    return ESTIMATORS[name].fit(rows, _learning(name, features, **changes), rounds=60)


@every_estimator
def test_it_ranks_rows_it_never_saw(name: str) -> None:
    model, _, _ = _fitted(name)
    other, _ = _rows(seed=99)
    assert roc_auc(other.target, model.margin(other.values)) > 0.7


@every_estimator
def test_same_rows_and_seed_give_the_same_bytes(name: str) -> None:
    assert _fit(name).to_files() == _fitted(name)[0].to_files()


@every_estimator
def test_contributions_add_up_to_the_margin(name: str) -> None:
    model, rows, features = _fitted(name)
    contributions = model.contributions(rows.values)
    assert contributions.shape == (len(rows.target), len(features) + 1)
    np.testing.assert_allclose(contributions.sum(axis=1), model.margin(rows.values), atol=1e-4)


@every_estimator
def test_a_feature_that_it_does_not_read_moves_no_bit(name: str) -> None:
    rows, features = _rows()
    quiet = replace(features[0], name="quiet")
    wide = Rows(np.column_stack([np.zeros(len(rows.target), np.float32), rows.values]), rows.target)
    model = ESTIMATORS[name].fit(wide, _learning(name, (quiet, *features)), rounds=60)
    unread = sorted(set(range(len(features) + 1)) - model.reads())
    moved = wide.values.copy()
    moved[:, unread] = np.random.default_rng(2).normal(size=(len(moved), len(unread)))
    assert model.margin(moved).tobytes() == model.margin(wide.values).tobytes()
    assert unread == ([0] if name in ("xgboost", "random_forest") else [])


@every_estimator
def test_a_row_has_the_same_bits_alone_in_a_group_and_in_any_order(name: str) -> None:
    model, rows, _ = _fitted(name)
    margins, contributions = model.margin(rows.values), model.contributions(rows.values)
    assert margins.dtype == np.float64
    for size in (1, 2, 7, 64, 65):
        assert np.array_equal(model.margin(rows.values[:size]), margins[:size])
        assert np.array_equal(model.contributions(rows.values[:size]), contributions[:size])
    order = np.random.default_rng(1).permutation(len(margins))
    assert np.array_equal(model.margin(rows.values[order]), margins[order])


@every_estimator
def test_saved_and_loaded_it_gives_the_same_bits_on_any_number_of_threads(name: str) -> None:
    model, rows, features = _fitted(name)
    for threads in (1, 2):
        again = ESTIMATORS[name].from_files(model.to_files(), features, threads=threads)
        assert np.array_equal(again.margin(rows.values), model.margin(rows.values))
        assert np.array_equal(again.contributions(rows.values), model.contributions(rows.values))
        assert again.importance() == model.importance()
        assert again.to_files() == model.to_files()


@every_estimator
def test_importance_names_every_feature_and_sums_to_one(name: str) -> None:
    model, _, features = _fitted(name)
    importance = model.importance()
    assert list(importance) == [feature.name for feature in features]
    assert sum(importance.values()) == pytest.approx(1.0)


@every_estimator
@pytest.mark.parametrize("direction", [1, -1])
def test_margin_never_moves_against_a_declared_direction(name: str, direction: int) -> None:
    model, (rows, _) = _fit(name, directions={"income": direction}), _rows()
    values = np.repeat(rows.values[:50], 40, axis=0)
    values[:, 0] = np.tile(np.linspace(1_000, 90_000, 40), 50)
    steps = np.diff(model.margin(values).reshape(50, 40), axis=1) * direction
    assert steps.min() >= -1e-6


@every_estimator
def test_constant_and_all_missing_columns_do_no_harm(name: str) -> None:
    table = (
        development_rows(400)
        .append_column("constant", pa.array(np.full(400, 3.5)))
        .append_column("missing", pa.nulls(400, pa.float64()))
        .append_column("no_words", pa.nulls(400, pa.string()))
        .append_column("one_word", pa.array(["same"] * 400))
    )
    preprocess = Preprocess.fit(table, [*FEATURES, "constant", "missing", "no_words", "one_word"])
    rows = Rows(preprocess.matrix(table).values, table["target"].to_numpy().astype(float))
    model = ESTIMATORS[name].fit(rows, _learning(name, preprocess.features), rounds=10)
    assert np.isfinite(model.margin(rows.values)).all()
    assert np.isfinite(model.margin(np.full((1, rows.values.shape[1]), np.nan, dtype=np.float32))).all()
    model.contributions(rows.values[:3])


@every_estimator
def test_no_rows_have_no_margins(name: str) -> None:
    model, rows, features = _fitted(name)
    assert model.margin(rows.values[:0]).shape == (0,)
    assert model.contributions(rows.values[:0]).shape == (0, len(features) + 1)


@every_estimator
def test_misspelt_parameter_is_refused_with_the_nearest_name(name: str) -> None:
    wrong, right = {
        "lightgbm": ("num_leafs", "num_leaves"),
        "logistic": ("l_2", "l2"),
        "random_forest": ("tree", "trees"),
        "scorecard": ("bin_max", "bins_max"),
        "xgboost": ("max_dept", "max_depth"),
    }[name]
    with pytest.raises(BadConfig, match=f'did you mean "{right}"'):
        ESTIMATORS[name].settings({wrong: 3})


@every_estimator
def test_each_default_stands_in_the_documentation(name: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / "estimators.md").read_text(encoding="utf-8")
    for parameter, value in ESTIMATORS[name].settings({}).items():
        assert re.search(rf"`{parameter}` \(?{re.escape(f'{value:g}')}\b", text), f"{parameter} {value:g}"


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("xgboost", "max_depth", "four"),
        ("xgboost", "rounds", 0),
        ("xgboost", "rounds", 10.5),
        ("xgboost", "learning_rate", True),
        ("logistic", "l2", "strong"),
    ],
)
def test_parameter_of_the_wrong_kind_is_refused(name: str, parameter: str, value: object) -> None:
    with pytest.raises(BadConfig, match=f"training.parameters.{name}: {parameter} is {value!r}"):
        ESTIMATORS[name].settings({parameter: value})


@pytest.mark.parametrize("parameters", [{"learning_rate": -1.0}, {"grow_policy": "sideways"}])
def test_what_xgboost_itself_refuses_is_told_in_its_words(parameters: dict[str, object]) -> None:
    with pytest.raises(BadConfig, match=r"XGBoost: .*(learning_rate|sideways)"):
        _fit("xgboost", parameters=parameters)


def test_what_lightgbm_itself_refuses_is_told_in_its_words() -> None:
    with pytest.raises(BadConfig, match=r"LightGBM: .*learning_rate"):
        _fit("lightgbm", parameters={"learning_rate": -1.0})


@every_estimator
def test_bads_that_count_fivefold_lift_the_mean_to_their_weighted_share(name: str) -> None:
    rows, features = _rows()
    bads = rows.target == 1
    weighted = Rows(rows.values, rows.target, weights=np.where(bads, 5.0, 1.0))
    model = ESTIMATORS[name].fit(weighted, _learning(name, features), rounds=60)
    rate = np.mean(1.0 / (1.0 + np.exp(-model.margin(rows.values))))
    assert rate == pytest.approx(weighted.default_rate, abs=0.1)
    assert weighted.default_rate > rows.default_rate + 0.3


@every_estimator
def test_damaged_model_file_is_named(name: str) -> None:
    model, _, features = _fitted(name)
    file = next(iter(model.to_files()))
    with pytest.raises(BrokenFile, match=file):
        ESTIMATORS[name].from_files({file: b"{not a model"}, features)
    with pytest.raises(BrokenFile, match=file):
        ESTIMATORS[name].from_files(model.to_files(), features[:-1])


@every_estimator
def test_rounds_are_told_while_they_pass(name: str) -> None:
    rows, features = _rows(300)
    told: list[int] = []
    ESTIMATORS[name].fit(rows, _learning(name, features), rounds=5, on_round=lambda done, _: told.append(done))
    assert told[0] == 1
    assert told == sorted(told)


def test_unknown_estimator_offers_the_known_ones() -> None:
    with pytest.raises(BadConfig, match='did you mean "xgboost"'):
        estimator_named("xgbost")


boosting = pytest.mark.parametrize("name", sorted(name for name, kind in ESTIMATORS.items() if kind.stops_early))


@boosting
def test_trees_stop_where_the_stopping_rows_say_and_keep_the_best_rounds(name: str) -> None:
    rows, features = _rows(900)
    stopping, _ = _rows(400, seed=21)
    learning = _learning(name, features, parameters={"rounds": 500, "early_stopping_rounds": 10})
    model = ESTIMATORS[name].fit(rows, learning, evaluation=stopping)
    assert model.rounds == int(np.argmin(model.history)) + 1
    assert len(model.history) < 500


@boosting
def test_stopping_rows_of_another_default_rate_start_where_they_are_told(name: str) -> None:
    rows, features = _rows(900)
    stopping, _ = _rows(400, seed=21)
    learning = _learning(name, features, parameters={"rounds": 500, "early_stopping_rounds": 10})
    bad_often = Rows(rows.values, rows.target, weights=np.where(rows.target == 1, 4.0, 1.0))
    start = float(np.log(rows.default_rate / (1.0 - rows.default_rate)))
    plain = ESTIMATORS[name].fit(bad_often, learning, evaluation=stopping)
    told = ESTIMATORS[name].fit(bad_often, learning, evaluation=replace(stopping, start=start))
    base = ESTIMATORS[name].fit(rows, learning, evaluation=stopping)
    assert told.history[0] == pytest.approx(base.history[0], abs=0.02)
    assert told.history[0] < plain.history[0] - 0.05


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - {"logistic"}))
def test_category_cannot_have_a_direction(name: str) -> None:
    with pytest.raises(BadConfig, match='"town" is a category'):
        _fit(name, directions={"town": 1})


def test_logistic_agrees_with_scikit_learn_on_standardised_numbers() -> None:
    random = np.random.default_rng(4)
    values = random.normal(size=(2000, 4)).astype(np.float32)
    target = (random.random(2000) < 1 / (1 + np.exp(1 - values @ np.array([1.0, -0.5, 0.2, 0.0])))).astype(float)
    features = tuple(Feature(f"x{place}", "number") for place in range(4))
    learning = Learning(features, {"l2": 3.0, "clip_share": 0.0})
    ours = Logistic.fit(Rows(values, target), learning)
    wide = values.astype(np.float64)
    scaled = (wide - wide.mean(axis=0)) / wide.std(axis=0)
    theirs = LogisticRegression(C=1 / 3.0, tol=1e-12, solver="newton-cholesky").fit(scaled, target)
    np.testing.assert_allclose([term.coefficients[0] for term in ours.terms], theirs.coef_[0], atol=1e-7)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=1e-7)


def test_logistic_imputes_the_mean_and_gives_an_unseen_word_no_weight() -> None:
    model, rows, _ = _fitted("logistic")
    values = rows.values[:1].copy()
    values[0, :] = np.nan
    assert model.margin(values)[0] == pytest.approx(model.contributions(values)[0, -1])
