"""A bundle of every estimator, loaded in another process without pickle: the same bits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from creditrisk.config import Book
from creditrisk.modelling import ESTIMATORS, load_bundle
from creditrisk.scoring import score
from tests.support.learning import development_rows, feature_rows, saved, tiny_book, trained

pytestmark = pytest.mark.integration

ROWS = 200
HERE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return tiny_book(
        tmp_path_factory.mktemp("book"),
        training__parameters__xgboost__rounds=40,
        training__parameters__lightgbm={"rounds": 40, "min_data_in_leaf": 20},
        training__parameters__random_forest={"trees": 30, "max_depth": 5},
    )


@pytest.fixture(scope="module", params=sorted(ESTIMATORS))
def bundle_folder(book: Book, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param) / "bundle"
    saved(trained(book, development_rows(600), estimator=request.param), book, folder)
    return folder


def test_in_another_process_without_pickle_every_bit_is_the_same(bundle_folder: Path, tmp_path: Path) -> None:
    rows = feature_rows(ROWS, seed=77)
    pq.write_table(rows, tmp_path / "rows.parquet")
    elsewhere = _elsewhere("tests.support.scored_elsewhere", str(bundle_folder), str(tmp_path / "rows.parquet"))
    bundle = load_bundle(bundle_folder)
    here = score(bundle, rows)
    contributions = bundle.estimator.contributions(bundle.preprocess.matrix(rows).values)
    assert elsewhere["pd"] == [value.hex() for value in here["pd"].to_pylist()]
    assert elsewhere["alone"] == elsewhere["pd"][3]
    assert elsewhere["score"] == here["score"].to_pylist()
    assert elsewhere["decision"] == here["decision"].to_pylist()
    assert elsewhere["contributions"] == [value.hex() for value in contributions.ravel().tolist()]
    assert elsewhere["barred_modules"] == []
    assert elsewhere["holders_of_pickle"] == []


def test_no_file_of_a_bundle_is_a_pickle(bundle_folder: Path) -> None:
    for path in bundle_folder.rglob("*"):
        if path.is_file():
            assert path.suffix in {".json", ".ubj", ".txt", ".sql", ".yaml", ".lock"}
            assert path.read_bytes()[:1] != b"\x80"


@pytest.mark.parametrize("act", ["import joblib", "import cloudpickle", "import pickle; pickle.loads(pickle.dumps(1))"])
def test_the_barrier_itself_stops_what_it_is_there_for(act: str) -> None:
    code = (
        "import sys; from tests.support import scored_elsewhere as barred; sys.argv = ['', '/nowhere', '/nowhere']\n"
        "try: barred.main()\nexcept Exception: pass\n"
        f"{act}"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "while scoring" in done.stderr


def _elsewhere(module: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", module, *arguments],
        cwd=HERE,
        env={**os.environ, "OMP_WAIT_POLICY": "passive"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told
