"""The scorecard: whole points that add up to the score, bins that say where everything belongs, and nothing hidden."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.config import Book
from creditrisk.errors import BadConfig, BrokenFile
from creditrisk.modelling import Feature, Learning, Platt, Preprocess, Rows, load_bundle, points
from creditrisk.modelling.estimators import PointScale, Scorecard
from creditrisk.modelling.estimators.scorecard import Exact, PointsTable, _rounded
from creditrisk.modelling.estimators.scorecard_bins import Binned, Bins, best_bins
from creditrisk.modelling.train import TrainedModel
from creditrisk.scoring import score
from creditrisk.stats import sigmoid
from tests.support.learning import FEATURES, development_rows, feature_rows, saved, tiny_book, trained


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return tiny_book(tmp_path_factory.mktemp("book"), training__estimator="scorecard")


@pytest.fixture(scope="module")
def model(book: Book) -> TrainedModel:
    return trained(book, development_rows(3000))


@cache
def _fitted() -> tuple[Scorecard, Rows]:
    return _fit({})


def _fit(parameters: dict[str, Any]) -> tuple[Scorecard, Rows]:
    table = development_rows(1500)
    preprocess = Preprocess.fit(table, FEATURES)
    rows = Rows(preprocess.matrix(table).values, table["target"].to_numpy().astype(float))
    return Scorecard.fit(rows, Learning(preprocess.features, parameters)), rows


def _card(model: TrainedModel) -> Scorecard:
    assert isinstance(model.estimator, Scorecard)
    return model.estimator


def _bins_of(card: Scorecard, feature: str) -> list[dict[str, Any]]:
    table = json.loads(card.to_files()["scorecard.json"])
    return next(one["bins"] for one in table["characteristics"] if one["feature"] == feature)


def test_score_of_every_decision_is_the_sum_of_its_points(
    model: TrainedModel, book: Book, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("models") / "bundle"
    saved(model, book, folder)
    bundle = load_bundle(folder)
    rows = feature_rows(5000, seed=31)
    table = json.loads(bundle.files["scorecard.json"])
    by_hand = np.full(5000, table["base"]["points"])
    for one in table["characteristics"]:
        by_hand += np.array([_points_by_hand(one["bins"], value) for value in rows[one["feature"]].to_pylist()])
    assert score(bundle, rows)["score"].to_numpy().tolist() == by_hand.tolist()
    assert len(set(by_hand.tolist())) > 100


def _points_by_hand(bins: list[dict[str, Any]], value: float | str | None) -> int:
    """As somebody would with the table on paper."""
    for one in bins:
        if value is None or isinstance(value, str):
            found = "missing" in one if value is None else value in one.get("words", ())
        else:
            narrow = float(np.float32(value))
            is_stretch = not {"missing", "words", "value"} & set(one)
            found = is_stretch and one.get("from", -np.inf) <= narrow < one.get("below", np.inf)
        if found:
            return int(one["points"])
    raise AssertionError(f"{value} stands in no bin")


@given(
    sums=st.lists(st.integers(0, 10_000), min_size=1, max_size=30),
    scale=st.builds(
        PointScale,
        base_points=st.floats(0.0, 1000.0),
        base_odds=st.floats(1.0, 100.0),
        points_to_double_odds=st.floats(10.0, 100.0),
    ),
    intercept=st.floats(-8.0, 3.0),
    weights=st.lists(st.floats(-8.0, 8.0), min_size=1, max_size=8),
)
def test_any_sum_within_the_range_of_any_table_comes_back_from_its_pd(
    model: TrainedModel, sums: list[int], scale: PointScale, intercept: float, weights: list[float]
) -> None:
    binned = tuple(
        Binned(
            Bins(Feature(f"x{place}", "number")),
            np.array([900, 100]),
            np.array([50, 20]),
            np.array([weight, -weight / 2.0]),
            0.1,
        )
        for place, weight in enumerate(weights)
    )
    table = _rounded(Exact(intercept, (1.0,) * len(weights), binned), scale)
    least = table.base + sum(min(one.points) for one in table.characteristics)
    most = table.base + sum(max(one.points) for one in table.characteristics)
    tried = np.unique([least, most, *(least + one % (most - least + 1) for one in sums)])
    policy = replace(
        model.policy,
        base_points=scale.base_points,
        base_odds=scale.base_odds,
        points_to_double_odds=scale.points_to_double_odds,
    )
    pds = Platt(1.0, 0.0)(table.log_odds(tried))
    assert points(pds, policy).tolist() == tried.tolist()
    assert (np.diff(pds) < 0).all()


def test_calibration_is_folded_into_the_points_and_what_is_served_beside_them_changes_nothing(
    model: TrainedModel,
) -> None:
    assert model.calibrator == Platt(1.0, 0.0)
    assert list(model.choice.losses) == ["platt"]
    assert any("part of the model" in note for note in model.notes)


def test_folding_a_line_in_moves_the_margin_along_it_but_for_rounding() -> None:
    card, rows = _fitted()
    before, after = card.margin(rows.values), card.with_calibration(0.7, -0.4).margin(rows.values)
    wanted = 0.7 * before - 0.4
    assert np.mean(after) == pytest.approx(np.mean(wanted), abs=0.02)
    assert np.abs(after - wanted).max() < 0.2
    assert np.std(after - wanted) < 0.06


def test_rounding_leaves_the_mean_pd_of_the_fitted_rows_where_it_was() -> None:
    card, rows = _fitted()
    assert np.mean(sigmoid(card.margin(rows.values))) == pytest.approx(np.mean(rows.target), rel=0.01)


def test_a_card_read_from_its_file_takes_no_second_calibration() -> None:
    card, _ = _fitted()
    again = Scorecard.from_files(card.to_files(), card.features)
    with pytest.raises(ValueError, match="calibrated already"):
        again.with_calibration(1.0, 0.0)


def test_contributions_are_the_points_in_log_odds() -> None:
    card, rows = _fitted()
    contributions = card.contributions(rows.values)
    as_points = -contributions[:, :-1] * card.table.scale.points_per_log_odds
    np.testing.assert_allclose(as_points, np.rint(as_points), atol=1e-9)
    assert (card.table.base + np.rint(as_points).astype(int).sum(axis=1)).tolist() == card.points(rows.values).tolist()
    np.testing.assert_allclose(contributions.sum(axis=1), card.margin(rows.values), atol=1e-12)


def test_worked_odds_of_the_documentation_hold() -> None:
    table = PointsTable(PointScale(600.0, 50.0, 20.0), base=540, offset=0.0, characteristics=())
    odds = np.exp(-table.log_odds(np.array([600, 620, 580, 500])))
    np.testing.assert_allclose(odds, [50.0, 100.0, 25.0, 50.0 / 2**5], rtol=1e-12)


def test_stretches_of_a_directed_number_never_gain_points_against_the_direction() -> None:
    table = development_rows(1500)
    preprocess = Preprocess.fit(table, FEATURES)
    rows = Rows(preprocess.matrix(table).values, table["target"].to_numpy().astype(float))
    for direction in (1, -1):
        learning = Learning(preprocess.features, {"iv_min": 0.0001}, {"payment_days_late_max": direction})
        for one in Scorecard.fit(rows, learning).table.characteristics:
            steps = np.diff(one.points[: one.bins.ordered])
            if one.bins.feature.name == "payment_days_late_max":
                assert (steps * direction <= 0).all()
            elif one.bins.feature.kind == "number":
                assert (steps >= 0).all() or (steps <= 0).all()


def test_missing_and_special_values_have_bins_of_their_own() -> None:
    card, rows = _fit({"special_values": {"payment_days_late_max": [0]}})
    bins = _bins_of(card, "payment_days_late_max")
    column = [feature.name for feature in card.features].index("payment_days_late_max")
    late = rows.values[:, column]
    assert bins[-1]["missing"] is True
    assert bins[-1]["rows"] == np.sum(np.isnan(late))
    assert bins[-2]["value"] == 0.0
    assert bins[-2]["rows"] == np.sum(late == 0)


def test_what_was_never_missing_while_fitting_counts_as_the_average_when_it_is() -> None:
    card, _ = _fitted()
    bins = _bins_of(card, "income")
    assert (bins[-1]["missing"], bins[-1]["rows"], bins[-1]["woe"], bins[-1]["points"]) == (True, 0, 0.0, 0)


def test_words_are_grouped_and_one_never_seen_falls_into_the_missing_bin() -> None:
    random = np.random.default_rng(2)
    words = ("a", "b", "c", "d", "rare", "rarer")
    feature = Feature("word", "category", (*words, "unused"))
    codes = random.choice(len(words), 4000, p=[0.3, 0.3, 0.2, 0.18, 0.012, 0.008]).astype(np.float32)
    rate = np.array([0.1, 0.1, 0.3, 0.6, 0.2, 0.2])[codes.astype(int)]
    target = (random.random(4000) < rate).astype(float)
    binned = best_bins(codes, target, feature, Learning((feature,)), Scorecard.settings({}))
    assert sorted(word for group in binned.bins.groups for word in group) == sorted(words)
    assert 2 <= len(binned.bins.groups) < len(words)
    last = binned.bins.count - 1
    assert binned.bins.places(np.array([6.0, np.nan], dtype=np.float32)).tolist() == [last, last]


def test_only_characteristics_that_tell_something_of_their_own_are_chosen_and_the_others_are_listed() -> None:
    table = development_rows(1500)
    random = np.random.default_rng(3)
    late = table["payment_days_late_max"].to_numpy(zero_copy_only=False).astype(float)
    extra = {"noise": random.normal(size=1500), "late_again": late * 2.0 + 1.0, "answer": table["target"].to_numpy()}
    for name, values in extra.items():
        table = table.append_column(name, pa.array(values, pa.float64()))
    preprocess = Preprocess.fit(table, [*FEATURES, *extra])
    rows = Rows(preprocess.matrix(table).values, table["target"].to_numpy().astype(float))
    card = Scorecard.fit(rows, Learning(preprocess.features))
    chosen = {one.bins.feature.name for one in card.table.characteristics}
    assert card.left_out["noise"] == "information value below iv_min"
    assert card.left_out["answer"].startswith("information value above iv_max")
    assert len({"late_again", "payment_days_late_max"} & chosen) == 1
    assert "correlation above correlation_max" in " ".join(card.left_out.values())
    assert chosen | set(card.left_out) == {feature.name for feature in card.features}
    two = Scorecard.fit(rows, Learning(preprocess.features, {"characteristics_max": 2}))
    assert len(two.table.characteristics) == 2


def test_a_characteristic_that_would_count_the_wrong_way_is_dropped_and_points_follow_the_evidence() -> None:
    card, _ = _fitted()
    for one in card.table.characteristics:
        assert one.coefficient > 0
        order = np.argsort(one.woe)
        assert (np.diff(np.array(one.points)[order]) <= 0).all()


def test_features_that_tell_nothing_make_a_card_of_its_base_alone() -> None:
    random = np.random.default_rng(5)
    features = (Feature("noise", "number"), Feature("empty", "number"))
    values = np.column_stack([random.normal(size=800), np.full(800, np.nan)]).astype(np.float32)
    target = (np.arange(800) % 5 == 0).astype(float)
    card = Scorecard.fit(Rows(values, target), Learning(features, {"iv_min": 0.5}))
    assert card.table.characteristics == ()
    assert sigmoid(card.margin(values[:3])) == pytest.approx([0.2] * 3, rel=0.02)
    assert card.importance() == {"noise": 0.0, "empty": 0.0}
    assert (
        Scorecard.from_files(card.to_files(), features).margin(values[:3]).tolist() == card.margin(values[:3]).tolist()
    )


@pytest.mark.parametrize("given", [[1, 2], {"income": 5}, {"income": ["x"]}, {"income": [float("nan")]}])
def test_special_values_that_are_not_lists_of_numbers_are_refused(given: Any) -> None:
    with pytest.raises(BadConfig, match="special_values is"):
        Scorecard.settings({"special_values": given})


def test_bins_that_do_not_follow_one_another_are_refused() -> None:
    card, _ = _fitted()
    table = json.loads(card.to_files()["scorecard.json"])
    bins = next(one["bins"] for one in table["characteristics"] if one["kind"] == "number")
    bins[1]["from"] = bins[1]["from"] + 1.0
    with pytest.raises(BrokenFile, match="do not follow one another"):
        Scorecard.from_files({"scorecard.json": json.dumps(table).encode()}, card.features)
