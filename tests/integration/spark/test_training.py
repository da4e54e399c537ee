"""The fold models and the refit by xgboost.spark: as good as those of one machine, and their bundle needs no Spark."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from creditrisk.config import Book
from creditrisk.errors import BadConfig, BadData
from creditrisk.modelling import save_bundle
from creditrisk.modelling.spark_fit import OnSpark
from creditrisk.modelling.train import TrainedModel, train
from creditrisk.spark import session
from creditrisk.stats import roc_auc
from tests.support.learning import FEATURES, development_rows, feature_rows, tiny_book, true_pd

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NARROW = ["loan_id", "target", "part", "fold"]


def on_spark(spark: SparkSession, rows: pa.Table, book: Book, workers: int = 2) -> OnSpark:
    training = book.portfolio.training
    frame = spark.createDataFrame(rows.drop_columns(["part"])).repartition(workers, "loan_id")
    return OnSpark(
        frame.sortWithinPartitions("loan_id").persist(),
        "loan_id",
        FEATURES,
        rows.select(["loan_id", *FEATURES]),
        workers,
        training.early_stopping_share,
        training.seed,
    )


def learnt(spark: SparkSession, rows: pa.Table, book: Book, workers: int = 2) -> TrainedModel:
    with session():  # joins
        place = on_spark(spark, rows, book, workers)
        try:
            return train(rows.select(NARROW), book.portfolio, book.reasons, features=FEATURES, elsewhere=place)
        finally:
            place.rows.unpersist()


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return tiny_book(tmp_path_factory.mktemp("book"), training__parameters__xgboost__rounds=40)


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    return development_rows(6000)


@pytest.fixture(scope="module")
def there(spark: SparkSession, rows: pa.Table, book: Book) -> TrainedModel:
    return learnt(spark, rows, book)


@pytest.fixture(scope="module")
def here(rows: pa.Table, book: Book) -> TrainedModel:
    return train(rows, book.portfolio, book.reasons, features=FEATURES)


def test_the_model_is_as_good_as_that_of_one_machine(there: TrainedModel, here: TrainedModel) -> None:
    new = feature_rows(20_000, seed=60)
    bad = np.random.default_rng(61).random(20_000) < true_pd(new)
    own, other = (model.pd(model.preprocess.matrix(new).values) for model in (there, here))
    assert roc_auc(bad.astype(float), own) == pytest.approx(roc_auc(bad.astype(float), other), abs=0.002)
    assert own.mean() == pytest.approx(bad.mean(), rel=0.05)


def test_vocabulary_directions_and_settings_are_those_of_one_machine(there: TrainedModel, here: TrainedModel) -> None:
    assert there.preprocess == here.preprocess
    assert there.parameters == here.parameters
    assert there.seed == here.seed
    assert there.policy.directions == here.policy.directions
    assert [(fit.rows_fitted, fit.rows_stopping, fit.rows_scored) for fit in there.folds] == [
        (fit.rows_fitted, fit.rows_stopping, fit.rows_scored) for fit in here.folds
    ]


def test_pds_never_rise_with_a_feature_that_may_only_lower_them(there: TrainedModel) -> None:
    values = there.preprocess.matrix(feature_rows(200, seed=9)).values
    place = there.preprocess.names.index("income")
    before = there.pd(values)
    for factor in (1.5, 3.0, 10.0):
        richer = values.copy()
        richer[:, place] *= factor
        assert (there.pd(richer) <= before).all()


def test_the_same_rows_give_the_same_model(
    spark: SparkSession, rows: pa.Table, book: Book, there: TrainedModel
) -> None:
    shuffled = rows.take(pa.array(np.random.default_rng(3).permutation(rows.num_rows)))
    again = learnt(spark, shuffled, book)
    assert again.estimator.to_files() == there.estimator.to_files()
    assert again.calibrator == there.calibrator


def test_its_bundle_scores_where_neither_pyspark_nor_java_is(there: TrainedModel, book: Book, tmp_path: Path) -> None:
    save_bundle(tmp_path / "bundle", there, book)
    code = (
        "import os, sys; sys.modules['pyspark'] = None; os.environ['PATH'] = ''\n"
        "from pathlib import Path; import pyarrow.parquet as pq\n"
        "from creditrisk.modelling import load_bundle; from creditrisk.scoring import score\n"
        "told = score(load_bundle(Path(sys.argv[1])), pq.read_table(sys.argv[2]))\n"
        "pq.write_table(told, sys.argv[3])\n"
    )
    new = feature_rows(300, seed=70)
    pq.write_table(new, tmp_path / "new.parquet")
    places = [str(tmp_path / name) for name in ("bundle", "new.parquet", "told.parquet")]
    subprocess.run([sys.executable, "-c", code, *places], check=True)
    told = pq.read_table(tmp_path / "told.parquet")
    assert np.array_equal(told["pd"].to_numpy(), there.pd(there.preprocess.matrix(new).values))


def test_a_wrong_parameter_is_told_in_xgboosts_words(spark: SparkSession, tmp_path: Path) -> None:
    book = tiny_book(tmp_path, training__parameters__xgboost={"subsample": 7.0, "rounds": 2})
    with pytest.raises(BadConfig, match=r"XGBoost: .*subsample") as told:
        learnt(spark, development_rows(300), book)
    assert "training.parameters.xgboost" in told.value.where


def test_infinite_numbers_are_told_with_their_feature(spark: SparkSession, book: Book) -> None:
    rows = development_rows(300)
    spoilt = rows.set_column(1, "income", pa.array([float("inf"), *rows["income"].to_pylist()[1:]]))
    with pytest.raises(BadData, match="infinite numbers") as told:
        learnt(spark, spoilt, book)
    assert told.value.where == "feature income"
