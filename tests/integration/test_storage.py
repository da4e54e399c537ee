"""Every store behind the one door: the same round trip, the same refusals, nothing half-written, no secret told."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from creditrisk.adapters import fsspec_storage
from creditrisk.adapters.fsspec_storage import CHUNK, FsspecStorage
from creditrisk.errors import MissingInput, OutsideFailed
from creditrisk.pipelines.addresses import source_at
from creditrisk.sources import RawFolder, Wanted
from creditrisk.sources.download import Patience
from tests.support.faulty import Cutter
from tests.support.stores import RUNNING, RunningStore

TABLE = b"loan_id,bad\n1,0\n"


@pytest.fixture(params=["file", *RUNNING])
def root(request: pytest.FixtureRequest, running_store: Callable[[str], RunningStore], tmp_path: Path) -> Iterator[str]:
    """An empty place in each store."""
    if request.param == "file":
        yield f"file://{tmp_path / 'store'}"
        return
    store = running_store(request.param)
    with store.environment():
        yield f"{store.root}/{tmp_path.name}"


@pytest.fixture
def storage(root: str) -> Iterator[FsspecStorage]:
    opened = FsspecStorage()
    yield opened
    opened.close()
    opened.close()
    del opened
    gc.collect()  # what was not closed would warn now, and warnings are errors


def put(storage: FsspecStorage, tmp_path: Path, uri: str, content: bytes = TABLE) -> None:
    local = tmp_path / "local.bin"
    local.write_bytes(content)
    storage.write(local, uri)


def read(storage: FsspecStorage, uri: str, offset: int = 0) -> bytes:
    with storage.read(uri, offset=offset) as chunks:
        return b"".join(chunks)


def test_what_was_written_is_read_back_from_any_byte(storage: FsspecStorage, root: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * (CHUNK // 256) + b"and a little more"
    uri = f"{root}/year 2026/träge #1.csv"
    put(storage, tmp_path, uri, content)
    for offset in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, len(content) - 1, len(content)):
        assert read(storage, uri, offset) == content[offset:]


def test_the_store_tells_size_version_time_and_where_it_knows_it_the_md5(
    storage: FsspecStorage, root: str, tmp_path: Path
) -> None:
    uri = f"{root}/table.csv"
    put(storage, tmp_path, uri)
    told = storage.stat(uri)
    assert (told.uri, told.size) == (uri, len(TABLE))
    assert told.md5 in (None, hashlib.md5(TABLE).hexdigest())
    assert told.md5 or root.startswith(("file", "s3"))
    assert told.modified is not None
    assert told.modified.tzinfo is not None
    assert told.version
    put(storage, tmp_path, uri, TABLE + b"2,1\n")
    assert storage.stat(uri).version != told.version


def test_a_prefix_lists_what_lies_under_it_by_name(storage: FsspecStorage, root: str, tmp_path: Path) -> None:
    for name in ("a/b.csv", "a/c/d.csv", "ab.csv"):
        put(storage, tmp_path, f"{root}/{name}")
    assert [found.uri for found in storage.list(f"{root}/a")] == [f"{root}/a/b.csv", f"{root}/a/c/d.csv"]
    assert [found.size for found in storage.list(f"{root}/a/")] == [len(TABLE)] * 2
    assert storage.list(f"{root}/none") == []


@pytest.mark.parametrize("name", ["none.csv", "folder"])
def test_what_is_not_there_is_missing_input(name: str, storage: FsspecStorage, root: str, tmp_path: Path) -> None:
    put(storage, tmp_path, f"{root}/folder/table.csv")
    for act in (storage.stat, lambda uri: read(storage, uri)):
        with pytest.raises(MissingInput) as caught:
            act(f"{root}/{name}")
        assert caught.value.where == f"{root}/{name}"
        assert caught.value.hint


def test_an_empty_object_is_an_empty_object(storage: FsspecStorage, root: str, tmp_path: Path) -> None:
    put(storage, tmp_path, f"{root}/empty.csv", b"")
    assert storage.stat(f"{root}/empty.csv").size == 0
    assert read(storage, f"{root}/empty.csv") == b""


@pytest.mark.parametrize("kind", RUNNING)
def test_a_connection_that_is_cut_anywhere_leaves_nothing_visible_and_the_next_try_goes_on(
    kind: str, running_store: Callable[[str], RunningStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fsspec_storage, "CHUNK", 2**16)
    real = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda _seconds, *rest: real(0.001, *rest))
    store, dice = running_store(kind), random.Random(7)
    table = b"loan_id,bad\n" + b"".join(b"%d,0\n" % number for number in range(50_000))
    uri = f"{store.root}/{tmp_path.name}.csv"
    with store.environment():
        storage = FsspecStorage()
        put(storage, tmp_path, uri, table)
        storage.close()
    cutter = Cutter(store.url)
    with store.at(cutter.url).environment():
        for turn in range(4):
            folder, storage = tmp_path / str(turn), FsspecStorage()
            raw = RawFolder(folder, storage, Patience(attempts=1))
            cutter.allow(dice.randrange(len(table)))
            with pytest.raises(OutsideFailed) as caught:
                raw.bring(Wanted("table", "table", source_at(uri)), lambda *_: None)
            assert caught.value.retry_may_help
            assert list(folder.glob("[!.]*")) == []
            kept = sum(path.stat().st_size for path in folder.glob(".fetching-table"))
            cutter.allow(None)
            assert raw.bring(Wanted("table", "table", source_at(uri)), lambda *_: None)
            assert (folder / "table.csv").read_bytes() == table
            assert cutter.passed < len(table) - kept + 50_000  # the kept bytes were not asked for again
            storage.close()
    cutter.close()
    gc.collect()
