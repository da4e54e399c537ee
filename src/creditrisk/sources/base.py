"""What every connector takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from creditrisk.config import Table

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


class Source(Protocol):
    """A kind of place that raw tables come from."""

    def fetch(self, table: Table, stem: str, raw: Path, landing: Path) -> Landed | None:
        """The raw file of one table, proved whole; None when the place has no such table.

        raw: folder that the user named.  landing: folder for what has to be unpacked or downloaded.
        Raises BadUsage, BrokenFile or OutsideFailed; a file in `landing` is whole or not there.
        """
        ...
