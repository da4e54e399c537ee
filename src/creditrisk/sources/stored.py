"""A raw file that lies in an object store: what s3, azure and gcs share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from creditrisk.config.source import BucketOptions
from creditrisk.errors import BadConfig, OutsideFailed
from creditrisk.ports import Storage, StoredObject


class StoredFile:
    """One object, read through the storage port."""

    def __init__(self, uri: str, storage: Storage) -> None:
        self.uri = uri
        self._storage = storage
        self._version: str | None = None

    def stat(self) -> StoredObject:
        told = self._storage.stat(self.uri)
        self._version = told.version
        return told

    @contextmanager
    def read(self, offset: int) -> Iterator[Iterator[bytes]]:
        with self._storage.read(self.uri, offset=offset) as chunks:
            yield self._of_one_version(chunks)

    def _of_one_version(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Each chunk is a request of its own, so that another object may have taken the name in between."""
        yield from chunks
        before, now = self._version, self._storage.stat(self.uri).version
        if before is not None and before != now:
            raise OutsideFailed("the object changed while it was read", where=self.uri, hint="run the command again")


def stored_file(options: BucketOptions, storage: Storage | None, *, kind: str, begins: str) -> StoredFile:
    """Raises BadConfig when the address is not one of this kind."""
    if not options.uri.startswith(begins):
        raise BadConfig(
            f"the address of a source of kind {kind} begins with {begins}",
            where=options.uri,
            hint=f"{begins}bucket/key",
        )
    if storage is None:
        raise BadConfig("no object store can be reached from here", where=options.uri, hint="run it by `creditrisk`")
    return StoredFile(options.uri, storage)
