"""What every connector takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from creditrisk.ports import Storage, StoredObject
from creditrisk.sources.survey import Survey

type TableFormat = Literal["csv", "csv.gz", "parquet"]


@dataclass(frozen=True, slots=True)
class Landed:
    """One raw table on this machine, whole and as promised.

    path: what to read, in `format`.  source: the file it came in; another one than `path` when it was a zip.
    size, sha256: of `source`.  md5: the same, where the book states it.
    survey: what the bytes of a text hold.  remarks: what was odd about the file and how it was taken, for people.
    """

    path: Path
    format: TableFormat
    source: Path
    size: int
    sha256: str
    md5: str | None = None
    survey: Survey = field(default_factory=Survey)
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How messages and reports call the file."""
        return self.source.name


class Remote(Protocol):
    """One raw file somewhere else, that can be read from any byte on: http, kaggle, s3, azure, gcs.

    Both acts raise MissingObject when there is no such file, OutsideFailed for everything else; `retry_may_help` says
    whether to try again. No message holds a credential.
    """

    @property
    def uri(self) -> str:
        """The address for people and reports: no credential, no query."""
        ...

    def stat(self) -> StoredObject:
        """Size, version and time as the source tells them now."""
        ...

    def read(self, offset: int) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes from `offset` on, in chunks, of the version that `stat` told last."""
        ...


class Bringer(Protocol):
    """One raw file that a program of its own brings, whole: dvc. It raises what a Remote raises."""

    @property
    def uri(self) -> str:
        """As of a Remote."""
        ...

    def stat(self) -> StoredObject:
        """As of a Remote; a size or version that cannot be told without bringing the file is None."""
        ...

    def bring(self, to: Path) -> None:
        """Put the file at `to`, a path that nobody reads yet. What is there after an error is cleared by the caller."""
        ...


type Connector = Callable[[Any, Storage | None], Remote | Bringer]
"""From the typed options of one kind, and the stores that kinds of buckets need. It opens no connection."""
