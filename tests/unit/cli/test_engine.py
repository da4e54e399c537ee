"""Which engine runs is told on the command line or by the book; what cannot run is refused before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from creditrisk import spark
from creditrisk.cli import main
from creditrisk.config import load_book
from creditrisk.errors import BadConfig
from creditrisk.spark import APT, PIP
from tests.support.tiny_book import write_tiny_book
from tests.support.tiny_run import write_tiny_raw

ON_AN_ENGINE = ("run", "ingest", "check", "features", "split", "train")


@pytest.fixture
def book(tmp_path: Path) -> str:
    return str(write_tiny_book(tmp_path / "book"))


def called(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(list(words))
    told = capsys.readouterr()
    return code, told.out + told.err


@pytest.mark.parametrize("stage", ON_AN_ENGINE)
def test_an_unknown_engine_is_told_with_the_known_ones(
    stage: str, book: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = called(capsys, stage, book, "--engine", "sparc", "--workspace", str(tmp_path / "w"))
    assert code == 2
    assert 'did you mean "spark"? known: duckdb, spark' in told
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("words", [("--engine", "spark"), ("--set", "engine=spark")])
def test_without_java_and_pyspark_the_one_command_that_installs_them_is_told(
    words: tuple[str, str], book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nothing"))
    monkeypatch.setattr(spark.importlib.util, "find_spec", lambda _: None)
    code, told = called(capsys, "run", book, *words, "--workspace", str(tmp_path / "w"))
    assert code == 2
    assert f"{PIP} && {APT}" in told
    assert not (tmp_path / "w").exists()


def test_scoring_without_java_is_refused_too(
    book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nothing"))
    raw, output = write_tiny_raw(tmp_path / "raw", 20), tmp_path / "d.parquet"
    code, told = called(
        capsys, "score", book, "--engine", "spark", "--input", str(raw), "--output", str(output), "--workspace",
        str(tmp_path / "w"),
    )  # fmt: skip
    assert code == 2
    assert APT in told
    assert not output.exists()


@pytest.mark.parametrize("master", ["sprak://host:7077", "local[none]", "spark://host", "k8s://", "http://host:1"])
def test_a_master_that_is_none_is_told(
    master: str, book: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--engine", "spark", "--master", master, "--workspace", str(tmp_path / "w"))
    code, told = called(capsys, "run", book, *words)
    assert code == 2
    assert "is no master of Spark" in told
    assert "--master" in told


def test_a_master_in_the_environment_is_told_by_its_variable(
    book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITRISK_SPARK_MASTER", "yarnn")
    code, told = called(capsys, "run", book, "--engine", "spark", "--workspace", str(tmp_path / "w"))
    assert code == 2
    assert "CREDITRISK_SPARK_MASTER" in told


@pytest.mark.parametrize("words", [("--master", "local[2]"), ("--spark-conf", "spark.conf")])
def test_a_cluster_without_the_engine_spark_is_refused(
    words: tuple[str, str], book: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = called(capsys, "features", book, *words, "--workspace", str(tmp_path / "w"))
    assert code == 2
    assert "add --engine spark" in told


@pytest.mark.parametrize(
    ("key", "value"), [("engine", "dask"), ("spark.sample_rows", 5), ("spark.workers", 0), ("spark.bronse", "x")]
)
def test_the_books_own_keys_are_strict(key: str, value: object, book: str) -> None:
    with pytest.raises(BadConfig, match=key.partition(".")[0]):
        load_book(book, {key: value})


def test_the_engine_is_no_part_of_a_model(book: str) -> None:
    plain = load_book(book)
    assert plain.portfolio.engine == "duckdb"
    assert load_book(book, {"engine": "spark", "spark.workers": 4}).sha256 == plain.sha256
