"""What is fetched into the raw folder, what is there already, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from creditrisk.config import FileSource, HttpOptions, HttpSource
from creditrisk.errors import BadUsage, BrokenFile, OutsideFailed
from creditrisk.sources import raw_folder
from creditrisk.sources.raw_folder import SOURCES, UNFINISHED, RawFolder, Wanted
from tests.support.scripted_remote import IMPATIENT, ScriptedRemote

CSV = b"loan_id,amount\n1,10.5\n2,20\n"
NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/loans_2026.csv", content)
    return packed.getvalue()


class Place:
    """A raw folder, and the remote that its one table comes from."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = RawFolder(folder, patience=IMPATIENT, now=lambda: NOON)
        self.remote = ScriptedRemote(CSV)
        monkeypatch.setattr(raw_folder, "connect", lambda *_: self.remote)

    def bring(self, **promised: str) -> bool:
        options = HttpOptions.model_validate({"url": "http://host/x", **promised})
        return self.folder.bring(
            Wanted("application", "loans", HttpSource(kind="http", options=options)), lambda *_: None
        )

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.path.iterdir() if path.suffix != ".lock")

    def put(self, name: str, content: bytes) -> Path:
        path = self.folder.path / name
        path.write_bytes(content)
        return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("content", "ending"),
    [(CSV, ".csv"), (gzip.compress(CSV), ".csv.gz"), (zipped(CSV), ".zip"), (b"PAR1rest", ".parquet")],
)
def test_the_name_comes_from_the_bytes(content: bytes, ending: str, place: Place) -> None:
    place.remote.body = content
    assert place.bring()
    assert place.names == [SOURCES, f"loans{ending}"]


def test_where_it_came_from_is_noted(place: Place) -> None:
    place.bring(md5=md5(CSV))
    assert json.loads((place.folder.path / SOURCES).read_text()) == {
        "loans.csv": {
            "uri": "test://place/file",
            "size": len(CSV),
            "md5": md5(CSV),
            "sha256": hashlib.sha256(CSV).hexdigest(),
            "version": "v1",
            "modified": None,
            "fetched_at": "2026-04-01T12:00:00+00:00",
            "promised": {"md5": md5(CSV)},
        }
    }


def test_a_file_whose_promised_checksum_agrees_is_not_asked_for_again(place: Place) -> None:
    place.bring(md5=md5(CSV).upper())
    place.remote = ScriptedRemote(b"nobody looks")
    assert not place.bring(md5=md5(CSV))
    assert place.remote.asked_from == []


def test_without_a_promise_the_version_at_the_source_decides(place: Place) -> None:
    assert place.bring()
    assert not place.bring()
    place.remote.version, place.remote.body = "v2", CSV + b"3,30\n"
    assert place.bring()
    assert (place.folder.path / "loans.csv").read_bytes() == place.remote.body
    place.remote.version = None
    assert place.bring(), "a source that tells no version is fetched again"
    assert place.bring()


def test_a_file_that_was_changed_after_it_came_is_fetched_again(place: Place) -> None:
    place.bring()
    place.put("loans.csv", b"loan_id,amount\n1,99\n")
    assert place.bring()
    assert (place.folder.path / "loans.csv").read_bytes() == CSV


@pytest.mark.parametrize("pack", [zipped, gzip.compress])
def test_a_promise_may_be_of_the_table_inside_an_archive(pack: Callable[[bytes], bytes], place: Place) -> None:
    place.remote.body = pack(CSV)
    assert place.bring(md5=md5(CSV), sha256=hashlib.sha256(CSV).hexdigest())
    assert not place.bring(md5=md5(CSV), sha256=hashlib.sha256(CSV).hexdigest())
    assert not place.bring(md5=md5(place.remote.body))
    assert len(place.names) == 2


@pytest.mark.parametrize("content", [CSV, zipped(CSV), gzip.compress(CSV)])
def test_other_bytes_than_promised_are_refused_and_leave_nothing(content: bytes, place: Place) -> None:
    place.remote.body = content
    with pytest.raises(BrokenFile, match=f"md5 expected {'0' * 32}, found {md5(content)}") as caught:
        place.bring(md5="0" * 32)
    assert caught.value.where == "test://place/file"
    assert place.names == []


def test_a_damaged_archive_is_refused_and_leaves_nothing(place: Place) -> None:
    place.remote.body = zipped(CSV)[:-20]
    with pytest.raises(BrokenFile):
        place.bring(md5=md5(CSV))
    assert place.names == []


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>\n<p>sign in</p>", b"\n<html><body>"])
def test_what_is_no_table_at_all_is_told_at_once(content: bytes, place: Place) -> None:
    place.remote.body = content
    with pytest.raises(BrokenFile, match=r"empty|HTML page"):
        place.bring()
    assert place.names == []


def test_a_file_that_nobody_fetched_is_neither_used_nor_written_over(place: Place) -> None:
    path = place.put("loans.csv.gz", b"mine")
    with pytest.raises(BadUsage, match="was not fetched") as caught:
        place.bring()
    assert "--raw" in caught.value.hint
    assert path.read_bytes() == b"mine"
    with pytest.raises(BadUsage, match="promises"):
        place.bring(md5=md5(CSV))


def test_a_file_put_there_by_hand_is_used_when_it_is_the_one_promised(place: Place) -> None:
    place.put("loans.csv", CSV)
    assert not place.bring(md5=md5(CSV))
    assert place.remote.asked_from == []


def test_a_source_that_packs_differently_leaves_no_second_file(place: Place) -> None:
    place.bring()
    place.remote = ScriptedRemote(zipped(CSV), version="v2")
    place.bring()
    assert place.names == [SOURCES, "loans.zip"]
    assert set(place.folder.fetched()) == {"loans.zip"}


def test_a_broken_connection_keeps_what_came_under_a_name_that_a_new_run_does_not_clear(place: Place) -> None:
    from creditrisk.files import remove_partials

    place.remote.cuts = [5, 5, 5]
    with pytest.raises(OutsideFailed):
        place.bring()
    remove_partials(place.folder.path)
    assert place.names == [f"{UNFINISHED}loans", f"{UNFINISHED}loans.json"]
    place.bring()
    assert place.remote.asked_from == [0, 5, 10, 15]
    assert place.names == [SOURCES, "loans.csv"]


def test_kind_file_is_not_fetched_from_anywhere(tmp_path: Path) -> None:
    assert not RawFolder(tmp_path).bring(Wanted("application", "loans", FileSource()), lambda *_: None)
    assert list(tmp_path.iterdir()) == []
