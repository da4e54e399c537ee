"""What a text holds byte by byte, noticed in the one pass that hashes or unpacks it anyway.

Each question is one search for a rare byte, so a clean file pays a tenth of what its checksum costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_CHUNK = 2**20
_MARK = b"\xef\xbb\xbf"


class Digest(Protocol):
    """What hashlib makes."""

    def update(self, data: bytes, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Survey:
    """nul: is there a NUL byte?  inner_mark: ... a UTF-8 byte order mark that is not the first character?

    odd_numbers: digits joined by _, or +-: DuckDB reads 1_000 as 1000 and +-5 as -5.
    only_returns: lines end with carriage returns alone, as on old Macintoshes.
    """

    nul: bool = False
    inner_mark: bool = False
    odd_numbers: bool = False
    only_returns: bool = False


class Surveyor:
    """Is fed a text from beginning to end."""

    def __init__(self) -> None:
        self._fed = 0
        self._last = b""
        self._nul = self._mark = self._odd = self._return = self._newline = False

    def feed(self, chunk: bytes) -> None:
        here = self._last + chunk
        self._nul = self._nul or b"\0" in chunk
        self._return = self._return or b"\r" in chunk
        self._newline = self._newline or b"\n" in chunk
        self._odd = self._odd or _joined_digits(here) or (b"+" in here and b"+-" in here)
        self._mark = self._mark or (not here.isascii() and here.find(_MARK, 0 if self._fed else 1) >= 0)
        self._fed += len(chunk)
        self._last = here[-2:]

    def result(self) -> Survey:
        return Survey(self._nul, self._mark, self._odd, self._return and not self._newline)


def survey_of(path: Path, digest: Digest | None = None) -> Survey:
    """What a text holds; its bytes go to `digest` on the way."""
    surveyor = Surveyor()
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK):
            surveyor.feed(chunk)
            if digest is not None:
                digest.update(chunk)
    return surveyor.result()


def _joined_digits(text: bytes) -> bool:
    if b"_" not in text:
        return False
    import numpy as np

    codes = np.frombuffer(text, np.uint8)
    places = np.flatnonzero(codes[1:-1] == ord("_")) + 1
    before, after = codes[places - 1], codes[places + 1]
    return bool(np.any((before >= 48) & (before <= 57) & (after >= 48) & (after <= 57)))
