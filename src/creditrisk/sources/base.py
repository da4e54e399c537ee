"""What every connector takes and gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from creditrisk.ports import StoredObject

type TableFormat = Literal["csv", "csv.gz", "parquet"]


@dataclass(frozen=True, slots=True)
class Landed:
    """One raw table on this machine, whole and as promised.

    path: what to read, in `format`.  source: the file it came in; another one than `path` when it was a zip.
    size: bytes of `source`.  md5: of `source`, where the book states one to compare with.
    """

    path: Path
    format: TableFormat
    source: Path
    size: int
    sha256: str
    md5: str | None = None

    @property
    def name(self) -> str:
        """How messages and reports call the file."""
        return self.source.name


class Remote(Protocol):
    """One raw file somewhere else, that can be read from any byte on: http, s3, azure, gcs."""

    def stat(self) -> StoredObject:
        """Size, version and time as the source tells them; the address holds no credential."""
        ...

    def read(self, offset: int) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes from `offset` on, in chunks. Raises OutsideFailed; `retry_may_help` says whether to try again."""
        ...
