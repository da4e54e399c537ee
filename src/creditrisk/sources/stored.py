"""A raw file that lies in an object store: what s3, azure and gcs share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from creditrisk.config.source import BucketOptions
from creditrisk.errors import BadConfig
from creditrisk.ports import Storage, StoredObject


@dataclass(frozen=True)
class StoredFile:
    """One object, read through the storage port.

    Each chunk is a request of its own: whoever reads compares `version` before and after.
    """

    uri: str
    storage: Storage

    def stat(self) -> StoredObject:
        return self.storage.stat(self.uri)

    def read(self, offset: int) -> AbstractContextManager[Iterator[bytes]]:
        return self.storage.read(self.uri, offset=offset)


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
