"""`creditrisk ingest` without --raw: tables come from where the book says, or one message says why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from creditrisk.cli import main
from creditrisk.pipelines import fetch_sources
from creditrisk.sources import http
from creditrisk.sources.download import Patience
from creditrisk.sources.raw_folder import SOURCES, UNFINISHED, RawFolder
from tests.support.fake_kaggle import TOKEN, FakeKaggle, fake_kaggle
from tests.support.faulty_server import FaultyServer, Served, faulty_server
from tests.support.schemas import faults
from tests.support.tiny_book import write_tiny_book
from tests.support.tiny_run import write_tiny_raw

SECRET = "pl4nted-s3cret"


@dataclass
class Answer:
    code: int
    out: str
    err: str


@dataclass
class Place:
    """A tiny book whose tables come from a server of the test's own."""

    folder: Path
    book: Path
    server: FaultyServer
    capsys: pytest.CaptureFixture[str]

    @property
    def raw(self) -> Path:
        return self.folder / "workspace" / "tiny" / "data" / "raw"

    def ingest(self, *words: str, workspace: str = "workspace") -> Answer:
        """Whatever comes of it: the secret is in nothing that was written or said."""
        self.capsys.readouterr()
        code = main(["ingest", str(self.book), "--workspace", str(self.folder / workspace), *words])
        answer = Answer(code, *self.capsys.readouterr())
        assert SECRET not in answer.out + answer.err
        assert "Traceback" not in answer.err
        for path in (self.folder / workspace).rglob("*"):
            assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path
        return answer

    def sources(self, application: str, payments: str) -> None:
        path = self.book / "portfolio.yaml"
        text = path.read_text()
        text = text.replace(
            "key: [loan_id], required: true}", f"key: [loan_id], required: true, source: {application}}}"
        )
        path.write_text(text.replace("foreign_key: loan_id}", f"foreign_key: loan_id, source: {payments}}}"))


def http_source(url: str, more: str = "") -> str:
    return f"{{kind: http, options: {{url: '{url}'{more}}}}}"


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(http, "TIMEOUTS_S", (20.0, 3.0))
    patience = Patience(attempts=2, sleep=lambda _: None)
    monkeypatch.setattr(
        fetch_sources,
        "_folder",
        lambda context, _: RawFolder(context.raw, context.storage, patience, context.clock.now),
    )
    monkeypatch.setenv("TINY_KEY", SECRET)
    raw = write_tiny_raw(tmp_path / "raw")
    with faulty_server() as server:
        for stem in ("applications", "payments"):
            server.files[f"/{stem}.csv"] = Served((raw / f"{stem}.csv").read_bytes(), needs={"X-Key": SECRET})
        yield Place(tmp_path, write_tiny_book(tmp_path / "book"), server, capsys)


def over_http(place: Place, application: str = "applications.csv", payments: str = "payments.csv") -> None:
    key = ", headers_from_env: {X-Key: TINY_KEY}"
    place.sources(*(http_source(f"{place.server.url}/{name}", key) for name in (application, payments)))


def test_tables_from_a_source_become_the_same_bronze_as_tables_from_a_folder(place: Place) -> None:
    over_http(place)
    answer = place.ingest()
    assert answer.code == 0, answer.err
    assert "fetch applications done, 0.0 MB at" in answer.err
    assert place.ingest("--raw", str(place.folder / "raw"), workspace="other").code == 0
    for name in ("application", "payments"):
        fetched, given = (
            (place.folder / workspace / "tiny" / "data" / "bronze" / f"{name}.parquet").read_bytes()
            for workspace in ("workspace", "other")
        )
        assert fetched == given
    reports = place.folder / "workspace" / "tiny" / "reports"
    assert faults(reports / "ingestion_summary.json") == []
    told = json.loads((reports / "ingestion_summary.json").read_text())
    assert told["meta"]["sources"]["application"]["uri"] == f"{place.server.url}/applications.csv"


def test_what_is_there_is_not_fetched_again(place: Place) -> None:
    over_http(place)
    place.ingest()
    place.server.sent = 0
    answer = place.ingest()
    assert answer.code == 0
    assert place.server.sent == 0
    assert "there already" in answer.err


def test_a_table_that_may_be_absent_is_a_finding_and_one_that_may_not_is_refused(place: Place) -> None:
    over_http(place, payments="nowhere.csv")
    answer = place.ingest("--json")
    assert answer.code == 0, answer.err
    (finding,) = [found for found in json.loads(answer.out)["findings"] if found["rule"] == "missing"]
    assert finding["table"] == "payments"
    assert "not at its source" in finding["what"]
    place.server.files.clear()
    (place.raw / "applications.csv").unlink()
    answer = place.ingest()
    assert answer.code == 1
    assert 'the table "applications" is missing' in answer.err
    assert f"{place.server.url}/applications.csv" in answer.err


def test_a_missing_credential_names_its_variable_and_nothing_is_written(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    over_http(place)
    monkeypatch.delenv("TINY_KEY")
    answer = place.ingest()
    assert answer.code == 3
    assert answer.err.count("hint:") == 1
    assert "TINY_KEY" in answer.err
    assert not (place.folder / "workspace" / "tiny" / "data" / "bronze").exists()
    monkeypatch.setenv("TINY_KEY", "expired")
    answer = place.ingest()
    assert answer.code == 3
    assert "not accepted" in answer.err


def test_a_wrong_checksum_is_refused_and_the_last_tables_stay(place: Place) -> None:
    over_http(place)
    assert place.ingest().code == 0
    before = {path: path.read_bytes() for path in (place.folder / "workspace" / "tiny" / "data").rglob("*.parquet")}
    wrong = "{kind: http, options: {url: '%s/applications.csv', headers_from_env: {X-Key: TINY_KEY}, md5: '%s'}}"
    (place.raw / "applications.csv").unlink()
    answer = place.ingest("--set", f"tables.application.source={wrong % (place.server.url, '0' * 32)}")
    assert answer.code == 1
    assert f"md5 expected {'0' * 32}" in answer.err
    assert {path: path.read_bytes() for path in before} == before
    assert not (place.raw / "applications.csv").exists()


def test_the_first_failure_stops_the_others_which_are_resumed_later(place: Place) -> None:
    over_http(place)
    slow = place.server.files["/payments.csv"]
    slow.faults = [("stall", 500)]
    place.server.files["/applications.csv"].status = 403
    answer = place.ingest()
    assert answer.code == 3
    assert "no permission" in answer.err
    assert not (place.raw / "payments.csv").exists()
    place.server.files["/applications.csv"].status = 200
    place.server.released.set()
    assert place.ingest().code == 0
    assert not [path for path in place.raw.glob(f"{UNFINISHED}*") if path.suffix != ".lock"]


def test_a_dry_run_tells_all_of_it_and_fetches_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    over_http(place, payments="nowhere.csv")
    size = len(place.server.files["/applications.csv"].body)
    answer = place.ingest("--dry-run", "--json")
    assert answer.code == 0
    application, payments = json.loads(answer.out)["tables"]
    assert application == {
        "table": "application", "file": "applications", "kind": "http", "uri": f"{place.server.url}/applications.csv",
        "bytes": size, "there": False, "needed": True, "problem": None,
    }  # fmt: skip
    assert payments["problem"]["what"].startswith("the source has no such file")
    assert payments["needed"] is False
    assert not (place.raw / "applications.csv").exists()
    monkeypatch.delenv("TINY_KEY")
    answer = place.ingest("--dry-run")
    assert answer.code == 3
    assert "PROBLEM" in answer.out
    assert "TINY_KEY" in answer.out
    monkeypatch.setenv("TINY_KEY", SECRET)
    place.ingest()
    assert json.loads(place.ingest("--dry-run", "--json").out)["tables"][0]["there"] is True
    given = json.loads(place.ingest("--dry-run", "--json", "--raw", str(place.folder / "raw")).out)
    assert [(row["kind"], row["there"]) for row in given["tables"]] == [("file", True), ("file", True)]


def test_a_folder_that_is_named_is_used_as_it_is_and_nothing_is_fetched(place: Place) -> None:
    over_http(place)
    assert place.ingest("--raw", str(place.folder / "raw")).code == 0
    assert place.server.asked == []
    assert not place.raw.exists()


@pytest.fixture
def kaggle(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKaggle]:
    with fake_kaggle(place.folder / "home", monkeypatch) as fake:
        yield fake


def test_a_book_comes_from_kaggle_and_the_dry_run_says_what_kaggle_misses(
    place: Place, kaggle: FakeKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stem in ("applications", "payments"):
        kaggle.files[f"competitions/tiny/{stem}.csv"] = Served(place.server.files[f"/{stem}.csv"].body)
    place.sources(
        *(
            f"{{kind: kaggle, options: {{competition: tiny, file: {stem}.csv}}}}"
            for stem in ("applications", "payments")
        )
    )
    answer = place.ingest()
    assert answer.code == 0, answer.err
    assert TOKEN not in answer.out + answer.err + (place.raw / SOURCES).read_text()
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    answer = place.ingest("--dry-run", workspace="other")
    assert answer.code == 3
    assert "KAGGLE_API_TOKEN" in answer.out


def test_both_shipped_books_come_from_kaggle(
    place: Place, kaggle: FakeKaggle, capsys: pytest.CaptureFixture[str]
) -> None:
    kaggle.status = 403
    told: dict[str, list[str]] = {}
    for book in ("home_credit", "lending_club"):
        assert main(["ingest", book, "--workspace", str(place.folder / "shipped"), "--dry-run", "--json"]) == 3
        rows = json.loads(capsys.readouterr().out)["tables"]
        told[book] = [row["uri"] for row in rows]
        assert all("kaggle.com" in row["problem"]["hint"] for row in rows)
    stems = ("application_train", "application_test", "bureau", "bureau_balance", "previous_application",
             "POS_CASH_balance", "credit_card_balance", "installments_payments")  # fmt: skip
    assert told["home_credit"] == [f"kaggle://competitions/home-credit-default-risk/{stem}.csv" for stem in stems]
    assert told["lending_club"] == ["kaggle://datasets/wordsforthewise/lending-club/accepted_2007_to_2018Q4.csv.gz"]
