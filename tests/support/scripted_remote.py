"""A remote whose every answer a test writes beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from creditrisk.errors import CreditRiskError, OutsideFailed
from creditrisk.ports import StoredObject
from creditrisk.sources.download import Patience

IMPATIENT = Patience(attempts=3, sleep=lambda _: None)
"""Waits for nothing."""


@dataclass
class ScriptedRemote:
    """cuts: after how many bytes each answer in turn breaks off; an error in their place is raised at once."""

    body: bytes
    cuts: list[int | CreditRiskError] = field(default_factory=list)
    version: str | None = "v1"
    size: int | None = -1
    md5: str | None = None
    asked_from: list[int] = field(default_factory=list)
    given: int = 0
    uri: str = "test://place/file"

    def stat(self) -> StoredObject:
        size = len(self.body) if self.size == -1 else self.size
        return StoredObject(self.uri, size, self.version, None, self.md5)

    @contextmanager
    def read(self, offset: int) -> Iterator[Iterator[bytes]]:
        self.asked_from.append(offset)
        cut = self.cuts.pop(0) if self.cuts else None
        if isinstance(cut, CreditRiskError):
            raise cut
        yield self._pieces(offset, cut)

    def _pieces(self, offset: int, cut: int | None) -> Iterator[bytes]:
        end = len(self.body) if cut is None else min(offset + cut, len(self.body))
        for begin in range(offset, end, 7):
            piece = self.body[begin : min(begin + 7, end)]
            self.given += len(piece)
            yield piece
        if cut is not None:
            raise OutsideFailed("the connection broke off", where=self.uri)
