"""Buckets and folders behind one door: the Storage port over fsspec, for s3://, az://, gs:// and file://."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from creditrisk.adapters.fsspec_errors import in_our_words
from creditrisk.adapters.fsspec_stores import STORES, Info, Store, shown
from creditrisk.errors import BadUsage, MissingObject, OutsideFailed, did_you_mean
from creditrisk.files import whole_file
from creditrisk.ports import StoredObject

CHUNK = 8 * 2**20
"""Bytes of one request when reading."""


class FsspecStorage:
    """The stores that a run speaks to, each opened when its first address comes. May be shared by threads."""

    def __init__(self) -> None:
        self._opened: dict[str, Any] = {}
        self._lock = threading.Lock()

    def stat(self, uri: str) -> StoredObject:
        name, store, path = _parts(uri)
        try:
            with in_our_words(shown(uri), store):
                info = self._at(name).info(path)
        except OutsideFailed as failure:
            if not failure.retry_may_help:  # the answer to HEAD has no body: the first byte's says why
                with in_our_words(shown(uri), store):
                    self._at(name).cat_file(path, start=0, end=1)
            raise
        if info["type"] != "file":
            raise MissingObject("this is a folder, not an object", where=shown(uri), hint="name one object in it")
        return _told(uri, store, info)

    @contextmanager
    def read(self, uri: str, *, offset: int = 0) -> Iterator[Iterator[bytes]]:
        yield self._chunks(uri, offset)

    def list(self, uri: str) -> Sequence[StoredObject]:
        name, store, path = _parts(uri)
        with in_our_words(shown(uri), store):
            found = self._at(name).find(path, detail=True)
        return [
            _told(f"{name}://{key}", store, info)
            for key, info in sorted(found.items())
            if not key.endswith("/")  # the mark that some tools leave for a folder
        ]

    def write(self, local: Path, uri: str) -> StoredObject:
        name, store, path = _parts(uri)
        with in_our_words(shown(uri), store):
            if name == "file":
                with whole_file(Path(path)) as partial:
                    shutil.copyfile(local, partial)
            else:
                self._at(name).put_file(str(local), path)
        arrived = self.stat(uri)
        self._verify(local, arrived)
        return arrived

    def close(self) -> None:
        """End the connections. The next address opens them anew."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for name, store in opened.items():
            STORES[name].close(store)

    def _at(self, name: str) -> Any:
        with self._lock:
            if name not in self._opened:
                self._opened[name] = STORES[name].open()
            return self._opened[name]

    def _chunks(self, uri: str, offset: int) -> Iterator[bytes]:
        name, store, path = _parts(uri)
        size = self.stat(uri).size or 0
        while offset < size:
            end = min(offset + CHUNK, size)
            with in_our_words(shown(uri), store):
                chunk: bytes = self._at(name).cat_file(path, start=offset, end=end)
            if len(chunk) != end - offset:
                raise OutsideFailed(
                    f"{len(chunk)} bytes came where {end - offset} were asked for",
                    where=shown(uri),
                    hint="run the command again",
                )
            yield chunk
            offset = end

    def _verify(self, local: Path, arrived: StoredObject) -> None:
        """The store's own checksum is believed when it agrees; when it does not, or there is none, all is read back."""
        with local.open("rb") as stream:
            md5 = hashlib.file_digest(stream, "md5").hexdigest()
        if arrived.size == local.stat().st_size and md5 in (arrived.md5, arrived.version):
            return
        back = hashlib.md5(usedforsecurity=False)
        for chunk in self._chunks(arrived.uri, 0):
            back.update(chunk)
        if back.hexdigest() != md5:
            raise OutsideFailed(
                "what arrived differs from what was sent", where=shown(arrived.uri), hint="run the command again"
            )


def _parts(uri: str) -> tuple[str, Store, str]:
    """Name of the store, the store, and the path as fsspec takes it. Raises BadUsage."""
    name, sign, path = uri.partition("://")
    if not sign or name not in STORES:
        raise BadUsage(f'no store is known by "{name[:20]}://"', where=shown(uri), hint=did_you_mean(name[:20], STORES))
    if shown(uri) != uri:
        raise BadUsage(
            "an address has no name, password or query in it",
            where=shown(uri),
            hint=f"give credentials otherwise: {STORES[name].credentials or 'none are needed'}",
        )
    if not path.strip("/"):
        raise BadUsage("the address names no bucket", where=uri, hint=f"for example {name}://bucket/folder/file.csv")
    return name, STORES[name], path if name == "file" else path.strip("/")


def _told(uri: str, store: Store, info: Info) -> StoredObject:
    size = info.get("size")
    return StoredObject(
        uri=uri,
        size=None if size is None else int(size),
        version=store.version(info),
        modified=store.modified(info),
        md5=store.md5(info),
    )
