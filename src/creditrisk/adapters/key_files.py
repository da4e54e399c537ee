"""People's private keys as files that only their owner may read."""

from __future__ import annotations

from pathlib import Path

from creditrisk.signatures import PRIVATE, Signer, signer_from_file, signer_in


class KeyFiles:
    """<folder>/<person>.key, mode 0600."""

    name = "file"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, person: str) -> Signer | None:
        private = self._folder / f"{person}{PRIVATE}"
        return signer_from_file(private) if private.is_file() else None

    def make(self, person: str) -> Signer:
        return signer_in(self._folder, person)
