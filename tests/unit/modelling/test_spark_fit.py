"""What training on a cluster adds, without a cluster: vocabularies merged, refusals, a model described by some rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from creditrisk.config import Balance
from creditrisk.errors import BadConfig, BadData
from creditrisk.modelling import ESTIMATORS
from creditrisk.modelling.estimators import Estimator, Learning, Rows, XGBoostTrees
from creditrisk.modelling.out_of_fold import Development, Fold, _FoldHere
from creditrisk.modelling.preprocess import MOST_CATEGORIES, Preprocess
from creditrisk.modelling.spark_fit import merged, refuse_unlearnable
from creditrisk.modelling.train import train
from tests.support.learning import FEATURES, development_rows, tiny_book

BLANKS = {"payment_days_late_max": 1, "income": -1}


@dataclass
class Elsewhere:
    """Fits on this machine what `train` is not given; `shown` may be some of the rows."""

    rows: pa.Table
    shown: pa.Table

    def fold(self, development: Development, estimator: type[Estimator], learning: Learning, fold: int) -> Fold:
        return _FoldHere(replace(development, table=self.rows), estimator, learning, fold)

    def refit(self, estimator: type[Estimator], learning: Learning, rounds: int) -> tuple[Preprocess, Estimator]:
        preprocess = Preprocess.fit(self.rows, FEATURES, blanks=learning.blanks)
        values, target = preprocess.matrix(self.rows).values, self.rows["target"].to_numpy().astype(np.float64)
        return preprocess, estimator.fit(
            Rows(values, target), replace(learning, features=preprocess.features), rounds=rounds
        )


def narrow(rows: pa.Table) -> pa.Table:
    return rows.select(["loan_id", "target", "part", "fold"])


def described(rows: pa.Table) -> pa.Table:
    return rows.select(["loan_id", *FEATURES])


def test_a_model_fitted_elsewhere_and_described_by_all_rows_is_the_model_of_one_machine(tmp_path: Path) -> None:
    book, rows = tiny_book(tmp_path, training__parameters__xgboost__rounds=20), development_rows(900)
    here = train(rows, book.portfolio, book.reasons, features=FEATURES)
    there = train(
        narrow(rows), book.portfolio, book.reasons, features=FEATURES, elsewhere=Elsewhere(rows, described(rows))
    )
    assert there.estimator.to_files() == here.estimator.to_files()
    assert there.calibrator == here.calibrator
    assert there.policy == here.policy
    assert there.reference == here.reference
    assert there.described.equals(here.out_of_fold)
    assert np.array_equal(there.refitted_pd, here.refitted_pd)


def test_a_model_described_by_some_rows_is_learnt_from_all_of_them(tmp_path: Path) -> None:
    book, rows = tiny_book(tmp_path, training__parameters__xgboost__rounds=20), development_rows(900)
    some = described(rows).filter(pa.array(np.arange(900) % 3 == 1))
    here = train(rows, book.portfolio, book.reasons, features=FEATURES)
    there = train(narrow(rows), book.portfolio, book.reasons, features=FEATURES, elsewhere=Elsewhere(rows, some))
    assert there.estimator.to_files() == here.estimator.to_files()
    assert there.policy.cut_off == here.policy.cut_off
    assert there.out_of_fold.equals(here.out_of_fold)
    assert there.described["loan_id"].equals(some["loan_id"])
    assert there.reference["rows"] == len(there.refitted_pd) == 300
    assert np.array_equal(there.refitted_pd, here.refitted_pd[1::3])


def test_a_sample_of_other_rows_is_refused(tmp_path: Path) -> None:
    book, rows = tiny_book(tmp_path, training__parameters__xgboost__rounds=5), development_rows(300)
    others = described(rows).set_column(0, "loan_id", pa.array(np.arange(300) + 200))
    with pytest.raises(BadData, match="others than development rows"):
        train(narrow(rows), book.portfolio, book.reasons, features=FEATURES, elsewhere=Elsewhere(rows, others))


@pytest.mark.parametrize("cut", [1, 450, 899])
def test_what_parts_of_the_rows_saw_is_merged_to_what_all_of_them_show(cut: int) -> None:
    rows = development_rows(900)
    whole = Preprocess.fit(rows, FEATURES, blanks=BLANKS)
    parts = [Preprocess.fit(part, FEATURES, blanks=BLANKS) for part in (rows.slice(0, cut), rows.slice(cut))]
    assert merged(parts, BLANKS) == whole


def test_too_many_words_in_all_are_refused_though_no_part_has_too_many() -> None:
    words = [f"w{number}" for number in range(MOST_CATEGORIES + 1)]
    parts = [Preprocess.fit(pa.table({"town": some}), ["town"]) for some in (words[:600], words[600:])]
    with pytest.raises(BadData, match="1001 different words"):
        merged(parts, {})


@pytest.mark.parametrize("estimator", sorted(set(ESTIMATORS) - {XGBoostTrees.name}))
def test_another_estimator_is_refused_with_what_to_write(estimator: str) -> None:
    with pytest.raises(BadConfig, match="not trained on Spark") as told:
        refuse_unlearnable(estimator, Balance())
    assert "estimator: xgboost" in told.value.hint
    assert told.value.exit_code == 2


@pytest.mark.parametrize("method", ["class_weight", "smote", "down_sample", "smote_and_down_sample"])
def test_balanced_rows_are_refused_with_what_to_write(method: str) -> None:
    with pytest.raises(BadConfig, match=method) as told:
        refuse_unlearnable("xgboost", Balance.model_validate({"method": method}))
    assert "method: none" in told.value.hint
