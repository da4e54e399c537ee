"""A calibration by the levels of one feature: from the curve of all rows to bundles, reasons and comparisons."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.config import Book
from creditrisk.errors import BadConfig, BrokenFile, NewerSchema
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.modelling import bundle as bundle_module
from creditrisk.modelling.calibration import Beta, Platt, Shifted
from creditrisk.modelling.choose_calibration import calibrate
from creditrisk.modelling.comparison import Way, calibrated_by, judge, with_training
from creditrisk.modelling.estimators import Learning
from creditrisk.modelling.levels import LEAST_OF_EACH, LevelLines, RowLevels, levels_for
from creditrisk.modelling.out_of_fold import Development
from creditrisk.modelling.train import TrainedModel
from creditrisk.scoring import score
from creditrisk.stats import calibration_line, sigmoid
from tests.support.learning import FEATURES, development_rows, feature_rows, saved, tiny_book, trained

TERMS = np.array([36.0, 60.0, 84.0, np.nan])
"""Of the invented loans; of 84 months there are few, and some state none."""


def _development(rows: int = 9000) -> tuple[Development, np.ndarray]:
    """Margins, of which those of 60-month loans are spread half too wide and too low."""
    random = np.random.default_rng(3)
    term = random.choice(TERMS, rows, p=[0.5, 0.4, 0.02, 0.08])
    margin = random.normal(-1.2, 1.0, rows)
    truth = np.where(term == 60.0, margin / 1.5 + 0.4, margin)
    table = pa.table({"term": pa.array(term, from_pandas=True)})
    target = (random.random(rows) < sigmoid(truth)).astype(float)
    part = random.random(rows) < 0.3
    development = Development(table, ("term",), target, random.integers(0, 5, rows), part, np.zeros(rows, np.bool_))
    return development, margin


@pytest.fixture(scope="module")
def loans() -> tuple[Development, np.ndarray]:
    return _development()


@pytest.fixture(scope="module")
def levels(loans: tuple[Development, np.ndarray]) -> RowLevels:
    return RowLevels.of(loans[0], "term", Learning(()))


def test_each_level_is_right_out_of_fold_where_one_curve_is_not(
    loans: tuple[Development, np.ndarray], levels: RowLevels
) -> None:
    rows, margin = loans
    one, each = (calibrate("platt", margin, rows, None, by).out_of_fold for by in (None, levels))
    sixty = levels.values == 60
    assert calibration_line(rows.target[sixty], one[sixty]).slope < 0.85
    for term in (36, 60):
        at = levels.values == term
        assert calibration_line(rows.target[at], each[at]).slope == pytest.approx(1.0, abs=0.02)
        assert np.mean(each[at]) == pytest.approx(np.mean(rows.target[at]), rel=0.01)


def test_a_level_of_few_bads_a_missing_and_an_unseen_one_take_the_curve(
    loans: tuple[Development, np.ndarray], levels: RowLevels
) -> None:
    rows, margin = loans
    assert levels.own == (36.0, 60.0)
    assert 0 < np.sum(rows.target[levels.values == 84]) < LEAST_OF_EACH
    lines = calibrate("beta", margin, rows, None, levels).levels
    assert lines is not None
    several = np.array([-2.0, 0.0, 1.5])
    for level in (84.0, np.nan, 48.0):
        told = lines.log_odds(several, np.full(3, level, dtype=np.float32))
        assert np.array_equal(told, lines.curve.log_odds(several))
    assert not np.any(lines.log_odds(several, np.full(3, 60, np.float32)) == lines.curve.log_odds(several))


def test_the_report_tells_each_level_and_what_the_lines_save(
    loans: tuple[Development, np.ndarray], levels: RowLevels
) -> None:
    rows, margin = loans
    told = calibrate("platt", margin, rows, None, levels).by_level
    assert told is not None
    assert [(one["level"], one["own_line"]) for one in told["levels"]] == [("36", True), ("60", True), ("84", False)]
    assert sum(one["rows"] for one in told["levels"]) == np.sum(~np.isnan(levels.values))
    assert told["loss_saved"] > 3 * told["standard_error"] > 0


def test_a_long_run_rate_is_reached_over_all_levels_in_one_step(
    loans: tuple[Development, np.ndarray], levels: RowLevels
) -> None:
    from creditrisk.config.strict import Number

    rows, margin = loans
    declared = Number(value=0.1, because="a test", owner="tests")
    plain, moved = (calibrate("platt", margin, rows, rate, levels) for rate in (None, declared))
    assert isinstance(moved.calibrator, Shifted)
    assert np.mean(moved.pds) == pytest.approx(0.1, abs=1e-12)
    assert moved.levels == plain.levels
    assert np.array_equal(np.argsort(moved.out_of_fold, kind="stable"), np.argsort(plain.out_of_fold, kind="stable"))


@given(
    st.lists(st.integers(-500, 500), min_size=2, max_size=20, unique=True),
    st.sampled_from([36.0, 60.0, float("nan")]),
    st.floats(0.02, 3.0),
)
def test_a_pd_rises_with_the_margin_within_a_level_and_has_the_same_bits_alone(
    steps: list[int], level: float, slope: float
) -> None:
    lines = LevelLines("term", Beta(1.2, 0.02, 0.6), {36.0: Platt(slope, 0.3), 60.0: Platt(1.0, -2.0)})
    margin = np.sort(np.array(steps) / 50.0)
    same = np.full(len(margin), level, dtype=np.float32)
    told = lines.log_odds(margin, same)
    assert np.all(np.diff(told) > 0)
    assert told[0] == lines.log_odds(margin[:1], same[:1])[0]
    again = LevelLines.from_json(json.loads(json.dumps(lines.to_json())), ("term",))
    assert np.array_equal(again.log_odds(margin, same), told)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"lines": [{"level": 36.0, "slope": -1.0, "intercept": 0.0}]},
        {"lines": [{"level": 36.0, "slope": 1.0, "intercept": float("nan")}]},
        {"lines": [{"slope": 1.0, "intercept": 0.0}]},
        {"lines": 3},
        {"feature": "colour"},
        {"curve": {"method": "magic"}},
    ],
)
def test_broken_levels_are_refused(spoilt: dict[str, object]) -> None:
    told = LevelLines("term", Platt(1.0, 0.0), {36.0: Platt(0.9, 0.1)}).to_json() | spoilt
    with pytest.raises(BrokenFile):
        LevelLines.from_json(told, ("term",))


def test_a_feature_that_is_not_there_or_has_too_many_levels_is_refused(loans: tuple[Development, np.ndarray]) -> None:
    rows, _ = loans
    with pytest.raises(BadConfig, match='no feature "ter"') as refused:
        RowLevels.of(rows, "ter", Learning(()))
    assert '"term"' in str(refused.value.hint)
    many = replace(rows, table=pa.table({"term": np.arange(9000)}))
    with pytest.raises(BadConfig, match="9000 levels; a calibration by level takes at most 20"):
        RowLevels.of(many, "term", Learning(()))


# --- a model calibrated by town, whose words are codes in its matrix


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return tiny_book(
        tmp_path_factory.mktemp("book"),
        training__calibration_by="town",
        training__estimator="logistic",
        decision__decline_from_pd={"value": 0.3, "because": "a test", "owner": "tests"},
    )


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return development_rows(4000)


@pytest.fixture(scope="module")
def model(book: Book, table: pa.Table) -> TrainedModel:
    return trained(book, table)


@pytest.fixture(scope="module")
def folder(book: Book, model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundle") / "bundle"
    saved(model, book, target)
    return target


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return load_bundle(folder)


def test_training_serves_a_line_for_each_town(model: TrainedModel) -> None:
    assert model.levels is not None
    assert model.by_level is not None
    assert model.levels.feature == "town"
    assert [one["level"] for one in model.by_level["levels"]] == ["big", "middling", "small"]
    assert set(model.levels.lines) == {
        float(code) for code, one in enumerate(model.by_level["levels"]) if one["own_line"]
    }
    assert model.levels.lines
    assert model.calibration == model.choice.method


COPY = """
import sys
from pathlib import Path
import numpy as np, pyarrow.parquet as pq
from creditrisk.modelling import load_bundle
from creditrisk.scoring import score
bundle = load_bundle(Path(sys.argv[1]))
np.save(sys.argv[3], score(bundle, pq.read_table(sys.argv[2]))["pd"].to_numpy())
"""


def test_a_fresh_process_gives_the_same_bits_and_a_row_alone_too(
    model: TrainedModel, bundle: Bundle, folder: Path, tmp_path: Path
) -> None:
    rows = feature_rows(200, seed=5)
    pq.write_table(rows, tmp_path / "rows.parquet")
    out = tmp_path / "pd.npy"
    subprocess.run(
        [sys.executable, "-c", COPY, str(folder), str(tmp_path / "rows.parquet"), str(out)], check=True, timeout=120
    )
    here = model.pd(model.preprocess.matrix(rows).values)
    assert np.array_equal(np.load(out), here)
    alone = [score(bundle, rows.slice(place, 1))["pd"][0].as_py() for place in range(20)]
    assert np.array_equal(alone, here[:20])
    towns = bundle.preprocess.matrix(rows).values[:, bundle.preprocess.names.index("town")]
    assert np.isnan(towns).any()


def test_only_a_bundle_by_level_is_of_the_newer_shape_which_older_versions_refuse(
    bundle: Bundle, book: Book, table: pa.Table, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_curve = replace(book, portfolio=with_training(book.portfolio, calibration_by=None))
    saved(trained(one_curve, table), one_curve, tmp_path / "plain")
    plain = load_bundle(tmp_path / "plain")
    assert (plain.manifest["schema_version"], bundle.manifest["schema_version"]) == (1, 2)
    assert plain.levels is None
    assert "levels.json" not in plain.files
    values = plain.preprocess.matrix(feature_rows(50)).values
    assert np.array_equal(plain.pd(values), plain.calibrator(plain.estimator.margin(values)))
    monkeypatch.setattr(bundle_module, "BUNDLE_SCHEMA", 1)
    with pytest.raises(NewerSchema):
        load_bundle(folder)


def test_contributions_add_up_to_the_margin_and_every_decline_has_a_reason(bundle: Bundle) -> None:
    rows = feature_rows(800, seed=44)
    values = bundle.preprocess.matrix(rows).values
    assert np.sum(bundle.contributions(values), axis=1) == pytest.approx(bundle.margin(values), abs=1e-4)
    told = score(bundle, rows).to_pylist()
    assert any(row["decision"] == "decline" for row in told)
    assert all(row["reasons"] for row in told if row["decision"] == "decline")


def test_compare_serves_the_pds_that_training_serves(book: Book, table: pa.Table, model: TrainedModel) -> None:
    own = judge(Way(book.portfolio, table, FEATURES), lambda _what, _done: None)
    assert own.calibration == model.choice.method
    assert np.array_equal(own.pd, model.out_of_fold["pd"].to_numpy())
    without = calibrated_by(with_training(book.portfolio, calibration_by=None), own, own.calibration)
    assert np.array_equal(without.pd, model.choice.pds[own.calibration])
    assert not np.array_equal(without.pd, own.pd)
    assert np.array_equal(calibrated_by(book.portfolio, own, own.calibration).pd, own.pd)


def test_a_scorecard_keeps_one_line_and_the_modeller_is_told(book: Book) -> None:
    card = trained(book, development_rows(300), estimator="scorecard", features=("income", "town"))
    assert card.levels is None
    assert any("training.calibration_by is not followed" in note for note in card.notes)


def test_without_the_key_there_are_no_levels(loans: tuple[Development, np.ndarray], book: Book) -> None:
    from creditrisk.modelling import estimator_named

    training = book.portfolio.training.model_copy(update={"calibration_by": None})
    assert levels_for(estimator_named("logistic"), loans[0], training, Learning(())) is None
