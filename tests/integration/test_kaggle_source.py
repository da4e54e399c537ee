"""Competition and data set files through Kaggle's real client, from a fake Kaggle on loopback."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from creditrisk.config import KaggleOptions, KaggleSource
from creditrisk.errors import BadUsage, CreditRiskError, MissingInput, OutsideFailed
from creditrisk.sources.raw_folder import SOURCES, RawFolder, Wanted
from tests.support.fake_kaggle import TOKEN, FakeKaggle, fake_kaggle
from tests.support.faulty_server import Served
from tests.support.scripted_remote import IMPATIENT

CSV = b"loan_id,amount\n" + b"".join(b"%d,%d\n" % (row, row * 7919 % 10_007) for row in range(1000))
COMPETITION = {"competition": "home-credit-default-risk", "file": "bureau.csv"}
DATASET = {"dataset": "wordsforthewise/lending-club", "file": "accepted.csv.gz"}


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKaggle]:
    with fake_kaggle(tmp_path / "home", monkeypatch) as fake:
        yield fake


def bring(folder: Path, options: dict[str, str]) -> bool:
    source = KaggleSource(kind="kaggle", options=KaggleOptions.model_validate(options))
    return RawFolder(folder / "raw", patience=IMPATIENT).bring(Wanted("t", "loans", source), lambda *_: None)


def refused(folder: Path, kind: type[CreditRiskError], options: dict[str, str] = COMPETITION) -> CreditRiskError:
    with pytest.raises(kind) as caught:
        bring(folder, options)
    assert TOKEN not in str(caught.value)
    assert not list((folder / "raw").glob("loans*"))
    return caught.value


def test_a_competition_file_may_come_zipped(kaggle: FakeKaggle, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("bureau.csv", CSV)
    kaggle.files["competitions/home-credit-default-risk/bureau.csv"] = Served(packed.getvalue())
    assert bring(tmp_path, COMPETITION)
    assert (tmp_path / "raw" / "loans.zip").read_bytes() == packed.getvalue()
    noted = (tmp_path / "raw" / SOURCES).read_text()
    assert '"uri": "kaggle://competitions/home-credit-default-risk/bureau.csv"' in noted
    assert TOKEN not in noted
    assert not bring(tmp_path, COMPETITION)


def test_a_data_set_file_that_breaks_off_is_resumed(kaggle: FakeKaggle, tmp_path: Path) -> None:
    name = "datasets/wordsforthewise/lending-club/accepted.csv.gz"
    kaggle.files[name] = Served(CSV, faults=[("", 0), ("reset", 3000)])
    assert bring(tmp_path, DATASET)
    assert (tmp_path / "raw" / "loans.csv").read_bytes() == CSV
    assert any("Range" in asked.headers for asked in kaggle.store.asked)
    assert not any("Authorization" in asked.headers for asked in kaggle.store.asked), "the token stays with Kaggle"


def test_rules_that_are_not_accepted_name_the_page_to_accept_them_on(kaggle: FakeKaggle, tmp_path: Path) -> None:
    kaggle.status = 403
    error = refused(tmp_path, OutsideFailed)
    assert "rules" in error.what
    assert error.hint == "accept them at https://www.kaggle.com/competitions/home-credit-default-risk/rules"
    assert (
        "https://www.kaggle.com/datasets/wordsforthewise/lending-club" in refused(tmp_path, OutsideFailed, DATASET).hint
    )


def test_a_file_that_is_not_there_says_how_to_see_what_is(kaggle: FakeKaggle, tmp_path: Path) -> None:
    assert "kaggle competitions files home-credit-default-risk" in refused(tmp_path, MissingInput).hint


def test_a_credential_that_is_missing_or_not_accepted_is_told_in_one_message(
    kaggle: FakeKaggle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kaggle.status = 401
    assert "does not accept" in refused(tmp_path, OutsideFailed).what
    monkeypatch.setenv("KAGGLE_API_TOKEN", "another")
    assert "no credential" in refused(tmp_path, OutsideFailed).what
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    assert "KAGGLE_API_TOKEN" in refused(tmp_path, OutsideFailed).hint
    assert capsys.readouterr() == ("", "")


def test_a_kaggle_that_fails_or_is_away_is_tried_again(kaggle: FakeKaggle, tmp_path: Path) -> None:
    kaggle.status = 500
    assert "HTTP 500" in refused(tmp_path, OutsideFailed).what
    downloads = [asked for asked in kaggle.api.asked if "Download" in asked.path]
    assert len(downloads) == IMPATIENT.attempts
    kaggle.api.server_close()
    kaggle.api.shutdown()
    assert refused(tmp_path, OutsideFailed).retry_may_help


def test_without_the_client_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kaggle.api.kaggle_api_extended", None)
    assert refused(tmp_path, BadUsage).hint == "pip install 'creditrisk[kaggle]'"
