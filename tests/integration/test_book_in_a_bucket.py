"""A book that lives in a bucket, by the command line: tables come from it, a run goes into it, a batch both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from creditrisk.adapters.fsspec_storage import FsspecStorage
from creditrisk.cli import main
from tests.support.schemas import faults
from tests.support.stores import SECRET, RunningStore
from tests.support.tiny_book import write_tiny_book
from tests.support.tiny_run import write_tiny_raw


@pytest.fixture(scope="module")
def s3(running_store: Callable[[str], RunningStore]) -> Iterator[RunningStore]:
    store = running_store("s3")
    with store.environment():
        yield store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """book/, raw/ and, after the run, ws/."""
    made = tmp_path_factory.mktemp("bucket")
    write_tiny_book(made / "book")
    write_tiny_raw(made / "raw")
    (made / "raw" / "README.txt").write_text("Invented data for a test\n", encoding="utf-8")
    return made


def command(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, object]:
    """What it tells; the planted key is nowhere in it."""
    code = main([*map(str, words), "--json"])
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    assert code == 0, said.err
    told: dict[str, object] = json.loads(said.out)
    return told


@pytest.fixture(scope="module")
def root(s3: RunningStore, folder: Path) -> str:
    """The raw tables lie under <root>/raw, with one that is no table of the book."""
    storage, root = FsspecStorage(), f"{s3.root}/book in a bucket"
    for path in sorted((folder / "raw").iterdir()):
        storage.write(path, f"{root}/raw/{path.name}")
    storage.write(folder / "raw" / "payments.csv", f"{root}/raw/old/payments.csv")
    storage.close()
    return root


def test_a_run_takes_its_tables_from_a_bucket(root: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [folder / "book", "--workspace", folder / "ws", "--raw", f"{root}/raw"]
    command(capsys, "run", *words, "--until", "evaluate", "--set", "training.estimator=logistic")
    again = command(capsys, "ingest", *words)
    sources = again["meta"]["sources"]  # type: ignore[index,call-overload]
    assert sources["application"]["uri"] == f"{root}/raw/applications.csv"
    assert again["invented_data"] is True


def test_a_run_is_published_and_scored_with_from_the_bucket(
    root: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book, workspace = folder / "book", ["--workspace", folder / "ws"]
    planned = command(capsys, "publish", book, *workspace, "--to", f"{root}/runs", "--dry-run")
    told = command(capsys, "publish", book, *workspace, "--to", f"{root}/runs", "--by", "ann")
    again = command(capsys, "publish", book, *workspace, "--to", f"{root}/runs")
    assert planned["uri"] == told["uri"] == again["uri"]
    assert again["uploaded"] == 0
    assert faults(folder / "ws" / "tiny" / "reports" / "publication.json") == []
    at_home = folder / "at_home.csv"
    (bundle,) = (folder / "ws" / "tiny" / "models").glob("*/bundle")
    command(capsys, "score", book, *workspace, "--bundle", bundle, "--input", folder / "raw", "--output", at_home)
    elsewhere = ["--workspace", folder / "another"]  # nothing was ever trained there
    for bundle in (told["uri"], told["bundle_uri"]):
        there = f"{root}/decisions/{str(bundle)[-6:]}.csv"
        words = ["--bundle", bundle, "--input", f"{root}/raw", "--output", there]
        scored = command(capsys, "score", book, *elsewhere, *words)
        assert (scored["output"], scored["rows"], scored["invented_data"]) == (there, 600, True)
        storage = FsspecStorage()
        with storage.read(there) as chunks:
            assert b"".join(chunks) == at_home.read_bytes()
        storage.close()


@pytest.mark.parametrize("kind", ["azure", "gcs"])
def test_a_run_is_published_to_every_store_whole_and_once(
    kind: str, running_store: Callable[[str], RunningStore], root: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, words = running_store(kind), [folder / "book", "--workspace", folder / "ws"]
    with store.environment():
        told = command(capsys, "publish", *words, "--to", f"{store.root}/runs")
        again = command(capsys, "publish", *words, "--to", f"{store.root}/runs")
        bundle = ["--workspace", folder / "another", "--bundle", told["bundle_uri"]]
        command(
            capsys, "score", folder / "book", *bundle, "--input", folder / "raw", "--output", folder / f"{kind}.csv"
        )
    assert (told["there"], again["uploaded"]) == (0, 0)
    assert (folder / f"{kind}.csv").read_bytes() == (folder / "at_home.csv").read_bytes()


def test_one_raw_file_in_a_bucket_is_scored(root: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle,) = (folder / "ws" / "tiny" / "models").glob("*/bundle")
    words = ["--workspace", folder / "ws", "--bundle", bundle, "--output", folder / "one.csv"]
    told = command(capsys, "score", folder / "book", *words, "--input", f"{root}/raw/applications.csv")
    assert told["rows"] == 600


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["ingest", "BOOK", "--raw", "ROOT/none"], 1, "there is nothing under this address"),
        (["score", "BOOK", "--input", "ROOT/raw", "--output", "d.csv", "--bundle", "ROOT/raw"], 1, "no bundle here"),
        (["ingest", "BOOK", "--raw", f"s3://lender:{SECRET}@bucket/raw"], 2, "no name, password or query"),
        (["publish", "BOOK", "--to", "s3://nobodys-bucket/runs"], 1, "no such object or bucket"),
        (["publish", "BOOK", "--to", "runs"], 2, "no store is known"),
    ],
)
def test_what_is_not_there_is_told_in_one_message(
    words: list[str], code: int, told: str, root: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.replace("ROOT", root).replace("BOOK", str(folder / "book")) for word in words]
    assert main([*given, "--workspace", str(folder / "ws")]) == code
    said = capsys.readouterr()
    assert told in said.err
    assert "hint:" in said.err
    assert SECRET not in said.out + said.err


def test_the_key_is_in_no_file_that_was_written(root: str, folder: Path) -> None:
    found = [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert found == []
