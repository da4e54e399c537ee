"""A bundle is its files: the same inputs give the same bytes, and one changed byte is named."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from creditrisk.config import Book, load_book
from creditrisk.errors import BrokenFile, MissingInput, NewerSchema
from creditrisk.files import write_json
from creditrisk.kinds import sha256_of, sha256_of_file, sha256_of_folder
from creditrisk.modelling import ESTIMATORS, load_bundle, save_bundle
from creditrisk.modelling import bundle as bundle_module
from creditrisk.modelling.environment import environment_lock
from creditrisk.modelling.train import TrainedModel
from tests.support.learning import development_rows, feature_rows, saved, tiny_book, trained

every_estimator = pytest.mark.parametrize("estimator", sorted(ESTIMATORS))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return tiny_book(tmp_path_factory.mktemp("book"), training__parameters__xgboost__rounds=30)


@pytest.fixture(scope="module")
def models(book: Book) -> dict[str, TrainedModel]:
    return {name: trained(book, development_rows(500), estimator=name) for name in ESTIMATORS}


@pytest.fixture
def folder(book: Book, models: dict[str, TrainedModel], tmp_path: Path) -> Path:
    saved(models["xgboost"], book, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_bundle_holds_everything_from_raw_records_to_decisions(folder: Path) -> None:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert names == [
        "calibration.json", "contracts/application.yaml", "contracts/payments.yaml", "environment.lock",
        "manifest.json", "model.ubj", "policy.json", "portfolio.yaml", "preprocess.json", "reasons.yaml",
        "reference.json", "sql/feature_table.sql", "sql/payment_features.sql",
    ]  # fmt: skip


def test_bundle_hash_is_the_hash_of_the_manifests_file_hashes(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert load_bundle(folder).sha256 == sha256_of_folder(manifest["files"])
    for name, sha256 in manifest["files"].items():
        if name != "manifest.json":
            assert sha256_of_file(folder / name) == sha256


@every_estimator
def test_same_model_saved_twice_has_the_same_bytes_and_hash(
    book: Book, models: dict[str, TrainedModel], tmp_path: Path, estimator: str
) -> None:
    again = trained(book, development_rows(500), estimator=estimator)
    one, other = saved(models[estimator], book, tmp_path / "a"), saved(again, book, tmp_path / "b")
    assert one == other
    for path in (tmp_path / "a").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_loaded_bundle_tells_its_name_key_and_whether_its_rows_were_invented(
    book: Book, models: dict[str, TrainedModel], folder: Path, tmp_path: Path
) -> None:
    bundle = load_bundle(folder)
    assert (bundle.name, bundle.key, bundle.invented) == ("tiny", "loan_id", False)
    save_bundle(tmp_path / "invented", models["xgboost"], book, invented=True)
    assert load_bundle(tmp_path / "invented").invented


def test_bundle_folder_is_the_book_as_this_run_read_it(folder: Path, book: Book) -> None:
    again = load_book(folder)
    assert again.portfolio == book.portfolio
    assert again.portfolio.training.parameters["xgboost"]["rounds"] == 30  # from the command line
    assert [file.text for file in again.sql] == [file.text for file in book.sql]
    assert again.feature_columns == book.feature_columns


def test_loaded_parts_equal_the_trained_ones(folder: Path, models: dict[str, TrainedModel]) -> None:
    bundle, model = load_bundle(folder), models["xgboost"]
    assert bundle.preprocess == model.preprocess
    assert bundle.calibrator == model.calibrator
    assert bundle.policy == model.policy
    assert bundle.reference == model.reference


SCORES_IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
import numpy as np, pyarrow.parquet as pq
from creditrisk.modelling import load_bundle
bundle = load_bundle(Path(sys.argv[1]))
margin = bundle.estimator.margin(bundle.preprocess.matrix(pq.read_table(sys.argv[2])).values)
np.save(sys.argv[3], np.stack([margin, bundle.calibrator(margin)]))
"""


@every_estimator
def test_loaded_in_a_fresh_process_it_gives_the_same_bits(
    book: Book, models: dict[str, TrainedModel], tmp_path: Path, estimator: str
) -> None:
    import pyarrow.parquet as pq

    model, rows = models[estimator], feature_rows(300, seed=77)
    saved(model, book, tmp_path / "bundle")
    pq.write_table(rows, tmp_path / "rows.parquet")
    out = tmp_path / "scores.npy"
    subprocess.run(
        [
            sys.executable,
            "-c",
            SCORES_IN_ANOTHER_PROCESS,
            str(tmp_path / "bundle"),
            str(tmp_path / "rows.parquet"),
            str(out),
        ],
        check=True,
        timeout=120,
    )
    margin = model.estimator.margin(model.preprocess.matrix(rows).values)
    assert np.array_equal(np.load(out), np.stack([margin, model.calibrator(margin)]))


def test_one_flipped_byte_in_any_file_is_named(folder: Path) -> None:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        original = path.read_bytes()
        for place in {0, len(original) // 2, len(original) - 1}:
            spoiled = bytearray(original)
            spoiled[place] ^= 0x01
            path.write_bytes(spoiled)
            with pytest.raises(BrokenFile) as refusal:
                load_bundle(folder)
            assert path.relative_to(folder).as_posix() in refusal.value.where
        path.write_bytes(original)
    load_bundle(folder)


def test_manifest_that_was_rewritten_with_other_facts_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    write_json(folder / "manifest.json", {**manifest, "features": manifest["features"][::-1]})
    with pytest.raises(BrokenFile, match="manifest has been altered"):
        load_bundle(folder)


def test_missing_and_surplus_files_are_named(folder: Path) -> None:
    (folder / "extra.py").write_text("print('hello')")
    with pytest.raises(BrokenFile, match=r"extra\.py: the file does not belong"):
        load_bundle(folder)
    (folder / "extra.py").unlink()
    (folder / "sql" / "feature_table.sql").unlink()
    with pytest.raises(BrokenFile, match=r"feature_table\.sql: the bundle's file is missing"):
        load_bundle(folder)


def test_newer_schema_is_refused_before_anything_else(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    write_json(folder / "manifest.json", {**manifest, "schema_version": 99})
    with pytest.raises(NewerSchema, match="schema 99"):
        load_bundle(folder)


def test_a_consistent_bundle_that_is_not_the_expected_one_is_refused(folder: Path) -> None:
    sha256 = load_bundle(folder).sha256
    assert load_bundle(folder, expected=sha256[:16]).sha256 == sha256
    with pytest.raises(BrokenFile, match="not 0000000000000000"):
        load_bundle(folder, expected="0" * 64)


def test_folder_without_a_bundle_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no bundle here"):
        load_bundle(tmp_path)


def test_a_manifest_that_names_an_unknown_estimator_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["estimator"] = "oracle"
    facts = {name: value for name, value in manifest.items() if name not in ("files", "bundle")}
    manifest["files"]["manifest.json"] = sha256_of(facts)
    manifest["bundle"] = sha256_of_folder(manifest["files"])
    write_json(folder / "manifest.json", manifest)
    with pytest.raises(BrokenFile, match='"oracle"'):
        load_bundle(folder)


def test_saving_again_replaces_the_folder_whole(book: Book, models: dict[str, TrainedModel], folder: Path) -> None:
    sha256 = saved(models["logistic"], book, folder)
    assert load_bundle(folder).sha256 == sha256
    assert not (folder / "model.ubj").exists()


def test_failed_save_leaves_nothing_behind(book: Book, models: dict[str, TrainedModel], tmp_path: Path) -> None:
    broken = tiny_book(tmp_path / "book")
    shutil.rmtree(tmp_path / "book" / "contracts")
    with pytest.raises(FileNotFoundError):
        saved(models["xgboost"], broken, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["book"]


def test_environment_lock_is_sorted_and_names_what_scoring_needs() -> None:
    lines = environment_lock().splitlines()
    assert lines[0].startswith("# python 3.")
    names = [line.partition("==")[0] for line in lines[1:]]
    assert names == sorted(set(names))
    assert {"creditrisk", "numpy", "pyarrow", "xgboost-cpu"} <= set(names)
    assert "pytest" not in names


def test_no_module_of_the_room_imports_pickle() -> None:
    for path in Path(bundle_module.__file__).parent.rglob("*.py"):
        imported = {
            alias.name.partition(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert not imported & {"pickle", "joblib", "cloudpickle", "skops", "pandas"}
