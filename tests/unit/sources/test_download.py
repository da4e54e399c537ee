"""The download engine: whole or not there, resumed where that is safe, tried again where that may help."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditrisk.errors import MissingInput, OutsideFailed
from creditrisk.ports import StoredObject
from creditrisk.sources import download as engine
from creditrisk.sources.download import Arrived, Patience, Told, download
from tests.support.scripted_remote import IMPATIENT, ScriptedRemote

BODY = bytes(range(256)) * 8
ONCE = Patience(attempts=1)


def fetch(remote: Any, to: Path, patience: Patience = IMPATIENT, told: Told = lambda *_: None) -> Arrived:
    return download(remote, to, told, patience)


def test_the_whole_file_arrives_with_its_checksums_and_progress_in_bytes(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    arrived = fetch(ScriptedRemote(BODY), tmp_path / "part", told=lambda here, size: told.append((here, size)))
    assert (tmp_path / "part").read_bytes() == BODY
    assert arrived.size == len(BODY)
    assert arrived.checksums.sha256 == hashlib.sha256(BODY).hexdigest()
    assert arrived.checksums.md5 == hashlib.md5(BODY, usedforsecurity=False).hexdigest()
    assert told[0] == (0, len(BODY))
    assert told[-1] == (len(BODY), len(BODY))
    assert [here for here, _ in told] == sorted(here for here, _ in told)


@given(body=st.binary(min_size=1, max_size=300), cuts=st.lists(st.integers(0, 200), max_size=6))
def test_a_connection_cut_anywhere_ends_whole_or_is_resumed_by_the_next_try(
    body: bytes, cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    part = tmp_path_factory.mktemp("cut") / "part"
    remote = ScriptedRemote(body, [*cuts])
    for _ in range(len(cuts) + 1):
        try:
            arrived = fetch(remote, part, ONCE)
            break
        except OutsideFailed:
            assert body.startswith(part.read_bytes())
    assert part.read_bytes() == body
    assert arrived.checksums.sha256 == hashlib.sha256(body).hexdigest()
    assert remote.given == len(body), "no byte is asked for twice"


def test_retries_are_bounded_and_wait_longer_each_time(tmp_path: Path) -> None:
    waits: list[float] = []
    remote = ScriptedRemote(BODY, [3] * 99)
    patience = Patience(attempts=5, first_wait_s=1.0, longest_wait_s=6.0, sleep=waits.append)
    with pytest.raises(OutsideFailed, match="broke off") as caught:
        fetch(remote, tmp_path / "part", patience)
    assert len(waits) == 4
    assert len(remote.asked_from) == 5
    assert all(low <= wait <= high for wait, (low, high) in zip(waits, [(1, 2), (2, 3), (4, 5), (6, 6)], strict=True))
    assert "15 bytes are kept" in caught.value.hint


def test_what_cannot_help_is_not_tried_again(tmp_path: Path) -> None:
    for error in (OutsideFailed("no permission", retry_may_help=False), MissingInput("no such file")):
        remote = ScriptedRemote(BODY, [error, 5])
        with pytest.raises(type(error)):
            fetch(remote, tmp_path / "part")
        assert len(remote.asked_from) == 1


def test_a_server_that_asks_to_wait_is_waited_for_and_one_that_asks_too_long_is_not(tmp_path: Path) -> None:
    waits: list[float] = []
    patience = Patience(attempts=3, longest_wait_s=30, sleep=waits.append)
    fetch(ScriptedRemote(BODY, [OutsideFailed("busy", retry_after_s=20)]), tmp_path / "one", patience)
    assert waits == [20]
    with pytest.raises(OutsideFailed, match="asks to wait 3,600 s"):
        fetch(ScriptedRemote(BODY, [OutsideFailed("busy", retry_after_s=3600)]), tmp_path / "two", patience)
    assert waits == [20]


@pytest.mark.parametrize("change", [{"version": "v2"}, {"size": 2000}, {"uri": "test://other"}, {"version": None}])
def test_halves_of_different_files_are_never_joined(change: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(OutsideFailed):
        fetch(ScriptedRemote(BODY, [100]), tmp_path / "part", ONCE)
    other = ScriptedRemote(BODY[::-1][:2000], **change)
    fetch(other, tmp_path / "part")
    assert other.asked_from[0] == 0
    assert (tmp_path / "part").read_bytes() == other.body


def test_without_a_version_nothing_is_resumed(tmp_path: Path) -> None:
    remote = ScriptedRemote(BODY, [100], version=None)
    fetch(remote, tmp_path / "part")
    assert remote.asked_from == [0, 0]
    assert (tmp_path / "part").read_bytes() == BODY


def test_a_file_that_was_whole_when_the_run_died_is_not_asked_for_again(tmp_path: Path) -> None:
    fetch(ScriptedRemote(BODY), tmp_path / "part")
    again = ScriptedRemote(BODY)
    fetch(again, tmp_path / "part")
    assert again.asked_from == []


@pytest.mark.parametrize("size", [len(BODY) - 9, 1])
def test_more_bytes_than_told_are_refused_and_forgotten(size: int, tmp_path: Path) -> None:
    with pytest.raises(OutsideFailed, match="other bytes"):
        fetch(ScriptedRemote(BODY, size=size), tmp_path / "part")
    assert list(tmp_path.iterdir()) == []


def test_fewer_bytes_than_told_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutsideFailed, match=r"after 2,048 of 2,058 bytes"):
        fetch(ScriptedRemote(BODY, size=len(BODY) + 10), tmp_path / "part")


def test_bytes_that_do_not_have_the_stores_md5_are_fetched_anew(tmp_path: Path) -> None:
    remote = ScriptedRemote(BODY, md5="0" * 32)
    with pytest.raises(OutsideFailed, match="other bytes"):
        fetch(remote, tmp_path / "part")
    assert remote.asked_from == [0, 0, 0]
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changes_while_it_is_fetched_is_fetched_anew(tmp_path: Path) -> None:
    class Changing(ScriptedRemote):
        def stat(self) -> StoredObject:
            self.version = f"v{min(len(self.asked_from), 1)}"
            return super().stat()

    remote = Changing(BODY)
    fetch(remote, tmp_path / "part")
    assert remote.asked_from == [0, 0]


def test_a_disk_without_room_is_told_before_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    remote = ScriptedRemote(BODY * 1024)
    with pytest.raises(OutsideFailed, match=r"2\.0 MB more are needed, 0\.0 MB are free") as caught:
        fetch(remote, tmp_path / "part")
    assert remote.asked_from == []
    assert "--workspace" in caught.value.hint


def test_a_disk_that_fills_up_keeps_what_came_for_the_next_try(tmp_path: Path) -> None:
    class Filling(ScriptedRemote):
        def _pieces(self, offset: int, cut: int | None):
            yield from super()._pieces(offset, None)
            if cut is not None:
                raise OSError(errno.ENOSPC, "No space left on device")

    remote = Filling(BODY[:1000], [0])
    remote.size = 2048
    with pytest.raises(OutsideFailed, match="too full") as caught:
        fetch(remote, tmp_path / "part")
    assert len(remote.asked_from) == 1, "asking again does not empty a disk"
    assert "1,000 bytes are kept" in caught.value.hint
    remote.body = BODY
    fetch(remote, tmp_path / "part")
    assert remote.asked_from == [0, 1000]
    assert (tmp_path / "part").read_bytes() == BODY


def test_what_a_program_of_its_own_brings_is_whole_or_gone(tmp_path: Path) -> None:
    class Brings:
        uri = "dvc:file"
        fails = True

        def stat(self) -> StoredObject:
            return StoredObject(self.uri, None)

        def bring(self, to: Path) -> None:
            to.write_bytes(BODY[:100] if self.fails else BODY)
            if self.fails:
                raise OutsideFailed("its remote is away", retry_may_help=False)

    brings = Brings()
    with pytest.raises(OutsideFailed):
        fetch(brings, tmp_path / "part")
    assert list(tmp_path.iterdir()) == []
    brings.fails = False
    arrived = fetch(brings, tmp_path / "part")
    assert arrived.checksums.sha256 == hashlib.sha256(BODY).hexdigest()
