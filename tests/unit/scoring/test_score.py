"""Rows in, decisions out: the same for a row in any company, and consistent with one another."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from creditrisk.errors import BadData
from creditrisk.modelling import ESTIMATORS, Bundle, CutOff, load_bundle, points
from creditrisk.scoring import grades, score, score_schema, verdicts
from tests.support.learning import development_rows, feature_rows, saved, tiny_book, trained, true_pd

ROWS = feature_rows(700, seed=31)


def test_every_row_gets_a_decision_in_the_order_it_came(bundle: Bundle) -> None:
    scored = score(bundle, ROWS)
    assert scored.schema == score_schema("loan_id", pa.int64())
    assert scored["loan_id"].to_pylist() == ROWS["loan_id"].to_pylist()
    assert all(column.null_count == 0 for column in scored.columns)
    assert np.corrcoef(scored["pd"].to_numpy(), true_pd(ROWS))[0, 1] > 0.75


def test_a_row_has_the_same_record_alone_in_a_group_and_in_any_order(bundle: Bundle) -> None:
    whole = score(bundle, ROWS)
    order = pa.array(np.random.default_rng(1).permutation(ROWS.num_rows))
    assert score(bundle, ROWS.take(order)).equals(whole.take(order))
    for start, size in ((0, 1), (5, 1), (17, 2), (100, 63), (300, 64), (400, 65)):
        assert score(bundle, ROWS.slice(start, size)).equals(whole.slice(start, size))
    alone = pa.concat_tables([score(bundle, ROWS.slice(place, 1)) for place in range(60)])
    assert alone.equals(whole.slice(0, 60))


def test_leaving_reasons_out_changes_nothing_else(bundle: Bundle) -> None:
    without = score(bundle, ROWS, with_reasons=False)
    assert pc.sum(pc.list_value_length(without["reasons"])).as_py() == 0
    assert without.drop_columns(["reasons"]).equals(score(bundle, ROWS).drop_columns(["reasons"]))


def test_columns_in_another_order_and_further_columns_change_nothing(bundle: Bundle) -> None:
    mixed = ROWS.select(ROWS.column_names[::-1]).append_column("more", pa.array(["x"] * ROWS.num_rows))
    assert score(bundle, mixed).equals(score(bundle, ROWS))


def test_score_points_by_hand(bundle: Bundle) -> None:
    pd = np.array([1 / 51, 1 / 101, 0.5])
    # the tiny book: 600 points at 50 goods to one bad, 20 more when the odds double
    assert points(pd, bundle.policy).tolist() == [600, 620, round(600 - 20 * math.log2(50))]


def test_grades_and_verdicts_at_their_limits(bundle: Bundle) -> None:
    policy = replace(bundle.policy, cut_off=CutOff(0.3, 0.24), grades=(("A", 0.05), ("B", 0.2), ("C", 1.0)))
    pd = np.array([0.0499, 0.05, 0.1999, 0.2, 0.999999])
    assert grades(pd, policy).tolist() == [0, 1, 1, 2, 2]
    assert verdicts(np.array([0.2399, 0.24, 0.2999, 0.3]), policy).tolist() == [0, 1, 1, 2]


def test_grade_and_decision_are_those_of_the_pd(bundle: Bundle) -> None:
    for row in score(bundle, ROWS).to_pylist():
        assert row["grade"] == ("A" if row["pd"] < 0.05 else "B" if row["pd"] < 0.2 else "C")
        expected = "decline" if row["pd"] >= 0.3 else "refer" if row["pd"] >= 0.24 else "approve"
        assert row["decision"] == expected


def test_unseen_word_and_infinite_number_are_warned_of_and_scored_as_missing(bundle: Bundle) -> None:
    rows = ROWS.slice(0, 3)
    odd = rows.set_column(rows.column_names.index("town"), "town", pa.array(["atlantis", "big", None]))
    odd = odd.set_column(odd.column_names.index("income"), "income", pa.array([math.inf, 30_000.0, -math.inf]))
    blank = odd.set_column(odd.column_names.index("town"), "town", pa.array([None, "big", None], pa.string()))
    blank = blank.set_column(blank.column_names.index("income"), "income", pa.array([None, 30_000.0, None]))
    scored, as_missing = score(bundle, odd), score(bundle, blank)
    assert scored["warnings"].to_pylist() == [
        ["not_finite:income", "unseen_category:town"],
        [],
        ["not_finite:income"],
    ]
    assert scored["pd"].equals(as_missing["pd"])


def test_row_without_any_value_is_scored(bundle: Bundle) -> None:
    empty = pa.table({name: [1] if name == "loan_id" else pa.nulls(1) for name in ROWS.column_names})
    assert 0.0 < score(bundle, empty)["pd"][0].as_py() < 1.0


def test_no_rows_give_an_empty_table_of_the_same_columns(bundle: Bundle) -> None:
    scored = score(bundle, ROWS.slice(0, 0))
    assert scored.num_rows == 0
    assert scored.schema == score_schema("loan_id", pa.int64())


def test_table_without_key_or_feature_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BadData, match='no key column "loan_id"'):
        score(bundle, ROWS.drop_columns(["loan_id"]))
    with pytest.raises(BadData, match='no column "income"'):
        score(bundle, ROWS.drop_columns(["income"]))


SCORES_WITHOUT = """
import sys
from pathlib import Path
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("sklearn", "pandas", "duckdb", "sqlalchemy", "pydantic", "yaml", "mlflow"):
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
import creditrisk.scoring
assert "xgboost" not in sys.modules
import pyarrow.parquet as pq
from creditrisk.modelling import load_bundle
scored = creditrisk.scoring.score(load_bundle(Path(sys.argv[1])), pq.read_table(sys.argv[2]))
pq.write_table(scored, sys.argv[3])
"""


@pytest.mark.parametrize("estimator", sorted(ESTIMATORS))
def test_scoring_in_a_bare_process_needs_no_database_no_frames_and_gives_the_same_bits(
    tmp_path: Path, estimator: str
) -> None:
    book = tiny_book(tmp_path / "book", training__parameters__xgboost__rounds=10)
    saved(trained(book, development_rows(300), estimator=estimator), book, tmp_path / "bundle")
    pq.write_table(ROWS, tmp_path / "rows.parquet")
    files = [str(tmp_path / name) for name in ("bundle", "rows.parquet", "scored.parquet")]
    subprocess.run([sys.executable, "-c", SCORES_WITHOUT, *files], check=True, timeout=120)
    assert pq.read_table(files[2]).equals(score(load_bundle(tmp_path / "bundle"), ROWS))
