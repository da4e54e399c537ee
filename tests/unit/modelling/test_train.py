"""The training scheme: which rows serve what, the same model from the same rows, and refusals that say why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from creditrisk.config import Book, Portfolio
from creditrisk.errors import BadConfig, BadData, Refused
from creditrisk.modelling import ESTIMATORS, Shifted
from creditrisk.modelling.choose_calibration import cross_fitted_pds
from creditrisk.modelling.estimators import XGBoostTrees
from creditrisk.modelling.out_of_fold import stable_shares
from creditrisk.modelling.train import TrainedModel, train
from creditrisk.stats import calibration_line, roc_auc
from tests.support.learning import FEATURES, development_rows, feature_rows, tiny_book, trained, true_pd

every_estimator = pytest.mark.parametrize("estimator", sorted(ESTIMATORS))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return tiny_book(
        tmp_path_factory.mktemp("book"),
        training__parameters__xgboost__rounds=60,
        training__parameters__lightgbm={"rounds": 60, "min_data_in_leaf": 20},
        training__parameters__random_forest={"trees": 60, "max_depth": 6},
    )


@pytest.fixture(scope="module")
def model(book: Book) -> TrainedModel:
    return trained(book)


@every_estimator
def test_pds_of_new_rows_are_close_to_the_true_ones(book: Book, estimator: str) -> None:
    model = trained(book, development_rows(4000), estimator=estimator)
    new = feature_rows(4000, seed=50)
    pd = model.calibrator(model.estimator.margin(model.preprocess.matrix(new).values))
    truth = true_pd(new)
    assert pd.mean() == pytest.approx(truth.mean(), rel=0.06)
    assert np.corrcoef(pd, truth)[0, 1] > 0.85


@every_estimator
def test_rows_in_any_order_give_the_same_model(book: Book, estimator: str) -> None:
    rows = development_rows(600)
    shuffled = rows.take(pa.array(np.random.default_rng(5).permutation(600)))
    one, other = trained(book, rows, estimator=estimator), trained(book, shuffled, estimator=estimator)
    assert one.estimator.to_files() == other.estimator.to_files()
    assert one.calibrator == other.calibrator
    assert one.policy == other.policy
    assert one.reference == other.reference
    assert one.out_of_fold.equals(other.out_of_fold)


def test_out_of_fold_table_has_every_development_row_once_in_key_order(book: Book, model: TrainedModel) -> None:
    table = model.out_of_fold
    assert table.column_names == [book.key, "target", "part", "fold", "margin", "pd"]
    assert table[book.key].to_pylist() == list(range(1, 1501))
    assert roc_auc(table["target"].to_numpy(), table["pd"].to_numpy()) > 0.7


def test_out_of_fold_pds_are_calibrated(model: TrainedModel) -> None:
    target, pd = model.out_of_fold["target"].to_numpy(), model.out_of_fold["pd"].to_numpy()
    assert pd.mean() == pytest.approx(target.mean(), rel=0.03)
    assert calibration_line(target, pd).slope == pytest.approx(1.0, abs=0.1)


def test_no_row_trains_or_stops_the_model_that_scores_it(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[set[float], set[float]]] = []
    real_fit = XGBoostTrees.fit.__func__  # type: ignore[attr-defined]

    def spy(cls: type[XGBoostTrees], rows: Any, learning: Any, *, evaluation: Any = None, **more: Any) -> XGBoostTrees:
        stopping = set() if evaluation is None else set(evaluation.values[:, 0].tolist())
        seen.append((set(rows.values[:, 0].tolist()), stopping))
        return real_fit(cls, rows, learning, evaluation=evaluation, **more)

    monkeypatch.setattr(XGBoostTrees, "fit", classmethod(spy))
    rows = development_rows(600)
    rows = rows.set_column(1, "income", pa.array(np.arange(1.0, 601.0)))  # income now names the row
    trained(book, rows)
    fold = dict(zip(rows["income"].to_pylist(), rows["fold"].to_pylist(), strict=True))
    assert len(seen) == 4
    for number, (fitted, stopping) in enumerate(seen[:3]):
        inside = {row for row, its_fold in fold.items() if its_fold == number}
        assert not fitted & stopping
        assert not (fitted | stopping) & inside
        assert fitted | stopping | inside == set(fold)
        assert 0.02 < len(stopping) / len(fitted | stopping) < 0.2
    assert seen[3] == (set(fold), set())


def test_no_calibrator_sees_the_fold_it_calibrates(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = development_rows(900)
    clean = trained(book, rows)
    margins = clean.out_of_fold["margin"].to_numpy()
    fold = clean.out_of_fold["fold"].to_numpy()
    spoiled = clean.out_of_fold["target"].to_numpy().astype(float)
    spoiled[fold == 1] = (
        1.0 - spoiled[fold == 1]
    )  # whoever looked at fold 1's outcomes would now calibrate it otherwise

    method = clean.calibrator.method
    again = cross_fitted_pds(method, margins, spoiled, fold)
    inside = fold == 1
    assert np.array_equal(again[inside], clean.out_of_fold["pd"].to_numpy()[inside])
    assert not np.array_equal(again[~inside], clean.out_of_fold["pd"].to_numpy()[~inside])


def test_cut_off_depends_on_the_train_part_and_the_method_on_the_calibration_part(book: Book, tmp_path: Path) -> None:
    by_cost = tiny_book(
        tmp_path,
        decision__decline_from_pd=None,
        decision__cost_of_bad={"value": 4, "because": "a test", "owner": "tests"},
        decision__cost_of_refused_good={"value": 1, "because": "a test", "owner": "tests"},
        training__parameters__xgboost__rounds=30,
    )
    model = trained(by_cost)
    table = model.out_of_fold
    train_part = table.filter(pc.equal(table["part"], "train"))
    pd, target = train_part["pd"].to_numpy(), train_part["target"].to_numpy()
    costs = {cut: 4 * target[pd < cut].sum() + (1 - target[pd >= cut]).sum() for cut in np.unique(pd)}
    assert costs[model.policy.cut_off.decline_from_pd] == min(costs.values())
    assert model.policy.cut_off.refer_from_pd == 0.8 * model.policy.cut_off.decline_from_pd
    assert model.calibrator.method == model.choice.method
    losses = model.choice.losses
    assert all(
        (gain["loss_saved"] > 0) == (losses[name] < losses[gain["against"]])
        for name, gain in model.choice.gains.items()
    )


def test_refit_grows_the_rounds_as_the_rows_grow(model: TrainedModel) -> None:
    growth = 1500 / np.median([fit.rows_fitted for fit in model.folds])
    assert model.rounds == round(np.median([fit.rounds for fit in model.folds]) * growth)


def test_policy_carries_cut_off_grades_directions_and_words(model: TrainedModel) -> None:
    assert model.policy.cut_off.decline_from_pd == 0.3
    assert model.policy.cut_off.refer_from_pd == pytest.approx(0.24)
    assert model.policy.directions == {"income": -1}
    assert [words.code for words in model.policy.reasons] == ["DEBT", "INCOME", "PAYMENTS", "TOWN"]
    assert any(words.usual != 0 for words in model.policy.reasons)


def test_reference_counts_every_development_row(model: TrainedModel) -> None:
    for histogram in (*model.reference["features"].values(), model.reference["pd"], model.reference["score"]):
        assert sum(histogram["counts"]) == 1500
    assert model.reference["features"]["town"]["categories"] == ["big", "middling", "small"]
    assert model.reference["features"]["debt_to_income"]["missing_share"] == pytest.approx(0.1, abs=0.03)


def test_progress_rises_from_zero_to_one(book: Book) -> None:
    told: list[float] = []
    trained(book, development_rows(400), progress=lambda _, done: told.append(done))
    assert told == sorted(told)
    assert told[0] == 0.0
    assert told[-1] == 1.0


def test_a_declared_long_run_rate_moves_every_pd_and_not_their_order(book: Book) -> None:
    plain = trained(book, development_rows(600))
    said = book.portfolio.model_dump(mode="json", exclude_none=True)
    said["training"]["long_run_default_rate"] = {"value": 0.08, "because": "a test", "owner": "tests"}
    moved = trained(replace(book, portfolio=Portfolio.model_validate(said)), development_rows(600))
    margins = moved.out_of_fold["margin"].to_numpy()
    assert np.array_equal(margins, plain.out_of_fold["margin"].to_numpy())
    assert moved.calibrator(margins).mean() == pytest.approx(0.08, abs=1e-12)
    assert isinstance(moved.calibrator, Shifted)
    assert moved.calibrator.base == plain.calibrator
    ranks = [np.argsort(model.out_of_fold["pd"].to_numpy(), kind="stable") for model in (plain, moved)]
    assert np.array_equal(*ranks)


def test_isotonic_gives_way_to_platt_when_bads_are_few_and_the_modeller_is_told(book: Book) -> None:
    model = trained(book, development_rows(150))
    assert model.calibrator.method == "platt"
    assert any("isotonic was not possible" in note for note in model.notes)


def test_only_isotonic_with_few_bads_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no calibration can be fitted"):
        trained(tiny_book(tmp_path, training__calibration=["isotonic"]), development_rows(150))


def test_direction_of_a_feature_that_this_preset_lacks_is_noted(book: Book) -> None:
    model = trained(book, development_rows(400).drop_columns(["income"]))
    assert "policy.monotone directs income" in model.notes[0]


def test_prohibited_column_is_refused_by_name_however_it_is_written(book: Book) -> None:
    rows = development_rows(300)
    with pytest.raises(Refused, match='the feature "SEX" is sex, which may not decide about people'):
        trained(book, rows.append_column("SEX", pa.array(["f"] * 300)))


def test_feature_without_words_is_refused_before_training(book: Book) -> None:
    rows = development_rows(300)
    with pytest.raises(BadConfig, match="no words, or the words of two groups, for shoe_size"):
        trained(book, rows.append_column("shoe_size", pa.array(np.ones(300))))


def test_misspelt_parameter_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match='did you mean "max_depth"'):
        trained(tiny_book(tmp_path, training__parameters__xgboost__max_dept=3))


def test_infinite_feature_is_refused_by_name(book: Book) -> None:
    rows = development_rows(300)
    debt = rows["debt_to_income"].to_pylist()
    debt[5] = float("inf")
    place = rows.column_names.index("debt_to_income")
    with pytest.raises(BadData, match="feature debt_to_income: infinite"):
        trained(book, rows.set_column(place, "debt_to_income", pa.array(debt)))


def _with_target(values: list[int | None]) -> pa.Table:
    rows = development_rows(len(values))
    return rows.set_column(rows.column_names.index("target"), "target", pa.array(values, pa.int8()))


@pytest.mark.parametrize(
    ("values", "message"),
    [([0] * 50, "one class only"), ([0, 1, 2] * 20, "other values than 0 and 1"), ([0, 1, None] * 20, "other values")],
)
def test_unusable_target_is_refused(book: Book, values: list[int | None], message: str) -> None:
    with pytest.raises(BadData, match=message):
        trained(book, _with_target(values))


def test_no_rows_one_part_one_fold_or_a_doubled_key_are_refused(book: Book) -> None:
    rows = development_rows(60)
    with pytest.raises(BadData, match="no development rows"):
        trained(book, rows.slice(0, 0))
    with pytest.raises(BadData, match=r"parts \['train'\]"):
        trained(book, rows.filter(pc.equal(rows["part"], "train")))
    with pytest.raises(BadData, match="two folds"):
        trained(book, rows.filter(pc.equal(rows["fold"], 0)))
    with pytest.raises(BadData, match="key stands twice"):
        trained(book, pa.concat_tables([rows, rows]))
    with pytest.raises(BadData, match='no column "fold"'):
        trained(book, rows.drop_columns(["fold"]))


def test_fold_whose_training_rows_are_all_good_is_refused_by_number(book: Book) -> None:
    rows = development_rows(90)
    target = [int(fold == 1) for fold in rows["fold"].to_pylist()]
    with pytest.raises(BadData, match="outside fold 1 are 0 bads"):
        trained(book, rows.set_column(rows.column_names.index("target"), "target", pa.array(target, pa.int8())))


def test_features_may_be_named_and_other_columns_are_then_left_alone(book: Book) -> None:
    rows = development_rows(400).append_column("note", pa.array(["x"] * 400))
    model = train(rows, book.portfolio, book.reasons, features=FEATURES[:2])
    assert model.preprocess.names == FEATURES[:2]


def test_no_features_are_refused(book: Book) -> None:
    with pytest.raises(BadData, match="no feature"):
        trained(book, development_rows(60).select(["loan_id", "target", "part", "fold"]))


def test_stopping_shares_depend_on_key_and_seed_alone() -> None:
    shares = stable_shares(["a", "b", 3], seed=1)
    assert shares.tolist() == stable_shares(["x", "a", "b", 3], seed=1)[1:].tolist()
    assert shares.tolist() != stable_shares(["a", "b", 3], seed=2).tolist()
    many = stable_shares(range(5000), seed=1)
    assert np.quantile(many, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.02)
